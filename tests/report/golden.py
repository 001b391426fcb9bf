"""What does every format make of the one set of reports? `make snapshots` writes it down again; a
test holds that nothing has changed unseen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from doctor.command.output import render
from doctor.command.parsers import FORMATS
from tests.report.samples import NAMES, sample

FOLDER = Path(__file__).parents[2] / "snapshots"
ENDINGS = {
    "text": "txt",
    "short": "txt",
    "github": "txt",
    "json": "json",
    "sarif": "json",
    "markdown": "md",
    "html": "html",
    "junit": "xml",
}


def surfaces() -> Iterator[tuple[Path, str]]:
    """(file, text) of every report in every format, as a pipe gets it."""
    for form in FORMATS:
        for name in NAMES:
            text = render(sample(name), form, colour=False, verbose=False, width=80)
            yield FOLDER / form / f"{name}.{ENDINGS[form]}", text


def main() -> None:
    """Write them all, and take away what is none of them any more."""
    for form in FORMATS:
        shutil.rmtree(FOLDER / form, ignore_errors=True)
    for file, text in surfaces():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
