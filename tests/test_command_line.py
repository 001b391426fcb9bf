"""Can any words break the command? Whatever is typed, it ends with a code of the contract, and a
terminal gets nothing alive."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.cli import main
from tests.lab.bounds import alive

OPTIONS = (
    *("-f", "--file", "--json", "--format", "-o", "--output", "--as", "--platform", "--only"),
    *("--skip", "--timeout", "--ca", "--proxy", "--username", "--root", "--allow-realm"),
    *("--warn-days", "--no-fetch-issuers", "--no-history", "--strict", "--no-color", "-q", "-v"),
    *("--quiet", "--verbose", "--help", "-h", "-V", "--version", "--", "-", "--offline"),
    *("--json=x", "--format=json", "--timeout=", "-ofile", "-fq", "-vq", "--only=dns,tls", "@file"),
)
WORDS = (
    *("check", "explain", "checks", "k8s", "demo", "help", "chekc", "nginx", "", " ", ",", "dns"),
    *("registry.example/app:1", "localhost:5000", "[::1]:443/a", "docker pull x.example/a", "text"),
    *("0", "-1", "nan", "1e999", "/", "/dev/null", "/nowhere/file", "linux/amd64", "crane", "json"),
    *("tls.unknown-ca", "http://u:p@proxy.example:3128", "\x1b[2J", "\u202e", "\udcff", "é" * 300),
)
TYPED = st.one_of(st.sampled_from(OPTIONS), st.sampled_from(WORDS), st.text(max_size=40))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of its own: what `-o` is asked to write lands here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input").write_bytes(b"x.example/a\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (tmp_path / "input").open(encoding="utf-8") as given:
        monkeypatch.setattr("sys.stdin", given)
        yield tmp_path


def run(words: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def harmless(folder: Path, words: list[str]) -> None:
    code, out, err = run(words)
    assert code in (0, 1, 2, 3), (words, err)
    assert alive(out + err) == set(), words
    assert "a fault of registry-doctor itself" not in err, words
    assert words[:1] == ["explain"] or "doctor.check-crashed" not in out, words
    if code == 2 and words:
        assert err.startswith("doctor: "), words
        assert out == "", words
    assert not [name for name in os.listdir(folder) if name.startswith((".doctor-", "doctor-"))]


SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(st.lists(TYPED, max_size=8))
def test_whatever_is_typed_after_check(folder: Path, words: list[str]) -> None:
    """Offline, so that no packet leaves whatever the target is."""
    harmless(folder, ["check", "--offline", *words])


@SETTINGS
@given(st.one_of(st.sampled_from(WORDS), st.text(max_size=12)), st.lists(TYPED, max_size=5))
def test_whatever_is_typed_at_all(folder: Path, first: str, words: list[str]) -> None:
    harmless(folder, [first, "--offline", *words])


@SETTINGS
@given(st.lists(st.one_of(st.sampled_from(("tls.unknown-ca", "tls", "-h")), st.text()), max_size=4))
def test_whatever_is_to_be_explained(folder: Path, words: list[str]) -> None:
    harmless(folder, ["explain", *words])


@SETTINGS
@given(st.text())
def test_any_text_as_a_target(folder: Path, text: str) -> None:
    code, out, _ = run(["check", "--offline", "--", text])
    assert code in (0, 1)
    assert alive(out) == set()
