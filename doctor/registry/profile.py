"""What is particular to one registry: its hosts, its token service, its limits, where its keys are
made?

One .toml a registry in `profiles/`, matched by host. Someone who knows a registry can mend
its file; each statement is backed by the file's `sources`, and what no primary source confirms is
named in `unconfirmed`: it may be shown, it never decides a verdict.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from doctor.frozen import frozen

_LABEL = re.compile(r"[a-z0-9][a-z0-9-]*")


@frozen
class Allowance:
    """One limit of a registry: `requests` in `seconds`, counted by `by`; a limit without a window
    is on what runs at once."""

    requests: int
    by: str
    seconds: float | None = None
    what: str = "pulls"
    who: str = ""
    """Whom it is for: "anonymous", "signed in", "" for all."""
    confirmed: bool = True


@frozen
class Profile:
    """What one file says. The generic one, for a registry that nobody described, has no name and is
    empty."""

    name: str = ""
    hosts: tuple[str, ...] = ()
    """Host patterns; `*` stands within one label."""
    token_hosts: tuple[str, ...] = ()
    limits: tuple[Allowance, ...] = ()
    key_page: str = ""
    key_steps: str = ""
    """The way through that page's menus; without a page, where a login comes from instead."""
    token_command: str = ""
    """The command of the registry's own cloud that prints the token to log in with, as
    `token_user`; `{0}` stands for what the host has at its pattern's first `*`, `{1}` at the
    second."""
    token_user: str = ""
    support: str = ""
    status_page: str = ""
    counted_by: str = ""
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def confirmed(self, field: str) -> bool:
        """May that field carry a verdict?"""
        return field not in self.unconfirmed

    def prints_token(self, host: str) -> str:
        """The command that prints a token for that host of the registry; "" where there is none, or
        the host cannot stand in one."""
        labels = host.lower().rstrip(".").split(".")
        wanted = next((p.split(".") for p in self.hosts if _matches(p, ".".join(labels))), [])
        parts = [given for given, each in zip(labels, wanted, strict=False) if each == "*"]
        if not self.token_command or not all(map(_LABEL.fullmatch, parts)):
            return ""
        return self.token_command.format(*parts)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The token hosts known for this registry, each with its source: what `registry.realm` goes
        by."""
        if not self.sources or not self.confirmed("token_hosts"):
            return ()
        return tuple((host, self.sources[0]) for host in self.token_hosts)


def for_host(host: str) -> Profile:
    """The profile of a registry host (no port), or the generic one. Only files in which the host's
    domain stands are parsed: every pattern ends in one."""
    host = host.lower().rstrip(".")
    domain = ".".join(host.split(".")[-2:])
    for name, text in _files().items():
        if domain in text and any(_matches(each, host) for each in _profile(name).hosts):
            return _profile(name)
    return Profile()


def profiles() -> tuple[Profile, ...]:
    """Every profile that ships, by name."""
    return tuple(map(_profile, _files()))


@cache
def _files() -> Mapping[str, str]:
    """What each file says, by the name of its profile."""
    folder = os.path.join(os.path.dirname(__file__), "profiles")
    found = {}
    for file in sorted(os.listdir(folder)):
        name, _, kind = file.rpartition(".")
        if kind == "toml":
            with open(os.path.join(folder, file), encoding="utf-8") as text:
                found[name] = text.read()
    return found


@cache
def _profile(name: str) -> Profile:
    import tomllib

    return parse(name, tomllib.loads(_files()[name]))


def parse(name: str, table: Mapping[str, Any]) -> Profile:
    """A profile from its table. Raises TypeError for a key or a shape that no profile has: the
    files are ours."""
    fields = dict(table)
    limits = tuple(Allowance(**each) for each in fields.pop("limits", ()))
    for key, value in fields.items():
        if isinstance(value, list):
            fields[key] = tuple(value)
    return Profile(name=name, limits=limits, **fields)


def _matches(pattern: str, host: str) -> bool:
    """Label by label, so that `*` does not reach over a dot."""
    wanted, given = pattern.split("."), host.split(".")
    return len(wanted) == len(given) and all(map(fnmatchcase, given, wanted))
