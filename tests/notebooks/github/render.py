"""Render notebooks as HTML with the packages that GitHub uses; runs in a process of its own.

``python -m tests.notebooks.github.render THEME NOTEBOOK...`` prints JSON: for each notebook the
versions of the packages, and its HTML or the error because of which GitHub would refuse it.
"""

import json
import sys

import nbconvert
import nbformat


def main() -> None:
    """Render the notebooks that the command line names."""
    theme, *paths = sys.argv[1:]
    # Validate once a notebook: nbconvert's default compiles the schema anew for each of 12 steps.
    exporter = nbconvert.HTMLExporter(template_name="lab", theme=theme, optimistic_validation=True)
    versions = {package.__name__: package.__version__ for package in (nbconvert, nbformat)}
    pages = []
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            shown = {"html": exporter.from_notebook_node(notebook)[0]}
        except Exception as error:
            shown = {"refused": f"{type(error).__name__}: {error}"}
        pages.append({"versions": versions, **shown})
    json.dump(pages, sys.stdout)


if __name__ == "__main__":
    main()
