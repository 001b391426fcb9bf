"""Which of the endpoints' diagnoses is the pull's, and what is told of the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from doctor import codes
from doctor.checks import endpoints
from doctor.credential import Credential
from doctor.engine import Engine, fallback
from doctor.facts.client import ClientFact
from doctor.facts.credential import CredentialFact
from doctor.facts.endpoint import Endpoint, EndpointsFact, home
from doctor.facts.registry import ImageFact
from doctor.facts.tcp import Attempt, TcpFact
from doctor.frozen import frozen
from doctor.model import Case, Check, Diagnosis, Fact, Finding, Hop, Target
from doctor.net import Net
from doctor.outcome import Choice
from doctor.redact import Secret
from doctor.reference import Reference, parse

IMAGE = "docker.io/library/nginx:1"
HUB = Hop("registry", "registry-1.docker.io", 443)
FIRST = Endpoint(
    Hop("mirror", "one.corp", 443), "library/nginx", origin="/etc/d.json:2", written="https://one"
)  # fmt: skip
SECOND = Endpoint(Hop("mirror", "two.corp", 5000, "http"), "copies/nginx", base="/x/v2")
GIVEN = Credential("alice", Secret("correct horse"), origin="--username")


@frozen
class Asking:
    """A client that asks these mirrors, and then the registry."""

    mirrors: tuple[Endpoint, ...] = ()
    last: bool = True
    name: str = "docker"

    def endpoints(self, target: Target) -> EndpointsFact:
        if target.reference is None or target.reference.domain != "docker.io":
            return EndpointsFact(client=self.name, endpoints=(home(target),))
        own = (home(target),) if self.last else ()
        return EndpointsFact(client=self.name, endpoints=(*self.mirrors, *own))


class World:
    """Servers by their hosts, and what was asked of them."""

    def __init__(
        self, up: Mapping[str, str], local: str = "", untold: tuple[str, ...] = ()
    ) -> None:
        self.up = up
        self.local = local
        self.untold = untold
        self.asked: list[tuple[str, str]] = []
        self.given: dict[str, bool] = {}
        self.judged = 0

    async def connect(self, case: Case, net: Net) -> Fact:
        outcome: Any = "connected" if case.at.host in self.up else "refused"
        return TcpFact(attempts=(Attempt(address="192.0.2.1", outcome=outcome),))

    def refused(self, case: Case) -> Iterator[Finding]:
        fact = case.here(TcpFact)
        if fact is not None and not fact.ok:
            yield Finding("tcp.refused", hop=case.hop, detail=f"{case.at.name} refuses.")

    async def setup(self, case: Case, client: Any, net: Net) -> Fact:
        self.given[case.target.registry.host] = net.credential is not None
        return ClientFact()

    def broken(self, case: Case) -> Iterator[Finding]:
        self.judged += 1
        if self.local:
            yield Finding(self.local, detail="a file is broken")

    async def look(self, case: Case, net: Net) -> Fact | None:
        reference = case.target.reference
        assert reference is not None
        self.asked.append((case.at.name, case.target.path_in_repository("manifests/1")))
        digest = self.up[case.at.host]
        found = case.at.host not in self.untold and digest
        return ImageFact(kind="manifest" if found else "", blob="b" if found else "", digest=digest)

    def missing(self, case: Case) -> Iterator[Finding]:
        fact = case.here(ImageFact)
        if fact is not None and not fact.ok and case.at.host not in self.untold:
            yield Finding("registry.manifest-unknown", hop=case.at, detail="404")

    @property
    def checks(self) -> list[Check]:
        return [
            Check("client", "target", self.broken, read=self.setup),
            endpoints.CHECK,
            Check("tcp", "hop", self.refused, probe=self.connect),
            Check("image", "target", self.missing, probe=self.look, needs=("tcp",)),
        ]


def diagnose(
    world: World, client: Any, image: str = IMAGE, given: Credential | None = None,
    seconds: float = 5.0, **more: Any,
) -> Diagnosis:  # fmt: skip
    reference = parse(image)
    assert isinstance(reference, Reference)
    target = Target(image, reference, reference.hop, client="docker")

    async def run() -> Diagnosis:
        engine = Engine(world.checks, codes.load(), **more)
        net = Net(deadline=time.monotonic() + seconds)
        return await fallback.diagnose(engine, target, client, net, given)

    return asyncio.run(run())


BOTH = Asking((FIRST, SECOND))
UP = {"one.corp": "sha256:a", "two.corp": "sha256:a", HUB.host: "sha256:a"}


def told(diagnosis: Diagnosis) -> dict[str, str | None]:
    return {f.code: f.severity for f in diagnosis.findings}


def without(*hosts: str) -> dict[str, str]:
    return {host: digest for host, digest in UP.items() if host not in hosts}


def test_a_client_without_mirrors_asks_the_registry_and_nothing_is_compared() -> None:
    world = World(UP)
    found = diagnose(world, Asking())
    assert (found.verdict, world.asked) == ("pass", [(HUB.name, "/v2/library/nginx/manifests/1")])
    fact = found.facts.get(EndpointsFact)
    assert fact is not None
    assert fact.seen_at == ()


def test_what_stands_for_one_image_is_judged_once() -> None:
    world = World(UP)
    diagnose(world, Asking())
    assert world.judged == 1
    diagnose(world, Guessing())
    assert world.judged == 3, "which of two it stands for is decided by a verdict, besides"


def test_every_endpoint_is_asked_under_its_own_name_and_path() -> None:
    world = World(UP)
    found = diagnose(world, BOTH)
    assert sorted(world.asked) == [
        ("one.corp:443", "/v2/library/nginx/manifests/1"),
        (HUB.name, "/v2/library/nginx/manifests/1"),
        ("two.corp:5000", "/x/v2/copies/nginx/manifests/1"),
    ]
    assert (found.verdict, found.target.registry, found.target.image) == (
        "pass", FIRST.hop, IMAGE,
    )  # fmt: skip


@pytest.mark.parametrize(("down", "verdict", "serves", "findings"), [
    ((), "pass", "one.corp", {}),
    (("one.corp",), "warn", "two.corp", {"client.mirror-unreachable": "warning"}),
    (("one.corp", "two.corp"), "warn", HUB.host, {"client.mirror-unreachable": "warning"}),
    (("two.corp", HUB.host), "warn", "one.corp", {"client.mirror-unreachable": "warning"}),
    ((HUB.host,), "pass", "one.corp", {}),
])  # fmt: skip
def test_the_first_that_serves_is_reported_and_no_fault_of_another_fails_the_pull(
    down: tuple[str, ...], verdict: str, serves: str, findings: dict[str, str]
) -> None:
    found = diagnose(World(without(*down)), BOTH)
    assert (found.verdict, found.root_causes) == (verdict, ())
    assert (found.target.registry.host, told(found)) == (serves, findings)
    dead = {f.hop for f in found.findings if f.code == "client.mirror-unreachable"}
    assert dead == {e.hop for e in (FIRST, SECOND) if e.hop.host in down}


def test_where_all_fail_the_last_ones_fault_is_the_cause() -> None:
    found = diagnose(World({}), BOTH)
    assert (found.verdict, found.root_causes) == ("fail", ("tcp.refused",))
    assert [f.hop for f in found.findings if f.root_cause] == [HUB]
    assert told(found)["client.mirror-unreachable"] == "warning"


def test_where_only_a_mirror_may_be_asked_it_is_the_cause() -> None:
    found = diagnose(World({}), Asking((FIRST,), last=False))
    assert found.root_causes == ("client.mirror-unreachable",)
    assert "one.corp:443 refuses." in found.findings[0].evidence["reason"]
    assert diagnose(World(UP), Asking((FIRST,), last=False)).verdict == "pass"


def test_a_mirror_that_lacks_the_image_is_passed_over_in_silence() -> None:
    found = diagnose(World({**UP, "one.corp": "", "two.corp": ""}), BOTH)
    assert (found.verdict, found.findings, found.target.registry) == ("pass", (), HUB)


def test_a_mirror_of_which_nobody_can_tell_makes_no_pull_fail() -> None:
    world = World({"one.corp": "sha256:a"}, untold=("one.corp",))
    found = diagnose(world, Asking((FIRST,)))
    assert (found.verdict, found.root_causes) == ("incomplete", ())
    world = World(without("two.corp"), untold=("one.corp",))
    assert diagnose(world, Asking((FIRST,))).verdict == "pass"


def test_the_same_tag_with_another_digest_is_a_stale_mirror() -> None:
    found = diagnose(World({**UP, "one.corp": "sha256:b"}), BOTH)
    assert told(found) == {"client.mirror-stale": "warning"}
    assert found.findings[0].hop == FIRST.hop


def test_a_fault_of_the_clients_own_files_is_no_fault_of_the_mirror() -> None:
    world = World(UP, local="client.config-invalid")
    found = diagnose(world, BOTH)
    assert found.root_causes == ("client.config-invalid",)
    assert "client.mirror-unreachable" not in told(found)
    fact = found.facts.get(EndpointsFact)
    assert fact is not None
    assert [each.serves for each in fact.seen_at] == [True, True, True]
    world = World(without("one.corp"), local="client.config-invalid")
    assert "client.mirror-unreachable" in told(diagnose(world, BOTH))


def test_the_credential_that_was_given_goes_to_the_registry_alone() -> None:
    world = World(UP)
    diagnose(world, BOTH, given=GIVEN)
    assert world.given == {"one.corp": False, "two.corp": False, HUB.host: True}


def test_a_mirror_that_is_the_registry_itself_is_given_what_the_registry_is() -> None:
    itself = Endpoint(replace(HUB, role="mirror"), "library/nginx", origin="/etc/d.json:2")
    world = World(UP)
    found = diagnose(world, Asking((itself,)), given=GIVEN)
    assert (found.verdict, world.given) == ("pass", {HUB.host: True})


@frozen
class Guessing(Asking):
    """A client that takes every name for one on these registries, in order."""

    hosts: tuple[str, ...] = ("one.corp", "two.corp")

    def meant(self, target: Target) -> tuple[Target, ...]:
        images = (parse(f"{host}/app:1") for host in self.hosts)
        found = (each for each in images if isinstance(each, Reference))
        return tuple(replace(target, reference=each, registry=each.hop) for each in found)


@pytest.mark.parametrize(("seconds", "last"), [(5.0, "two.corp"), (-1.0, "one.corp")])
def test_images_that_a_name_may_mean_are_looked_at_while_there_is_time(
    seconds: float, last: str
) -> None:
    found = diagnose(World({}), Guessing(), seconds=seconds)
    assert found.target.registry.host == last


def test_what_a_client_passes_over_is_not_asked() -> None:
    world = World(UP)
    client = Asking((replace(FIRST, skipped="it is for digests only"), SECOND))
    found = diagnose(world, client)
    assert {name for name, _ in world.asked} == {"two.corp:5000", HUB.name}
    fact = found.facts.get(EndpointsFact)
    assert fact is not None
    assert [e.hop.host for e in fact.endpoints] == ["one.corp", "two.corp", HUB.host]


def test_the_line_of_the_check_says_who_serves() -> None:
    found = diagnose(World(without("one.corp")), Asking((FIRST,)))
    (line,) = [c for c in found.checks if c.part == "endpoints"]
    assert (line.status, line.summary) == ("warn", "Configured mirror does not answer")
    (line,) = [c for c in diagnose(World(UP), BOTH).checks if c.part == "endpoints"]
    assert line.summary.startswith("the mirror one.corp:443 serves it; ")


def test_another_image_and_another_registry_are_not_mirrored() -> None:
    world = World({**UP, "quay.io": "sha256:a"})
    diagnose(world, BOTH, "quay.io/team/app:1")
    assert world.asked == [("quay.io:443", "/v2/team/app/manifests/1")]


def test_what_was_left_out_stays_left_out() -> None:
    choice = Choice(skip=frozenset({"client"}))
    found = diagnose(World(without("one.corp")), BOTH, choice=choice)
    assert (found.verdict, told(found), found.not_tried) == ("pass", {}, ("client",))


@pytest.mark.parametrize("choice", [
    Choice(offline=True), Choice(only=frozenset({"tcp"})), Choice(skip=frozenset({"image"})),
])  # fmt: skip
def test_what_was_not_asked_for_the_image_is_not_said_to_serve_it(choice: Choice) -> None:
    found = diagnose(World(UP), BOTH, choice=choice)
    fact = found.facts.get(EndpointsFact)
    assert fact is not None
    assert [each.serves for each in fact.seen_at] == [None, None, None]
    assert (found.verdict, found.target.registry, found.root_causes) == ("pass", HUB, ())
    assert "was not asked" in fact.seen


def test_facts_of_the_others_stand_beside_and_change_no_verdict() -> None:
    found = diagnose(World(without(HUB.host)), BOTH)
    hosts = {hop.host for hop, _ in found.facts.all(TcpFact) if hop}
    assert hosts == {"one.corp", "two.corp", HUB.host}
    assert CredentialFact not in {type(fact) for _, fact in found.facts}


@frozen
class Choosing(Asking):
    """A client for which one name may stand for several images."""

    images: tuple[str, ...] = ()

    def meant(self, target: Target) -> tuple[Target, ...]:
        return tuple(
            replace(target, reference=each, registry=each.hop)
            for each in map(parse, self.images)
            if isinstance(each, Reference)
        )


TWO = Choosing(images=("one.corp/a:1", "two.corp/a:1"))


def test_of_several_images_the_first_that_can_be_pulled_is_told_of() -> None:
    both = World(UP)
    assert diagnose(both, TWO, given=GIVEN).target.registry.host == "one.corp"
    assert both.given == {"one.corp": True}
    second = World(without("one.corp"))
    found = diagnose(second, TWO, given=GIVEN)
    assert (found.target.registry.host, found.verdict) == ("two.corp", "pass")
    assert second.given == {"one.corp": True, "two.corp": False}, "a login is for one registry"
    none = diagnose(World({}), TWO)
    assert (none.target.registry.host, none.root_causes) == ("two.corp", ("tcp.refused",))
