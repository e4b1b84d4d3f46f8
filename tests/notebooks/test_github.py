"""On GitHub, where nothing runs and no style is kept, every lesson still says all that it shows.

First the simulated viewer and its checks are tried on faults that are planted, one in a cell; then
every lesson goes through them.
"""

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from helpers.lessons import LESSONS, Lesson
from tests.notebooks import files
from tests.notebooks.github import losses, viewer
from tests.notebooks.github.losses import Check
from tests.notebooks.github.sanitiser import sanitised
from tests.notebooks.github.viewer import View, lessons, views

MODEL = {losses.WIDGET: {"version_major": 2, "version_minor": 0, "model_id": "a"}}
STATE = {"version_major": 2, "version_minor": 0, "state": {"a": {"model_name": "TextModel"}}}


def data_url(colour: tuple[int, int, int, int] = (0, 0, 0, 255)) -> str:
    kept = BytesIO()
    Image.new("RGBA", (2, 2), colour).save(kept, "PNG")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


def html(text: str, plain: str = "") -> NotebookNode:
    """A cell that shows HTML, and as plain text the same if nothing else is given."""
    return shown({"text/html": text, "text/plain": plain})


def shown(data: dict[str, object]) -> NotebookNode:
    return new_code_cell("x", outputs=[new_output("display_data", data=data)])


def printed(text: str) -> NotebookNode:
    return new_code_cell("x", outputs=[new_output("stream", name="stdout", text=text)])


HEAD = "<tr><th>level</th></tr>"
ROWS = "<tr><td style='color: red'>high</td></tr>" * 2 + "<tr><td style='color: blue'>low</td></tr>"
ALT = 'alt="a bar for each call"'
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
SOUND: list[NotebookNode] = [
    new_markdown_cell(f"# Title\n\n[next](01-basic-call.ipynb) ![two grey bars]({data_url()})"),
    new_markdown_cell("```python\nx = 1\n```\n\n`<resource>` is a name of yours."),
    printed("A word.\n\n"),
    printed("\n"),
    shown({"text/plain": "{}"}),
    shown({"text/plain": "$5 to $7"}),
    html("<p>$5</p><p>$7</p>", "$5 $7"),
    new_markdown_cell("`$a` and `$b` cost $5."),
    shown({"text/markdown": "**About** 48%", "text/plain": "About 48%"}),
    html(f"<table>{HEAD}{ROWS}</table>", "level\n-----\nhigh\nhigh\nlow"),
    html(f"<p><img {ALT} src='{data_url()}'></p>", "a bar for each call"),
    html("<mark style='color: red'>one</mark><sub> 14%</sub> <mark style='color: blue'>8</mark>"),
    html("<p style='color: red'><b>high</b></p> and low", "high and low"),
    html("<style>p { color: red }</style><p onclick='go()'>Hello</p><script>go()</script>"),
    html("<table><tr><th>a longer_than_it</th></tr></table>", "│ a longer_ │\n│ than_it   │"),
]
FAULTS: list[tuple[Check, NotebookNode]] = [
    (losses.no_widget_is_committed, shown(MODEL | {"text/html": "<p>5</p>", "text/plain": "5"})),
    (losses.something_is_shown, html("<script>show()</script>")),
    (losses.something_is_shown, html("<canvas></canvas>")),
    (losses.something_is_shown, shown({"application/javascript": "show()"})),
    (losses.something_is_shown, shown(MODEL)),
    (losses.every_word_is_there, html("<script>show('7%')</script>", "sure: 7%")),
    (
        losses.every_word_is_there,
        shown(MODEL | {"text/html": "<p>5</p>", "text/plain": "5 tokens"}),
    ),
    (losses.every_word_is_there, html("<p>one row</p>", "one row\none row")),
    (losses.every_word_is_there, html("<p>seven</p>", "seven ✓")),
    (losses.every_word_is_there, html("<svg><text>seven</text></svg>")),
    (losses.every_word_is_there, html("<p>a <button>Stop</button></p>")),
    (losses.every_word_is_there, html("<p>a <input value='seven'></p>")),
    (losses.every_word_is_there, html("<p title='74%'>seven</p>")),
    (losses.every_word_is_there, html("<p>a <iframe srcdoc='x'>seven</iframe></p>")),
    (losses.every_word_is_there, html("<noscript>seven</noscript> a", "seven a")),
    (losses.prose_keeps_its_tags, new_markdown_cell("Put in your <resource>.")),
    (losses.prose_keeps_its_tags, new_markdown_cell("<svg></svg> Look.")),
    (losses.no_price_becomes_a_formula, new_markdown_cell("From $5 to $7.")),
    (losses.no_price_becomes_a_formula, html("<p>$5 <b>to</b> $7</p>", "$5 to $7")),
    (losses.pictures_are_seen, html(f"<img src='{data_url()}'>")),
    (losses.pictures_are_seen, html(f"<img alt='chart' src='{data_url()}'>")),
    (losses.pictures_are_seen, shown({"image/png": data_url().partition(",")[2]})),
    (losses.pictures_are_seen, html(f"<img {ALT} src='data:image/png;base64,AAAA'>")),
    (losses.pictures_are_seen, html(f"<img {ALT} src='{data_url((0, 0, 0, 9))}'>")),
    (losses.pictures_are_seen, html(f"<img {ALT} src='data:image/svg+xml;base64,{SVG}'>")),
    (losses.pictures_are_seen, new_markdown_cell("![a picture of nothing](../images/gone.png)")),
    (losses.links_lead_somewhere, new_markdown_cell("[gone](99-gone.ipynb)")),
    (losses.links_lead_somewhere, new_markdown_cell("[up](#title)")),
    (losses.links_lead_somewhere, html("<a href='../../outside.md'>out</a>")),
    (losses.links_lead_somewhere, html("<a href='javascript:go()'>go</a>")),
    (losses.looks_are_not_all, printed("\x1b[31mhigh\x1b[0m")),
    (losses.looks_are_not_all, html("<p>7 <i style='background-color: red'></i></p>")),
    (losses.looks_are_not_all, html("<p>7 <i style='height: 1em; width: 70%'></i></p>")),
    (
        losses.colour_is_not_all,
        html(
            "<b style='color: red'>A</b> <b style='color: red'>B</b> <b style='color: blue'>C</b>"
        ),
    ),
    (losses.colour_is_not_all, html("<i style='background: red'>Rome</i> Bern")),
    (losses.colour_is_not_all, html("<i bgcolor='red'>Rome</i> <i bgcolor='blue'>Rome</i>")),
    (losses.signs_have_words, printed("▆▆▆▆\n▆▆")),
    (losses.signs_have_words, html(f"<table>{HEAD}<tr><td>🟥</td></tr></table>", "level 🟥")),
    (losses.tables_have_heads, html("<table><tr><td>Rome</td><td>7</td></tr></table>")),
]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
Look = Callable[[str], View]


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """The views of notebooks that are made here, by their names."""
    folder = tmp_path_factory.mktemp("made")
    made = {
        "sound": new_notebook(cells=SOUND),
        "faults": new_notebook(cells=[cell for _, cell in FAULTS]),
        "dead": new_notebook(cells=[shown(MODEL | {"text/html": "<p>5</p>"})]),
        "refused": new_notebook(cells=[html("<p>5</p>")]),
    }
    made["dead"].metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": STATE}
    made["refused"].metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    for name, nb in made.items():
        files.write(folder / f"{name}.ipynb", nb)
    return {view.path.stem: view for view in views(sorted(folder.glob("*.ipynb")))}.__getitem__


def test_it_renders_with_the_versions_that_github_names(look: Look) -> None:
    assert look("sound").versions == viewer.NAMED


def test_sound_cells_lose_nothing(look: Look) -> None:
    assert len(look("sound").pieces) == len(SOUND)
    assert list(losses.losses(look("sound"))) == []


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=lambda i: f"{FAULTS[i][0].__name__}-{i}")
def test_a_planted_fault_is_found(index: int, look: Look) -> None:
    assert list(FAULTS[index][0](look("faults").pieces[index]))


def test_every_check_is_shown_to_find_something() -> None:
    assert {check for check, _ in FAULTS} == set(losses.CHECKS)


def test_widgets_that_are_saved_show_nothing_or_break_the_page(look: Look) -> None:
    assert "cell 0: it shows nothing" in losses.losses(look("dead"))
    assert [found for found in losses.losses(look("refused")) if "refuse" in found]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<p id="a" class="x" style="color: red" onclick="go()">Hi</p>', "<p>Hi</p>"),
        ("<b>a</b><style>b { color: red }</style><script>go()</script>", "<b>a</b>"),
        ("<mark>a</mark><svg><text>b</text></svg>", "a"),
        ('<a href="https://aka.ms" target="x">a</a>', '<a href="https://aka.ms">a</a>'),
        ('<p align="left" bgcolor="red">a</p>', '<p align="left">a</p>'),
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_what_the_sanitiser_leaves(before: str, after: str) -> None:
    assert sanitised(before) == after


def test_without_the_packages_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "PACKAGES", tmp_path / "packages.txt")
    viewer.PACKAGES.write_text("not a requirement", encoding="utf-8")
    with pytest.raises(RuntimeError, match="with the network there, run the test again"):
        views([])


@each_lesson
def test_nothing_of_a_lesson_is_lost(lesson: Lesson) -> None:
    view = lessons()[lesson]
    assert len({piece.cell for piece in view.pieces}) >= len(view.nb.cells) // 2
    assert list(losses.losses(view)) == []


@each_lesson
def test_nothing_runs_on_its_page_or_asks_the_network(lesson: Lesson) -> None:
    page = lessons()[lesson].page
    assert page.select("script, iframe, object, embed, form, link, [style], [onclick]") == []
    assert [img["src"] for img in page("img") if str(img["src"]).startswith("http")] == []
