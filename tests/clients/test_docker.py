"""Does Docker's value answer as dockerd and the docker command would on that machine?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from doctor.clients import docker_host
from doctor.clients.docker import Docker
from doctor.facts.client import ClientFact, Daemon
from doctor.facts.proxy import RouteFact
from doctor.model import Client, Hop, Target
from doctor.reference import Reference, parse
from tests.certificates import authority, leaf
from tests.clients.registries import DOCKER, HOME, auth, machine, put, user

CA = authority()
CLIENT_PAIR = leaf(CA, "client.example")
UNIT = "/usr/lib/systemd/system/docker.service"
DROP_IN = "/etc/systemd/system/docker.service.d/http-proxy.conf"
JSON = "/etc/docker/daemon.json"
CERTS = "/etc/docker/certs.d"
PROXY = "http://proxy.example:3128"


def docker(root: Path, **environ: str) -> Docker:
    here = machine(root, **environ)
    return Docker(here, docker_host.read(here))


def target(image: str = "reg.example.com/team/app:1") -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop)


def route(root: Path, image: str = "reg.example.com/team/app:1", **environ: str) -> RouteFact:
    return docker(root, **environ).route(target(image).registry)


def unit(root: Path, text: str = "ExecStart=/usr/bin/dockerd -H fd://") -> None:
    put(root, UNIT, f"[Unit]\nDescription=Docker\n\n[Service]\n{text}\n")


def test_it_is_a_client(tmp_path: Path) -> None:
    client: Client = Docker.here({"HOME": HOME}, root=str(tmp_path))
    assert client.name == "docker"


# ── which proxy ──────────────────────────────────────────────────────────────────────────────────


def test_the_shells_proxy_is_not_the_daemons(tmp_path: Path) -> None:
    unit(tmp_path)
    fact = route(tmp_path, HTTPS_PROXY=PROXY, NO_PROXY="x.example")
    assert fact.direct
    assert [(c.why, c.setting.origin, c.no_proxy) for c in fact.candidates] == [
        ("shell", "HTTPS_PROXY", "x.example")
    ]


def test_a_host_that_the_shell_excludes_lacks_nothing(tmp_path: Path) -> None:
    fact = route(tmp_path, HTTPS_PROXY=PROXY, NO_PROXY="example.com")
    assert (fact.direct, fact.candidates) == (True, ())


def test_the_drop_ins_proxy_counts_and_is_named_with_its_line(tmp_path: Path) -> None:
    unit(tmp_path)
    put(tmp_path, DROP_IN, f'[Service]\nEnvironment="HTTPS_PROXY={PROXY}"\n')
    fact = route(tmp_path, HTTPS_PROXY="http://other.example:1")
    assert fact.proxy is not None
    assert (fact.proxy.url, fact.proxy.origin) == (PROXY, f"{DROP_IN}:2")


def test_the_daemons_exceptions_are_its_own(tmp_path: Path) -> None:
    unit(tmp_path)
    put(tmp_path, DROP_IN, f"[Service]\nEnvironment=HTTPS_PROXY={PROXY} NO_PROXY=.example.com\n")
    assert route(tmp_path, NO_PROXY="nothing").reason == "no-proxy"
    assert route(tmp_path, "other.test/a:1", NO_PROXY="other.test").proxy is not None


@pytest.mark.parametrize(("json", "expected"), [
    ('{\n"proxies": {\n"https-proxy": "http://j.example:1"}}', ("http://j.example:1", f"{JSON}:3")),
    ('{"proxies": {"https-proxy": ""}}', (PROXY, f"{DROP_IN}:2")),
    ('{"proxies": {"http-proxy": "http://j.example:1"}}', (PROXY, f"{DROP_IN}:2")),
    ('{"https-proxy": "http://j.example:1"}', (PROXY, f"{DROP_IN}:2")),
])  # fmt: skip
def test_daemon_jsons_proxies_win_over_the_environment_where_they_are_set(
    tmp_path: Path, json: str, expected: tuple[str, str]
) -> None:
    unit(tmp_path)
    put(tmp_path, DROP_IN, f"[Service]\nEnvironment=HTTPS_PROXY={PROXY} https_proxy={PROXY}\n")
    put(tmp_path, JSON, json)
    fact = route(tmp_path)
    assert fact.proxy is not None
    assert (fact.proxy.url, fact.proxy.origin) == expected


def test_daemon_json_cannot_take_a_proxy_away_but_can_exclude(tmp_path: Path) -> None:
    unit(tmp_path, f"Environment=HTTPS_PROXY={PROXY} NO_PROXY=a.example")
    put(tmp_path, JSON, '{"proxies": {"no-proxy": "reg.example.com"}}')
    assert route(tmp_path).reason == "no-proxy"


def test_a_flag_is_a_setting(tmp_path: Path) -> None:
    unit(tmp_path, f"ExecStart=/usr/bin/dockerd --https-proxy {PROXY} --no-proxy=a.example")
    fact = route(tmp_path)
    assert fact.proxy is not None
    assert fact.proxy.origin == f"{UNIT}:5"
    assert route(tmp_path, "a.example/b:1").reason == "no-proxy"


def test_config_jsons_proxies_are_not_for_pulls(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"proxies": {"default": {"httpsProxy": PROXY}}})
    fact = route(tmp_path)
    assert fact.direct
    (candidate,) = fact.candidates
    assert (candidate.why, candidate.setting.origin) == ("elsewhere", f'{DOCKER} ("proxies")')


@pytest.mark.parametrize("path", ["/etc/default/docker", "/etc/sysconfig/docker"])
def test_a_file_that_the_unit_does_not_read_is_only_known(tmp_path: Path, path: str) -> None:
    unit(tmp_path)
    put(tmp_path, path, f'# c\nexport HTTPS_PROXY="{PROXY}"\n')
    (candidate,) = route(tmp_path).candidates
    assert (candidate.why, candidate.setting.origin) == ("elsewhere", f"{path}:2")
    unit(tmp_path, f"EnvironmentFile=-{path}")
    put(tmp_path, path, f'# c\nHTTPS_PROXY="{PROXY}"\n')
    fact = route(tmp_path)
    assert fact.proxy is not None
    assert fact.proxy.origin == f"{path}:2"


def test_the_login_of_the_shells_proxy_is_known_for_asking_it(tmp_path: Path) -> None:
    client = docker(tmp_path, HTTPS_PROXY="http://me:canary-77@proxy.example:3128")
    assert client.proxy_login(target().registry)
    assert "canary" not in repr(client.route(target().registry))


def test_the_option_stands_in_for_what_is_set(tmp_path: Path) -> None:
    unit(tmp_path, f"Environment=HTTPS_PROXY={PROXY}")
    here = machine(tmp_path)
    client = Docker(here, docker_host.read(here), proxy="http://two.example:1")
    assert client.route(target().registry).leads_to[0].host == "two.example"


# ── which trust ──────────────────────────────────────────────────────────────────────────────────


def stores(root: Path, image: str = "reg.example.com/team/app:1", **environ: str) -> list[str]:
    there = target(image)
    return [store.path for store in docker(root, **environ).trust(there.registry, there).stores]


def test_certs_d_is_added_to_the_system(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ssl/certs/ca-certificates.crt", CA.pem)
    put(tmp_path, f"{CERTS}/reg.example.com/ca.crt", CA.pem)
    assert stores(tmp_path) == [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/certs",
        f"{CERTS}/reg.example.com/ca.crt",
    ]


@pytest.mark.parametrize(("folder", "image", "read"), [
    ("reg.example.com", "reg.example.com/a:1", True),
    ("reg.example.com:443", "reg.example.com/a:1", False),
    ("reg.example.com", "reg.example.com:443/a:1", False),
    ("reg.example.com:443", "reg.example.com:443/a:1", True),
    ("reg.example.com:5000", "reg.example.com:5000/a:1", True),
    ("reg.example.com", "reg.example.com:5000/a:1", False),
    ("docker.io", "nginx", False),
    ("_default", "reg.example.com/a:1", False),
    ("reg.example.com_5000_", "reg.example.com:5000/a:1", False),
])  # fmt: skip
def test_the_folder_is_named_as_the_image_is(
    tmp_path: Path, folder: str, image: str, read: bool
) -> None:
    put(tmp_path, f"{CERTS}/{folder}/ca.crt", CA.pem)
    assert (stores(tmp_path, image) == [f"{CERTS}/{folder}/ca.crt"]) is read


@pytest.mark.parametrize(("folder", "image"), [
    ("docker.io", "nginx"),
    ("_default", "reg.example.com/a:1"),
    ("reg.example.com_5000_", "reg.example.com:5000/a:1"),
    ("reg.example.com:5000", "reg.example.com:5000/a:1"),
])  # fmt: skip
def test_the_store_of_containerd_reads_more_folders(
    tmp_path: Path, folder: str, image: str
) -> None:
    put(tmp_path, JSON, '{"features": {"containerd-snapshotter": true}}')
    put(tmp_path, f"{CERTS}/{folder}/ca.crt", CA.pem)
    assert stores(tmp_path, image) == [f"{CERTS}/{folder}/ca.crt"]


def test_the_daemons_own_word_on_its_store_counts_before_the_file(tmp_path: Path) -> None:
    put(tmp_path, JSON, '{"features": {"containerd-snapshotter": true}}')
    client = docker(tmp_path)
    assert client.store == "containerd"
    assert client.asked(Daemon("/x", "answers", store="graphdriver")).store == "graphdriver"
    assert docker(tmp_path / "empty").store == ""


def test_the_token_service_and_the_storage_are_met_with_the_same_folder(tmp_path: Path) -> None:
    put(tmp_path, f"{CERTS}/reg.example.com/ca.crt", CA.pem)
    fact = docker(tmp_path).trust(Hop("token", "auth.example.com", 443), target())
    assert [store.label for store in fact.stores] == ["certs.d"]


def test_the_client_certificate_is_shown(tmp_path: Path) -> None:
    put(tmp_path, f"{CERTS}/reg.example.com/client.cert", CLIENT_PAIR.pem)
    put(tmp_path, f"{CERTS}/reg.example.com/client.key", CLIENT_PAIR.key_pem)
    there = target()
    assert docker(tmp_path).trust(there.registry, there).client_pair is not None
    other = target("reg.example.com:443/a:1")
    assert docker(tmp_path).trust(other.registry, other).client_pair is None


def test_the_daemons_ssl_cert_file_counts_and_not_the_shells(tmp_path: Path) -> None:
    put(tmp_path, "/daemons.pem", CA.pem)
    put(tmp_path, "/shells.pem", CA.pem)
    unit(tmp_path, "Environment=SSL_CERT_FILE=/daemons.pem")
    assert stores(tmp_path, SSL_CERT_FILE="/shells.pem") == ["/daemons.pem"]


@pytest.mark.parametrize(("entry", "image", "addresses", "insecure"), [
    ("reg.example.com:5000", "reg.example.com:5000/a:1", (), True),
    ("reg.example.com", "reg.example.com:5000/a:1", (), False),
    ("http://reg.example.com:5000", "reg.example.com:5000/a:1", (), True),
    ("10.0.0.0/8", "reg.example.com/a:1", ("10.1.1.1",), True),
    ("10.0.0.0/8", "reg.example.com/a:1", ("11.1.1.1",), False),
    ("10.0.0.0/8", "10.1.1.1:5000/a:1", (), True),
    ("docker.io", "nginx", (), False),
    ("0.0.0.0/0", "nginx", ("1.1.1.1",), False),
    ("x.example", "127.0.0.1:5000/a:1", (), True),
    ("x.example", "localhost:5000/a:1", (), True),
    ("x.example", "reg.example.com/a:1", ("127.0.0.1",), True),
])  # fmt: skip
def test_which_registry_is_insecure(
    tmp_path: Path, entry: str, image: str, addresses: tuple[str, ...], insecure: bool
) -> None:
    put(tmp_path, JSON, {"insecure-registries": [entry]})
    there = target(image)
    fact = docker(tmp_path).trust(there.registry, there)
    assert (fact.unverified([there.registry.host, *addresses]) is not None) is insecure


def test_an_insecure_registrys_folder_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, f"{CERTS}/reg.example.com/ca.crt", CA.pem)
    put(tmp_path, JSON, '{\n"insecure-registries": [\n"reg.example.com"]}')
    assert stores(tmp_path) == []
    there = target()
    setting = docker(tmp_path).trust(there.registry, there).unverified([])
    assert setting is not None
    assert setting.origin == f"{JSON}:3"


def test_an_insecure_registry_can_be_a_flag(tmp_path: Path) -> None:
    unit(tmp_path, "ExecStart=/usr/bin/dockerd --insecure-registry=reg.example.com")
    there = target()
    setting = docker(tmp_path).trust(there.registry, there).unverified([])
    assert setting is not None
    assert setting.origin == f"{UNIT}:5"
    assert docker(tmp_path).setup(there).flagged == (UNIT,)


# ── which credential ─────────────────────────────────────────────────────────────────────────────


def test_the_credential_is_the_commands(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": auth("mine")}})
    put(tmp_path, "/root/.docker/config.json", {"auths": {"reg.example.com": auth("roots")}})
    assert user(docker(tmp_path).keys(target())) == "mine"
    elsewhere = docker(tmp_path, DOCKER_CONFIG="/root/.docker")
    assert user(elsewhere.keys(target())) == "roots"


# ── is it there and running ──────────────────────────────────────────────────────────────────────


def setup(root: Path, **environ: str) -> ClientFact:
    return docker(root, **environ).setup(target())


def faults(root: Path) -> list[tuple[str, int, bool]]:
    return [(fault.file, fault.line, fault.stops) for fault in setup(root).faults]


def test_what_is_not_there_is_not_installed(tmp_path: Path) -> None:
    fact = setup(tmp_path)
    assert (fact.program, fact.faults, fact.files) == ("", (), ())
    assert fact.seen == "docker is not installed here"
    put(tmp_path, "/usr/bin/docker", "", mode=0o755)
    assert setup(tmp_path).program == "/usr/bin/docker"


@pytest.mark.parametrize(("environ", "remote"), [
    ({}, ""),
    ({"DOCKER_HOST": "unix:///run/docker.sock"}, ""),
    ({"DOCKER_HOST": "tcp://dind:2376"}, "tcp://dind:2376"),
    ({"DOCKER_HOST": "ssh://me@far"}, "ssh://me@far"),
    ({"DOCKER_CONTEXT": "far"}, "tcp://far:2376"),
    ({"DOCKER_CONTEXT": "default"}, ""),
])  # fmt: skip
def test_a_daemon_elsewhere_is_said_to_be(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    context(tmp_path, "far", "tcp://far:2376")
    unit(tmp_path, f"Environment=HTTPS_PROXY={PROXY}")
    assert setup(tmp_path, **environ).remote == remote
    assert route(tmp_path, **environ).direct is bool(remote)


def context(root: Path, name: str, host: str) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = {"Name": name, "Endpoints": {"docker": {"Host": host}}}
    put(root, f"{HOME}/.docker/contexts/meta/{digest}/meta.json", meta)


@pytest.mark.parametrize("meta", [None, "", "{", "null", '{"Endpoints": {"Docker": {}}}'])
@pytest.mark.parametrize("environ", [{}, {"DOCKER_CONTEXT": "gone"}])
def test_a_context_that_cannot_be_used_ends_the_command(
    tmp_path: Path, environ: dict[str, str], meta: str | None
) -> None:
    place = f"{HOME}/.docker/contexts/meta/{hashlib.sha256(b'gone').hexdigest()}/meta.json"
    if meta is not None:
        put(tmp_path, place, meta)
    if not environ:
        put(tmp_path, DOCKER, '{\n "currentContext": "gone"\n}')
    fact = setup(tmp_path, **environ)
    (fault,) = fact.faults
    named = "DOCKER_CONTEXT" if environ else ""
    assert (fault.kind, fault.stops, fault.variable) == ("context", True, named)
    own = not environ and meta is None
    assert (fault.file, fault.line) == (DOCKER, 2) if own else fault.file == place
    assert setup(tmp_path, **environ, DOCKER_HOST="tcp://far:2376").faults == ()


def test_the_chosen_context_says_where_the_daemon_is(tmp_path: Path) -> None:
    context(tmp_path, "desktop-linux", f"unix://{HOME}/.docker/desktop/docker.sock")
    put(tmp_path, DOCKER, {"currentContext": "desktop-linux"})
    unit(tmp_path, f"Environment=HTTPS_PROXY={PROXY}")
    fact = setup(tmp_path)
    assert fact.desktop
    assert "cannot be seen" in fact.seen
    assert route(tmp_path).direct
    assert setup(tmp_path, DOCKER_CONTEXT="default").desktop is False


def test_of_a_snap_it_is_said_that_its_settings_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "/snap/bin/docker", "x")
    fact = setup(tmp_path)
    assert fact.snap
    assert "below /var/snap/docker is not read" in fact.seen
    put(tmp_path, "/usr/bin/docker", "x")
    assert not setup(tmp_path).snap


def test_a_users_own_daemon_goes_by_that_users_files(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}
    own = f"{HOME}/.config/systemd/user/docker.service.d/p.conf"
    put(tmp_path, f"{HOME}/.config/systemd/user/docker.service", "[Service]\nA=b\n")
    put(tmp_path, own, f"[Service]\nEnvironment=HTTPS_PROXY={PROXY}\n")
    put(tmp_path, f"{HOME}/.config/docker/certs.d/reg.example.com/ca.crt", CA.pem)
    put(tmp_path, f"{HOME}/.config/docker/daemon.json", "{")
    put(tmp_path, JSON, "[")
    fact = setup(tmp_path, **environ)
    assert fact.rootless
    assert [fault.file for fault in fact.faults] == [f"{HOME}/.config/docker/daemon.json"]
    proxy = route(tmp_path, **environ).proxy
    assert proxy is not None
    assert proxy.origin == f"{own}:2"
    assert len(stores(tmp_path, **environ)) == 1


@pytest.mark.parametrize(("json", "command", "expected"), [
    ({"hosts": ["tcp://0.0.0.0:1"]}, "-H fd://", [(JSON, 1, True)]),
    ({"insecure-registries": ["a"]}, "--insecure-registry b", [(JSON, 1, True)]),
    ({"insecure-registries": ["a"]}, "-H fd://", []),
    ({"proxies": {"http-proxy": "http://p:1"}}, "--http-proxy http://q:1", [(JSON, 1, True)]),
    ({"hosts": ["unix:///x"]}, "", []),
])  # fmt: skip
def test_a_setting_in_both_places_keeps_it_down(
    tmp_path: Path, json: Any, command: str, expected: list[tuple[str, int, bool]]
) -> None:
    unit(tmp_path, f"ExecStart=/usr/bin/dockerd {command}")
    put(tmp_path, JSON, json)
    assert faults(tmp_path) == expected


def test_the_file_that_the_command_names_is_the_one(tmp_path: Path) -> None:
    unit(tmp_path, "ExecStart=/usr/bin/dockerd --config-file /etc/other.json")
    assert faults(tmp_path) == [("/etc/other.json", 1, True)]
    put(tmp_path, "/etc/other.json", {"insecure-registries": ["reg.example.com"]})
    assert faults(tmp_path) == []
    assert [value.file for value in docker(tmp_path).host.insecure] == ["/etc/other.json"]


def test_flaws_of_units_are_told_and_a_masked_one_keeps_it_down(tmp_path: Path) -> None:
    unit(tmp_path)
    put(tmp_path, DROP_IN, f"[Service]\nEnvironment=HTTPS PROXY={PROXY}\n")
    assert faults(tmp_path) == [(DROP_IN, 2, False)]
    (tmp_path / "etc/systemd/system/docker.service").symlink_to("/dev/null")
    assert faults(tmp_path)[-1] == ("/etc/systemd/system/docker.service", 1, True)


# ── hostile trees ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [
    b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"{}\r\n", b"[" * 500_000, b'{"a":' * 200_000,
    b'{"proxies": {"https-proxy": "\xff"}}', b'{"insecure-registries": ["\\ud800"]}',
    b"\x00" * 100, b'{"insecure-registries": [' + b'"a",' * 100_000 + b'"b"]}',
])  # fmt: skip
@pytest.mark.parametrize("path", [JSON, DROP_IN, UNIT, DOCKER, "/etc/default/docker"])
def test_nothing_in_a_file_breaks_the_reading(tmp_path: Path, path: str, content: bytes) -> None:
    unit(tmp_path)
    put(tmp_path, path, "").write_bytes(content)
    setup(tmp_path)
    route(tmp_path)
    stores(tmp_path)
    docker(tmp_path).keys(target())


@pytest.mark.parametrize("path", [JSON, DROP_IN, UNIT, DOCKER, f"{CERTS}/reg.example.com/ca.crt"])
def test_no_link_leads_out_and_no_fifo_is_waited_for(tmp_path: Path, path: str) -> None:
    root = tmp_path / "node"
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True)
    secret = put(tmp_path, "/secret", f"[Service]\nEnvironment=HTTPS_PROXY={PROXY}\n{CA.pem}")
    place.symlink_to(secret)
    assert (route(root).direct, stores(root)) == (True, [])
    place.unlink()
    os.mkfifo(place)
    assert (route(root).direct, stores(root)) == (True, [])
    setup(root)


def test_a_huge_file_is_refused_by_name(tmp_path: Path) -> None:
    with put(tmp_path, JSON, "").open("wb") as file:
        file.truncate(100 << 20)
    (fault,) = setup(tmp_path).faults
    assert (fault.file, fault.stops) == (JSON, False)
    assert "at most" in fault.what


# ── settings that count for nothing ──────────────────────────────────────────────────────────────


def passed_over(root: Path, image: str = "reg.example.com/a:1") -> list[str]:
    faults = docker(root).setup(target(image)).faults
    return [fault.effect for fault in faults if fault.kind == "passed-over"]


@pytest.mark.parametrize(("entry", "image", "told"), [
    ("docker.io", "nginx", True), ("https://index.docker.io/", "nginx", True),
    ("docker.io", "reg.example.com/a:1", False), ("reg.example.com", "nginx", False),
    ("10.0.0.0/8", "nginx", False), ("reg.example.com", "reg.example.com/a:1", False),
])  # fmt: skip
def test_docker_hub_cannot_be_insecure(tmp_path: Path, entry: str, image: str, told: bool) -> None:
    put(tmp_path, JSON, {"insecure-registries": [entry]})
    assert [("Docker Hub" in effect) for effect in passed_over(tmp_path, image)] == [True] * told


@pytest.mark.parametrize(("folder", "image", "told"), [
    ("reg.example.com:443", "reg.example.com/a:1", True),
    ("reg.example.com", "reg.example.com:443/a:1", True),
    ("reg.example.com", "reg.example.com/a:1", False),
    ("reg.example.com:443", "reg.example.com:443/a:1", False),
    ("reg.example.com:443", "reg.example.com:5000/a:1", False),
    ("reg.example.com", "reg.example.com:5000/a:1", False),
])  # fmt: skip
def test_a_folder_is_for_the_port_as_it_is_written(
    tmp_path: Path, folder: str, image: str, told: bool
) -> None:
    (tmp_path / f"etc/docker/certs.d/{folder}").mkdir(parents=True)
    assert passed_over(tmp_path, image) == []
    put(tmp_path, f"{CERTS}/{folder}/ca.crt", CA.pem)
    assert passed_over(tmp_path, image) == ["docker passes over it"] * told
    put(tmp_path, f"{CERTS}/{image.partition('/')[0]}/ca.crt", CA.pem)
    assert passed_over(tmp_path, image) == []


@pytest.mark.parametrize(("key", "told"), [
    ("default", True), ("unix:///var/run/docker.sock", True), ("tcp://far:2376", False),
])  # fmt: skip
def test_proxies_of_config_json_by_the_daemons_address(
    tmp_path: Path, key: str, told: bool
) -> None:
    put(tmp_path, DOCKER, {"proxies": {key: {"httpsProxy": PROXY}}})
    found = docker_host.read(machine(tmp_path)).elsewhere
    assert [value.text for value in found] == [PROXY] * told
