"""Sphinx configuration: Markdown pages, Furo, warnings are errors (`make docs`)."""

from signon import __version__

project = "Signon"
author = "The Signon authors"
release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Signon"
exclude_patterns = ["_build"]
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which the HTML does not hold
