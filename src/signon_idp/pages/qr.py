"""The code that a phone would scan, drawn into the page: no image to load, no script, no inline style."""

import segno
from markupsafe import Markup

_QUIET_MODULES = 4
"""The light margin without which cameras find no code (ISO/IEC 18004, 6.3.8)."""


def qr_code(text: str) -> Markup:
    """`text` as an SVG element, dark on light in both colour schemes, since cameras want it so."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        border=_QUIET_MODULES, dark="#16202c", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - segno draws modules; nothing of the text stands in it
