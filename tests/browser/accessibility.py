"""What axe-core, a checker of accessibility, finds in a page."""

from importlib.resources import files

from playwright.sync_api import Page

SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
LESSON = (
    ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-RenderedMarkdown",
    ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output",
)
"""What a lesson adds to JupyterLab: rendered Markdown, and outputs with the widgets in them."""
GRAVE = ("serious", "critical")
# JupyterLab's body has no height, and axe takes all that is in it for hidden.
RUN = """async selectors => {
  document.body.style.minHeight = '100vh';
  return await axe.run(
    {include: selectors.map(selector => [selector])}, {resultTypes: ['violations']});
}"""


def axe(page: Page, *selectors: str) -> list[str]:
    """The serious and critical findings in what these CSS selectors name, one line each.

    A part that is scrolled out of the window is not looked at in full: make the window long first
    (``Notebook.whole``). Raises ``ValueError`` if the contrast of no text was measured at all.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT)
    found = page.evaluate(RUN, list(selectors))
    decided = [rule["id"] for rule in found["passes"] + found["violations"]]
    if "color-contrast" not in decided:
        raise ValueError(f"No text was looked at in {', '.join(selectors)}.")
    return [
        f"{rule['impact']} {rule['id']}: {rule['help']}: {node['html']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
