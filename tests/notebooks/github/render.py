"""Notebooks as HTML: run in a process of its own, with the packages that GitHub uses.

``python -m tests.notebooks.github.render THEME NOTEBOOK...`` prints JSON: the versions of the
packages, and for each notebook its HTML, or the error because of which GitHub would refuse it.
"""

import tests.quick_start  # noqa: F401  (first: before anything imports nbformat)

# isort: split
import json
import sys

import nbconvert
import nbformat


def main() -> None:
    """Render the notebooks that the command line names."""
    theme, *paths = sys.argv[1:]
    exporter = nbconvert.HTMLExporter(template_name="lab", theme=theme)
    pages = []
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            html, _ = exporter.from_notebook_node(notebook)
        except Exception as error:
            pages.append({"refused": f"{type(error).__name__}: {error}"})
        else:
            pages.append({"html": html})
    versions = {package.__name__: package.__version__ for package in (nbconvert, nbformat)}
    json.dump({"versions": versions, "pages": pages}, sys.stdout)


if __name__ == "__main__":
    main()
