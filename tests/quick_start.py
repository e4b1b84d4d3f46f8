"""Make ``import nbformat`` fast: a pytest plugin of one statement, loaded with ``-p`` before nbval.

nbformat imports jsonschema, which imports ``rfc3987_syntax`` if it is there, and that builds a
grammar on import: over a second, in every process, to check formats that no notebook uses. A None
in ``sys.modules`` makes Python say that the module does not exist, and jsonschema does without it.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
