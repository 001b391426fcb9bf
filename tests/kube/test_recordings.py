"""Every recording of a real cluster gives a cause that is right, end to end; what is healthy stays
quiet."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.kube.api import Recorded
from tests.kube.cluster import look

RECORDINGS = Path(__file__).parent / "recordings"
EXPECTED = tomllib.loads((RECORDINGS / "expected.toml").read_text())
FILES = sorted(RECORDINGS.glob("c*/*.json"))


@pytest.mark.parametrize("moment", ["", "first-error"])
@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_the_cause_is_one_that_the_objects_allow(
    file: Path, moment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = Recorded.of(file, moment)
    looked = look(recorded, tmp_path, capsys, "-A")
    code, found = looked.exit, looked.part
    expected = EXPECTED[file.stem]
    causes = {c for pull in found["pulls"] for c in pull["root_causes"]}
    if moment and not recorded.objects["pods"]:
        return
    if expected.get("none"):
        assert causes <= set(expected.get("bonus", ())), causes
        assert code == 0
        return
    assert code == 1
    if moment and "all_of" in expected:  # not all of its pods had failed by then
        assert causes
        return
    assert set(expected.get("all_of", ())) <= causes, causes
    assert causes & set(expected["any_of"]), causes
