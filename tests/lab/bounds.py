"""What holds of every run, whatever the other side did: it ended in time and in bounded memory, its
report is whole, no check crashed, and nothing was said beside it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from tests.command import Ended
from tests.lab.world import validator

SLACK = 30.0
"""Seconds: what hangs is found, whatever else the machine does. That a run in which nothing answers
ends with `--timeout` and one second, `make bench` shows."""
MOST_MEBIBYTES = 150
HASTE = "doctor.check-timeout"
"""What is found where silence had no time to prove anything."""
_HARMLESS = "\n"


@dataclass(frozen=True)
class Said:
    """A report's only target."""

    target: dict[str, Any]
    exit: int

    @property
    def causes(self) -> tuple[str, ...]:
        return tuple(self.target["root_causes"])

    @property
    def codes(self) -> dict[str, dict[str, Any]]:
        """Finding by code."""
        return {finding["code"]: finding for finding in self.target["findings"]}

    def __str__(self) -> str:
        found = [f"{f['severity']} {f['code']}: {f['detail']}" for f in self.target["findings"]]
        return "\n".join([f"exit {self.exit}, {self.target['verdict']}", *found])


def bounded(ended: Ended, timeout: float) -> None:
    """Did it end by itself after `--timeout`, in little memory, without a word of its own?"""
    assert ended.seconds < timeout + 1 + SLACK, ended
    assert ended.mebibytes < MOST_MEBIBYTES, ended
    assert ended.stderr == "", ended


def said(ended: Ended, timeout: float) -> Said:
    """The report of a bounded run of `doctor check --json` on one target."""
    bounded(ended, timeout)
    report = json.loads(ended.stdout)
    validator().validate(report)
    (target,) = report["targets"]
    found = Said(target, ended.exit)
    own = {code for code in found.codes if code.startswith("doctor.")}
    assert own == ({HASTE} if found.exit == 3 else set()), found
    return found


def told(cause: str) -> tuple[tuple[str, ...], int]:
    """The causes and the exit code where that is found; "": nothing is."""
    if cause == HASTE:
        return (), 3
    return ((cause,), 1) if cause else ((), 0)


def alive(text: str) -> set[str]:
    """The characters that would move a cursor, turn the reading or hide, had a terminal got the
    text: controls and what Unicode calls formatting, but for marks that are seen (U+0600 and their
    kin)."""
    unsafe = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    return {
        c
        for c in set(text)
        if c not in _HARMLESS and unicodedata.category(c) in unsafe and ord(c) not in seen
    }
