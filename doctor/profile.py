"""What is particular to one registry: its hosts, its token service, its limits, where its keys are
made?

One .toml a registry in `doctor/profiles`, matched by host. Someone who knows a registry can mend
its file; each statement is backed by the file's `sources`, and what no primary source confirms is
named in `unconfirmed`: it may be shown, it never decides a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from doctor.frozen import frozen


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
    """The way through that page's menus."""
    support: str = ""
    status_page: str = ""
    counted_by: str = ""
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def confirmed(self, field: str) -> bool:
        """May that field carry a verdict?"""
        return field not in self.unconfirmed

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The token hosts known for this registry, each with its source: what `doctor.realm` goes
        by."""
        if not self.sources or not self.confirmed("token_hosts"):
            return ()
        return tuple((host, self.sources[0]) for host in self.token_hosts)


def for_host(host: str) -> Profile:
    """The profile of a registry host (no port), or the generic one."""
    host = host.lower().rstrip(".")
    for profile in profiles():
        if any(_matches(pattern, host) for pattern in profile.hosts):
            return profile
    return Profile()


@cache
def profiles() -> tuple[Profile, ...]:
    """Every profile that ships, by name."""
    import tomllib
    from pathlib import Path

    found = sorted(Path(__file__).with_name("profiles").glob("*.toml"))
    return tuple(parse(f.stem, tomllib.loads(f.read_text("utf-8"))) for f in found)


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
