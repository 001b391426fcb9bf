"""A bug ends in a report without secrets, an exit code, and no traceback on the screen."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from doctor import cli
from doctor.process.crash import text
from doctor.redact import Secret


def test_a_bug_leaves_a_report_that_only_its_owner_can_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    secret = Secret("correct-horse-battery")

    def broken(argv: list[str]) -> int:
        local = secret.reveal()
        raise RuntimeError(f"it held {local}")

    monkeypatch.setattr(cli, "_dispatch", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli.main(["check", "--username=alice", "x.example/a"]) == 3
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err) == ("", False)
    found = re.search(r"The crash report (\S+) holds", err)
    assert found
    file = Path(found[1])
    assert os.stat(file).st_mode & 0o777 == 0o600
    said = file.read_text()
    assert "correct-horse-battery" not in said
    assert "RuntimeError" in said
    assert "in test_a_bug" in said.replace("<locals>.", "") or "broken" in said
    assert "--username" in said
    assert "alice" not in said
    assert "x.example" not in said


def test_an_endless_chain_of_frames_is_bounded() -> None:
    def deeper(n: int) -> None:
        deeper(n + 1)

    with pytest.raises(RecursionError) as caught:
        deeper(0)
    assert len(text(caught.value).splitlines()) <= 201
