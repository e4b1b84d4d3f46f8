"""Each rule on lessons refuses what it is there to refuse: the fault is planted, and must be found.

A sound page is made first. Each row of the table names a rule and plants one fault into a copy.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.lessons import ROOT
from tests.notebooks import files
from tests.notebooks.rules import RULES, Rule, leaks, prose, structure
from tests.notebooks.rules.page import Page

PROVENANCE = {
    "answered_by": "stand-in",
    "route": "models",
    "api_version": "2024-05-01-preview",
    "model": "stand-in-chat",
    "recorded": "2030-01-02",
}
SAID = (
    "Answers: recorded 2030-01-02 from the stand-in endpoint "
    "(scripted: no model wrote them), route models.\n"
)
ID = "0123456789abcdef0123456789abcdef"
TAPE = json.dumps({"provenance": PROVENANCE, "exchanges": [{"id": ID}]})
PICTURE = '<img alt="a bar for each call" src="data:image/png;base64,eyJhbGciOiJIUzI1NiJ9">'


def page_with(nb: NotebookNode) -> Page:
    return Page(nb, files.text_of(nb), ROOT / "notebooks" / "50-made.ipynb", (TAPE,), None)


@pytest.fixture
def nb() -> NotebookNode:
    """A sound lesson."""
    said = new_output("stream", name="stdout", text=SAID)
    shown = new_output("display_data", data={"text/html": PICTURE, "text/plain": f"id {ID}"})
    cells = [
        new_markdown_cell("# Title"),
        new_markdown_cell("## Set up\n\nUse the key `api-key: •••` of the version `2024-05-01`."),
        new_code_cell("client = connect()", execution_count=1, outputs=[said]),
        new_markdown_cell("What you may change."),
        new_code_cell("n = 1", execution_count=2, metadata={"tags": ["parameters"]}),
        new_markdown_cell("### Look\n\n[Microsoft](https://learn.microsoft.com)"),
        new_code_cell("wire(answer)", execution_count=3, outputs=[shown]),
        new_markdown_cell("## Exercise"),
        new_markdown_cell("## Recap\n\nNext: [the settings](../pyproject.toml)."),
    ]
    made = new_notebook(cells=cells)
    made.metadata["tutorial"] = {"lesson": "50-made", "provenance": PROVENANCE}
    files.normalise(made)
    return made


Fault = Callable[[NotebookNode], object]


def says(text: str) -> Fault:
    """Something that is said in prose."""

    def plant(nb: NotebookNode) -> None:
        nb.cells[5].source += f"\n\n{text}"

    return plant


def shows(text: str, kind: str = "text/html") -> Fault:
    """Something that an output shows."""

    def plant(nb: NotebookNode) -> None:
        nb.cells[6].outputs[0].data[kind] = text

    return plant


def tagged(tag: str) -> Fault:
    return lambda nb: nb.cells[6].metadata.update(tags=[tag])


def saved_in(*folders: str) -> str:
    """Put together, so that this file itself names no such path."""
    return "saved in " + "/".join(("", *folders, "lesson.json"))


def code(source: str, cell: int = 6) -> Fault:
    return lambda nb: nb.cells[cell].update(source=source)


def ends(source: str) -> Fault:
    return lambda nb: nb.cells[-1].update(source=source)


def outputs(**facts: str) -> Fault:
    return lambda nb: nb.cells[6].update(outputs=[new_output(**facts)])


def one_in_seven(nb: NotebookNode) -> None:
    """One cell of seven has thirteen lines: more than one in ten."""
    for _ in range(4):
        nb.cells.insert(5, new_code_cell("x"))
    nb.cells[2].source = "x\n" * 13


FAULTS: list[tuple[Rule, Fault]] = [
    (structure.the_kernel_is_python3, lambda nb: nb.metadata.kernelspec.update(name="mine")),
    (structure.it_is_normalised, lambda nb: nb.metadata.update(papermill={"duration": 1.5})),
    (structure.it_is_normalised, lambda nb: nb.cells[2].update(id="a1b2c3")),
    (structure.it_is_small, shows("x" * 300_000, "text/plain")),
    (structure.it_keeps_no_widget_state, lambda nb: nb.metadata.update(widgets={"state": {}})),
    (structure.tags_are_known, tagged("raises-exception")),
    (structure.tags_are_known, tagged("nbval-ignore-output")),
    (structure.execution_counts_run_from_one, lambda nb: nb.cells[4].update(execution_count=7)),
    (structure.execution_counts_run_from_one, lambda nb: nb.cells[6].update(execution_count=None)),
    (structure.nothing_went_wrong, outputs(output_type="stream", name="stderr", text="Warning")),
    (structure.nothing_went_wrong, outputs(output_type="error", ename="KeyError", evalue="'x'")),
    (structure.nothing_escapes_nbval, code("# NBVAL_IGNORE_OUTPUT\nwire(answer)")),
    (
        structure.widgets_have_a_static_twin,
        lambda nb: (
            nb.cells[6]
            .outputs[0]
            .update(data={"application/vnd.jupyter.widget-view+json": {"model_id": "a"}})
        ),
    ),
    (structure.cells_are_short, lambda nb: [c.update(source="x\n" * 7) for c in nb.cells[2:7:2]]),
    (structure.cells_are_short, one_in_seven),
    (structure.cells_are_short, code("x\n" * 21)),
    (structure.cells_are_short, code("\n")),
    (structure.one_cell_holds_the_parameters, lambda nb: nb.cells[4].update(metadata={})),
    (structure.one_cell_holds_the_parameters, tagged("parameters")),
    (structure.prose_stands_before_code, lambda nb: nb.cells.pop(5)),
    (structure.it_says_who_answered, lambda nb: nb.metadata.tutorial.provenance.update(model="x")),
    (structure.it_says_who_answered, lambda nb: nb.cells[2].update(outputs=[])),
    (
        structure.it_says_who_answered,
        lambda nb: nb.cells[2].outputs[0].update(text=SAID.replace("stand-in endpoint", "model")),
    ),
    (prose.one_title, says("# Another title")),
    (prose.one_title, lambda nb: nb.cells[0].update(source="Hello.\n\n# Title")),
    (prose.headings_are_in_order, says("##### Too deep")),
    (prose.it_has_an_exercise, lambda nb: nb.cells[7].update(source="## Practice")),
    (prose.it_ends_with_a_recap_and_the_way_on, ends("## The end\n\n[all](../pyproject.toml)")),
    (prose.it_ends_with_a_recap_and_the_way_on, ends("## Recap\n\nThat was it.")),
    (prose.links_lead_somewhere, says("[gone](99-gone.ipynb)")),
    (prose.links_lead_somewhere, says("![a picture of nothing](../images/gone.png)")),
    (prose.links_lead_somewhere, says("[out](../../outside.md)")),
    (prose.links_lead_somewhere, says("[on one machine](file:///etc/hosts)")),
    (prose.links_lead_somewhere, says('<a href="gone.html">gone</a>')),
    (prose.links_lead_somewhere, shows('<a href="99-gone.ipynb">gone</a>')),
    (prose.pictures_are_described, says("![](../pyproject.toml)")),
    (prose.pictures_are_described, says('<img src="../pyproject.toml" alt="chart.png">')),
    (prose.pictures_are_described, shows('<img src="data:image/png;base64,AAAA">')),
    (prose.pictures_are_described, shows("AAAA", "image/png")),
    (prose.nothing_that_github_hides, says("```mermaid\ngraph TD\n```")),
    (prose.nothing_that_github_hides, says("> [!NOTE]\n> Look.")),
    (prose.nothing_that_github_hides, says("[up](#title)")),
    (prose.nothing_that_github_hides, says("<details><summary>More</summary></details>")),
    (prose.nothing_that_github_hides, says('<a name="here"></a>')),
    (prose.nothing_that_github_hides, shows("<style>p { color: red }</style>")),
    (prose.nothing_that_github_hides, shows('<p id="answer">Hello</p>')),
    (
        prose.nothing_that_github_hides,
        lambda nb: nb.cells[5].update(attachments={"a.png": {"image/png": "AAAA"}}),
    ),
    (prose.no_dates, says("It is so since 2030-01-02.")),
    (prose.no_dates, says("It retires on 26 August 2026.")),
    (prose.no_dates, says("The service **recently** changed.")),
    (leaks.no_machine_paths, shows(saved_in("home", "someone"), "text/plain")),
    (leaks.no_machine_paths, shows(saved_in("tmp"), "text/plain")),
    (leaks.no_machine_paths, says("Look in `C:\\Users\\someone`.")),
    (leaks.no_machine_paths, shows(str(ROOT / "images"), "text/plain")),
    (leaks.no_secrets, code('key = "sk-proj-abcdefghijklmnop1234"')),
    (leaks.no_secrets, shows("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", "text/plain")),
    (leaks.no_secrets, shows("fedcba9876543210fedcba9876543210", "text/plain")),
    (leaks.no_secrets, shows("api-key: q7Zw0pLm4Xc", "text/plain")),
    (leaks.no_secrets, shows("authorization: Bearer q7Zw0pLm4Xc0pLm", "text/plain")),
    (leaks.no_secrets, shows("A1b2" * 21, "text/plain")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sound_lesson_passes(rule: Rule, nb: NotebookNode) -> None:
    assert list(rule(page_with(nb))) == []


@pytest.mark.parametrize(("rule", "plant"), FAULTS, ids=lambda item: item.__name__)
def test_a_planted_fault_is_found(rule: Rule, plant: Fault, nb: NotebookNode) -> None:
    plant(nb)
    assert list(rule(page_with(nb)))


def test_the_way_on_leads_to_the_next_lesson(nb: NotebookNode) -> None:
    page = replace(page_with(nb), following="51-next.ipynb")
    assert list(prose.it_ends_with_a_recap_and_the_way_on(page))


def test_a_hand_edited_file_is_found(nb: NotebookNode) -> None:
    page = page_with(nb)
    assert list(structure.it_is_normalised(replace(page, text=page.text.replace("\n", "\r\n"))))


def test_every_rule_is_shown_to_find_something() -> None:
    assert {rule for rule, _ in FAULTS} == set(RULES)


@pytest.mark.parametrize(
    "text",
    [
        "https://my-resource.openai.azure.com/openai/v1",
        "my-resource.services.ai.azure.com",
        "http://127.0.0.1:8765/models",
    ],
)
def test_a_host_is_found(text: str) -> None:
    assert list(leaks.hosts(f"it says {text!r}"))


def test_hosts_of_documentation_may_be_named() -> None:
    assert list(leaks.hosts("see https://aka.ms/oai, https://learn.microsoft.com/azure")) == []


def test_normalising_changes_no_content_and_nothing_twice(nb: NotebookNode) -> None:
    pieces = [new_output("stream", name="stdout", text=text) for text in ("a", "b\n")]
    pieces.insert(1, new_output("stream", name="stdout", text=""))
    nb.cells[6].outputs = [*pieces, new_output("stream", name="stderr", text="c")]
    nb.cells[6].metadata["papermill"] = {"duration": 0.5}
    files.normalise(nb)
    once = deepcopy(nb)
    files.normalise(nb)
    assert nb == once
    assert [output.text for output in nb.cells[6].outputs] == ["ab\n", "c"]
    assert nb.cells[4].metadata == {"tags": ["parameters"]}
    assert nb.cells[6].metadata == {}
