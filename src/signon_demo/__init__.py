"""The demo: a small application and practice providers, together on this computer."""
