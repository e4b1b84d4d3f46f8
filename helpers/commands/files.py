"""The files that commands write: reports, and notebooks as they stand in the repository."""

from contextlib import suppress
from pathlib import Path

from helpers.client.errors import ConfigurationError
from helpers.client.messages import JSON
from helpers.recordings.cassette import partial_path

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def check_files(*paths: Path | None) -> None:
    """Raise ``ConfigurationError`` if no file can be written at one of ``paths``."""
    for path in filter(None, paths):
        if not path.parent.is_dir() or path.is_dir():
            raise ConfigurationError(f"{path} can't be written.", advice="name another file.")


def write(path: Path | None, text: str) -> None:
    """Write a file whole: beside, then moved into place. Raise ``ConfigurationError``.

    Without a path write nothing.
    """
    if not path:
        return
    new = partial_path(path)
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as reason:
        raise ConfigurationError(
            f"{path} can't be written: {reason.strerror}.", advice="name another file."
        ) from None
    finally:
        with suppress(OSError):  # it has been moved, or was never made
            new.unlink()


def normalise(nb: JSON) -> None:
    """Remove what differs between two runs that show the same: times, versions, random cell ids."""
    nb["nbformat"], nb["nbformat_minor"] = 4, 5
    language = {"name": "python"} | nb["metadata"].get("language_info", {})
    language.pop("version", None)
    kept = {name: nb["metadata"][name] for name in ("tutorial",) if name in nb["metadata"]}
    nb["metadata"] = {"kernelspec": KERNELSPEC, "language_info": language, **kept}
    for index, cell in enumerate(nb["cells"]):
        cell["id"] = f"c{index:02d}"
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
