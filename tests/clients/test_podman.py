"""Does Podman's value answer as `podman pull` would on that machine?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from doctor.clients import containers_conf, registries_conf
from doctor.clients.keyring import Ask
from doctor.clients.podman import Podman
from doctor.engine.fallback import aim
from doctor.facts.proxy import RouteFact
from doctor.facts.trust import TrustFact
from doctor.model import Client, ReadsShortNames, Target
from doctor.reference import Reference, parse
from tests.certificates import authority
from tests.clients.registries import HOME, auth, machine, put, user

CA = authority()
PROXY = "http://proxy.example:3128"
OWN = f"{HOME}/.config/containers/containers.conf"
SYSTEM = "/etc/containers/containers.conf"
VENDOR = "/usr/share/containers/containers.conf"
AUTH_JSON = f"{HOME}/.config/containers/auth.json"
IMAGE = "reg.example.com/team/app:1"


def podman(root: Path, **environ: str) -> Podman:
    here = machine(root, **environ)
    return Podman(here, containers_conf.read(here), registries_conf.read(here))


def target(image: str = IMAGE) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop)


def route(root: Path, **environ: str) -> RouteFact:
    return podman(root, **environ).route(target().registry)


def origin(fact: RouteFact) -> str:
    assert fact.proxy is not None
    return fact.proxy.origin


def engine(entry: str = f"HTTPS_PROXY={PROXY}") -> str:
    return f'[engine]\n\nenv = [\n "A=b",\n "{entry}",\n]\n'


def faults(root: Path, **environ: str) -> list[tuple[str, int, bool]]:
    fact = podman(root, **environ).setup(target())
    return [(fault.file, fault.line, fault.stops) for fault in fact.faults]


def test_it_is_a_client(tmp_path: Path) -> None:
    client: Client = Podman.here({"HOME": HOME}, root=str(tmp_path))
    assert client.name == "podman"


# ── which proxy ──────────────────────────────────────────────────────────────────────────────────


def test_the_users_environment_counts(tmp_path: Path) -> None:
    assert route(tmp_path).direct
    fact = route(tmp_path, HTTPS_PROXY=PROXY)
    assert origin(fact) == "HTTPS_PROXY"
    assert len(fact.readings) > 1, "the same environment is read by others too"


@pytest.mark.parametrize("path", [
    VENDOR, SYSTEM, OWN, "/etc/containers/containers.conf.d/p.conf", f"{OWN}.d/p.conf",
])  # fmt: skip
def test_what_containers_conf_adds_is_named_with_its_line(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, engine())
    assert origin(route(tmp_path)) == f"{path}:5"


def test_the_environment_wins_over_containers_conf(tmp_path: Path) -> None:
    put(tmp_path, OWN, engine())
    assert origin(route(tmp_path, HTTPS_PROXY="http://other.example:1")) == "HTTPS_PROXY"
    put(tmp_path, OWN, engine("NO_PROXY=reg.example.com"))
    assert route(tmp_path, HTTPS_PROXY=PROXY).reason == "no-proxy"


def test_a_later_files_list_replaces_the_earlier_ones(tmp_path: Path) -> None:
    put(tmp_path, SYSTEM, engine())
    put(tmp_path, OWN, '[engine]\nenv = ["A=b"]\n')
    assert route(tmp_path).direct
    put(tmp_path, OWN, '[engine]\nenv = ["A=b", {append = true}]\n')
    assert origin(route(tmp_path)) == f"{SYSTEM}:5"
    put(tmp_path, OWN, '[engine]\nruntime = "crun"\n')
    assert origin(route(tmp_path)) == f"{SYSTEM}:5"


def test_the_variable_names_the_only_file_and_another_one_the_last(tmp_path: Path) -> None:
    put(tmp_path, SYSTEM, engine())
    put(tmp_path, "/own.conf", "")
    assert route(tmp_path, CONTAINERS_CONF="/own.conf").direct
    put(tmp_path, "/last.conf", engine("HTTPS_PROXY=http://last.example:1"))
    assert origin(route(tmp_path, CONTAINERS_CONF_OVERRIDE="/last.conf")) == "/last.conf:5"


def test_what_is_meant_for_containers_is_not_for_pulls(tmp_path: Path) -> None:
    text = f'[containers]\nhttp_proxy = true\nenv = ["HTTPS_PROXY={PROXY}"]\n'
    put(tmp_path, OWN, text)
    assert route(tmp_path).direct


def test_root_has_no_file_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, OWN, engine())
    root = Podman.here({"HOME": HOME}, root=str(tmp_path))
    assert root.route(target().registry).direct is (os.getuid() == 0)


# ── which trust ──────────────────────────────────────────────────────────────────────────────────

FOLDERS = (f"{HOME}/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d")


def trust(root: Path, image: str = IMAGE, **environ: str) -> TrustFact:
    return podman(root, **environ).trust(target(image).registry, target(image))


def stores(root: Path, image: str = IMAGE) -> list[str]:
    return [store.path for store in trust(root, image).stores]


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_of_three_folders_counts(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/reg.example.com/ca.crt", CA.pem)
    assert stores(tmp_path) == [f"{folder}/reg.example.com/ca.crt"]
    assert stores(tmp_path, "reg.example.com:443/a:1") == []


def test_the_first_of_them_that_is_there_is_the_only_one(tmp_path: Path) -> None:
    for folder in reversed(FOLDERS):
        put(tmp_path, f"{folder}/reg.example.com/ca.crt", CA.pem)
        assert stores(tmp_path) == [f"{folder}/reg.example.com/ca.crt"]


def test_docker_hubs_folder_is_read(tmp_path: Path) -> None:
    put(tmp_path, "/etc/containers/certs.d/docker.io/ca.crt", CA.pem)
    assert stores(tmp_path, "nginx") == ["/etc/containers/certs.d/docker.io/ca.crt"]


def test_the_users_ssl_cert_file_counts(tmp_path: Path) -> None:
    put(tmp_path, "/mine.pem", CA.pem)
    assert [store.path for store in trust(tmp_path, SSL_CERT_FILE="/mine.pem").stores] == [
        "/mine.pem"
    ]


def test_no_registry_is_insecure_by_being_here(tmp_path: Path) -> None:
    fact = trust(tmp_path, "localhost:5000/a:1")
    assert fact.unverified(["127.0.0.1"]) is None
    assert fact.insecure == ()


def test_an_empty_folder_that_hides_a_ca_is_told(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDERS[1]}/reg.example.com/ca.crt", CA.pem)
    assert faults(tmp_path) == []
    own = tmp_path / f"{FOLDERS[0]}/reg.example.com".lstrip("/")
    own.mkdir(parents=True)
    assert stores(tmp_path) == []
    assert faults(tmp_path) == [(f"{FOLDERS[0]}/reg.example.com", 0, False)]
    put(tmp_path, f"{FOLDERS[0]}/reg.example.com/own.crt", CA.pem)
    assert faults(tmp_path) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_with_the_port_is_not_for_an_image_without(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/reg.example.com:443/ca.crt", CA.pem)
    assert faults(tmp_path) == [(f"{folder}/reg.example.com:443", 0, False)]
    fact = podman(tmp_path).setup(target("reg.example.com:443/a:1"))
    assert [each.kind for each in fact.faults] == []


# ── which credential ─────────────────────────────────────────────────────────────────────────────


def test_the_credential_is_podmans(tmp_path: Path) -> None:
    put(tmp_path, AUTH_JSON, {"auths": {"reg.example.com/team": auth("mine")}})
    lookup = podman(tmp_path).keys(target())
    assert (user(lookup), lookup.client) == ("mine", "podman")
    assert user(podman(tmp_path).keys(target("reg.example.com/other/app:1"))) is None


PACKAGE = "Package: podman\nStatus: install ok installed\nVersion: {}\n"


@pytest.mark.parametrize("environ", [{"REGISTRY_AUTH_FILE": "/a.json"}, {"DOCKER_CONFIG": "/dc"}])
@pytest.mark.parametrize(("version", "stops", "effect"), [
    ("4.3.1+ds1-8+deb12u1", True, "stops with an error"),
    ("4.6.2", True, "stops with an error"),
    ("4.7.0", False, "goes on without it"),
    ("5.4.2+ds1-1", False, "goes on without it"),
    ("", False, "stops with an error before version 4.7, and goes on without it since"),
])  # fmt: skip
def test_a_named_file_that_is_not_there(
    tmp_path: Path, environ: dict[str, str], version: str, stops: bool, effect: str
) -> None:
    if version:
        put(tmp_path, "/var/lib/dpkg/status", PACKAGE.format(version))
    put(tmp_path, AUTH_JSON, {"auths": {"reg.example.com": auth("mine")}})
    lookup = podman(tmp_path, **environ).keys(target())
    (fault,) = lookup.faults
    assert (fault.variable, fault.stops, fault.effect) == (*environ, stops, effect)
    assert user(lookup) is None
    put(tmp_path, fault.where, {"auths": {"reg.example.com": auth("named")}})
    lookup = podman(tmp_path, **environ).keys(target())
    assert (user(lookup), lookup.faults) == ("named", ())


REGISTRIES = "/etc/containers/registries.conf"


def general(root: Path, *helpers: str) -> list[str]:
    """The places tried, with these helpers named for all registries."""
    put(root, REGISTRIES, f"credential-helpers = {json.dumps(helpers)}\n")
    lookup = podman(root).keys(target())
    return [t.program if isinstance(t, Ask) else t.where for t in lookup.tries]


def test_helpers_of_registries_conf_are_asked_in_order(tmp_path: Path) -> None:
    put(tmp_path, AUTH_JSON, {"auths": {"reg.example.com": auth("mine")}})
    pass_, files = "docker-credential-pass", "containers-auth.json"
    assert general(tmp_path) == [AUTH_JSON]
    assert general(tmp_path, files) == [AUTH_JSON]
    assert general(tmp_path, "pass", files) == [pass_, AUTH_JSON]
    assert general(tmp_path, files, "pass") == [AUTH_JSON]
    assert general(tmp_path, "pass") == [pass_]
    lookup = podman(tmp_path).keys(target())
    told = {place.where: (place.outcome, place.note) for place in lookup.places}
    assert told[REGISTRIES][0] == "helper"
    assert told[AUTH_JSON][0] == "ignored"
    assert f"{REGISTRIES}:1" in told[AUTH_JSON][1]
    (ask,) = lookup.tries
    assert (ask.key, lookup.keys[-1]) == ("reg.example.com", "reg.example.com")


# ── where it is asked for ────────────────────────────────────────────────────────────────────────

MIRRORED = """[[registry]]
location = "reg.example.com"
[[registry.mirror]]
location = "m.example:5000/cache"
insecure = true
"""


def test_a_mirror_is_looked_up_by_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, MIRRORED)
    put(tmp_path, "/etc/containers/certs.d/m.example:5000/ca.crt", CA.pem)
    put(tmp_path, AUTH_JSON, {"auths": {"m.example:5000/cache": auth("mirrors")}})
    client = podman(tmp_path)
    mirror, own = client.endpoints(target()).endpoints
    there = aim(target(), mirror)
    assert str(there.reference) == "m.example:5000/cache/team/app:1"
    assert user(client.keys(there)) == "mirrors"
    assert user(client.keys(aim(target(), own))) is None
    trusted = client.trust(there.registry, there)
    assert [s.path for s in trusted.stores] == ["/etc/containers/certs.d/m.example:5000/ca.crt"]
    setting = trusted.unverified(())
    assert setting
    assert setting.origin == f"{REGISTRIES}:5"
    assert client.trust(own.hop, aim(target(), own)).unverified(()) is None


def test_what_is_wrong_with_registries_conf_is_podmans_fault(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, "[[registry]\n")
    assert faults(tmp_path) == [(REGISTRIES, 1, True)]
    put(tmp_path, REGISTRIES, '[[registry]]\nprefix = "reg.example.com"\nlocation = "x"\n')
    assert faults(tmp_path) == [(REGISTRIES, 2, True)]
    put(tmp_path, REGISTRIES, MIRRORED)
    assert faults(tmp_path) == []
    setup = podman(tmp_path).setup(target("nginx"))
    assert [(f.file, f.stops) for f in setup.faults] == [(REGISTRIES, True)]


def test_a_name_without_registry_is_read_by_podmans_rule(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, 'unqualified-search-registries = ["quay.io"]\n')
    client: Client = podman(tmp_path)
    assert isinstance(client, ReadsShortNames)
    assert [str(each.reference) for each in client.meant(target("nginx"))] == [
        "quay.io/nginx:latest"
    ]


# ── is it there, and what is wrong ───────────────────────────────────────────────────────────────


def test_whether_it_is_there(tmp_path: Path) -> None:
    assert podman(tmp_path).setup(target()).seen == "podman is not installed here"
    put(tmp_path, "/usr/bin/podman", "", mode=0o755)
    fact = podman(tmp_path).setup(target())
    assert (fact.program, fact.daemon, fact.rootless) == ("/usr/bin/podman", None, True)
    far = podman(tmp_path, CONTAINER_HOST="ssh://far/run/podman.sock").setup(target())
    assert "ssh://far" in far.seen


@pytest.mark.parametrize(("text", "line", "stops"), [
    ("[engine\n", 1, True),
    ("[engine]\nenv = \"A=b\"\n", 2, True),
    ("[engine]\nenv = [1]\n", 2, True),
    ("engine = 1\n", 1, True),
    ("\ufeff[engine]\n", 1, True),
    ("[engine]\nenv = [\"A=b\",\n \"A b\"]\n", 3, False),
    ("[" * 300_000, 1, True),
])  # fmt: skip
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, line: int, stops: bool) -> None:
    put(tmp_path, OWN, text)
    assert faults(tmp_path) == [(OWN, line, stops)]


@pytest.mark.parametrize("text", ["", "# nothing\r\n", '[engine]\r\nenv = ["A=b"]\r\n', "[x]\ny=1"])
def test_what_podman_takes_is_no_fault(tmp_path: Path, text: str) -> None:
    put(tmp_path, OWN, text)
    assert faults(tmp_path) == []


def test_no_link_leads_out_and_no_fifo_is_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "node"
    place = root / SYSTEM.lstrip("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(put(tmp_path, "/secret", engine()))
    assert (route(root).direct, faults(root)) == (True, [])
    place.unlink()
    os.mkfifo(place)
    assert (route(root).direct, faults(root)) == (True, [(SYSTEM, 1, False)])
    place.unlink()
    place.mkdir()
    assert faults(root) == [(SYSTEM, 1, True)]


def test_the_version_is_the_package_managers(tmp_path: Path) -> None:
    assert podman(tmp_path).setup(target()).version == ""
    put(tmp_path, "/var/lib/dpkg/status", PACKAGE.format("4.3.1+ds1-8+deb12u1"))
    assert podman(tmp_path).setup(target()).version == "4.3.1"
    put(tmp_path, "/var/lib/dpkg/status", PACKAGE.format("9.9").replace(" ok installed", " ok"))
    assert podman(tmp_path).setup(target()).version == ""
