"""What does each finding code say, and which of its remedies fit this target?

The words lie in a .toml beside each check, a plug-in's included. A file is cut at its code headers,
and only the tables that a run needs are parsed: the whole catalogue costs tenths of a second, one
code a millisecond. A flaw in a file is a `Problem`, never an exception: somebody else's words must
not end a diagnosis. A command is a template into which foreign text goes; by the quoting rules of
POSIX (Shell Command Language, 2.2) a value ends up inside one word, or the remedy is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from doctor.causes import Rules
from doctor.codes.template import Typed, WordsError, command, text
from doctor.codes.words import CLIENTS, Problem, RemedyWords, Words, parts, read, tables
from doctor.model import Check, Finding, Remedy, Step, Target
from doctor.redact import plain
from doctor.registry import hub

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

_LARGEST = 1_000_000
_OURS = re.compile(r"\bdoctor (?:check|bundle)(?= )")


class Book:
    """The words of every code. Parses what it is asked for, once."""

    def __init__(self, files: Iterable[tuple[str, str]], problems: Iterable[Problem] = ()) -> None:
        self._texts: dict[str, str] = {}
        self._parts: dict[str, tuple[str, str]] = {}
        self._read: dict[str, Words | None] = {}
        self._problems: list[Problem] = list(problems)
        for file, source in files:
            self._texts[file] = source
            for code, part in parts(source).items():
                if code in self._parts:
                    first = self._parts[code][0]
                    self._problems.append(
                        Problem(
                            file,
                            code,
                            f"{first} defines this code too, and first: its words are used",
                        )
                    )
                else:
                    self._parts[code] = (file, part)

    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the files."""
        return tuple(self._parts)

    def get(self, code: str) -> Words | None:
        """The words of that code; None where no file defines it, or its table cannot be used."""
        if code not in self._read:
            self._read[code] = self._parse(code) if code in self._parts else None
        return self._read[code]

    def near(self, code: str) -> tuple[str, ...]:
        """Up to three codes that a mistyped one may have meant, the nearest first."""
        from difflib import get_close_matches

        wanted = code.strip().lower().replace("_", "-")
        ends = {known.partition(".")[2]: known for known in reversed(self._parts)}
        whole = get_close_matches(wanted, self._parts, 3, 0.7)
        half = get_close_matches(wanted, ends, 3, 0.8)
        return tuple(dict.fromkeys([*whole, *(ends[name] for name in half)]))[:3]

    def of(self, check: Check) -> tuple[str, ...]:
        """The codes in the file beside that check."""
        home, _, stem = check.judge.__module__.rpartition(".")
        own = home == "doctor.checks"
        return tuple(
            code
            for code, (file, _) in self._parts.items()
            if (file == f"checks/{stem}.toml" if own else file.endswith(f"/{stem}.toml)"))
        )

    @cached_property
    def rules(self) -> Rules:
        """What the codes declare about causes; read code by code, as the findings ask for it."""
        return Rules(explains=_Explains(self), stations=_Stations(self))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The flaws met so far: files, codes defined twice, and the tables that were read."""
        return tuple(dict.fromkeys(self._problems))

    def proofread(self) -> tuple[Problem, ...]:
        """Every flaw in every file. Parses them all: for tests and authors."""
        for code in self._parts:
            self.get(code)
        for file, source in self._texts.items():
            try:
                found = tables(source)
            except WordsError as flaw:
                self._problems.append(Problem(file, "", str(flaw)))
                continue
            for name in found:
                if name not in self._parts:
                    hint = 'no code; a code is "area.cause", in quotes: ["tls.unknown-ca"]'
                    self._problems.append(Problem(file, plain(name), hint))
        return self.problems

    def dress(self, finding: Finding, target: Target) -> Finding:
        """The finding with its words on: severity (where the judge set none), title, detail, and
        the remedies for this target's client and system, best first. What the judge said stays."""
        words = self.get(finding.code)
        if words is None:
            return replace(
                finding,
                severity=finding.severity or "error",
                title=finding.title or finding.code,
                detail=finding.detail
                or f"{finding.code} has no words here; the evidence says what was seen.",
            )
        own = {name: str(value) for name, value in finding.params.items() if value != ""}
        params = {**params_of(target, finding), **own}
        detail = text(words.detail, params) or text(words.means, params)
        return replace(
            finding,
            severity=finding.severity or words.severity,
            title=finding.title or text(words.title, params) or words.code,
            detail=finding.detail or detail or words.means,
            remedies=finding.remedies or tuple(_fitting(words, params, target)),
        )

    def explain(self, code: str, width: int = 80) -> str | None:
        """What `doctor explain CODE` prints: one column, within `width` where commands allow it.
        None for a code without words."""
        from doctor.codes.explanation import explained

        words = self.get(code)
        return "\n".join(explained(words, width)) if words else None

    def _parse(self, code: str) -> Words | None:
        file, part = self._parts[code]
        try:
            try:
                found = tables(part)
            except WordsError:
                found = tables(self._texts[file])
            return read(code, file, found[code], self._problems)
        except WordsError as flaw:
            self._problems.append(Problem(file, code, str(flaw)))
        except KeyError:
            self._problems.append(Problem(file, code, "no table of this name could be read"))
        return None


class _Explains(Mapping[str, frozenset[str]]):
    """Code -> the codes that it explains away."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getitem__(self, code: str) -> frozenset[str]:
        words = self._book.get(code)
        if words is None:
            raise KeyError(code)
        return frozenset(words.explains)

    def __iter__(self) -> Iterator[str]:
        return iter(self._book.codes())

    def __len__(self) -> int:
        return len(self._book.codes())


def load(extra: Iterable[tuple[str, str | PathLike[str]]] = (), folder: Path | None = None) -> Book:
    """The words beside the checks, then those of plug-ins: `extra` holds each one's name and the
    path of its .toml. `folder` stands for the checks' own folder."""
    from importlib.util import find_spec
    from pathlib import Path

    checks = find_spec("doctor.checks")
    own = folder or Path(((checks and checks.submodule_search_locations) or [""])[0])
    beside = sorted((f for f in own.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    named: list[tuple[str, Path]] = [(f"checks/{f.name}", f) for f in beside]
    named += [(f"{plain(name)} ({plain(str(path))})", Path(path)) for name, path in extra]
    texts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for label, file in named:
        try:
            with file.open("rb") as stream:
                raw = stream.read(_LARGEST + 1)
            if len(raw) > _LARGEST:
                raise WordsError(f"larger than {_LARGEST} bytes, the most that is read")
            texts.append((label, raw.decode().replace("\r\n", "\n")))
            if not label.startswith("checks/"):
                tables(texts[-1][1])  # a plug-in's code that cannot be found would not be missed
        except UnicodeDecodeError:
            problems.append(Problem(label, "", "not UTF-8, which TOML must be"))
        except (OSError, WordsError) as reason:
            problems.append(Problem(label, "", f"not read: {plain(str(reason))}"))
    return Book(texts, problems)


def params_of(target: Target, finding: Finding | None = None) -> dict[str, str]:
    """The params that every template may use; those without a value are left out."""
    from doctor.registry.profile import for_host

    hop = (finding.hop if finding else None) or target.registry
    reference = target.reference
    profile = for_host(target.registry.host)
    values = {
        "key_page": profile.key_page,
        "key_steps": profile.key_steps,
        "support": profile.support,
        "status_page": profile.status_page,
        "target": target.text,
        "image": target.image,
        "registry": target.named,
        "endpoint": f"{target.registry.scheme}://{target.registry.authority}",
        "url": f"{target.registry.scheme}://{target.registry.authority}/v2/",
        "repository": getattr(reference, "repository", None),
        "tag": getattr(reference, "tag", None),
        "digest": getattr(reference, "digest", None),
        "host": hop.host,
        "port": hop.port,
        "hop": hop.name,
        "key": hub.KEY if target.named in hub.DOMAINS else target.named,
        "client": target.client,
        "check": (finding.check if finding else "") or "api",
        "runtime": target.runtime,
        "crio": "yes" if "cri-o" in (target.client, target.runtime) else "",
        "system": target.system,
        "platform": target.platform,
    }
    params = {name: str(value) for name, value in values.items() if value}
    below = _below(target.root)
    params["diagnose"] = _diagnose(target.client, below)
    if command := profile.prints_token(target.registry.host):
        params |= {"token_command": Typed(command), "token_user": profile.token_user}
    return {**params, "below": below} if below else params


def _diagnose(client: str, below: str) -> Typed:
    """The command that looks with the same eyes again; the shell's are the default."""
    eyes = f" --as {client}" if client in CLIENTS and client != "shell" else ""
    return Typed(f"doctor check{below}{eyes}")


def _below(root: str) -> Typed:
    """The option that reads the same machine's settings again."""
    from shlex import quote

    usable = root != "/" and plain(root) == root
    return Typed(f" --root {quote(root)}" if usable else "")


def _rooted(template: str, params: Mapping[str, str]) -> str:
    """What this program is asked to do again, it does below the same root."""
    return _OURS.sub(r"\g<0>{below}", template) if params.get("below") else template


def _fitting(words: Words, params: Mapping[str, str], target: Target) -> Iterator[Remedy]:
    eyes = {target.client}
    if target.client == "kubelet" and not words.code.startswith("auth."):  # credentials are its own
        eyes |= {params["runtime"]} if params.get("runtime") in CLIENTS else {"containerd", "cri-o"}
    systems = {target.system} | ({"linux"} if target.system != "macos" else set())
    for remedy in words.remedies:
        if remedy.clients and not eyes & set(remedy.clients):
            continue
        if remedy.systems and not systems & set(remedy.systems):
            continue
        filled = _filled(remedy, params)
        if filled:
            yield filled


def _filled(remedy: RemedyWords, params: Mapping[str, str]) -> Remedy | None:
    """The remedy for these params; None where it does not apply, or needs what nobody knows."""
    title = text(remedy.title, params)
    if title is None or not _applies(remedy.needs, remedy.unless, params):
        return None
    steps: list[Step] = []
    for step in remedy.steps:
        if not _applies(step.needs, step.unless, params):
            continue
        said = text(step.text, params)
        typed = command(_rooted(step.command, params), params) if step.command else None
        if said is None or (step.command and typed is None):
            return None
        steps.append(Step(said, typed, step.root, step.changes))
    verify = text(_rooted(remedy.verify, params), params) if remedy.verify else None
    return Remedy(title, tuple(steps), remedy.clients, verify, remedy.docs) if steps else None


def _applies(needs: Iterable[str], unless: Iterable[str], params: Mapping[str, str]) -> bool:
    return all(params.get(name) for name in needs) and not any(params.get(name) for name in unless)


class _Stations:
    """The codes that name a station on the way."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __contains__(self, code: object) -> bool:
        words = self._book.get(str(code))
        return words is not None and words.station is not None
