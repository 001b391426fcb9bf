"""What does a plug-in that is broken cost? Itself, and a line that says why; never the diagnosis.

One is laid beside the checkout as pip would have installed it: a module, its words, its metadata.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended, doctor

WORDS = """["odd.found"]
title = "Something odd"
severity = "warning"
means = "It is odd."
proof = "It was seen."
detail = "It is odd here."
"""
MODEL = "from doctor.model import Check, Finding\n"
SILENT = MODEL + "CHECK = Check('odd', 'target', lambda case: ())\n"
FINDING = MODEL + "CHECK = Check('odd', 'target', lambda case: [Finding('odd.found')])\n"
POINTS = "[doctor.checks]\nodd = doctor_odd\n"


@pytest.fixture
def refusing() -> Iterator[str]:
    """A host at which nothing listens: the diagnosis has a cause to find."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{closed.getsockname()[1]}"


def plugged(
    folder: Path,
    *arguments: str,
    module: str = SILENT,
    words: str | bytes | None = WORDS,
    points: str | bytes = POINTS,
) -> Ended:
    """The command with that plug-in installed."""
    place = folder / "packages"
    metadata = place / "doctor_odd-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: doctor-odd\nVersion: 1.0\n")
    for file, content in (
        (metadata / "entry_points.txt", points),
        (place / "doctor_odd.py", module),
        (place / "doctor_odd.toml", words),
    ):
        if content is not None:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return doctor(*arguments, home=folder, env={"PYTHONPATH": str(place)})


def judged(ended: Ended) -> tuple[list[str], dict[str, Any]]:
    """Codes, and the report's only target."""
    assert "Traceback" not in ended.stderr, ended
    (target,) = json.loads(ended.stdout)["targets"]
    return [finding["code"] for finding in target["findings"]], target


LEFT_OUT = {
    "does not import": ("import no_such_module", "No module named 'no_such_module'"),
    "is no Python": ("def (", "SyntaxError"),
    "exits": ("raise SystemExit(0)", "SystemExit: 0"),
    "exits from below": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "raises what it likes": ("class Odd(BaseException): ...\nraise Odd('no')", "Odd: no"),
    "recurses": ("def f(): f()\nf()", "RecursionError"),
    "has no check": ("", "has no attribute 'CHECK'"),
    "has another check": ("CHECK = 1", "is int, not doctor.model.Check"),
    "takes a name": (SILENT.replace("'odd'", "'tls'"), "a check named tls exists"),
    "has an odd name": (SILENT.replace("'odd'", "'\\x1b[31mOdd'"), "lower-case letters"),
    "has an odd scope": (SILENT.replace("'target'", "'planet'"), 'a scope, "hop" or "target"'),
    "cannot be judged": (SILENT.replace("lambda case: ()", "None"), "a judge to call"),
    "moves the cursor": ("raise ValueError('\\x1b[2J\\u202e')", "<ESC>[2J<U+202E>"),
}


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_it_is_left_out_and_why_is_said(tmp_path: Path, refusing: str, kind: str) -> None:
    module, says = LEFT_OUT[kind]
    ended = plugged(tmp_path, "check", "--json", refusing, module=module)
    codes, target = judged(ended)
    assert (ended.exit, codes[0]) == (1, "tcp.refused"), ended
    assert "odd" not in {check["name"] for check in target["checks"]}
    assert "plug-in odd of doctor-odd was left out" in ended.stderr
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_one_that_is_sound_is_not_left_out(tmp_path: Path, refusing: str) -> None:
    ended = plugged(tmp_path, "check", "--json", refusing, module=FINDING)
    codes, _ = judged(ended)
    assert (codes, ended.stderr) == (["tcp.refused", "odd.found"], "")


BAD_WORDS = {
    "missing": (None, "doctor_odd.toml is not beside doctor_odd.py"),
    "no TOML": ("[[[", "not TOML"),
    "no text": (b"\xff\xfe\0", "not UTF-8"),
    "cut off": (WORDS[: WORDS.index("detail")] + 'detail = "It', "not TOML"),
    "too large": (WORDS + "#" * 1_000_000, "larger than 1000000 bytes"),
    "a code that is taken": (WORDS.replace("odd.found", "tls.expired"), "its words are used"),
    "without a title": (WORDS.replace("title", "#"), "left out: a code has a title"),
}


@pytest.mark.parametrize("kind", BAD_WORDS)
def test_words_that_cannot_be_used_are_told(tmp_path: Path, refusing: str, kind: str) -> None:
    words, says = BAD_WORDS[kind]
    taken = "tls.expired" if "taken" in kind else "odd.found"
    module = FINDING.replace("odd.found", taken)
    ended = plugged(tmp_path, "check", "--json", refusing, module=module, words=words)
    codes, target = judged(ended)
    assert (ended.exit, codes[0]) == (1, "tcp.refused"), ended
    assert says in ended.stderr
    if words is not None:
        assert codes[1] == taken
        title = target["findings"][1]["title"]
        assert title == ("Certificate has expired" if "taken" in kind else "odd.found")


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ("[doctor.checks]\nno entry point\n", "whatever doctor-odd plugs in was left out"),
        (b"[doctor.checks]\n\xff\xfe = x\n", "whatever doctor-odd plugs in was left out"),
        ("[doctor.checks]\nodd = doctor_odd:NOTHING\n", "plug-in odd of doctor-odd was left out"),
        ("[doctor.checks]\nodd = \n", "plug-in odd of doctor-odd was left out"),
    ],
)
def test_metadata_that_cannot_be_read_is_told(
    tmp_path: Path, refusing: str, points: str | bytes, says: str
) -> None:
    ended = plugged(tmp_path, "check", "--json", refusing, points=points)
    codes, _ = judged(ended)
    assert (ended.exit, codes) == (1, ["tcp.refused"])
    assert says in ended.stderr


RAISING = "(_ for _ in ()).throw({})"
CRASHING = {
    "judge": "judge=lambda case: " + RAISING,
    "judge, late": "judge=lambda case: (1 / 0 for _ in [1])",
    "judge, no list": "judge=lambda case: 5",
    "judge, no finding": "judge=lambda case: [5]",
    "read": "judge=lambda case: (), read=crash",
    "probe": "judge=lambda case: (), probe=crash",
    "probe, no fact": "judge=lambda case: (), probe=number",
}


@pytest.mark.parametrize("raised", ["ValueError(1)", "SystemExit(0)", "BaseException(1)"])
@pytest.mark.parametrize("kind", CRASHING)
def test_a_check_that_crashes_leaves_its_part_open(tmp_path: Path, kind: str, raised: str) -> None:
    """Nothing else was wrong, yet the run does not say that all is well."""
    module = (
        f"{MODEL}async def crash(*_): raise {raised}\nasync def number(*_): return 5\n"
        f"CHECK = Check('odd', 'target', {CRASHING[kind].format(raised)})\n"
    )
    arguments = ("check", "--json", "--only", "odd", "127.0.0.1/app")
    ended = plugged(tmp_path, *arguments, module=module)
    codes, target = judged(ended)
    assert (ended.exit, codes, target["verdict"]) == (3, ["doctor.check-crashed"], "incomplete")
    assert [c["status"] for c in target["checks"] if c["name"] == "odd"] == ["error"]


def test_what_it_prints_is_no_data(tmp_path: Path, refusing: str) -> None:
    ended = plugged(tmp_path, "check", "--json", refusing, module=f"print('hello')\n{SILENT}")
    assert judged(ended)[0] == ["tcp.refused"]
    assert ended.stderr == "hello\n"


def test_what_it_finds_is_made_safe(tmp_path: Path) -> None:
    """Its code, its evidence: a terminal sees names of control characters, a program valid JSON."""
    module = f"""{MODEL}
EVIL = "\\x1b[2J\\u202e\\x9b1m"
def judge(case):
    proof = {{EVIL: EVIL, "no number": float("nan"), "no end": [float("inf")], "set": {{1}}}}
    yield Finding("odd." + EVIL, evidence=proof, subject=EVIL, title=EVIL, detail=EVIL)
CHECK = Check("odd", "target", judge)
"""
    arguments = ("check", "--only", "odd", "127.0.0.1/app")
    ended = plugged(tmp_path / "text", *arguments, "--verbose", module=module)
    assert (ended.exit, ended.stderr) == (1, "")
    assert not any(evil in ended.text for evil in "\x1b\u202e\x9b")
    assert ended.text.count("<ESC>[2J") > 3
    ended = plugged(tmp_path / "json", *arguments, "--json", module=module)
    (finding,) = judged(ended)[1]["findings"]
    assert finding["evidence"]["no number"] == "nan"
    assert finding["evidence"]["no end"] == ["inf"]


def test_one_that_does_not_end_is_cut(tmp_path: Path, refusing: str) -> None:
    module = f"""{MODEL}import asyncio
async def probe(case, net):
    while True:
        try:
            await asyncio.sleep(1000)
        except BaseException:
            pass
CHECK = Check("odd", "target", lambda case: (), probe=probe)
"""
    arguments = ("check", "--json", "--timeout", "2", refusing)
    ended = plugged(tmp_path, *arguments, module=module)
    assert "doctor.check-timeout" in judged(ended)[0]
