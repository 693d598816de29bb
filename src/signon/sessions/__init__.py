"""Sealed sessions on the server, and the stores that keep them.

A store sees digests and sealed bytes only. Each of its operations touches one key; the order of several is
written once, in `sessions`. Who can write to a store can roll a record back, but not make or read one.
"""
