"""Each rule finds the faults that are planted for it, and none in a sound lesson."""

import base64
import json
import re
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from helpers.commands import leaks
from helpers.lessons import LESSONS, ROOT
from helpers.recordings.cassette import describe_provenance
from tests.notebooks import files
from tests.notebooks.github.sanitiser import sanitised
from tests.notebooks.github.viewer import render
from tests.notebooks.rules import RULES
from tests.notebooks.rules.page import Page

ID = "4f" * 16
TAPE = LESSONS[0].cassette("v1").read_text(encoding="utf-8")
TAPE = re.sub(r'"chatcmpl-\w+"', f'"{ID}"', TAPE)
PROVENANCE = json.loads(TAPE)["provenance"]
SAID = describe_provenance(PROVENANCE)


def data_url(alpha: int) -> str:
    kept = BytesIO()
    Image.new("RGBA", (2, 2), (0, 0, 0, alpha)).save(kept, "PNG")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", name=name, text=text)


def display(data: dict[str, object]) -> NotebookNode:
    return new_output("display_data", data=data)


HEAD = "<tr><th>level</th></tr>"
ROWS = "<tr><td style='color: red'>high</td></tr>" * 2 + "<tr><td style='color: blue'>low</td></tr>"
PICTURE = f"<img alt='a bar for each call' src='{data_url(255)}'>"
SHOWN = {  # HTML, and the same as plain text
    "<p>$5</p><p>$7</p>": "$5 $7",
    f"<table>{HEAD}{ROWS}</table>": "level\n-----\nhigh\nhigh\nlow",
    f"<p>{PICTURE}</p>": "a bar for each call",
    "<mark style='color: red'>a</mark><sub> 14%</sub> <mark style='color: blue'>8</mark>": "",
    "<p style='color: red'><b>high</b></p> and low": "high and low",
    "<p onclick='go()'>Hello</p>": "",
    "<table><tr><th>a longer_than_it</th></tr></table>": "│ a longer_ │\n│ than_it   │",
}
OUTPUTS = [
    display({"text/plain": f"id {ID} in {{}}, $5 to $7"}),
    printed("\n"),
    display({"text/markdown": "**About** 48%", "text/plain": "About 48%"}),
    *(display({"text/html": html, "text/plain": plain}) for html, plain in SHOWN.items()),
]
SOUND = new_notebook(
    cells=[
        new_markdown_cell("# Title"),
        new_markdown_cell(
            "## Set up\n\nUse `api-key: •••` and `$a` of version `2024-05-01`, or $5."
        ),
        new_code_cell("client = connect()", execution_count=1, outputs=[printed(SAID)]),
        new_markdown_cell("```python\nx = 1\n```\n\n`<resource>` is a name of yours."),
        new_code_cell("n = 1", execution_count=2, metadata={"tags": ["parameters"]}),
        new_markdown_cell(
            "### Look\n\n[Microsoft](https://learn.microsoft.com)\n\n"
            "| what | date |\n| --- | --- |\n| the route | 26 August 2026 |"
        ),
        new_code_cell("wire(answer)", execution_count=3, outputs=OUTPUTS),
        new_markdown_cell("## Exercise"),
        new_markdown_cell("## Recap\n\nNext: [the settings](../pyproject.toml)."),
    ],
    metadata={"tutorial": {"lesson": "50-made", "provenance": PROVENANCE}},
)
files.normalise(SOUND)
Fault = Callable[[NotebookNode], object]


def says(text: str) -> Fault:
    """Add ``text`` to the prose."""
    return lambda nb: nb.cells[5].update(source=f"{nb.cells[5].source}\n\n{text}")


def shows(text: str, kind: str = "text/html", **more: object) -> Fault:
    """Show ``text`` in place of the outputs of a cell."""
    return lambda nb: nb.cells[6].update(outputs=[display({kind: text, **more})])


def prints(text: str, name: str = "stdout") -> Fault:
    return lambda nb: nb.cells[6].update(outputs=[printed(text, name)])


def code(source: str) -> Fault:
    return lambda nb: nb.cells[6].update(source=source)


def ends(source: str) -> Fault:
    return lambda nb: nb.cells[8].update(source=source)


FAULTS: list[tuple[str, Fault]] = [
    ("it_is_normalised", lambda nb: nb.metadata.update(papermill={"duration": 1.5})),
    ("it_is_normalised", lambda nb: nb.metadata.kernelspec.update(name="mine")),
    ("it_is_normalised", lambda nb: nb.cells[6].metadata.update(papermill={"duration": 1.5})),
    ("it_is_small", shows("x" * 300_000, "text/plain")),
    (
        "github_shows_it",
        lambda nb: nb.metadata.update(
            widgets={"application/vnd.jupyter.widget-state+json": {}}  # without a version
        ),
    ),
    ("github_shows_it", lambda nb: nb.cells[5].update(attachments={"a": {"image/png": "AAAA"}})),
    ("tags_are_known", lambda nb: nb.cells[6].metadata.update(tags=["nbval-ignore-output"])),
    ("execution_counts_run_from_one", lambda nb: nb.cells[6].update(execution_count=None)),
    ("nothing_went_wrong", prints("Warning", "stderr")),
    ("nothing_escapes_nbval", code("# NBVAL_IGNORE_OUTPUT\nwire(answer)")),
    (
        "no_widget_is_committed",
        shows("<p>5</p>", **{"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}),
    ),
    ("cells_are_short", code("x\n" * 13)),
    ("it_imports_from_the_nine_paths", code("from helpers.client.client import connect")),
    ("it_imports_from_the_nine_paths", code("import helpers.widgets.chat")),
    ("one_cell_holds_the_parameters", lambda nb: nb.cells[4].update(metadata={})),
    ("prose_stands_before_code", lambda nb: nb.cells.pop(5)),
    ("it_says_who_answered", lambda nb: nb.cells[2].update(outputs=[])),
    ("one_title", says("# Another title")),
    ("headings_are_in_order", says("##### Too deep")),
    ("it_has_an_exercise", lambda nb: nb.cells[7].update(source="## Practice")),
    ("it_ends_with_a_recap_and_the_way_on", ends("## Recap\n\nThat was it.")),
    ("it_ends_with_a_recap_and_the_way_on", ends("## Recap\n\n[all](../README.md)")),
    ("no_dates", says("It retires on 26 August 2026.")),
    ("no_dates", says("The service **recently** changed.")),
    ("no_dates", says("| what | end |\n| --- | --- |\n| the route | 26 August 2026 |")),
    ("sentences_are_short", says(f"It goes {'on and ' * 12}on.")),
    ("no_machine_paths", prints("saved in " + "/".join(("", "home", "someone", "a.json")))),
    ("no_machine_paths", prints(str(ROOT / "images"))),
    ("no_secrets", code('key = "sk-proj-abcdefghijklmnop1234"')),
    ("no_secrets", prints("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0")),
    ("no_secrets", prints("fedcba9876543210fedcba9876543210")),
    ("no_secrets", prints("api-key: q7Zw0pLm4Xc")),
    ("no_secrets", prints("authorization: Bearer q7Zw0pLm4Xc0pLm")),
    ("no_secrets", prints("A1b2" * 21)),
    ("something_is_shown", shows("<canvas></canvas>")),
    ("every_word_is_there", shows("<p>one row</p>", **{"text/plain": "one row\none row"})),
    ("every_word_is_there", shows("<p>a <button>Stop</button></p>")),
    ("every_word_is_there", shows("<p title='74%'>seven</p>")),
    ("nothing_is_taken_out", says("Put in your <resource>.")),
    ("nothing_is_taken_out", says("<details><summary>More</summary></details>")),
    ("nothing_is_taken_out", says("```mermaid\ngraph TD\n```")),
    ("nothing_is_taken_out", says("> [!NOTE]\n> Look.")),
    ("nothing_is_taken_out", shows('<p id="answer">Hello</p>')),
    ("no_price_becomes_a_formula", says("From $5 to $7.")),
    ("links_lead_somewhere", says("[gone](99-gone.ipynb)")),
    ("links_lead_somewhere", says("[up](#title)")),
    ("links_lead_somewhere", says("[on one machine](file:///etc/hosts)")),
    ("links_lead_somewhere", shows("<a href='../../outside.md'>out</a>")),
    ("pictures_are_seen", says("![chart](../images/languages.png)")),
    ("pictures_are_seen", shows(data_url(255).partition(",")[2], "image/png")),
    ("pictures_are_seen", shows("<img alt='a bar for each' src='data:image/png;base64,AAAA'>")),
    ("pictures_are_seen", shows(f"<img alt='a bar for each' src='{data_url(9)}'>")),
    ("looks_are_not_all", shows("<p>7 <i style='background-color: red'></i></p>")),
    ("colour_is_not_all", shows("<i style='background: red'>Rome</i> Bern")),
    ("colour_is_not_all", shows("<i bgcolor='red'>Rome</i> <i bgcolor='blue'>Rome</i>")),
    ("signs_have_words", prints("▆▆▆▆\n▆▆")),
    ("tables_have_heads", shows("<table><tr><td>Rome</td><td>7</td></tr></table>")),
]


def page(plant: Fault = lambda nb: None) -> Page:
    """Return the sound lesson with a fault."""
    nb = deepcopy(SOUND)
    plant(nb)
    return Page(render(nb), files.text_of(nb), (TAPE,), "../pyproject.toml")


@pytest.mark.parametrize(("name", "plant"), FAULTS, ids=[name for name, _ in FAULTS])
def test_a_planted_fault_is_found(name: str, plant: Fault) -> None:
    (rule,) = (rule for rule in RULES if rule.__name__ == name)
    assert list(rule(page(plant)))


def test_a_sound_lesson_has_no_fault() -> None:
    sound = page()
    assert len(sound.view.pieces) == len(SOUND.cells) - 2 + len(OUTPUTS)
    assert [fault for rule in RULES for fault in rule(sound)] == []


def test_every_rule_is_shown_to_find_something() -> None:
    assert {rule.__name__ for rule in RULES} == {name for name, _ in FAULTS}


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


def test_hosts_are_found_but_those_of_documentation() -> None:
    hosts = ["my-resource.openai.azure.com", "x.services.ai.azure.com", "127.0.0.1"]
    text = f"https://{hosts[0]}/v1 {hosts[1]} http://{hosts[2]}:8765 https://learn.microsoft.com/a"
    assert list(leaks.hosts(text)) == [f"the host {host!r}" for host in hosts]
