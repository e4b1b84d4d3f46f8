"""Tests in a real browser: JupyterLab in Chromium, used as a person would use it.

One file for each widget or lesson: ``test_stream.py``, ``test_playground.py`` and so on. Two
fixtures open a lesson, with a kernel of its own and its outputs as they are committed:

    from playwright.sync_api import expect

    def test_stop_keeps_what_has_arrived(replayed):
        notebook = replayed("02-streaming")             # from its recording
        notebook.run_all()                              # fails the test if a cell fails
        notebook.find("stream-start").click()           # by the class that Python gave the widget
        expect(notebook.find("stream-text")).to_contain_text("Once")    # waits for it

    def test_it_asks_the_endpoint(live, standin):
        notebook = live("03-parameters", standin)       # asks the stand-in endpoint
        ...
        assert standin.requests[-1].body["temperature"] == 0.2

A test waits for what it wants to see, with ``expect`` or ``wait_for``, and never for a time. When
it ends, it fails if the page wrote an error to its console or asked any other machine for
something. ``test_driver.py`` shows the steps on widgets of its own, and that all of this can fail.
"""
