"""Through Docker's eyes: does the command answer as `docker pull` would fare, and not as the shell?

One row is one world. The daemon's files lie in that world's /etc; on its socket stands what says no
more than a daemon does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority, leaf
from tests.dockerd import dockerd
from tests.lab import servers
from tests.lab.cure import carry_out, mends, programs_of, remedy
from tests.lab.scenario import Scenario, auth, config
from tests.lab.way import HOST, IMAGE, PROXY_HOST, Way
from tests.lab.world import REGISTRY, Run, World

pytestmark = pytest.mark.lab

AS = ("--as", "docker")
AT = f"http://{PROXY_HOST}:3128"
CERTS = f"docker/certs.d/{HOST}"
DROP_IN = "systemd/system/docker.service.d/http-proxy.conf"
UNIT = "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n"
SHORT = (*AS, "--timeout", "9")
LOGIN = ".docker/config.json"


def etc(**files: object) -> Callable[[World], None]:
    """Files of the daemon: by short names, as text or JSON."""
    places = {
        "unit": "systemd/system/docker.service",
        "drop_in": DROP_IN,
        "daemon": "docker/daemon.json",
        "default": "default/docker",
    }

    def write(world: World) -> None:
        for name, content in files.items():
            put(world, places[name], content)

    return write


def put(world: World, path: str, content: object) -> None:
    file = world.etc / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def private(world: World) -> None:
    """The system does not know the registry's CA; Docker's folder for it does."""
    put(world, f"{CERTS}/ca.crt", world.ca.pem)
    world.trust(authority("Another Root CA"))


def known_to_the_system_alone(world: World) -> None:
    put(world, f"docker/certs.d/{HOST}:443/ca.crt", authority("Another Root CA").pem)


def misnamed(world: World) -> None:
    put(world, f"{CERTS}/ca.pem", world.ca.pem)
    world.trust(authority("Another Root CA"))


def half_a_pair(world: World) -> None:
    put(world, f"{CERTS}/client.cert", world.ca.pem)


def only(**variables: str) -> Callable[[World], dict[str, str]]:
    """The one proxy that knows the registry's true address; here its packets are lost."""

    def detour(world: World) -> dict[str, str]:
        servers.proxy(world, knows={HOST: REGISTRY})
        return variables

    return detour


def plain_http(world: World) -> tuple[str, ...]:
    """The registry in plain HTTP, on the port that its name leads to."""
    return (servers.site(REGISTRY, certificate=None, port=443),)


PLAIN = Way(port="closed", more_sites=plain_http)
LOST = Way(name="lost", detour=only())
THROUGH = f'[Service]\nEnvironment="HTTPS_PROXY={AT}"\n'
BASIC = Way(login="basic", key="none")
INSECURE = {"insecure-registries": [HOST]}
LISTED = "client.insecure-registry"

HEALTHY = (
    Scenario("open", Way()),
    Scenario("login", BASIC, home={LOGIN: config()}),
    Scenario("ca-in-certs.d", Way(machine=private)),
    Scenario(
        "the-folder-of-another-spelling",
        Way(machine=known_to_the_system_alone),
        also=("client.config-invalid",),
    ),
    Scenario("proxy-in-the-drop-in", replace(LOST, machine=etc(unit=UNIT, drop_in=THROUGH))),
    Scenario(
        "proxy-in-daemon.json",
        replace(LOST, machine=etc(daemon={"proxies": {"https-proxy": AT}})),
    ),
    Scenario(
        "proxy-in-the-environment-file",
        replace(
            LOST,
            machine=etc(
                unit=f"{UNIT}EnvironmentFile=/etc/default/docker", default=f"HTTPS_PROXY={AT}"
            ),
        ),
    ),
    Scenario(
        "the-shells-proxy-is-closed",
        Way(env={"HTTPS_PROXY": f"http://{PROXY_HOST}:3129"}),
    ),
    Scenario("insecure-and-verified", Way(machine=etc(daemon=INSECURE)), also=(LISTED,)),
    Scenario(
        "insecure-in-plain-http", replace(PLAIN, machine=etc(daemon=INSECURE)), also=(LISTED,)
    ),
    Scenario(
        "another-registry-is-insecure",
        Way(machine=etc(daemon={"insecure-registries": ["other.example", "10.0.0.0/8"]})),
    ),
    Scenario("settings-of-no-matter", Way(machine=etc(daemon={"debug": True, "mtu": 1400}))),
)  # fmt: skip
FAULTS = (
    Scenario(
        "the-shell-alone-has-the-proxy",
        replace(LOST, detour=only(HTTPS_PROXY=AT), machine=etc(unit=UNIT)),
        ("proxy.missing-for-client",),
        options=SHORT,
    ),
    Scenario(
        "config.json-alone-has-the-proxy",
        LOST,
        ("proxy.required",),
        home={LOGIN: {"proxies": {"default": {"httpsProxy": AT}}}},
        options=SHORT,
    ),
    Scenario(
        "the-unit-does-not-read-the-file",
        replace(LOST, machine=etc(unit=UNIT, default=f"HTTPS_PROXY={AT}")),
        ("proxy.required",),
        options=SHORT,
    ),
    Scenario(
        "excluded-by-the-daemon",
        replace(LOST, machine=etc(unit=UNIT, drop_in=f'{THROUGH}Environment="NO_PROXY={HOST}"\n')),
        ("proxy.no-proxy-excludes",),
        options=SHORT,
    ),
    Scenario("ca-by-another-name", Way(machine=misnamed), ("tls.ca-file-unusable",)),
    Scenario("half-a-pair", Way(machine=half_a_pair), ("tls.ca-file-unusable",)),
    Scenario("unknown-ca", Way(certificate="unknown-ca"), ("tls.unknown-ca",)),
    Scenario("plain-http", PLAIN, ("registry.http-only",)),
    Scenario(
        "another-registry-is-insecure",
        Way(certificate="unknown-ca", machine=etc(daemon={"insecure-registries": [f"{HOST}:443"]})),
        ("tls.unknown-ca",),
    ),
    Scenario(
        "podman-alone-has-the-login",
        BASIC,
        ("auth.no-credentials",),
        home={".config/containers/auth.json": config()},
    ),
    Scenario(
        "wrong-key", BASIC, ("auth.wrong-key",), home={LOGIN: config(f"{HOST}:443", auth=auth())}
    ),
    Scenario(
        "helper-missing", BASIC, ("auth.helper-missing",), home={LOGIN: {"credsStore": "none"}}
    ),
    Scenario("not-json", BASIC, ("auth.config-unreadable",), home={LOGIN: "{"}),
)  # fmt: skip


def play(scenario: Scenario, lab: World, store: Path) -> Run:
    """Seen by docker, whose daemon answers."""
    socket = lab.folder / "docker.sock"
    env = {"DOCKER_HOST": f"unix://{socket}", **scenario.env}
    with dockerd(socket):
        return replace(scenario, options=scenario.options or AS, env=env).play(lab, store)


@pytest.mark.parametrize("scenario", [*HEALTHY, *FAULTS], ids=lambda s: s.name)
def test_docker_fares_as_it_is_told(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(play(scenario, lab, store))


@pytest.mark.parametrize("daemon", [
    '{\n  "insecure-registries": [],\n}',
    '{\n  "insecure-registries": "reg.example"\n}',
    '{\n  "registry-mirror": ["https://m.example"]\n}',
    '{\n  "registry-mirrors": ["m.example:5000"]\n}',
])  # fmt: skip
def test_a_daemon_that_does_not_start_is_the_cause(daemon: str, lab: World, store: Path) -> None:
    """Nothing listens: the network is well, and the pull fails all the same."""
    env = {"DOCKER_HOST": f"unix://{lab.folder}/docker.sock"}
    way = Way(machine=etc(daemon=daemon))
    run = Scenario("broken", way, ("client.config-invalid",), options=AS, env=env).play(lab, store)
    assert (run.root_causes, run.exit) == (["client.config-invalid"], 1), run
    (found,) = [f for f in run.findings if f["code"] == "client.config-invalid"]
    assert (found["evidence"]["path"], found["evidence"]["line"]) == ("/etc/docker/daemon.json", 2)
    steps = found["remedies"][0]
    no_init_system(lab)
    after = carry_out(lab, steps, *AS, IMAGE, words={}, env=env)
    assert after.exit == 0, f"{steps}\n{after}"


def test_a_daemon_that_runs_with_a_file_broken_since_is_warned_of(lab: World, store: Path) -> None:
    run = play(Scenario("x", Way(machine=etc(daemon="{"))), lab, store)
    codes = {found["code"]: found["severity"] for found in run.findings}
    assert (run.exit, codes.get("client.config-invalid")) == (0, "warning"), run


def test_the_reverse_of_certs_d_passes_for_the_shell_alone(lab: World, store: Path) -> None:
    """One world, two pairs of eyes: what the shell lacks docker has, and the other way round."""
    docker = play(Scenario("x", Way(machine=private)), lab, store)
    assert (docker.exit, docker.root_causes) == (0, []), docker
    shell = lab.check(IMAGE)
    assert shell.root_causes == ["tls.unknown-ca"], shell
    put(lab, f"{CERTS}/ca.cert", lab.ca.pem)
    lab.trust(lab.ca)
    assert lab.check(IMAGE).exit == 0
    again = lab.check(*AS, IMAGE)
    assert again.root_causes == ["tls.ca-file-unusable"], again


def test_an_unverified_registry_is_neither_called_broken_nor_spoken_to(
    lab: World, store: Path
) -> None:
    way = Way(login="basic", certificate="self-signed", machine=etc(daemon=INSECURE))
    run = play(Scenario("x", way), lab, store)
    codes = {found["code"]: found["severity"] for found in run.findings}
    assert (run.exit, run.root_causes) == (3, []), run
    assert codes["client.insecure-registry"] == codes["tls.self-signed"] == "warning"
    assert [seen.target for seen in servers.seen(lab, REGISTRY)] == []


def test_a_credential_is_not_shown_to_a_registry_in_plain_http(lab: World, store: Path) -> None:
    way = replace(PLAIN, login="basic", machine=etc(daemon=INSECURE))
    run = play(Scenario("x", way), lab, store)
    assert (run.exit, run.root_causes) == (3, []), run
    asked = servers.seen(lab, REGISTRY)
    assert asked
    assert {seen.authorization for seen in asked} == {""}


def test_the_drop_in_mends_what_the_daemon_lacks(lab: World, store: Path) -> None:
    run = play(FAULTS[0], lab, store)
    no_init_system(lab)
    with dockerd(lab.folder / "again.sock"):
        env = {"HTTPS_PROXY": AT, "DOCKER_HOST": f"unix://{lab.folder}/again.sock"}
        after = mends(lab, run, *SHORT, IMAGE, env=env)
    assert after.report["targets"][0]["hops"][0]["via"] == f"proxy {PROXY_HOST}:3128"
    assert (lab.etc / DROP_IN).read_text().startswith("[Service]\n")


def test_the_right_name_mends_a_ca_that_was_passed_over(lab: World, store: Path) -> None:
    run = play(next(s for s in FAULTS if s.name == "ca-by-another-name"), lab, store)
    with dockerd(lab.folder / "again.sock"):
        mends(lab, run, *AS, IMAGE, env={"DOCKER_HOST": f"unix://{lab.folder}/again.sock"})


def test_certs_d_mends_an_unknown_ca_for_docker(lab: World, store: Path) -> None:
    strange = authority("Strange Root CA")

    def issued(world: World, _: object) -> object:
        return leaf(strange, HOST), None

    run = play(Scenario("x", Way(certificate=issued)), lab, store)  # type: ignore[arg-type]
    (lab.home / "ca.pem").write_text(strange.pem)
    with dockerd(lab.folder / "again.sock"):
        mends(
            lab, run, *AS, IMAGE, words={"CA_FILE": str(lab.home / "ca.pem")},
            env={"DOCKER_HOST": f"unix://{lab.folder}/again.sock"},
        )  # fmt: skip
    assert (lab.etc / CERTS / "ca.crt").read_text() == strange.pem


def test_a_missing_login_is_made_with_dockers_own_command(lab: World, store: Path) -> None:
    run = play(Scenario("x", BASIC), lab, store)
    commands = [step["command"] or "" for step in remedy(run)["steps"]]
    assert any(command.startswith("docker login") for command in commands), commands


def no_init_system(world: World) -> None:
    """None runs in this world: what would restart the daemon does nothing."""
    restart = Path(programs_of(world)) / "systemctl"
    restart.write_text("#!/bin/sh\nexit 0\n")
    restart.chmod(0o755)


def test_what_speaks_plain_http_is_allowed_by_name(lab: World, store: Path) -> None:
    run = play(next(s for s in FAULTS if s.name == "plain-http"), lab, store)
    no_init_system(lab)
    with dockerd(lab.folder / "again.sock"):
        env = {"DOCKER_HOST": f"unix://{lab.folder}/again.sock"}
        chosen = next(r for r in remedies(run) if "insecure" in r["title"].lower())
        after = carry_out(lab, chosen, *AS, IMAGE, words={}, env=env)
    assert after.exit == 0, f"{chosen}\n{after}"
    assert json.loads((lab.etc / "docker/daemon.json").read_text())["insecure-registries"] == [HOST]


def remedies(run: Run) -> list[dict[str, Any]]:
    (cause,) = [found for found in run.findings if found["root_cause"]]
    return list(cause["remedies"])
