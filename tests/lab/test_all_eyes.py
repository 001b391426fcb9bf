"""All clients of a machine side by side: who can, who cannot, where they part, and what that costs.

Docker's daemon is played by what says no more than one does; podman, docker and skopeo lie where
they lie on this machine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority
from tests.dockerd import dockerd
from tests.lab import servers
from tests.lab.cure import carry_out
from tests.lab.distribution import REPOSITORY
from tests.lab.programs import PATH
from tests.lab.scenario import Scenario, auth, config
from tests.lab.test_costs import LOGIN, connections, requests
from tests.lab.test_docker_eyes import DROP_IN, UNIT, put
from tests.lab.way import HOST, IMAGE, PASSWORD, PROXY_HOST, STORAGE_HOST, USER, Way
from tests.lab.wire import tap
from tests.lab.world import REGISTRY, Run, World

pytestmark = pytest.mark.lab

ALL = ("--as", "all")
BASIC = Way(login="basic", key="none")
DOCKERS = ".docker/config.json"
AT = f"http://{PROXY_HOST}:3128"
IN_A_STORE = f"""cat > /dev/null
echo run >> "$HOME/asked"
printf '{{"Username": "{USER}", "Secret": "{PASSWORD}"}}'"""


def see(lab: World, env: Mapping[str, str], *options: str, image: str = IMAGE) -> Run:
    """Through the eyes of all; docker's daemon answers, and both programs are found."""
    found = lab.folder / "found"
    found.mkdir(exist_ok=True)
    for name in ("docker", "podman"):
        (found / name).write_text("#!/bin/sh\nexit 1\n")
        (found / name).chmod(0o755)
    socket = lab.folder / f"docker-{len(list(lab.folder.iterdir()))}.sock"
    more = {"DOCKER_HOST": f"unix://{socket}", "PATH": f"{found}:{env.get('PATH', PATH)}"}
    with dockerd(socket):
        return lab.check(*ALL, *options, image, env={**env, **more})


def play(scenario: Scenario, lab: World, store: Path, *options: str) -> Run:
    """Make the world, and see."""
    return see(lab, scenario.make(lab, store), *options, image=scenario.target)


def by_client(run: Run) -> dict[str, dict[str, Any]]:
    return {row["client"]: row for row in run.report["clients"]}


def verdicts(run: Run) -> dict[str, str]:
    found = {name: row["verdict"] for name, row in by_client(run).items()}
    return {name: found[name] for name in ("shell", "docker", "podman")}


def of(run: Run, code: str) -> list[dict[str, Any]]:
    """The default client's findings of that code."""
    return [f for f in run.findings if f["code"] == code]


def the_shell_alone_knows_the_ca(world: World) -> None:
    """Named by a variable, which the daemon does not see."""
    world.write("corp.pem", world.ca.pem)
    world.trust(authority("Another Root CA"))


def only_with_a_proxy(world: World) -> dict[str, str]:
    servers.proxy(world, knows={HOST: REGISTRY})
    return {"HTTPS_PROXY": AT}


def test_docker_lacks_the_ca_that_the_shell_has(lab: World, store: Path) -> None:
    env = {"SSL_CERT_FILE": f"{lab.home}/corp.pem"}
    run = play(Scenario("x", Way(machine=the_shell_alone_knows_the_ca), env=env), lab, store)
    assert verdicts(run) == {"shell": "warn", "docker": "fail", "podman": "pass"}, run
    assert (run.exit, run.report["verdict"]) == (0, "warn")
    row = by_client(run)["docker"]
    assert (row["first_failing"], row["root_causes"]) == ("tls", ["tls.unknown-ca"])
    layers = {each["name"]: each["status"] for each in row["layers"]}
    assert (layers["tcp"], layers["tls"], layers["image"]) == ("pass", "fail", "skip")
    (differ,) = of(run, "client.clients-differ")
    assert differ["subject"] == "docker"
    assert differ["evidence"]["clients"]["docker"]["tls"] == "fail"
    assert differ["evidence"]["clients"]["podman"]["tls"] == "pass"
    (trust,) = of(run, "tls.trust-differs")
    assert trust["subject"] == "docker"
    carry_out(lab, trust["remedies"][0], "--offline", IMAGE, words={}, env=env)
    after = see(lab, env)
    assert verdicts(after) == dict.fromkeys(("shell", "docker", "podman"), "pass"), after
    assert (lab.etc / f"docker/certs.d/{HOST}/ca.crt").read_text() == lab.ca.pem


def test_the_shell_lacks_the_ca_that_docker_has(lab: World, store: Path) -> None:
    """The exit code is the shell's."""

    def private(world: World) -> None:
        folder = world.etc / f"docker/certs.d/{HOST}"
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_text(world.ca.pem)
        world.trust(authority("Another Root CA"))

    way = replace(BASIC, machine=private)
    env = Scenario("x", way, home={DOCKERS: config()}).make(lab, store)
    wire = tap(lab)
    run = see(lab, env)
    assert verdicts(run) == {"shell": "fail", "docker": "pass", "podman": "pass"}, run
    spoken_on = {row.connection for row in servers.seen(lab, REGISTRY)}
    opened = connections(wire)["registry"]
    assert 0 < len(spoken_on) < opened, "nothing is said on what the shell does not trust"
    assert (run.exit, run.root_causes) == (1, ["tls.unknown-ca"])
    (trust,) = of(run, "tls.trust-differs")
    commands = [step["command"] for step in trust["remedies"][0]["steps"]]
    assert f"/etc/docker/certs.d/{HOST}/ca.crt" in str(commands[0])


def test_a_login_in_dockers_store_is_none_to_podman(lab: World, store: Path) -> None:
    scenario = Scenario(
        "x",
        BASIC,
        home={DOCKERS: {"credsStore": "lab"}},
        programs={"docker-credential-lab": IN_A_STORE},
    )
    env = scenario.make(lab, store)
    run = see(lab, env)
    assert verdicts(run) == {"shell": "warn", "docker": "pass", "podman": "fail"}, run
    assert run.exit == 0
    (differ,) = of(run, "client.clients-differ")
    assert (differ["subject"], by_client(run)["podman"]["first_failing"]) == ("podman", "auth")
    assert "podman login" in differ["remedies"][0]["steps"][0]["command"]
    asked = (lab.home / "asked").read_text().count("run")
    assert asked == 2, "for the shell's key, which names the repository, and for docker's"
    assert of(run, "tls.trust-differs") == []
    assert see(lab, env, "--strict").exit == 1


def test_the_daemon_lacks_the_proxy_that_the_shell_has(lab: World, store: Path) -> None:
    scenario = Scenario("x", Way(name="lost", detour=only_with_a_proxy))
    run = play(scenario, lab, store, "--timeout", "8")
    assert verdicts(run) == {"shell": "warn", "docker": "fail", "podman": "pass"}, run
    assert by_client(run)["docker"]["root_causes"] == ["proxy.missing-for-client"]
    (differ,) = of(run, "client.clients-differ")
    assert differ["remedies"][0]["title"] == f"Give the Docker daemon the proxy {AT}"


@pytest.mark.parametrize(
    ("way", "image", "cause"),
    [
        (Way(port="closed"), IMAGE, "tcp.refused"),
        (Way(), f"{HOST}/{REPOSITORY}:no-such", "registry.manifest-unknown"),
    ],
    ids=["port", "tag"],
)
def test_all_fail_for_one_reason(way: Way, image: str, cause: str, lab: World, store: Path) -> None:
    run = play(Scenario("x", way, target=image), lab, store)
    assert set(verdicts(run).values()) == {"fail"}, run
    assert {tuple(row["root_causes"]) for row in by_client(run).values()} == {(cause,)}
    assert (run.exit, of(run, "client.clients-differ")) == (1, [])


def test_it_costs_no_more_than_one_where_the_network_is_the_same(lab: World, store: Path) -> None:
    """Docker's login, which the shell finds too, and podman's own, which is the same."""
    env = Scenario("x", BASIC, home={DOCKERS: config()}).make(lab, store)
    lab.write(".config/containers/auth.json", config(auth=auth()))
    wire = tap(lab)
    run = see(lab, env)
    assert verdicts(run) == dict.fromkeys(("shell", "docker", "podman"), "pass"), run
    assert requests({"registry": servers.seen(lab, REGISTRY)}) == {"registry": sorted(LOGIN)}
    assert connections(wire)["registry"] <= 2
    assert set(wire.questions().values()) == {2}, "by the system, and of the name server itself"


FIVE = ("shell", "docker", "podman", "containerd", "cri-o")
CRI = """version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/etc/containerd/certs.d"
"""


def five(world: World, *, known: bool) -> None:
    """Docker and containerd have the CA in folders of their own; the system has it if `known`."""
    put(world, "containerd/config.toml", CRI)
    put(world, "crio/crio.conf", "")
    for client in ("docker", "containerd"):
        put(world, f"{client}/certs.d/{HOST}/ca.crt", world.ca.pem)
    if not known:
        world.trust(authority("Another Root CA"))


def test_five_clients_with_stores_of_their_own_share_one_handshake(lab: World, store: Path) -> None:
    """Each store judges the same chain: the network is looked at once."""
    env = Scenario("x", Way(machine=lambda w: five(w, known=True))).make(lab, store)
    wire = tap(lab)
    run = see(lab, env)
    assert [(c, row["verdict"] in ("pass", "warn")) for c, row in by_client(run).items()] == [
        (client, True) for client in FIVE
    ], run
    assert connections(wire) == {"registry": 1}
    asked = [(row.method, row.target) for row in servers.seen(lab, REGISTRY)]
    assert len(asked) == len(set(asked))


def test_who_accepts_the_chain_and_who_refuses_it_take_one_handshake_each(
    lab: World, store: Path
) -> None:
    """Nothing is said on the connection whose certificate the shell does not accept. podman and
    CRI-O take the CA from Docker's folder."""
    env = Scenario("x", Way(machine=lambda w: five(w, known=False))).make(lab, store)
    wire = tap(lab)
    run = see(lab, env)
    good = {client: row["verdict"] in ("pass", "warn") for client, row in by_client(run).items()}
    assert good == {client: client != "shell" for client in FIVE}, run
    assert connections(wire) == {"registry": 2}
    assert len({row.connection for row in servers.seen(lab, REGISTRY)}) == 1


def test_another_credential_costs_its_own_requests_and_no_second_pull(
    lab: World, store: Path
) -> None:
    """The shell and docker log in, podman as somebody else, whom the registry does not know."""
    env = Scenario("x", BASIC, home={DOCKERS: config()}).make(lab, store)
    lab.write(".config/containers/auth.json", config(auth=auth("other")))
    wire = tap(lab)
    run = see(lab, env)
    assert (verdicts(run)["docker"], verdicts(run)["podman"]) == ("warn", "fail"), run
    asked = requests({"registry": servers.seen(lab, REGISTRY)})["registry"]
    more = ["GET /v2/", "GET /v2/ as user", "HEAD tag", "GET tag"]
    assert asked == sorted([*LOGIN, *more]), "the manifests are fetched once"
    assert connections(wire)["registry"] <= 3
    assert set(wire.questions().values()) == {2}


def test_a_way_that_parts_later_is_walked_again(lab: World, store: Path) -> None:
    """To the registry both go directly; to the storage the daemon goes through a dead proxy."""
    dead = f"http://{PROXY_HOST}:3129"

    def daemon(world: World) -> None:
        put(world, "systemd/system/docker.service", UNIT)
        through = f'Environment="HTTPS_PROXY={dead}" "NO_PROXY={HOST}"'
        put(world, DROP_IN, f"[Service]\n{through}\n")

    env = {"HTTPS_PROXY": dead, "NO_PROXY": f"{HOST},{STORAGE_HOST}"}
    way = Way(blobs="storage", proxy="closed", machine=daemon)
    run = play(Scenario("x", way, env=env), lab, store)
    assert verdicts(run) == {"shell": "warn", "docker": "fail", "podman": "pass"}, run
    hops = {t["client"]: {h["host"]: h["via"] for h in t["hops"]} for t in run.report["targets"]}
    assert hops["shell"][STORAGE_HOST] == "direct"
    assert hops["docker"][STORAGE_HOST] == f"proxy {PROXY_HOST}:3129"


def test_the_files_of_another_machine(lab: World, store: Path, tmp_path: Path) -> None:
    """A node with containerd's neighbours: what lies below --root counts, and none of this
    machine's programs."""
    root = tmp_path / "node"
    shutil.copytree(lab.etc, root / "etc", symlinks=True)
    (root / "etc/docker").mkdir()
    (root / "etc/docker/daemon.json").write_text(json.dumps({"insecure-registries": []}))
    env = Scenario("x", Way()).make(lab, store)
    run = see(lab, env, "--root", str(root))
    assert set(by_client(run)) == {"shell", "docker"}, run
    nothing = see(lab, env, "--root", str(tmp_path))
    assert set(by_client(nothing)) == {"shell"}


def test_the_text_is_short_and_names_who_and_where(lab: World, store: Path) -> None:
    env = {"SSL_CERT_FILE": f"{lab.home}/corp.pem"}
    env = Scenario("x", Way(machine=the_shell_alone_knows_the_ca), env=env).make(lab, store)
    with dockerd(lab.folder / "docker.sock"):
        env |= {"DOCKER_HOST": f"unix://{lab.folder}/docker.sock"}
        text = lab.doctor("check", *ALL, IMAGE, env=env).stdout
    assert "docker cannot, at tls" in text
    assert "Cause for docker: Unknown certificate authority" in text
    assert len(text.splitlines()) <= 25, text


def test_a_helper_that_hangs_holds_nothing_up_for_longer(lab: World, store: Path) -> None:
    programs = {"docker-credential-lab": "exec sleep 600"}
    scenario = Scenario("x", BASIC, home={DOCKERS: {"credsStore": "lab"}}, programs=programs)
    run = play(scenario, lab, store, "--timeout", "4")
    assert run.report, run
    assert (run.exit, set(verdicts(run)) - {"podman"}) == (3, {"shell", "docker"}), run
