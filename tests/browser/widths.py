"""Whether all of a notebook fits into a narrow window, and into one at 200 %."""

from tests.browser.driver import Notebook

WIDTHS = (1280, 700, 1280 // 2, 700 // 2)
"""Pixels: two windows, and what is left of them at 200 %."""
SCROLLED = 500
"""Pixels of a window: in a narrower one a table may be scrolled, where it can be (panel.css)."""
STICKS_OUT = """scrolled => {
  const root = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
  const found = [];
  const measure = (area, selector) => {
    const { left, right } = area.getBoundingClientRect();
    for (const one of area.querySelectorAll(selector)) {
      if (!one.checkVisibility() || one.tagName === 'WBR') continue;
      const box = one.getBoundingClientRect();
      const cut = one.matches('button') && one.scrollWidth > one.clientWidth;
      const out = box.left < left - 1 || box.right > right + 1;
      const scrolls = one.closest('table') && innerWidth < scrolled;
      if (cut || (out && !scrolls))
        found.push(`${one.tagName} ${one.className} ${one.innerText}`.slice(0, 200));
    }
  };
  for (const panel of root.querySelectorAll('.cc-panel')) measure(panel, '*');
  for (const area of root.querySelectorAll('.jp-OutputArea-output, .jp-RenderedMarkdown'))
    if (area.checkVisibility())
      measure(area, 'table, img, .cc-panel, :not(pre) > code, .jupyter-widgets');
  return found;
}"""
"""What is wider than the panel, or the cell, that it is in."""


def check_widths(notebook: Notebook) -> None:
    """Raise ``AssertionError`` if anything sticks out in a window of one of ``WIDTHS``."""
    for width in WIDTHS:
        notebook.resize(width)
        found = notebook.page.evaluate(STICKS_OUT, SCROLLED)
        assert found == [], f"{width} px: {found}"
