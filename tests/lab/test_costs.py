"""What does a healthy image cost? Exactly these requests, on so many connections, after so many
questions for names: a pull's own, and what is looked at beside it.

The table is the whole truth; a change of it is a change of what registries, proxies and name
servers of users get to see. "Beside" is what a pull would not do itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.distribution import AMD64, CONFIG, INDEX, LAYER, REPOSITORY, digest
from tests.lab.servers import Seen
from tests.lab.way import HOST, IMAGE, PROXY_HOST, STORAGE_HOST, TOKEN_HOST, Way, build
from tests.lab.wire import Wire, tap
from tests.lab.world import PROXY, REGISTRY, STORAGE, TOKENS, World

pytestmark = pytest.mark.lab

HOSTS = {"registry": REGISTRY, "token service": TOKENS, "storage": STORAGE, "proxy": PROXY}
NAMES = {
    digest(INDEX): "index",
    digest(AMD64): "manifest",
    digest(LAYER): "layer",
    digest(CONFIG): "config",
}


@dataclass(frozen=True)
class Cost:
    """`requests`: by host, as `METHOD what`, with `as user` (Basic) or `with token` behind it;
    order does not matter. `connections`: TCP connections by host, at the most:
    what is asked beside may find the first one free. `names`: the names that are asked
    for, each by the system and once of the name server itself, for both families."""

    name: str
    way: Way
    requests: Mapping[str, tuple[str, ...]]
    connections: Mapping[str, int]
    names: tuple[str, ...] = (HOST,)
    others_ask: tuple[str, ...] = ()
    """Names that a proxy asks for, once for both families."""


OPEN = ("GET /v2/", "HEAD tag", "GET index", "GET manifest", "GET layer")
LOGIN = (
    "GET /v2/",
    "GET /v2/ as user",
    "HEAD tag as user",
    "GET index as user",
    "GET manifest as user",
    "GET layer as user",
    "HEAD tag",  # beside: is the image public?
)
TOKEN = (
    "GET /v2/",
    "HEAD tag with token",
    "GET index with token",
    "GET manifest with token",
    "GET layer with token",
)
SERVICE = (
    "GET token as user",
    "GET token",  # beside: is the image public?
)
COSTS = (
    Cost("public", Way(), {"registry": OPEN}, {"registry": 1}),
    Cost("basic", Way(login="basic"), {"registry": LOGIN}, {"registry": 2}),
    Cost(
        "token",
        Way(login="token"),
        {"registry": TOKEN, "token service": SERVICE},
        {"registry": 1, "token service": 1},
        (HOST, TOKEN_HOST),
    ),
    Cost(
        "storage-elsewhere",
        Way(login="token", blobs="storage"),
        {"registry": TOKEN, "token service": SERVICE, "storage": ("GET layer",)},
        {"registry": 1, "token service": 1, "storage": 1},
        (HOST, TOKEN_HOST, STORAGE_HOST),
    ),
    Cost(
        "through-a-proxy",
        Way(login="basic", proxy="open"),
        {"registry": LOGIN},
        {"proxy": 2, "registry": 2},
        (PROXY_HOST,),
        (HOST,),
    ),
)


@pytest.mark.parametrize("cost", COSTS, ids=lambda c: c.name)
def test_a_healthy_image_costs_no_more_than_this(cost: Cost, lab: World, store: Path) -> None:
    env = build(lab, cost.way, store)
    wire = tap(lab)
    run = lab.check("--platform", "linux/amd64", IMAGE, env=env)
    assert run.exit == 0, run
    asked = {name: servers.seen(lab, address) for name, address in HOSTS.items()}
    assert requests(asked) == {name: sorted(rows) for name, rows in cost.requests.items()}
    opened = connections(wire)
    assert opened.keys() == cost.connections.keys()
    assert all(n <= cost.connections[name] for name, n in opened.items()), opened
    assert names_asked(wire, cost) == questions(cost)
    for rows in asked.values():
        economical(rows)
    spoken_on = {(name, row.connection) for name, rows in asked.items() for row in rows}
    assert len(spoken_on) == sum(n for name, n in opened.items() if name != "proxy")


def requests(asked: Mapping[str, list[Seen]]) -> dict[str, list[str]]:
    return {name: sorted(map(said, rows)) for name, rows in asked.items() if rows}


def said(row: Seen) -> str:
    """A request in words that the table uses."""
    what = row.target.partition("?")[0].removeprefix(f"/v2/{REPOSITORY}")
    what = what.replace("/manifests/latest", "tag").replace("/token", "token")
    for found in re.findall("(?:sha256:)?[0-9a-f]{64}", row.target):
        what = NAMES.get(f"sha256:{found.removeprefix('sha256:')}", what)
    how = {"Basic": " as user", "Bearer": " with token", "": ""}
    return f"{row.method} {what}{how[row.authorization.partition(' ')[0]]}"


def connections(wire: Wire) -> dict[str, int]:
    counted = {
        name: sum(n for (a, _), n in wire.connections().items() if a == address)
        for name, address in HOSTS.items()
    }
    return {name: count for name, count in counted.items() if count}


def names_asked(wire: Wire, cost: Cost) -> Counter[tuple[str, str]]:
    """A proxy asks for its own name as it starts."""
    asked = wire.questions()
    if cost.others_ask:
        del asked[ip_address(PROXY).reverse_pointer, "PTR"]
    return asked


def questions(cost: Cost) -> Counter[tuple[str, str]]:
    """By the system, and of the one name server that it uses, to compare."""
    asked = [*cost.names, *cost.names, *cost.others_ask]
    return Counter((name, kind) for name in asked for kind in ("A", "AAAA"))


def economical(rows: list[Seen]) -> None:
    """Nothing is asked twice; no manifest is fetched before its head was looked at; one pull at
    most is spent (Docker Hub counts a pull by the `GET` of a platform's manifest)."""
    lines = [f"{row.method} {row.target} {row.authorization}" for row in rows]
    assert len(lines) == len(set(lines)), lines
    order = [(row.method, said(row).split()[1]) for row in rows]
    fetched = [what for method, what in order if method == "GET" and what in ("index", "manifest")]
    assert len(fetched) == len(set(fetched))
    if fetched:
        assert order.index(("HEAD", "tag")) < order.index(("GET", fetched[0]))
        assert ("GET", "tag") not in order


FAILS = (
    ("tag", Way(login="basic"), f"{HOST}/{REPOSITORY}:9"),
    ("login", Way(login="basic", key="wrong"), IMAGE),
    ("platform", Way(login="basic"), IMAGE),
)


@pytest.mark.parametrize(
    ("name", "way", "image"), FAILS, ids=lambda f: f if isinstance(f, str) else ""
)
def test_a_failure_spends_no_pull_and_asks_nothing_twice(
    name: str, way: Way, image: str, lab: World, store: Path
) -> None:
    env = build(lab, way, store)
    platform = "windows/arm64" if name == "platform" else "linux/amd64"
    run = lab.check("--platform", platform, image, env=env)
    assert run.exit == 1, run
    rows = servers.seen(lab, REGISTRY)
    lines = [f"{row.method} {row.target} {row.authorization}" for row in rows]
    assert len(lines) == len(set(lines)), lines
    assert "GET manifest" not in {" ".join(said(row).split()[:2]) for row in rows}
    assert any(row.authorization for row in rows)
