"""Which cluster do the printed commands go to? The one that was looked at: where it was chosen with
`--context` or `--kubeconfig`, every `kubectl` and `doctor k8s` of a remedy says so too."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.causes import Rules
from doctor.model import Finding, Remedy, Target
from doctor.redact import plain

if TYPE_CHECKING:
    from doctor.codes import Book
    from doctor.codes.words import Words

OPTIONS = ("--context", "--kubeconfig")
_PROGRAM = re.compile(
    r"(?<![\w./-])(?P<program>kubectl|doctor k8s)(?= )(?! --(?:context|kubeconfig)\b)"
)


class Aimed:
    """The words of every code, their commands aimed at that cluster."""

    def __init__(self, book: Book, chosen: Iterable[tuple[str, str]]) -> None:
        """`chosen`: the options that choose the cluster, with what was given to them."""
        self._book = book
        given = [(name, said) for name, said in chosen if name in OPTIONS and plain(said) == said]
        self._options = "".join(f" {name} {shlex.quote(said)}" for name, said in given)

    @property
    def rules(self) -> Rules:
        return self._book.rules

    def get(self, code: str) -> Words | None:
        """The words of that code, as they are written."""
        return self._book.get(code)

    def dress(self, finding: Finding, target: Target) -> Finding:
        """The finding with its words on."""
        found = self._book.dress(finding, target)
        if not self._options:
            return found
        return replace(found, remedies=tuple(map(self._remedy, found.remedies)))

    def _remedy(self, remedy: Remedy) -> Remedy:
        steps = (replace(s, command=s.command and self._command(s.command)) for s in remedy.steps)
        verify = remedy.verify and self._command(remedy.verify)
        return replace(remedy, steps=tuple(steps), verify=verify)

    def _command(self, text: str) -> str:
        return _PROGRAM.sub(lambda found: f"{found['program']}{self._options}", text)
