"""What of a hosts.toml that counts does not count as it is meant?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from doctor.clients.toml import Toml
from doctor.facts.client import ConfigFault

if TYPE_CHECKING:
    from doctor.clients.hosts_toml import Host

PASSED_OVER = "containerd passes over it in silence"
_KEYS = frozenset(
    {"capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"}
)
_MOST = 20


def remarks(toml: Toml, hosts: tuple[Host, ...]) -> Iterator[ConfigFault]:
    """Keys that are no settings, and paths that are not asked as they stand there."""
    yield from islice(_unknown(toml), _MOST)
    yield from _twice(hosts)


def _unknown(toml: Toml) -> Iterator[ConfigFault]:
    """Keys that look like settings and are none."""
    seen: set[tuple[str, ...]] = set()
    for path in toml.lines:
        of_host = path[0] == "host"
        at = path[:3] if of_host else path[:1]
        known = _KEYS if of_host else {*_KEYS, "server", "host"}
        if len(path) == 2 and of_host:
            continue
        key = at[-1]
        if at in seen or path == ("host",) or key.lower() in known:
            continue
        seen.add(at)
        what = f"{key[:40]} is no setting of hosts.toml"
        yield ConfigFault(
            file=toml.file,
            what=what,
            effect=PASSED_OVER,
            line=toml.line(*path),
            column=1,
            expected=_near(key, known),
            stops=False,
            kind="passed-over",
        )


def _twice(hosts: tuple[Host, ...]) -> Iterator[ConfigFault]:
    """Paths that name the API's root already, and get it a second time."""
    for host in hosts:
        base = host.path.removesuffix("/v2")
        written = host.url.text.rstrip("/")
        put_behind = base != host.path and not written.endswith("/v2")
        if not put_behind or not base.startswith("/v2/"):
            continue
        yield ConfigFault(
            file=host.url.file,
            what=f"/v2 is put behind the path of {host.url.text}",
            effect=f"requests go to {host.path}/…, where one that serves below {base} has none",
            line=host.url.line,
            column=1,
            expected="override_path = true in this table",
            stops=False,
            kind="path-twice",
        )


def _near(key: str, known: frozenset[str] | set[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key.lower().replace("-", "_"), sorted(known), 1)
    return near[0] if near else f"one of {', '.join(sorted(known))}"
