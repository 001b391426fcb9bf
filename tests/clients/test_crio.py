"""Does CRI-O's value answer as a pull on that node would fare?

No CRI-O can be had to compare with; where its rules are containers/image's, they are compared with
skopeo and podman (test_registries_itself, test_podman_itself).
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from doctor.clients import crio_host
from doctor.clients.crio import Crio
from doctor.clients.crio_host import CrioHost
from doctor.engine.fallback import aim
from doctor.facts.client import Daemon
from doctor.facts.endpoint import EndpointsFact
from doctor.model import Client, ReadsShortNames, Target
from doctor.reference import Reference, parse
from tests.certificates import authority
from tests.clients.registries import HOME, auth, machine, outcomes, put, user

CA = authority()
CONF, DROP_IN = "/etc/crio/crio.conf", "/etc/crio/crio.conf.d/10-x.conf"
UNIT = "/usr/lib/systemd/system/crio.service"
SYSCONFIG = "/etc/sysconfig/crio"
REGISTRIES = "/etc/containers/registries.conf"
ROOTS = "/root/.config/containers/auth.json"
NODES = "/var/lib/kubelet/config.json"
POLICY = "/etc/containers/policy.json"
PROXY = "http://proxy.example:3128"
IMAGE = "reg.example.com/team/app:1"
SERVICE = (
    "[Service]\nEnvironmentFile=-/etc/sysconfig/crio\nEnvironment=GOTRACEBACK=crash\n"
    "ExecStart=/usr/bin/crio \\\n  $CRIO_CONFIG_OPTIONS \\\n  $CRIO_STORAGE_OPTIONS\n"
)
MIRRORED = """[[registry]]
location = "reg.example.com"
[[registry.mirror]]
location = "m.io"
"""


def crio(root: Path, **environ: str) -> Crio:
    return Crio.here({"HOME": HOME, **environ}, root=str(root))


def host(root: Path) -> CrioHost:
    return crio_host.read(machine(root))


def target(image: str = IMAGE) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="cri-o")


def endpoints(root: Path, image: str = IMAGE) -> EndpointsFact:
    return crio(root).endpoints(target(image))


def faults(root: Path, image: str = IMAGE) -> list[tuple[str, int, bool]]:
    setup = crio(root).setup(target(image))
    return [(each.file, each.line, each.stops) for each in setup.faults]


def image(**settings: object) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join(["[crio.image]", *lines, ""])


def test_it_is_a_client(tmp_path: Path) -> None:
    client: Client = crio(tmp_path)
    assert client.name == "cri-o"
    assert isinstance(client, ReadsShortNames)


# ── its files ────────────────────────────────────────────────────────────────────────────────────


def test_drop_ins_win_by_name_whatever_their_ending(tmp_path: Path) -> None:
    folder = "/etc/crio/crio.conf.d"
    paths = [CONF, f"{folder}/05-a", f"{folder}/10-x.conf", f"{folder}/20.d/a", f"{folder}/30.bak"]
    for path in paths:
        put(tmp_path, path, image(global_auth_file=path))
        assert host(tmp_path).text("global_auth_file") == path
    assert host(tmp_path).files == tuple(paths)


def test_a_list_of_a_later_file_replaces_the_earlier_one(tmp_path: Path) -> None:
    put(tmp_path, CONF, image(insecure_registries=["a.example", "b.example"]))
    put(tmp_path, DROP_IN, image(insecure_registries=["c.example"]))
    assert [(each.text, each.origin) for each in host(tmp_path).insecure] == [
        ("c.example", f"{DROP_IN}:2")
    ]
    put(tmp_path, DROP_IN, image(global_auth_file="/x"))
    assert len(host(tmp_path).insecure) == 2
    put(tmp_path, DROP_IN, image(insecure_registries=[]))
    assert host(tmp_path).insecure == ()


def test_flags_of_the_service_win_over_the_files(tmp_path: Path) -> None:
    put(tmp_path, UNIT, SERVICE)
    put(tmp_path, CONF, image(insecure_registries=["a.example"], global_auth_file="/a.json"))
    flags = "--insecure-registry=b.example,c.example --global-auth-file /b.json --listen /x.sock"
    put(tmp_path, SYSCONFIG, f'CRIO_CONFIG_OPTIONS="{flags}"\n')
    found = host(tmp_path)
    assert [each.text for each in found.insecure] == ["b.example", "c.example"]
    assert (found.text("global_auth_file"), found.socket) == ("/b.json", "/x.sock")
    put(tmp_path, SYSCONFIG, 'CRIO_CONFIG_OPTIONS="--config /other.conf --config-dir=/other.d"\n')
    put(tmp_path, "/other.conf", image(global_auth_file="/c.json"))
    put(tmp_path, "/other.d/x", image(insecure_registries=["d.example"]))
    found = host(tmp_path)
    assert found.text("global_auth_file") == "/c.json"
    assert [each.text for each in found.insecure] == ["d.example"]


@pytest.mark.parametrize(("text", "line", "stops"), [
    ("[crio.image\n", 1, True),
    ("[crio.image]\nglobal_auth_file = 1\n", 2, True),
    ('[crio.image]\n\ninsecure_registries = "a.example"\n', 3, True),
    ('[crio.image]\ninsecure_registries = [\n "a.example",\n 1]\n', 2, True),
    ("crio = 1\n", 1, True),
    ("[crio]\nimage = []\n", 2, True),
    ('\ufeff[crio.image]\n', 1, True),
    ('[crio.image]\nregistries = ["docker.io"]\n', 2, False),
    ("[" * 100_000, 1, True),
])  # fmt: skip
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, line: int, stops: bool) -> None:
    put(tmp_path, DROP_IN, text)
    assert faults(tmp_path) == [(DROP_IN, line, stops)]


@pytest.mark.parametrize(
    "text", ["", "# x\r\n", "[crio]\r\n[crio.api]\r\nlisten = 'x'\r\n", "a = 1"]
)
def test_what_crio_takes_is_no_fault(tmp_path: Path, text: str) -> None:
    put(tmp_path, CONF, text)
    assert faults(tmp_path) == []


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    put(tmp_path, UNIT, SERVICE.replace("$CRIO_CONFIG_OPTIONS", "--config /gone.conf"))
    assert faults(tmp_path) == [("/gone.conf", 1, True)]


# ── which proxy ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "text"), [
    ("/etc/systemd/system/crio.service.d/proxy.conf",
     f'[Service]\nEnvironment="HTTPS_PROXY={PROXY}"\n'),
    (SYSCONFIG, f"\nHTTPS_PROXY={PROXY}\n"),
])  # fmt: skip
def test_the_services_environment_counts_and_the_shells_does_not(
    tmp_path: Path, path: str, text: str
) -> None:
    put(tmp_path, UNIT, SERVICE)
    route = crio(tmp_path, HTTPS_PROXY="http://shell.example:1").route(target().registry)
    assert route.direct
    assert [each.why for each in route.candidates] == ["shell"]
    put(tmp_path, path, text)
    route = crio(tmp_path, HTTPS_PROXY="http://shell.example:1").route(target().registry)
    assert route.proxy
    assert (route.proxy.host, route.proxy.origin) == ("proxy.example", f"{path}:2")


def test_init_scripts_read_a_file_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, "/etc/init.d/crio", "#!/bin/sh\n")
    put(tmp_path, "/etc/default/crio", f"export HTTPS_PROXY={PROXY}\n")
    route = crio(tmp_path).route(target().registry)
    assert route.proxy
    assert route.proxy.origin == "/etc/default/crio:1"


# ── which trust ──────────────────────────────────────────────────────────────────────────────────


def unverified(root: Path, image: str, *addresses: str) -> str | None:
    asked = target(image)
    setting = crio(root).trust(asked.registry, asked).unverified(addresses)
    return (setting.origin or "by default") if setting else None


def test_certs_d_of_containers_and_docker_count_and_no_users(tmp_path: Path) -> None:
    for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d"):
        put(tmp_path, f"{folder}/reg.example.com/ca.crt", CA.pem)
        stores = crio(tmp_path).trust(target().registry, target()).stores
        assert [each.path for each in stores] == [f"{folder}/reg.example.com/ca.crt"]
    put(tmp_path, f"{HOME}/.config/containers/certs.d/reg.example.com/ca.crt", CA.pem)
    assert len(crio(tmp_path).trust(target().registry, target()).stores) == 1


def missed(root: Path, image: str = IMAGE) -> list[tuple[str, str]]:
    faults = crio(root).setup(target(image)).faults
    return [(each.lies_in, each.belongs_in) for each in faults if each.kind == "passed-over"]


def test_a_folder_that_does_not_count_is_told(tmp_path: Path) -> None:
    containers, dockers = "/etc/containers/certs.d", "/etc/docker/certs.d"
    put(tmp_path, f"{containers}/reg.example.com:443/ca.crt", CA.pem)
    other, own = f"{containers}/reg.example.com:443", f"{containers}/reg.example.com"
    assert missed(tmp_path) == [(other, own)]
    assert missed(tmp_path, "reg.example.com:443/a:1") == []
    put(tmp_path, f"{dockers}/reg.example.com/ca.crt", CA.pem)
    assert missed(tmp_path) == []
    (tmp_path / own.lstrip("/")).mkdir()
    assert missed(tmp_path) == [(f"{dockers}/reg.example.com", own)]


def test_a_mirrors_folder_that_does_not_count_is_told(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, MIRRORED)
    put(tmp_path, "/etc/containers/certs.d/m.io/ca.crt", CA.pem)
    assert missed(tmp_path) == []
    put(tmp_path, REGISTRIES, MIRRORED.replace("m.io", "m.io:443"))
    folder = "/etc/containers/certs.d/m.io"
    assert missed(tmp_path) == [(folder, f"{folder}:443")]


def test_insecure_registries_are_names_or_networks(tmp_path: Path) -> None:
    put(tmp_path, CONF, image(insecure_registries=["a.example:5000", "10.0.0.0/8"]))
    assert unverified(tmp_path, "a.example:5000/x:1") == f"{CONF}:2"
    assert unverified(tmp_path, "a.example/x:1") is None
    assert unverified(tmp_path, "b.example/x:1", "10.1.1.1") == f"{CONF}:2"
    assert unverified(tmp_path, "b.example/x:1", "11.1.1.1") is None
    assert unverified(tmp_path, "b.example/x:1", "127.0.0.1") == "by default"


def test_a_name_in_crio_conf_counts_for_its_mirrors(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, MIRRORED)
    asked = aim(target(), endpoints(tmp_path).endpoints[0])
    assert crio(tmp_path).trust(asked.registry, asked).unverified(["127.0.0.1"]) is None
    put(tmp_path, CONF, image(insecure_registries=["reg.example.com"]))
    setting = crio(tmp_path).trust(asked.registry, asked).unverified(())
    assert setting
    assert setting.origin == f"{CONF}:2"


# ── which credential ─────────────────────────────────────────────────────────────────────────────


def test_the_global_file_stands_alone_else_roots_own(tmp_path: Path) -> None:
    put(tmp_path, ROOTS, {"auths": {"reg.example.com": auth("roots")}})
    put(tmp_path, NODES, {"auths": {"reg.example.com": auth("nodes")}})
    put(tmp_path, f"{HOME}/.config/containers/auth.json", {"auths": {"reg.example.com": auth()}})
    environ = {"REGISTRY_AUTH_FILE": f"{HOME}/.config/containers/auth.json"}
    assert user(crio(tmp_path, **environ).keys(target())) == "roots"
    put(tmp_path, CONF, image(global_auth_file=NODES))
    lookup = crio(tmp_path).keys(target())
    assert (user(lookup), lookup.client, lookup.config) == ("nodes", "cri-o", NODES)
    put(tmp_path, NODES, {"auths": {}})
    assert user(crio(tmp_path).keys(target())) is None


def test_that_pull_secrets_come_first_is_told(tmp_path: Path) -> None:
    lookup = crio(tmp_path).keys(target())
    assert next(iter(outcomes(lookup).items())) == ("the pod's pull Secrets", "not-read")
    (tmp_path / "etc/crio/auth").mkdir(parents=True)
    assert outcomes(crio(tmp_path).keys(target()))["/etc/crio/auth"] == "not-read"


def test_a_mirror_has_a_key_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, MIRRORED)
    put(tmp_path, ROOTS, {"auths": {"m.io": auth("mirrors")}})
    fact = endpoints(tmp_path)
    assert "pull Secrets" in fact.rule
    mirror, own = (aim(target(), each) for each in fact.endpoints)
    assert [user(crio(tmp_path).keys(each)) for each in (mirror, own)] == ["mirrors", None]


# ── where it is asked for ────────────────────────────────────────────────────────────────────────


def test_registries_conf_is_the_machines_or_roots(tmp_path: Path) -> None:
    def rewritten(to: str) -> str:
        return f'[[registry]]\nprefix = "reg.example.com"\nlocation = "{to}"\n'

    put(tmp_path, f"{HOME}/.config/containers/registries.conf", rewritten("users.example"))
    put(tmp_path, REGISTRIES, rewritten("machines.example"))
    (place,) = endpoints(tmp_path).asked
    assert place.hop.host == "machines.example"
    put(tmp_path, "/root/.config/containers/registries.conf", rewritten("roots.example"))
    (place,) = endpoints(tmp_path).asked
    assert place.hop.host == "roots.example"


def test_the_policy_refuses_by_the_images_own_name(tmp_path: Path) -> None:
    put(tmp_path, POLICY, {"default": [{"type": "reject"}]})
    blocked = endpoints(tmp_path).blocked
    assert blocked
    assert (blocked.file, blocked.line, blocked.policy) == (POLICY, 1, True)
    put(tmp_path, CONF, image(signature_policy="/etc/crio/policy.json"))
    put(tmp_path, "/etc/crio/policy.json", {"default": [{"type": "insecureAcceptAnything"}]})
    assert endpoints(tmp_path).blocked is None
    put(tmp_path, "/etc/crio/policy.json", "{")
    assert faults(tmp_path) == [("/etc/crio/policy.json", 1, True)]


def test_short_names_are_looked_for_in_order_unless_told_otherwise(tmp_path: Path) -> None:
    put(tmp_path, REGISTRIES, 'unqualified-search-registries = ["a.example", "b.example"]\n')
    names = [str(each.reference) for each in crio(tmp_path).meant(target("app:1"))]
    assert names == ["a.example/app:1", "b.example/app:1"]
    assert faults(tmp_path, "app:1") == []
    put(tmp_path, CONF, image(short_name_mode="enforcing"))
    assert faults(tmp_path, "app:1") == [(REGISTRIES, 1, True)]
    put(tmp_path, REGISTRIES, "")
    assert faults(tmp_path, "app:1") == [(REGISTRIES, 1, True)]


# ── is it there ──────────────────────────────────────────────────────────────────────────────────


def test_whether_it_is_there(tmp_path: Path) -> None:
    client = crio(tmp_path)
    assert (client.socket, client.setup(target()).program) == ("", "")
    assert client.setup(target()).seen == "cri-o is not installed here"
    put(tmp_path, "/usr/bin/crio", "", mode=0o755)
    fact = crio(tmp_path).setup(target())
    assert fact.program == "/usr/bin/crio"
    assert fact.daemon == Daemon("/var/run/crio/crio.sock")
    down = crio(tmp_path).asked(Daemon("/x", "refused", "nobody")).setup(target())
    assert down.daemon
    assert down.daemon.state == "refused"


def test_it_is_asked_on_its_own_machine_alone() -> None:
    here = replace(Crio.here({"HOME": HOME}), host=CrioHost(program="/usr/bin/crio"))
    assert here.socket == "/var/run/crio/crio.sock"


def test_no_link_leads_out_and_no_fifo_is_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "node"
    place = root / CONF[1:]
    place.parent.mkdir(parents=True)
    place.symlink_to(put(tmp_path, "/secret", image(global_auth_file="/canary")))
    assert host(root).settings == {}
    place.unlink()
    os.mkfifo(place)
    assert faults(root) == [(CONF, 1, False)]
    place.unlink()
    put(root, CONF, image(global_auth_file="/x"))
    loop = root / "etc/crio/crio.conf.d/loop"
    loop.parent.mkdir()
    loop.symlink_to(".")
    assert host(root).text("global_auth_file") == "/x"
    assert faults(root) == [("/etc/crio/crio.conf.d/loop", 1, True)], "no link to a folder is read"
