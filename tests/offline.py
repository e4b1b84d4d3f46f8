"""Keep every test on the recordings: a pytest plugin that is loaded with ``-p`` before all else.

A developer may have the endpoint and key of a deployment in the environment or in a ``.env`` file.
Tests, and the kernels that they start, must not use it. The variables are set to empty instead of
being removed, because ``.env`` would supply a missing one.
"""

import os

SETTINGS = (
    *("AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_CREDENTIAL", "AZURE_INFERENCE_MODEL"),
    *("TUTORIAL_ROUTE", "TUTORIAL_HEADLESS", "TUTORIAL_RECORDINGS", "TUTORIAL_TIMEOUT"),
    "TUTORIAL_ALLOW_HTTP",
)
OFFLINE = {"TUTORIAL_MODE": "replay"} | dict.fromkeys(SETTINGS, "")

os.environ.update(OFFLINE)
os.environ.pop("JPY_SESSION_NAME", None)  # there if pytest is started in JupyterLab's terminal
