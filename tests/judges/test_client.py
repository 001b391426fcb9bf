"""Fact literals in, codes out: a daemon that is down, files that do not count, insecure lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doctor import codes
from doctor.checks import client
from doctor.facts.client import ClientFact, ConfigFault, Daemon
from doctor.facts.dns import DnsFact
from doctor.facts.endpoint import Endpoint, EndpointsFact
from doctor.facts.trust import Insecure, TrustFact, TrustStore
from doctor.model import Case, Fact, Facts, Finding, Hop, System, Target
from doctor.reference import Reference, parse

IMAGE = "registry.corp/app:1"
REGISTRY = Hop("registry", "registry.corp", 443)
JSON = "/etc/docker/daemon.json"
SOCKET = "/var/run/docker.sock"
UP = Daemon(SOCKET, "answers", version="28.2.2", store="graphdriver")
DOWN = Daemon(SOCKET, "missing", "there is no such socket")
FACT = ClientFact(client="docker", program="/usr/bin/docker", daemon=UP)
BOOK = codes.load()


def judged(
    fact: ClientFact | None, *others: tuple[Hop | None, Fact], system: System = "debian"
) -> dict[str, Finding]:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    target = Target(IMAGE, reference, REGISTRY, client="docker", system=system)
    facts = Facts([*([(None, fact)] if fact else []), *others])
    found = [BOOK.dress(each, target) for each in client.judge(Case(target, facts))]
    for each in found:
        words = BOOK.get(each.code)
        assert words is not None
        assert each.detail != words.means, "a param of its detail is missing"
        assert each.remedies
        assert each.evidence
    return {each.code: each for each in found}


def commands(finding: Finding, which: int = 0) -> str:
    return "\n".join(step.command or "" for step in finding.remedies[which].steps)


def test_a_daemon_that_answers_says_nothing() -> None:
    assert judged(FACT) == {}
    assert judged(None) == {}


@pytest.mark.parametrize("state", ["missing", "refused", "denied", "silent", "odd"])
def test_a_daemon_that_does_not_answer_is_told(state: Any) -> None:
    found = judged(replace(FACT, daemon=Daemon(SOCKET, state, "why")))
    assert found["client.not-running"].severity == "warning"
    assert found["client.not-running"].evidence["socket"] == SOCKET


@pytest.mark.parametrize("fact", [
    replace(FACT, program="", daemon=DOWN),
    replace(FACT, daemon=Daemon(SOCKET)),
    replace(FACT, daemon=None),
])  # fmt: skip
def test_what_is_not_installed_or_was_not_asked_is_not_down(fact: ClientFact) -> None:
    assert judged(fact) == {}


@pytest.mark.parametrize(("more", "system", "command"), [
    ({}, "debian", "sudo systemctl enable --now docker"),
    ({}, "alpine", "sudo rc-update add docker default"),
    ({}, "macos", "open -a Docker"),
    ({"rootless": True}, "debian", "systemctl --user enable --now docker"),
    ({"desktop": True}, "debian", "systemctl --user start docker-desktop"),
])  # fmt: skip
def test_the_start_is_the_systems_own(more: dict[str, Any], system: System, command: str) -> None:
    found = judged(replace(FACT, daemon=DOWN, **more), system=system)
    assert command in commands(found["client.not-running"]).splitlines()


def test_a_socket_that_is_not_for_this_user_wants_the_group() -> None:
    denied = Daemon(SOCKET, "denied", "permission denied")
    found = judged(replace(FACT, daemon=denied, user="alice"))
    assert "usermod --append --groups docker alice" in commands(found["client.not-running"])
    assert found["client.not-running"].title == client.NOT_ALLOWED
    down = judged(replace(FACT, daemon=DOWN, user="alice"))["client.not-running"]
    assert "does not answer" in down.title


BROKEN = ConfigFault(
    JSON, "a comma after the last item", "dockerd does not start", 2, 16,
    expected="the last item without a comma", corrected='  "debug": true',
)  # fmt: skip


def test_a_broken_file_is_a_cause_with_its_place_and_the_line_as_it_must_be() -> None:
    found = judged(replace(FACT, daemon=DOWN, faults=(BROKEN,)))
    finding = found["client.config-invalid"]
    assert (finding.severity, finding.subject) == ("error", f"{JSON}:2")
    assert (finding.evidence["line"], finding.evidence["column"]) == (2, 16)
    assert finding.detail.startswith(f"{JSON}:2:16: a comma after the last item; dockerd does not")
    whole_line = replace(BROKEN, column=1)
    finding = judged(replace(FACT, daemon=DOWN, faults=(whole_line,)))["client.config-invalid"]
    assert finding.detail.startswith(f"{JSON}:2: a comma")
    assert finding.remedies[0].title == f"Write line 2 of {JSON} as it must be"
    assert "systemctl restart docker" in commands(finding)


def test_a_daemon_that_runs_has_read_it_before() -> None:
    finding = judged(replace(FACT, faults=(BROKEN,)))["client.config-invalid"]
    assert finding.severity == "warning"
    assert "will not start again" in finding.detail


def test_a_line_that_is_passed_over_is_a_warning() -> None:
    flaw = ConfigFault(
        "/etc/systemd/system/docker.service.d/p.conf", "no NAME=VALUE", "systemd passes over it",
        2, stops=False,
    )  # fmt: skip
    finding = judged(replace(FACT, daemon=DOWN, faults=(flaw,)))["client.config-invalid"]
    assert finding.severity == "warning"
    assert "daemon-reload" in commands(finding)
    assert "json.tool" not in commands(finding)


LISTED = TrustFact(insecure=(Insecure("registry.corp", f"{JSON}:3"),))
NETWORK = TrustFact(insecure=(Insecure("10.0.0.0/8", f"{JSON}:3", network=True),))
LOOPBACK = TrustFact(insecure=(Insecure("127.0.0.0/8", network=True),))


def test_an_insecure_registry_is_told_with_file_and_line() -> None:
    finding = judged(FACT, (REGISTRY, LISTED))["client.insecure-registry"]
    assert finding.evidence == {"path": JSON, "line": 3, "entry": "registry.corp"}
    assert finding.severity == "warning"
    assert "/etc/docker/certs.d/registry.corp/ca.crt" in commands(finding)
    assert "insecure-registries" in commands(finding)


def test_a_flag_is_not_looked_for_in_daemon_json() -> None:
    flagged = replace(FACT, flagged=(JSON,))
    finding = judged(flagged, (REGISTRY, LISTED))["client.insecure-registry"]
    assert "insecure-registries" not in commands(finding)
    assert "daemon-reload" in commands(finding)


@pytest.mark.parametrize(("trust", "addresses", "told"), [
    (NETWORK, ("10.9.9.9",), True),
    (NETWORK, ("11.9.9.9",), False),
    (LOOPBACK, ("127.0.0.1",), False),
    (TrustFact(), ("10.9.9.9",), False),
])  # fmt: skip
def test_a_network_counts_by_addresses_and_dockers_own_default_is_not_told(
    trust: TrustFact, addresses: tuple[str, ...], told: bool
) -> None:
    found = judged(FACT, (REGISTRY, trust), (REGISTRY, DnsFact(addresses=addresses)))
    assert ("client.insecure-registry" in found) is told


def test_a_mirror_that_the_daemon_has_not_read_wants_a_reload_and_no_restart() -> None:
    unread = ConfigFault(
        JSON, "the running daemon does not know the mirror", "it counts later", 3,
        stops=False, kind="unread",
    )  # fmt: skip
    finding = judged(replace(FACT, faults=(unread,)))["client.config-invalid"]
    assert finding.severity == "warning"
    assert commands(finding) == "sudo systemctl reload docker"
    own = judged(replace(FACT, faults=(unread,), rootless=True))["client.config-invalid"]
    assert commands(own) == "systemctl --user reload docker"


# ── containerd ───────────────────────────────────────────────────────────────────────────────────

HOSTS = "/etc/containerd/certs.d/registry.corp/hosts.toml"
CONFIG = "/etc/containerd/config.toml"
CTRD = ClientFact(
    client="containerd",
    program="/usr/bin/containerd",
    daemon=Daemon("/run/containerd/containerd.sock", "answers"),
    service="containerd",
)


def of_containerd(fact: ClientFact, *others: tuple[Hop | None, Fact]) -> dict[str, Finding]:
    return judged_as("containerd", fact, *others)


def judged_as(
    client_name: str, fact: ClientFact, *others: tuple[Hop | None, Fact]
) -> dict[str, Finding]:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    target = Target(IMAGE, reference, REGISTRY, client=client_name, system="debian")
    case = Case(target, Facts([(None, fact), *others]))
    return {f.code: BOOK.dress(f, target) for f in client.judge(case)}


def fault(kind: Any, file: str = HOSTS, line: int = 3, **more: Any) -> ClientFact:
    made = ConfigFault(file, "w", "e", line, 1, "x", stops=False, kind=kind, **more)
    return replace(CTRD, faults=(made,))


@pytest.mark.parametrize(("fact", "command"), [
    (fault(""), f"| sudo tee {HOSTS}"),
    (fault("path-twice"), f"sudo sed -i.before '3a override_path = true' {HOSTS}"),
    (fault("passed-over"), f"ls -l {HOSTS}"),
    (fault("one-folder", CONFIG), "s#=.*#= \"/etc/containerd/certs.d\"#"),
    (replace(fault("one-folder", CONFIG, 0), appendable=True), f"| sudo tee -a {CONFIG}"),
    (fault("", CONFIG), f"sudo containerd --config {CONFIG} config dump"),
    (replace(fault("", "/etc/rancher/k3s/registries.yaml"), service="k3s-agent"),
     "sudo systemctl restart k3s-agent"),
])  # fmt: skip
def test_each_of_containerds_files_is_mended_in_its_own_way(fact: ClientFact, command: str) -> None:
    found = of_containerd(fact)["client.config-invalid"]
    assert found.severity == "warning"
    assert command in commands(found)


def test_the_mirror_is_kept_in_a_file_that_is_written_anew() -> None:
    found = of_containerd(replace(fault(""), mirror="https://m.example"))
    assert '[host."https://m.example"]' in commands(found["client.config-invalid"])


@pytest.mark.parametrize(("kind", "severity"), [("", "warning"), ("each-pull", None)])
def test_what_is_read_at_each_pull_stops_a_daemon_that_runs(kind: Any, severity: Any) -> None:
    stops = replace(CTRD, faults=(ConfigFault(CONFIG, "w", "e", 1, 1, kind=kind),))
    (found,) = of_containerd(stops).values()
    assert found.severity == (severity or "error")


def test_k3s_is_started_by_its_own_unit() -> None:
    down = replace(CTRD, daemon=Daemon("/run/k3s/containerd/containerd.sock", "missing"))
    found = of_containerd(replace(down, service="rke2-server"))["client.not-running"]
    assert "sudo systemctl enable --now rke2-server" in commands(found)
    found = of_containerd(down)["client.not-running"]
    assert "sudo systemctl enable --now containerd" in commands(found)


@pytest.mark.parametrize(
    ("allows", "told"), [("both", True), ("plain", True), ("unverified", False)]
)
def test_what_allows_no_plain_http_is_not_told_as_insecure(allows: Any, told: bool) -> None:
    trust = TrustFact(insecure=(Insecure("skip_verify = true", f"{HOSTS}:3", allows=allows),))
    assert ("client.insecure-registry" in of_containerd(CTRD, (REGISTRY, trust))) is told


PLAIN = Insecure("http://m.example", f"{HOSTS}:1", allows="plain")
SKIPS = Insecure("skip_verify = true", f"{HOSTS}:4")


@pytest.mark.parametrize(("fact", "insecure", "says"), [
    (CTRD, (PLAIN,), "names http://m.example, so containerd speaks plain HTTP with registry.corp."),
    (CTRD, (SKIPS, PLAIN), "says skip_verify = true, so containerd does not verify registry.corp"),
    (FACT, LISTED.insecure, "lists registry.corp as insecure, so docker does not verify"),
    (replace(CTRD, client="podman"),
     (Insecure("insecure = true", f"{JSON}:3", switch=True),), "says insecure = true, so podman"),
])  # fmt: skip
def test_the_line_is_told_as_it_stands_there(
    fact: ClientFact, insecure: tuple[Insecure, ...], says: str
) -> None:
    found = judged_as(fact.client, fact, (REGISTRY, TrustFact(insecure=insecure)))
    detail = found["client.insecure-registry"].detail
    assert detail.startswith(f"{insecure[0].origin} {says}"), detail


@pytest.mark.parametrize(("file", "mends"), [
    (HOSTS, "sudo sed -i.before '4{/skip_verify/s#.*#ca = "),
    (CONFIG, "sudo sed -i.before '4s#insecure_skip_verify.*#ca_file = "),
    ("/etc/rancher/k3s/registries.yaml", "sudo sed -i.before '4s#insecure_skip_verify:.*#ca_file:"),
])  # fmt: skip
def test_all_else_in_the_file_stays_where_a_ca_takes_the_place_of_skip_verify(
    file: str, mends: str
) -> None:
    trust = TrustFact(insecure=(replace(SKIPS, origin=f"{file}:4"), PLAIN))
    found = judged_as("containerd", CTRD, (REGISTRY, trust))["client.insecure-registry"]
    assert mends in commands(found)
    assert "1s#http://m.example#https://m.example#" in commands(found)
    assert "tee" not in commands(found)


def test_a_ca_that_is_named_already_is_not_named_twice() -> None:
    store = TrustStore(f"ca in {HOSTS}:5", "/etc/ca.crt")
    trust = TrustFact(stores=(store,), insecure=(SKIPS, PLAIN))
    found = judged_as("containerd", CTRD, (REGISTRY, trust))["client.insecure-registry"]
    assert "4{/skip_verify/d}" in commands(found)
    assert "ca = " not in commands(found)


def test_a_registry_that_has_no_tls_is_not_asked_by_tls() -> None:
    """The line changes only where the registry answers HTTPS."""
    found = judged_as("containerd", CTRD, (REGISTRY, TrustFact(insecure=(PLAIN,))))
    (typed,) = [c for c in commands(found["client.insecure-registry"]).splitlines() if "sed" in c]
    assert "https://m.example/v2/ && sudo sed -i.before '1s#http://m.example#https" in typed


def test_dockers_own_hosts_toml_is_no_daemon_json() -> None:
    file = "/etc/docker/certs.d/registry.corp/hosts.toml"
    trust = TrustFact(insecure=(Insecure("skip_verify = true", f"{file}:4"),))
    found = judged_as("docker", FACT, (REGISTRY, trust))["client.insecure-registry"]
    every = "".join(commands(found, n) for n in range(len(found.remedies)))
    assert "4{/skip_verify/s#.*#ca = " in every
    assert "json" not in every


def test_a_mirror_is_told_by_its_own_name() -> None:
    """It is the mirror that is spoken to in the clear, not the registry of the image."""
    mirror = Hop("mirror", "m.example", 80, "http")
    trust = (mirror, TrustFact(insecure=(PLAIN,)))
    seen = EndpointsFact(endpoints=(Endpoint(mirror, "app"), Endpoint(REGISTRY, "app")))
    found = judged_as("containerd", CTRD, (REGISTRY, TrustFact()), trust, (None, seen))
    detail = found["client.insecure-registry"].detail
    says = "names http://m.example, so containerd speaks plain HTTP with m.example."
    assert detail == f"{HOSTS}:1 {says}"
    unasked = EndpointsFact(endpoints=(Endpoint(REGISTRY, "app"),))
    assert not judged_as("containerd", CTRD, (REGISTRY, TrustFact()), trust, (None, unasked))


@pytest.mark.parametrize("client_name", ["docker", "podman", "cri-o", "containerd", "kubelet"])
def test_a_folder_of_another_name_is_copied_to_its_place(client_name: str) -> None:
    lies_in = "/etc/containers/certs.d/registry.corp:443"
    fault = ConfigFault(
        lies_in, "w", "e", stops=False, kind="passed-over",
        lies_in=lies_in, belongs_in="/etc/containers/certs.d/registry.corp",
    )  # fmt: skip
    fact = replace(FACT, client=client_name, faults=(fault,))
    (found,) = judged_as(client_name, fact).values()
    assert "certs.d/registry.corp:443/. /etc/containers/certs.d/registry.corp/" in commands(found)
    assert not any("line" in remedy.title for remedy in found.remedies)
