"""Has anything changed that a reader sees? `make snapshots` writes it down again; its difference is
what is reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.golden import FOLDER, surfaces

WRITTEN = dict(surfaces())


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_surface_is_as_it_was_written_down(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == WRITTEN[file], "make snapshots, and look at it"


def test_nothing_is_left_of_what_is_no_more() -> None:
    folders = {file.parent for file in WRITTEN}
    assert {file for folder in folders for file in folder.iterdir()} == set(WRITTEN)
