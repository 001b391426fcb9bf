"""Are docker's mirrors asked as dockerd asks them, in its order, and for Docker Hub alone?

Knowledge of the rules: moby daemon/pkg/registry/config.go, daemon/hosts.go,
daemon/internal/distribution/registry.go, daemon/containerd/resolver.go.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.clients import docker_host, docker_mirrors
from doctor.clients.daemon_json import REFUSES, parse
from doctor.clients.docker import Docker
from doctor.clients.unit import Value
from doctor.engine.fallback import aim
from doctor.facts.client import Daemon
from doctor.facts.endpoint import Endpoint, EndpointsFact
from doctor.model import Target
from doctor.reference import Reference
from doctor.reference import parse as reference_of
from tests.certificates import authority
from tests.clients.registries import DOCKER, HOME, auth, machine, put

JSON = "/etc/docker/daemon.json"
UNIT = "/usr/lib/systemd/system/docker.service"
CERTS = "/etc/docker/certs.d"
HUB_KEY = "https://index.docker.io/v1/"
UP = Daemon("/x", "answers")
CONTAINERD = replace(UP, store="containerd")
GRAPHDRIVER = replace(UP, store="graphdriver")
CA = authority()


def docker(root: Path, daemon: Daemon | None = None) -> Docker:
    here = machine(root)
    return Docker(here, docker_host.read(here), daemon)


def target(image: str = "nginx") -> Target:
    reference = reference_of(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="docker")


def endpoints(client: Docker, image: str = "nginx") -> EndpointsFact:
    return client.endpoints(target(image))


def urls(fact: EndpointsFact) -> list[str]:
    return [
        f"{e.hop.role} {e.hop.scheme}://{e.hop.name}{e.base}/{e.repository}" for e in fact.asked
    ]


def mirrors(root: Path, *values: str) -> None:
    put(root, JSON, {"registry-mirrors": list(values)})


def mirror(root: Path, value: str, daemon: Daemon | None = None) -> Endpoint:
    mirrors(root, value)
    return endpoints(docker(root, daemon)).endpoints[0]


def aimed(client: Docker, image: str = "nginx") -> Target:
    """The pull from the first mirror."""
    return aim(target(image), endpoints(client, image).asked[0])


# ── which, in which order ────────────────────────────────────────────────────────────────────────

HUB = "registry https://registry-1.docker.io:443/v2/library/nginx"


def test_mirrors_come_in_order_and_docker_hub_last(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://two.corp", "http://one.corp:5000", "https://two.corp/")
    fact = endpoints(docker(tmp_path))
    assert urls(fact) == [
        "mirror https://two.corp:443/v2/library/nginx",
        "mirror http://one.corp:5000/v2/library/nginx",
        HUB,
    ]
    assert [place.outcome for place in fact.places] == ["used", "used"]


@pytest.mark.parametrize(
    "image", ["nginx", "docker.io/library/nginx:latest", "index.docker.io/a/b"]
)
def test_every_name_of_docker_hub_is_mirrored(tmp_path: Path, image: str) -> None:
    mirrors(tmp_path, "https://one.corp")
    assert len(endpoints(docker(tmp_path), image).asked) == 2


@pytest.mark.parametrize(
    "image", ["quay.io/x/y", "registry-1.docker.io/library/nginx", "one.corp/a:1"]
)
@pytest.mark.parametrize("daemon", [CONTAINERD, GRAPHDRIVER])
def test_no_other_registry_is(tmp_path: Path, image: str, daemon: Daemon) -> None:
    mirrors(tmp_path, "https://one.corp")
    fact = endpoints(docker(tmp_path, daemon), image)
    assert [e.hop.role for e in fact.asked] == ["registry"]
    assert [(place.outcome, place.note) for place in fact.places if place.where == f"{JSON}:1"] == [
        ("ignored", "registry-mirrors is for Docker Hub alone")
    ]


def test_without_mirrors_there_is_the_registry_alone(tmp_path: Path) -> None:
    assert urls(endpoints(docker(tmp_path))) == [HUB]
    put(tmp_path, JSON, {"registry-mirrors": []})
    assert urls(endpoints(docker(tmp_path))) == [HUB]


def test_a_bare_host_has_no_mirror(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://one.corp")
    bare = Target("registry-1.docker.io", None, target().registry, client="docker")
    assert [e.hop.role for e in docker(tmp_path).endpoints(bare).asked] == ["registry"]


def test_an_endpoint_knows_the_line_that_names_it(tmp_path: Path) -> None:
    put(tmp_path, JSON, '{\n  "registry-mirrors": [\n    "https://one.corp/"\n  ]\n}')
    first, last = endpoints(docker(tmp_path)).endpoints
    assert (first.origin, first.written) == (f"{JSON}:3", "https://one.corp/")
    assert last.origin == ""


def test_a_flag_is_a_setting_and_both_at_once_keep_it_down(tmp_path: Path) -> None:
    flags = "--registry-mirror=https://one.corp --registry-mirror https://two.corp"
    put(tmp_path, UNIT, f"[Service]\nExecStart=/usr/bin/dockerd {flags}\n")
    client = docker(tmp_path)
    assert [e.hop.host for e in endpoints(client).asked[:2]] == ["one.corp", "two.corp"]
    assert endpoints(client).asked[0].origin == f"{UNIT}:2"
    assert client.setup(target()).flagged == (UNIT,)
    assert client.host.faults == ()
    mirrors(tmp_path, "https://three.corp")
    (fault,) = docker(tmp_path).host.faults
    assert (fault.file, fault.effect, fault.stops) == (JSON, REFUSES, True)


# ── what is asked there ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("value", "old", "new"), [
    ("https://m.corp", "/v2", "/v2"),
    ("https://m.corp/", "/v2", "/v2"),
    ("https://m.corp/hub", "/hub/v2", "/hub/v2"),
    ("https://m.corp/hub/", "/hub/v2", "/hub/v2"),
    ("https://m.corp/v2", "/v2/v2", "/v2"),
    ("https://m.corp/v2/hub", "/v2/hub/v2", "/v2/hub/v2"),
    ("https://m.corp/a b", "/a%20b/v2", "/a%20b/v2"),
])  # fmt: skip
def test_the_path_stands_before_v2(tmp_path: Path, value: str, old: str, new: str) -> None:
    assert mirror(tmp_path, value, GRAPHDRIVER).base == old
    assert mirror(tmp_path, value, CONTAINERD).base == new


@pytest.mark.parametrize(("daemon", "path"), [
    (GRAPHDRIVER, "/v2/library/nginx/manifests/latest"),
    (CONTAINERD, "/v2/library/nginx/manifests/latest?ns=docker.io"),
    (None, "/v2/library/nginx/manifests/latest"),
])  # fmt: skip
def test_containerds_store_says_for_which_registry_it_asks(
    tmp_path: Path, daemon: Daemon | None, path: str
) -> None:
    mirrors(tmp_path, "https://m.corp")
    client = docker(tmp_path, daemon)
    assert aimed(client).path_in_repository("manifests/latest") == path
    last = aim(target(), endpoints(client).asked[-1])
    assert last.path_in_repository("manifests/latest") == "/v2/library/nginx/manifests/latest"


@pytest.mark.parametrize(("value", "name", "scheme"), [
    ("https://M.Corp", "m.corp:443", "https"),
    ("http://m.corp", "m.corp:80", "http"),
    ("http://m.corp:443", "m.corp:443", "http"),
    ("https://[2001:db8::1]:5000", "[2001:db8::1]:5000", "https"),
    ("https://docker.io", "docker.io:443", "https"),
])  # fmt: skip
def test_the_host_is_the_values_own(tmp_path: Path, value: str, name: str, scheme: str) -> None:
    hop = mirror(tmp_path, value).hop
    assert (hop.name, hop.scheme, hop.role) == (name, scheme, "mirror")


@pytest.mark.parametrize(
    "value", ["https://", "https:///v2", "https://m.corp:0", "https://m..corp"]
)
def test_a_value_without_a_host_is_passed_over(tmp_path: Path, value: str) -> None:
    """dockerd starts with it."""
    mirrors(tmp_path, value)
    fact = endpoints(docker(tmp_path))
    assert (urls(fact), len(fact.endpoints)) == ([HUB], 2)
    assert fact.endpoints[0].skipped


# ── which values keep it down ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("value", "what", "meant"), [
    ("m.corp", "has no scheme", "https://m.corp"),
    ("m.corp:5000", "has no scheme", "https://m.corp:5000"),
    ("//m.corp", "has no scheme", "https://m.corp"),
    ("://m.corp", "has no scheme", "https://m.corp"),
    ("not a host", "has no scheme", ""),
    ("", "has no scheme", ""),
    ("ftp://m.corp", 'has the scheme "ftp", not https or http', ""),
    ("https://m.corp?x=1", "holds a query or a fragment", "https://m.corp"),
    ("https://m.corp/#top", "holds a query or a fragment", "https://m.corp/"),
    ("https://u:canary-9@m.corp", "holds a user name", "https://m.corp"),
    ("https://m.corp:port", "has a port that is no number", ""),
    ("https://m corp", "has a host name with a space or another", ""),
    ("https://m.corp/\n", "holds a control character", ""),
])  # fmt: skip
def test_a_value_that_dockerd_refuses(tmp_path: Path, value: str, what: str, meant: str) -> None:
    flawed = docker_mirrors.flaw(value)
    assert flawed is not None
    assert (flawed.what[: len(what)], flawed.meant) == (what, meant)
    mirrors(tmp_path, "https://good.corp", value)
    client = docker(tmp_path)
    (fault,) = client.host.faults
    assert (fault.file, fault.line, fault.stops, fault.effect) == (JSON, 1, True, REFUSES)
    assert "canary" not in repr(fault)
    assert [e.hop.host for e in endpoints(client).asked] == ["good.corp", "registry-1.docker.io"]


@pytest.mark.parametrize("value", [
    "https://m.corp", "HTTPS://m.corp", "http://m.corp:5000/path/", "https://", "https://m.corp/%20",
])  # fmt: skip
def test_what_dockerd_takes_is_no_fault(value: str) -> None:
    assert docker_mirrors.flaw(value) is None


@pytest.mark.parametrize(("text", "place", "corrected"), [
    ('{\n  "registry-mirrors": [\n    "m.corp:5000"\n  ]\n}', (3, 5), '    "https://m.corp:5000"'),
    ('{"registry-mirrors": ["https://m.corp?a"]}', (1, 23), '{"registry-mirrors": ["https://m.corp"]}'),
    ('{"registry-mirrors": ["https://u:p@m.corp"]}', (1, 23), ""),
])  # fmt: skip
def test_its_place_and_the_line_as_it_must_be(
    text: str, place: tuple[int, int], corrected: str
) -> None:
    (fault,) = parse(text, JSON).faults
    assert ((fault.line, fault.column), fault.corrected) == (place, corrected)
    if corrected:
        rows = text.splitlines()
        rows[fault.line - 1] = corrected
        assert parse("\n".join(rows), JSON).faults == ()


def test_a_flag_of_that_kind_keeps_it_down_too(tmp_path: Path) -> None:
    put(tmp_path, UNIT, "[Service]\nExecStart=/usr/bin/dockerd --registry-mirror m.corp\n")
    client = docker(tmp_path)
    (fault,) = client.host.faults
    assert (fault.file, fault.line, fault.effect) == (UNIT, 2, REFUSES)
    assert urls(endpoints(client)) == [HUB]


# ── what the running daemon says ─────────────────────────────────────────────────────────────────


def running(*mirrors: str) -> Daemon:
    return replace(UP, mirrors=mirrors)


def test_the_running_daemons_list_counts_and_keeps_its_lines(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://one.corp", "https://new.corp")
    client = docker(tmp_path, running("https://told.corp/", "https://one.corp/"))
    fact = endpoints(client)
    assert [(e.hop.host, e.origin) for e in fact.asked[:2]] == [
        ("told.corp", ""), ("one.corp", f"{JSON}:1"),
    ]  # fmt: skip
    assert [(p.outcome, p.key) for p in fact.places] == [
        ("used", "https://one.corp"), ("ignored", "https://new.corp"),
    ]  # fmt: skip


def test_a_mirror_that_the_daemon_has_not_read_is_told(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://new.corp")
    (fault,) = docker(tmp_path, running()).setup(target()).faults
    assert (fault.file, fault.line, fault.stops, fault.kind) == (JSON, 1, False, "unread")
    assert "https://new.corp" in fault.what
    assert docker(tmp_path, running("https://new.corp/")).setup(target()).faults == ()
    assert docker(tmp_path, running()).setup(target("quay.io/x/y")).faults == ()
    assert docker(tmp_path, UP).setup(target()).faults == ()


@pytest.mark.parametrize(("version", "value", "told"), [
    ("20.10.24+dfsg1", "https://m.corp/hub", True),
    ("24.0.7", "https://m.corp/hub", True),
    ("24.0.8", "https://m.corp/hub", False),
    ("28.2.2", "https://m.corp/hub", False),
    ("20.10.24", "https://m.corp/", False),
    ("20.10.24", "https://m.corp", False),
    ("", "https://m.corp/hub", False),
    ("dev", "https://m.corp/hub", False),
])  # fmt: skip
def test_a_daemon_of_old_does_not_start_with_a_path(
    tmp_path: Path, version: str, value: str, told: bool
) -> None:
    mirrors(tmp_path, value)
    found = docker(tmp_path, replace(UP, version=version)).setup(target()).faults
    assert [(f.effect, f.stops) for f in found] == ([(REFUSES, True)] if told else [])


@pytest.mark.parametrize("said", ["", "m.corp", "https://u:p@m.corp", "https://m corp", "\x1b[2J"])
def test_what_no_daemon_says_is_left_out(tmp_path: Path, said: str) -> None:
    assert urls(endpoints(docker(tmp_path, running(said)))) == [HUB]


# ── which credential, which trust ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("login", "daemon", "withheld", "rule"), [
    ({"auths": {HUB_KEY: auth()}}, GRAPHDRIVER, True, False),
    ({"credsStore": "pass"}, GRAPHDRIVER, True, False),
    ({"auths": {HUB_KEY: auth()}}, CONTAINERD, False, True),
    ({"auths": {"m.corp": auth()}}, GRAPHDRIVER, False, True),
    ({}, CONTAINERD, False, True),
])  # fmt: skip
def test_no_credential_goes_to_a_mirror_and_what_docker_would_do_is_said(
    tmp_path: Path, login: Any, daemon: Daemon, withheld: bool, rule: bool
) -> None:
    put(tmp_path, DOCKER, login)
    mirrors(tmp_path, "https://m.corp")
    client = docker(tmp_path, daemon)
    there = client.keys(aimed(client))
    assert (there.tries, there.also, bool(there.withheld)) == ((), (), withheld)
    assert "canary" not in repr(there.places)
    assert bool(endpoints(client).rule) is rule
    (place,) = there.places
    assert place.where == DOCKER
    assert place.outcome == ("not-read" if withheld else "ignored")


def test_docker_hub_itself_gets_its_own(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {HUB_KEY: auth()}})
    mirrors(tmp_path, "https://m.corp")
    client = docker(tmp_path, GRAPHDRIVER)
    last = aim(target(), endpoints(client).asked[-1])
    assert len(client.keys(last).tries) == 1


def stores(client: Docker, image: str = "nginx") -> list[str]:
    there = aimed(client, image)
    return [s.path for s in client.trust(there.registry, there).stores if "certs.d" in s.path]


@pytest.mark.parametrize(("value", "folder", "old", "new"), [
    ("https://m.corp", "m.corp", True, False),
    ("https://m.corp:443", "m.corp:443", True, False),
    ("https://m.corp:443", "m.corp", False, False),
    ("https://m.corp", "m.corp:443", False, False),
    ("https://m.corp", "docker.io", False, True),
    ("https://m.corp", "_default", False, True),
])  # fmt: skip
def test_the_folder_with_its_ca(
    tmp_path: Path, value: str, folder: str, old: bool, new: bool
) -> None:
    """The store of old looks under the mirror's name, containerd's under the image's registry."""
    put(tmp_path, f"{CERTS}/{folder}/ca.crt", CA.pem)
    mirrors(tmp_path, value)
    assert bool(stores(docker(tmp_path, GRAPHDRIVER))) is old
    assert bool(stores(docker(tmp_path, CONTAINERD))) is new


@pytest.mark.parametrize(("entry", "value", "covered"), [
    ("m.corp", "https://m.corp", True),
    ("m.corp:5000", "https://m.corp:5000", True),
    ("m.corp", "https://m.corp:5000", False),
    ("docker.io", "https://m.corp", False),
])  # fmt: skip
def test_a_mirror_may_be_insecure_by_its_own_name(
    tmp_path: Path, entry: str, value: str, covered: bool
) -> None:
    put(tmp_path, JSON, {"registry-mirrors": [value], "insecure-registries": [entry]})
    for daemon in (GRAPHDRIVER, CONTAINERD):
        client = docker(tmp_path, daemon)
        there = aimed(client)
        named = [i for i in client.trust(there.registry, there).insecure if i.origin]
        assert bool(named) is covered


def test_the_two_stores_tell_of_another_error(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://m.corp")
    assert endpoints(docker(tmp_path, GRAPHDRIVER)).tells == "last"
    assert endpoints(docker(tmp_path, CONTAINERD)).tells == "gravest"


# ── hostile trees ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [
    b'{"registry-mirrors": ["\xff"]}', b'{"registry-mirrors": ["\\ud800"]}',
    b'{"registry-mirrors": ["https://\\u0000"]}', b'{"registry-mirrors": [1, {}, null]}',
    b'{"registry-mirrors": {"a": 1}}', b'{"registry-mirrors": ["https://' + b"a" * 100_000 + b'"]}',
    b'{"registry-mirrors": [' + b'"https://a",' * 50_000 + b'"b"]}',
    b'{"registry-mirrors": ["https://m.corp/' + b"%2f" * 5000 + b'"]}',
    '{"registry-mirrors": ["https://m\u202e.corp", "https://\u00e4.corp"]}'.encode(),
])  # fmt: skip
def test_nothing_in_the_list_breaks_the_reading(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, JSON, "").write_bytes(content)
    client = docker(tmp_path)
    fact = endpoints(client)
    assert fact.asked[-1].hop.role == "registry"
    for each in fact.asked:
        there = aim(target(), each)
        client.trust(there.registry, there)
        client.keys(there)
        client.route(there.registry)
    client.setup(target())


def test_another_users_home_is_read_below_the_root(tmp_path: Path) -> None:
    put(tmp_path, f"{HOME}/.docker/daemon.json", {"registry-mirrors": ["https://m.corp"]})
    put(tmp_path, f"{HOME}/.docker/config.json", {"currentContext": "desktop-linux"})
    environ = {"DOCKER_HOST": f"unix://{HOME}/.docker/desktop/docker.sock"}
    here = machine(tmp_path, **environ)
    client = Docker(here, docker_host.read(here))
    assert [e.hop.host for e in endpoints(client).asked] == ["m.corp", "registry-1.docker.io"]


def test_normal_form() -> None:
    values = [Value(t, "f", n) for n, t in enumerate(("https://a", "https://a/", "https://a//"), 1)]
    assert [v.line for v in docker_mirrors.distinct(values)] == [1, 3]
