"""What must not be published with a recording: secrets, hosts, paths of a machine."""

import re
from collections.abc import Iterator
from pathlib import Path

from helpers.lessons import ROOT

PATHS = re.compile(
    r"(?<![\w./-])/(?:home|Users|root|tmp|var/folders|mnt|workspaces?)/[\w.-]"
    r"|\b[A-Z]:\\{1,2}[A-Z]"  # C:\Users, as text and in a repr
)
SECRETS = re.compile(
    r"\bsk-[\w-]{16,}"  # OpenAI and others
    r"|\beyJ[\w-]{10,}"  # a JSON web token: Entra ID
    r"|\b(?:ghp_|github_pat_|xox[a-z]-|AKIA|AIza)\w{8,}"
    r"|\b[A-Za-z0-9]{52}(?:[A-Za-z0-9]{32})?\b"  # Azure's keys, of 52 and of 84 characters
    r"|\b[A-Za-z0-9+/]{43}="  # 32 bytes as base64
    r"|\bapi-key[\"'\\]*\s*[:=]\s*[\"'\\]*[\w-]{6,}"
    r"|(?-i:\bBearer) (?=\S*\d)[\w.~+/-]{12,}",
    re.IGNORECASE,
)
HEX = re.compile(r"[0-9a-fA-F]{32,}")
"""Azure's older keys look like this, and so do ids and checksums."""
PICTURE = re.compile("data:image/png;base64,[A-Za-z0-9+/=]+")
ID = re.compile(r'(?:id\\?": ?\\?"[a-z-]*|SHA-256 )([0-9a-f]{32,})')
"""The ids of answers and the checksums of pictures, as they stand in recordings."""
HOST = re.compile(
    r"(?<=://)[\w.-]+|[\w.-]+\.(?:azure\.com|windows\.net|azureml\.\w+)|127\.0\.0\.1|localhost"
)
PUBLIC_HOSTS = {
    *("aka.ms", "learn.microsoft.com", "go.microsoft.com", "example.com"),
    *("ai.azure.com", "cognitiveservices.azure.com"),  # audiences of tokens
}
"""Hosts that errors of the services name. None of them is the host of a resource."""


def machine_paths(text: str) -> Iterator[str]:
    """Yield paths that exist on one machine only."""
    for found in PATHS.finditer(text):
        yield f"a path of one machine: {found[0]!r}"
    for path in (ROOT, Path.home()):
        if str(path) in text and len(path.parts) > 1:
            yield f"the path {str(path)!r} of this machine"


def secrets(text: str, ids: set[str]) -> Iterator[str]:
    """Yield what looks like a key or token; ``ids`` are hexadecimal strings known to be neither."""
    for found in SECRETS.finditer(text):
        yield f"what looks like a secret: {found[0][:12]!r}..."
    for found in HEX.finditer(text):
        if found[0] not in ids:
            yield f"what may be a key: {found[0][:6]!r}..."


def hosts(text: str) -> Iterator[str]:
    """Yield names of hosts other than the public ones."""
    for found in HOST.finditer(text):
        if found[0] not in PUBLIC_HOSTS:
            yield f"the host {found[0]!r}"
