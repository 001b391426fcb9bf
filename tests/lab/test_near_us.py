"""Can a registry make the command knock at what lies near it: this machine, a cloud's metadata?

A public registry names such places in every answer that names one. Nobody may connect to them, not
even to look.
"""

from __future__ import annotations

import pytest

from tests.certificates import authority, leaf
from tests.lab import servers
from tests.lab.misbehaving import CLOSE, Place, in_order, meets
from tests.lab.origin import Origin, Request, answer, origin
from tests.lab.scenario import config
from tests.lab.way import HOST
from tests.lab.world import REGISTRY, Run, World

pytestmark = pytest.mark.lab

IMAGE = f"{HOST}/lab/app:1.0"
METADATA = "169.254.169.254"
NEAR = (
    *(f"http://{METADATA}/latest/meta-data/", f"https://{METADATA}/v2/", "http://127.0.0.1/v2/"),
    *("https://127.0.0.1/v2/", "https://localhost/v2/", "https://[::1]/v2/", "https://127.1/v2/"),
    *("https://10.0.0.1/v2/", "https://0.0.0.0/v2/", f"http://{HOST}/v2/", "https://0x7f000001/v2/"),
    *("https://2130706433/v2/", "https://[::ffff:127.0.0.1]/v2/", "https://[::ffff:a9fe:a9fe]/v2/"),
    *("https://0177.0.0.1/v2/", "https://127.0.0.1./v2/", "https://localhost./v2/"),
    *("https://x.localhost/v2/", "https://metadata.google.internal/v2/", "https://LOCALHOST/v2/"),
)  # fmt: skip


def near(lab: World) -> list[Origin]:
    """What listens near us, at the ports that are named."""
    for address in (METADATA, "10.0.0.1"):
        lab.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
    places = [(a, p) for a in (METADATA, "10.0.0.1", "127.0.0.1", "::1") for p in (80, 443)]
    listening = [*places, (REGISTRY, 80)]
    return [lab.far.serve(lambda at=at: origin(in_order, at=at)) for at in listening]  # type: ignore[misc]


def diagnosed(lab: World, place: Place, address: str, *, aia: str = "") -> tuple[Run, int]:
    """The report of a registry that names the address there, and how often it was knocked at."""

    def script(request: Request) -> bytes:
        if place == "token" and request.path == "/v2/":
            realm = f'Bearer realm="{address}",service="s"'
            return answer(401, b"", ("WWW-Authenticate", realm), CLOSE)
        if meets(place, request):
            return answer(307, b"", ("Location", address), CLOSE, head=request.method == "HEAD")
        return in_order(request)

    issuer = authority("Issuing CA", lab.ca)
    issued = leaf(issuer, HOST, aia=aia or None)
    chain = [issued.certificate] if aia else None
    servers.played(lab, REGISTRY, issued.write(lab.place("registry"), "r", chain), script=script)
    lab.names |= {HOST: (REGISTRY,), "metadata.google.internal": (METADATA,)}
    (lab.etc / "hosts").write_text("127.0.0.1 localhost x.localhost\n::1 localhost\n")
    servers.resolver(lab)
    lab.write(".docker/config.json", config())
    listening = near(lab)
    run = lab.check("--timeout", "9", IMAGE)
    return run, sum(each.connections for each in listening)


@pytest.mark.parametrize(
    ("place", "address"),
    [
        *((place, address) for place in ("v2", "manifest") for address in NEAR[:4]),
        *((place, address) for place in ("token", "blob") for address in NEAR),
    ],
)
def test_nothing_near_us_is_knocked_at(lab: World, place: Place, address: str) -> None:
    run, knocks = diagnosed(lab, place, address)
    assert run.report["verdict"] in ("fail", "incomplete"), run
    assert not {f["code"] for f in run.findings if f["code"].startswith("doctor.")}, run
    assert knocks == 0, run


def test_a_host_like_any_other_is_knocked_at(lab: World) -> None:
    """The near miss: storage may lie anywhere in public."""
    run, _ = diagnosed(lab, "blob", "https://192.88.99.20/")
    assert run.root_causes == ["registry.blob-unreachable"], run
    assert "tcp.refused" in {f["code"] for f in run.findings}


@pytest.mark.parametrize(
    "address", [f"http://{METADATA}/ca.crt", "http://127.0.0.1/ca.crt", "http://10.0.0.1/ca.crt"]
)
def test_no_issuer_is_fetched_from_near_us(lab: World, address: str) -> None:
    run, knocks = diagnosed(lab, "tags", "", aia=address)
    assert set(run.root_causes) == {"tls.unknown-ca", "tls.incomplete-chain"}, run
    assert knocks == 0, run
