"""The one sentence: of several endpoints, which served the image and which did not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.facts.endpoint import Endpoint, EndpointSeen, EndpointsFact
from doctor.model import Diagnosis, Facts, Finding, Hop, Target, Verdict
from doctor.reference import Reference, parse
from doctor.report.document import hops_of
from doctor.report.summary import sentence

IMAGE = "docker.io/library/nginx:1"
HUB, MIRROR = Hop("registry", "registry-1.docker.io", 443), Hop("mirror", "m.corp", 443)
SERVES = EndpointSeen(Endpoint(HUB, "library/nginx"), "pass")
DOWN = replace(SERVES, verdict="fail", layer="tcp")
COPY = EndpointSeen(Endpoint(MIRROR, "library/nginx"), "pass")
DEAD = replace(COPY, verdict="fail", layer="dns")
UNTOLD = replace(COPY, verdict="incomplete", reason="its login is not shown")
CAUSE = Finding("tcp.refused", severity="error", root_cause=True, detail="It is refused.")
WARNING = Finding("client.mirror-unreachable", severity="warning")


def diagnosis(
    verdict: Verdict, *seen: EndpointSeen, findings: tuple[Finding, ...] = ()
) -> Diagnosis:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    facts = Facts([(None, EndpointsFact(seen_at=seen, tells="last"))])
    target = Target(IMAGE, reference, HUB, client="docker")
    return Diagnosis(target, facts, (), findings, verdict, (), ())


CAN = f"{IMAGE} can be pulled from here"
BEFORE = "The mirror m.corp:443, asked before, does not serve it: its name is not resolved."


@pytest.mark.parametrize(("found", "said"), [
    (diagnosis("pass"), f"{CAN}."),
    (diagnosis("pass", COPY, SERVES), f"{CAN}, from the mirror m.corp:443."),
    (diagnosis("pass", COPY, DOWN), f"{CAN}, from the mirror m.corp:443."),
    (diagnosis("warn", DEAD, SERVES, findings=(WARNING,)),
     f"{CAN}, from registry-1.docker.io:443; 1 warning below. {BEFORE}"),
    (diagnosis("fail", DEAD, DOWN, findings=(CAUSE,)),
     f"It is refused. {BEFORE} Docker shows the error of registry-1.docker.io:443 alone."),
    (diagnosis("fail", DOWN, findings=(CAUSE,)), "It is refused."),
    (diagnosis("pass", UNTOLD, SERVES),
     f"{CAN}, from registry-1.docker.io:443."
     " The mirror m.corp:443, asked before, may serve it: its login is not shown."),
    (diagnosis("incomplete", UNTOLD, DOWN),
     f"Nothing was seen to be wrong with {IMAGE}, but not everything could be tried: ."
     " The mirror m.corp:443 may serve it: its login is not shown."),
])  # fmt: skip
def test_who_serves_and_who_does_not(found: Diagnosis, said: str) -> None:
    assert sentence(found) == said


def test_hosts_come_in_the_clients_order() -> None:
    assert [hop.host for hop in hops_of(diagnosis("pass", DEAD, SERVES))] == [
        "m.corp", "registry-1.docker.io",
    ]  # fmt: skip
    assert hops_of(diagnosis("pass")) == [HUB]
