"""Tests in a real browser: JupyterLab in Chromium, used as a person would use it.

``test_panels.py`` holds for every panel; a file of its own has what is special to one. A module
opens one notebook, and each test runs the cell of its panel again:

    @pytest.fixture(scope="module")
    def notebook(open_notebook, server):
        notebook = open_notebook((SETUP, PANEL), **live(server))    # asks the stand-in endpoint
        notebook.run_all()                                          # fails if a cell fails
        return notebook

    def test_stop_keeps_what_has_arrived(notebook):
        panel = notebook.panel("LiveStream(")           # by a piece of the cell's source
        panel.get_by_role("button", name="Run").click()
        expect(panel).to_contain_text("Once")           # waits for it

A test waits with ``expect`` or ``wait_for``, never for a time. It fails if the page wrote an error
to its console or sent a request to any other machine.
"""
