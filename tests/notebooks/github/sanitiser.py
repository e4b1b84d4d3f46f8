"""What GitHub leaves of the HTML that a lesson brings along, in its prose and in its outputs.

The list of elements and attributes is that of GitHub's html-pipeline, in the older version, which
lets less through: reports about its viewer of notebooks fit that one. No ``style``, ``id`` or
``class`` is in it, and neither are ``mark``, ``caption`` and ``figure``.
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
"""All else goes, and what stands in it stays. The span is for nbconvert's colours of code."""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
SILENT = (
    *("script", "style", "template", "noscript", "svg", "canvas", "iframe", "object", "embed"),
    *("audio", "video", "button", "input", "select", "textarea", "title"),
)
"""Elements that go with all that stands in them."""
OF_NBCONVERT = re.compile(r"a\.anchor-link|div\.highlight( hl-\w+)?|span\.[a-z]{1,3}\d?")
"""Classes that nbconvert gives to headings and to coloured code: its style sheet needs them."""
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,")


def sanitised(html: str) -> str:
    """A piece of a page as GitHub leaves it."""
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
