"""What does the `.env` beside a Compose file set?

Compose fills in variables from the shell's environment first and from this file second (Docker
docs, "Set, use, and manage variables in a Compose file with interpolation"): a file whose images
lack their tags without it is the usual one. The forms are those of compose-go's dotenv, a value on
one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from doctor.images.variables import Expansion

NAME = ".env"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)")
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class DotEnv(Mapping[str, str]):
    """The variables of such a file, which is read once one of them is asked for. `shell`: what
    counts before it where its values use others; `learn` is told what was found."""

    def __init__(
        self,
        read: Callable[[], str],
        shell: Mapping[str, str],
        learn: Callable[[Mapping[str, str]], None] = lambda found: None,
    ) -> None:
        self._read = read
        self._shell = shell
        self._learn = learn
        self._found: dict[str, str] | None = None

    @property
    def _values(self) -> dict[str, str]:
        if self._found is None:
            self._found = dict(_set(self._read(), self._shell))
            self._learn(self._found)
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _set(text: str, shell: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    known = dict(shell)
    for line in text.removeprefix("\ufeff").splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        name, written = match.groups()
        quoted = _QUOTED.match(written)
        if quoted and quoted[1] is not None:
            value = quoted[1]
        else:
            value = _COMMENT.sub("", written).rstrip() if quoted is None else quoted[2]
            value = Expansion(known, dollars=True).of(value)
            if quoted:
                value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), value)
        if name not in shell:
            known[name] = value
        yield name, value
