"""Remove from HTML what GitHub removes, in prose and in outputs.

The elements and attributes are those of an older version of GitHub's html-pipeline, which allows
less than the current one; reports about its notebook viewer fit that version. It allows no
``style``, ``id`` or ``class``, and no ``mark``, ``caption`` or ``figure``.
"""

import re

import bleach
from bs4 import BeautifulSoup

_ELEMENTS = """\
h1 h2 h3 h4 h5 h6 p br hr div blockquote pre code tt b i strong em s strike del ins sub sup kbd q
samp var a img ul ol li dl dt dd table thead tbody tfoot tr th td ruby rt rp details summary
"""
_ATTRIBUTES = """\
href src alt title align valign width height border cellpadding cellspacing color colspan rowspan
headers scope abbr lang dir start type value open
"""
ELEMENTS = frozenset([*_ELEMENTS.split(), "span"])
"""Other tags are removed, their content stays. ``span`` carries nbconvert's colours of code."""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
SILENT = (
    *("script", "style", "template", "noscript", "svg", "canvas", "iframe", "object", "embed"),
    *("audio", "video", "button", "input", "select", "textarea", "title"),
)
"""Elements that are removed with their content."""
OF_NBCONVERT = re.compile(r"a\.anchor-link|div\.highlight( hl-\w+)?|span\.[a-z]{1,3}\d?")
"""Classes that nbconvert's style sheet needs, for headings and coloured code."""
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,")


def sanitised(html: str) -> str:
    """Return a piece of a page as GitHub leaves it."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup(SILENT):
        element.decompose()
    return bleach.clean(
        str(soup),
        tags=ELEMENTS,
        attributes=_stays,
        protocols={"http", "https", "mailto", "data"},
        strip=True,
    )


def _stays(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return OF_NBCONVERT.fullmatch(f"{tag}.{value}") is not None
    if value.startswith("data:"):
        return tag == "img" and name == "src" and PICTURE.match(value) is not None
    return name in ATTRIBUTES
