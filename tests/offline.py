"""Keep every test on the recordings: a pytest plugin that is loaded with ``-p`` before all else.

Whoever has a deployment has its endpoint and key in the environment, or in a ``.env`` file. Tests,
and the kernels that they start, must neither spend its money nor depend on its answers. Empty
variables are set rather than none: an unset one would let ``.env`` speak.
"""

import os

SETTINGS = (
    *("AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_CREDENTIAL", "AZURE_INFERENCE_MODEL"),
    *("TUTORIAL_ROUTE", "TUTORIAL_HEADLESS"),
)
OFFLINE = {"TUTORIAL_MODE": "replay"} | dict.fromkeys(SETTINGS, "")

os.environ.update(OFFLINE)
os.environ.pop("JPY_SESSION_NAME", None)  # there if pytest is started in JupyterLab's terminal
