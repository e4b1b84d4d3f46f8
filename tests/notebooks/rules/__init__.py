"""The rules for lessons: each takes a page and yields its faults in words."""

from tests.notebooks.rules import display, leaks, prose, structure
from tests.notebooks.rules.page import Rule, on_each_piece

RULES: tuple[Rule, ...] = (
    structure.it_is_normalised,
    structure.it_is_small,
    structure.github_shows_it,
    structure.tags_are_known,
    structure.execution_counts_run_from_one,
    structure.nothing_went_wrong,
    structure.nothing_escapes_nbval,
    structure.no_widget_is_committed,
    structure.cells_are_short,
    structure.one_cell_holds_the_parameters,
    structure.prose_stands_before_code,
    structure.it_says_who_answered,
    prose.one_title,
    prose.headings_are_in_order,
    prose.it_has_an_exercise,
    prose.it_ends_with_a_recap_and_the_way_on,
    prose.no_dates,
    leaks.no_machine_paths,
    leaks.no_secrets,
    *map(on_each_piece, display.CHECKS),
)
