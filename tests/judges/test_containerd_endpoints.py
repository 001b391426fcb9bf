"""What containerd's own error would hide, and what of its mirrors is told: fact literals in, codes
out."""

from __future__ import annotations

from typing import Any

import pytest

from doctor import codes
from doctor.checks import endpoints
from doctor.facts.endpoint import Blocked, Endpoint, EndpointSeen, EndpointsFact
from doctor.facts.trust import CaFault, TrustFact
from doctor.model import Case, Facts, Finding, Hop, Target
from doctor.reference import Reference, parse

HOST = "registry.corp"
FILE = f"/etc/containerd/certs.d/{HOST}/hosts.toml"
BOOK = codes.load()
HOME = Hop("registry", HOST, 443)


def seen(name: str, status: int | None, layer: str = "", role: Any = "mirror") -> EndpointSeen:
    endpoint = Endpoint(Hop(role, name, 443), "app", origin=f"{FILE}:3", written=f"https://{name}")
    verdict: Any = "fail" if layer else "pass"
    return EndpointSeen(
        endpoint, verdict, layer, "why", (f"{layer}.x",) if layer else (), status=status
    )


def judged(fact: EndpointsFact, trust: TrustFact | None = None) -> dict[str, Finding]:
    reference = parse(f"{HOST}/app:1")
    assert isinstance(reference, Reference)
    target = Target("x", reference, HOME, client="containerd", asked=reference)
    facts = Facts([(None, fact), *([(HOME, trust)] if trust else [])])
    return {f.code: BOOK.dress(f, target) for f in endpoints.judge(Case(target, facts))}


def fact(*at: EndpointSeen) -> EndpointsFact:
    listed = tuple(each.endpoint for each in at)
    return EndpointsFact(
        client="containerd", endpoints=listed, seen_at=at, rule="r", tells="gravest"
    )


@pytest.mark.parametrize(("statuses", "told"), [
    ((404, None), "m0"),
    ((None, None), "m0"),
    ((None, 404), "m1"),
    ((404, 503), "m1"),
    ((403, 503), "m0"),
    ((401, 404), "m1"),
    ((401, None), "m0"),
    ((None, 404, 500), "m2"),
])  # fmt: skip
def test_the_gravest_error_hides_the_others(statuses: tuple[int | None, ...], told: str) -> None:
    """core/remotes/docker/resolver.go: HTTP errors before 404 before connections and logins."""
    at = [seen(f"m{n}", status, "image" if status else "tcp") for n, status in enumerate(statuses)]
    found = fact(*at)
    assert found.told is not None
    assert found.told.endpoint.hop.host == told


def test_a_dead_mirror_names_what_containerd_would_say_in_its_place() -> None:
    found = judged(fact(seen("m", None, "tcp"), seen(HOST, 503, "image", "registry")))
    assert found["client.mirror-unreachable"].evidence["client_tells_only"] == f"{HOST}:443"


@pytest.mark.parametrize(("file", "command"), [
    (FILE, f"{FILE}.before | sudo tee {FILE}"),
    ("/etc/rancher/k3s/registries.yaml", "sudo sed -i.before 7d /etc/rancher/k3s/registries.yaml"),
])  # fmt: skip
def test_a_dead_mirror_leaves_its_own_file(file: str, command: str) -> None:
    mirror = Endpoint(Hop("mirror", "m", 443), "app", origin=f"{file}:7", written="https://m")
    at = (EndpointSeen(mirror, "fail", "tcp"), seen(HOST, 200, role="registry"))
    found = judged(fact(*at))
    steps = found["client.mirror-unreachable"].remedies[0].steps
    assert any(command in (step.command or "") for step in steps)


def test_files_that_end_every_pull_are_not_the_mirrors_fault() -> None:
    broken = EndpointSeen(seen("m", None).endpoint, "fail", "tls", "x", ("tls.ca-file-unusable",))
    at = fact(broken, seen(HOST, None, "tls", "registry"))
    stops = TrustFact(faults=(CaFault("ca", "/ca.crt", "missing", f"{FILE}:3", stops=True),))
    assert judged(at, stops) == {}
    assert "client.mirror-unreachable" in judged(at, TrustFact())


def test_no_host_for_tags_is_told_and_mended() -> None:
    found = judged(EndpointsFact(client="containerd", blocked=Blocked(FILE, 1, "no hosts")))
    blocked = found["client.blocked"]
    assert (blocked.evidence["path"], blocked.evidence["line"]) == (FILE, 1)
    (step,) = blocked.remedies[0].steps
    assert step.command is not None
    assert step.command.startswith("sudo sed -i.before ")
    assert step.command.endswith(f's/"pull"/"pull", "resolve"/;}}\' {FILE}')


def test_a_dead_mirror_in_the_registrys_place_has_the_registry_named_there() -> None:
    alone = Endpoint(Hop("mirror", "m", 443), "app", origin=f"{FILE}:1", written="https://m")
    found = judged(fact(EndpointSeen(alone, "fail", "tcp")))["client.mirror-unreachable"]
    (step,) = found.remedies[0].steps
    assert step.command == (f"sudo sed -i.before '1s#.*#server = \"https://{HOST}\"#' {FILE}")
