"""What every lesson must be: small functions that look at a page and yield its faults in words."""

from collections.abc import Callable, Iterator

from tests.notebooks.rules import leaks, prose, structure
from tests.notebooks.rules.page import Page

Rule = Callable[[Page], Iterator[str]]

RULES: tuple[Rule, ...] = (
    structure.the_kernel_is_python3,
    structure.it_is_normalised,
    structure.it_is_small,
    structure.it_keeps_no_widget_state,
    structure.tags_are_known,
    structure.execution_counts_run_from_one,
    structure.nothing_went_wrong,
    structure.nothing_escapes_nbval,
    structure.widgets_have_a_static_twin,
    structure.cells_are_short,
    structure.one_cell_holds_the_parameters,
    structure.prose_stands_before_code,
    structure.it_says_who_answered,
    prose.one_title,
    prose.headings_are_in_order,
    prose.it_has_an_exercise,
    prose.it_ends_with_a_recap_and_the_way_on,
    prose.links_lead_somewhere,
    prose.pictures_are_described,
    prose.nothing_that_github_hides,
    prose.no_dates,
    leaks.no_machine_paths,
    leaks.no_secrets,
)
