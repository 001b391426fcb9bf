"""Does containerd's value answer as its service on that machine would? Its files have tests of
their own: test_hosts_toml, test_containerd_config, test_k3s."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.clients import containerd_node
from doctor.clients.containerd import Containerd
from doctor.clients.machine import Machine
from doctor.engine.fallback import aim
from doctor.facts.client import Daemon, State
from doctor.facts.trust import TrustFact
from doctor.model import Client, Target
from doctor.reference import Reference, parse
from tests.certificates import authority, leaf
from tests.clients.registries import put

CA, OTHER = authority(), authority("Another Root CA")
PAIR = leaf(CA, "client.example")
ROOT = "/etc/containerd/certs.d"
HOST = "reg.example.com"
FOLDER = f"{ROOT}/{HOST}"
UNIT = "/usr/lib/systemd/system/containerd.service"
DROP_IN = "/etc/systemd/system/containerd.service.d/http-proxy.conf"
PROXY = "http://proxy.example:3128"


def target(image: str = f"{HOST}/team/app:1") -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="containerd")


def containerd(root: Path, **environ: str) -> Containerd:
    machine = Machine(root=str(root), environ=environ, home="/root")
    return Containerd(machine, containerd_node.read(machine))


def trusts(root: Path, which: int = 0) -> TrustFact:
    """Whom it trusts at its n-th endpoint."""
    client = containerd(root)
    there = aim(target(), client.endpoints(target()).asked[which])
    return client.trust(there.registry, there)


def added(fact: TrustFact) -> list[str]:
    return [store.path for store in fact.stores if store.label != "system"]


def test_it_is_a_client(tmp_path: Path) -> None:
    client: Client = containerd(tmp_path)
    assert client.name == "containerd"


@pytest.mark.parametrize(
    ("image", "scheme"), [("127.0.0.1:5000/a:1", "http"), (f"{HOST}/a:1", "https")]
)
def test_a_registry_on_loopback_is_itself_whichever_way_it_is_asked(
    tmp_path: Path, image: str, scheme: str
) -> None:
    put(tmp_path, "/etc/containerd/config.toml", "version = 2\n")
    (asked,) = containerd(tmp_path).endpoints(target(image)).asked
    assert (asked.hop.role, asked.hop.scheme) == ("registry", scheme)


# ── which proxy ──────────────────────────────────────────────────────────────────────────────────


def test_the_services_environment_counts_and_never_the_shells(tmp_path: Path) -> None:
    put(tmp_path, UNIT, "[Service]\nExecStart=/usr/bin/containerd\n")
    fact = containerd(tmp_path, HTTPS_PROXY=PROXY).route(target().registry)
    assert fact.direct
    assert [(c.why, c.setting.origin) for c in fact.candidates] == [("shell", "HTTPS_PROXY")]
    put(tmp_path, DROP_IN, f'[Service]\nEnvironment="HTTPS_PROXY={PROXY}" NO_PROXY=a.example\n')
    fact = containerd(tmp_path, HTTPS_PROXY="http://other.example:1").route(target().registry)
    assert fact.proxy is not None
    assert (fact.proxy.url, fact.proxy.origin) == (PROXY, f"{DROP_IN}:2")
    assert containerd(tmp_path).route(target("a.example/b:1").registry).reason == "no-proxy"


def test_the_services_trust_variables_count_and_not_the_shells(tmp_path: Path) -> None:
    put(tmp_path, "/own.pem", CA.pem)
    put(tmp_path, UNIT, "[Service]\nEnvironment=SSL_CERT_FILE=/own.pem\nExecStart=/x\n")
    client = containerd(tmp_path, SSL_CERT_FILE="/shells.pem")
    fact = client.trust(target().registry, target())
    assert [store.path for store in fact.stores] == ["/own.pem"]


# ── which trust ──────────────────────────────────────────────────────────────────────────────────


def test_a_ca_comes_beside_the_systems_for_its_host_alone(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ssl/certs/ca-certificates.crt", OTHER.pem)
    put(tmp_path, f"{FOLDER}/m.crt", CA.pem)
    put(tmp_path, f"{FOLDER}/hosts.toml", '[host."https://m"]\nca = "m.crt"\n')
    first = trusts(tmp_path)
    assert added(first) == [f"{FOLDER}/m.crt"]
    assert any(store.label == "system" for store in first.stores)
    assert added(trusts(tmp_path, 1)) == []


@pytest.mark.parametrize(("there", "image", "told"), [
    ((f"{HOST}:443/hosts.toml",), f"{HOST}/a:1", (f"{HOST}:443", HOST)),
    ((f"{HOST}_443_/ca.crt",), f"{HOST}/a:1", (f"{HOST}_443_", HOST)),
    ((f"{HOST}/ca.crt",), f"{HOST}:443/a:1", (HOST, f"{HOST}:443")),
    ((f"{HOST}:443/ca.crt", "_default/hosts.toml"), f"{HOST}/a:1", (f"{HOST}:443", HOST)),
    ((f"{HOST}:5000/ca.crt",), f"{HOST}/a:1", None),
    ((f"{HOST}:443/ca.crt", f"{HOST}/ca.crt"), f"{HOST}/a:1", None),
    ((f"{HOST}_443_/ca.crt",), f"{HOST}:443/a:1", None),
    (("_default/hosts.toml",), f"{HOST}/a:1", None),
    ((f"{HOST}:443/README",), f"{HOST}/a:1", None),
])  # fmt: skip
def test_a_folder_by_another_name_is_told(
    tmp_path: Path, there: tuple[str, ...], image: str, told: tuple[str, str] | None
) -> None:
    for file in there:
        put(tmp_path, f"{ROOT}/{file}", CA.pem if file.endswith("crt") else "[host]\n")
    put(tmp_path, "/etc/containerd/config.toml", CERTS_D)
    faults = containerd(tmp_path).setup(target(image)).faults
    found = [(f.lies_in, f.belongs_in) for f in faults if f.lies_in]
    assert found == ([(f"{ROOT}/{told[0]}", f"{ROOT}/{told[1]}")] if told else [])


CERTS_D = f'''version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{ROOT}"
'''


def test_the_default_of_an_earlier_folder_hides_a_registrys_own(tmp_path: Path) -> None:
    """containerd looks for all names below one root before it goes to the next."""
    put(tmp_path, "/etc/containerd/config.toml", CERTS_D.replace(ROOT, f"/first:{ROOT}"))
    put(tmp_path, f"{FOLDER}/hosts.toml", "[host]\n")
    faults = containerd(tmp_path).setup(target()).faults
    assert [f for f in faults if f.lies_in] == []
    put(tmp_path, "/first/_default/hosts.toml", "[host]\n")
    (fault,) = (f for f in containerd(tmp_path).setup(target()).faults if f.lies_in)
    assert (fault.file, fault.lies_in) == ("/first/_default", FOLDER)
    assert fault.belongs_in == f"/first/{HOST}"


def test_root_settings_are_the_servers(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/s.crt", CA.pem)
    put(tmp_path, f"{FOLDER}/hosts.toml", 'ca = "s.crt"\n[host."https://m"]\n')
    assert (added(trusts(tmp_path)), added(trusts(tmp_path, 1))) == ([], [f"{FOLDER}/s.crt"])


def test_the_settings_go_for_every_host_of_the_pull(tmp_path: Path) -> None:
    """Token service and storage are asked with the same client."""
    put(tmp_path, f"{FOLDER}/ca.crt", CA.pem)
    fact = containerd(tmp_path).trust(target("other.example/x").registry, target())
    assert added(fact) == [f"{FOLDER}/ca.crt"]
    elsewhere = containerd(tmp_path).trust(target().registry, target("other.example/x"))
    assert added(elsewhere) == []


@pytest.mark.parametrize(("content", "problem"), [
    (None, "missing"), ("", "empty"), ("no", "no-certificate"), (CA.pem, ""),
])  # fmt: skip
def test_a_ca_that_cannot_be_used_ends_the_pull_from_every_host(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    if content is not None:
        put(tmp_path, f"{FOLDER}/m.crt", content)
    put(tmp_path, f"{FOLDER}/hosts.toml", '[host."https://m"]\nca = "m.crt"\n')
    for which in (0, 1):
        found = [(f.problem, f.origin, f.stops) for f in trusts(tmp_path, which).faults]
        assert found == ([(problem, f"{FOLDER}/hosts.toml:2", True)] if problem else [])


def test_a_client_pair_may_be_one_file(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/c.pem", PAIR.pem + PAIR.key_pem)
    put(tmp_path, f"{FOLDER}/hosts.toml", 'client = "c.pem"\n')
    pair = trusts(tmp_path).client_pair
    assert pair is not None
    assert pair.certificate == pair.key == f"{tmp_path}{FOLDER}/c.pem"
    put(tmp_path, f"{FOLDER}/c.pem", PAIR.pem)
    fact = trusts(tmp_path)
    assert fact.client_pair is None
    assert [(f.problem, f.stops) for f in fact.faults] == [("no-key", True)]


def test_a_key_that_this_user_may_not_read_is_no_obstacle(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    put(tmp_path, f"{FOLDER}/c.cert", PAIR.pem)
    put(tmp_path, f"{FOLDER}/c.key", PAIR.key_pem, 0o000)
    assert not any(fault.stops for fault in trusts(tmp_path).faults)


def test_a_ca_by_another_name_is_told(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/ca.pem", CA.pem)
    assert [f.problem for f in trusts(tmp_path).faults] == ["other-name"]
    put(tmp_path, f"{FOLDER}/hosts.toml", 'ca = "ca.pem"\n')
    assert trusts(tmp_path).faults == ()


# ── which credential ─────────────────────────────────────────────────────────────────────────────


def test_without_settings_it_has_none_and_says_where_those_of_pods_come_in(tmp_path: Path) -> None:
    put(tmp_path, "/root/.docker/config.json", {"auths": {HOST: {"auth": "dTpw"}}})
    lookup = containerd(tmp_path).keys(target())
    assert lookup.tries == ()
    assert lookup.places[0].where == "the pod's pull Secrets"
    assert not lookup.told(None).found


@pytest.mark.parametrize(("value", "user", "kind"), [
    ("Basic dTpjYW5hcnktMQ==", "u", "password"),
    ("basic dTpjYW5hcnktMQ==", "u", "password"),
    ("Bearer canary-1", "", "registry-token"),
    ("Digest canary-1", None, ""),
    ("Basic !", None, ""),
])  # fmt: skip
def test_the_header_of_a_host_is_its_credential(
    tmp_path: Path, value: str, user: str | None, kind: str
) -> None:
    put(tmp_path, f"{FOLDER}/hosts.toml", f'[host."https://m".header]\nAuthorization = "{value}"\n')
    client = containerd(tmp_path)
    mirror, home = (aim(target(), e) for e in client.endpoints(target()).asked)
    assert client.keys(home).tries == ()
    found = [held.credential for held in client.keys(mirror).tries]
    if user is None:
        assert found == []
    else:
        (credential,) = found
        assert credential is not None
        assert (credential.user, credential.kind) == (user, kind)
        assert credential.secret.reveal() == "canary-1"
    assert "canary" not in repr(client.keys(mirror))


# ── is it there ──────────────────────────────────────────────────────────────────────────────────


def test_a_masked_unit_is_a_fault(tmp_path: Path) -> None:
    place = tmp_path / "etc/systemd/system/containerd.service"
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/null")
    (fault,) = containerd(tmp_path).setup(target()).faults
    assert "masked" in fault.what


@pytest.mark.parametrize(("state", "told"), [
    ("answers", "answers"), ("missing", "missing"), ("denied", "not-asked"),
])  # fmt: skip
def test_a_socket_that_is_roots_alone_says_nothing(
    tmp_path: Path, state: State, told: State
) -> None:
    client = containerd(tmp_path).asked(Daemon("/run/containerd/containerd.sock", state))
    daemon = client.setup(target()).daemon
    assert daemon is not None
    assert daemon.state == told


def test_files_that_count_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "/etc/containerd/config.toml", "version = 3\n")
    put(tmp_path, f"{FOLDER}/hosts.toml", 'server = "https://m"\n')
    fact = containerd(tmp_path).setup(target())
    assert fact.files == ("/etc/containerd/config.toml", f"{FOLDER}/hosts.toml")
    assert containerd(tmp_path).setup(target("other.example/a")).files == fact.files[:1]


def test_of_a_flag_that_is_given_twice_the_last_counts(tmp_path: Path) -> None:
    flags = "--config /etc/a.toml -c=/etc/b.toml --address x"
    put(tmp_path, UNIT, f"[Service]\nExecStart=/usr/bin/containerd {flags}\n")
    put(tmp_path, "/etc/a.toml", '[grpc]\naddress = "/run/a.sock"\n')
    put(tmp_path, "/etc/b.toml", '[grpc]\naddress = "/run/b.sock"\n')
    assert containerd(tmp_path).node.socket == "/run/b.sock"
