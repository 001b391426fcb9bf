"""Through Podman's eyes: does the command answer as `podman pull` would fare?

Every row is also played to skopeo, which goes by the same library (containers/image): it must copy
the image exactly where the command says that it can be pulled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import Issued, authority, leaf
from tests.lab import servers
from tests.lab.cure import mends
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth, config
from tests.lab.way import HOST, IMAGE, PROXY_HOST, Way
from tests.lab.world import REGISTRY, World

pytestmark = pytest.mark.lab

AS = ("--as", "podman")
SHORT = (*AS, "--timeout", "6")
AT = f"http://{PROXY_HOST}:3128"
AUTH_JSON = ".config/containers/auth.json"
CONF = ".config/containers/containers.conf"
DOCKERS = ".docker/config.json"
ETC = (f"containers/certs.d/{HOST}", f"docker/certs.d/{HOST}")
BASIC = Way(login="basic", key="none")
ANOTHER = authority("Another Root CA")


def etc(path: str, text: str) -> Callable[[World], None]:
    """A file of the machine, beside a system store that does not know the registry's CA."""

    def write(world: World) -> None:
        put(world, path, text or world.ca.pem)
        world.trust(ANOTHER)

    return write


def put(world: World, path: str, text: str) -> None:
    file = world.etc / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def users_own(world: World) -> None:
    """The folder in the home hides the one of the machine."""
    put(world, f"{ETC[0]}/ca.crt", ANOTHER.pem)
    world.write(f".config/containers/certs.d/{HOST}/ca.crt", world.ca.pem)
    world.trust(ANOTHER)


def hidden(world: World) -> None:
    """The folder that counts lacks the CA; the next one has it."""
    put(world, f"{ETC[0]}/notes.txt", "moved")
    put(world, f"{ETC[1]}/ca.crt", world.ca.pem)
    world.trust(ANOTHER)


def half_a_pair(world: World) -> None:
    put(world, f"{ETC[0]}/ca.cert", world.ca.pem)


def dangling(world: World) -> None:
    """podman passes over a link that leads nowhere; docker stops at it."""
    (world.etc / ETC[0]).mkdir(parents=True)
    (world.etc / ETC[0] / "old.crt").symlink_to("/gone")


def only(**variables: str) -> Callable[[World], dict[str, str]]:
    """The one proxy that knows the registry's true address; here its packets are lost."""

    def detour(world: World) -> dict[str, str]:
        servers.proxy(world, knows={HOST: REGISTRY})
        return variables

    return detour


PARTS = config(f"{HOST}/{REPOSITORY.partition('/')[0]}", auth=auth())
HEALTHY = (
    Scenario("open", Way()),
    Scenario("login", BASIC, home={AUTH_JSON: config()}),
    Scenario("login-for-a-part", BASIC, home={AUTH_JSON: PARTS}),
    Scenario("dockers-login", BASIC, home={DOCKERS: config()}),
    Scenario("named-file", BASIC, home={"a.json": config()}, env={"REGISTRY_AUTH_FILE": "a.json"}),
    Scenario("ca-for-containers", Way(machine=etc(f"{ETC[0]}/ca.crt", ""))),
    Scenario("ca-for-docker", Way(machine=etc(f"{ETC[1]}/ca.crt", ""))),
    Scenario("ca-of-the-user", Way(machine=users_own)),
    Scenario("dangling", Way(machine=dangling), also=("tls.ca-file-unusable",)),
    Scenario("proxy", Way(name="lost", detour=only(HTTPS_PROXY=AT))),
)
FAULTS = (
    Scenario("ca-hidden-by-a-folder", Way(machine=hidden), ("tls.unknown-ca",)),
    Scenario(
        "ca-under-another-spelling",
        Way(machine=etc(f"containers/certs.d/{HOST}:443/ca.crt", "")),
        ("tls.unknown-ca",),
    ),
    Scenario(
        "ca-by-another-name",
        Way(machine=etc(f"{ETC[0]}/ca.pem", "")),
        ("tls.ca-file-unusable",),
    ),
    Scenario("half-a-pair", Way(machine=half_a_pair), ("tls.ca-file-unusable",)),
    Scenario(
        "dockers-store",
        BASIC,
        ("auth.no-credentials",),
        home={DOCKERS: {"credsStore": "lab", "auths": {HOST: {}}}},
    ),
    Scenario(
        "login-for-another-part",
        BASIC,
        ("auth.wrong-key",),
        home={AUTH_JSON: config(f"{HOST}/other", auth=auth())},
    ),
    Scenario("empty-file", BASIC, ("auth.config-unreadable",), home={AUTH_JSON: ""}),
    Scenario(
        "plain-fields",
        BASIC,
        ("auth.no-credentials",),
        home={AUTH_JSON: config(username="alice", password="correct horse battery")},
    ),
    Scenario("unknown-ca", Way(certificate="unknown-ca"), ("tls.unknown-ca",)),
)


def seen(scenario: Scenario, lab: World) -> Scenario:
    """By podman; a file that a variable names lies in the home."""
    env = {name: f"{lab.home}/{value}" for name, value in scenario.env.items()}
    return replace(scenario, options=scenario.options or AS, env=env)


@pytest.mark.parametrize("scenario", [*HEALTHY, *FAULTS], ids=lambda s: s.name)
def test_podman_fares_as_it_is_told(scenario: Scenario, lab: World, store: Path) -> None:
    mine = seen(scenario, lab)
    run = mine.play(lab, store)
    mine.verify(run)
    environ = {"HTTPS_PROXY": AT} if scenario.name == "proxy" else {}
    copied = lab.skopeo("copy", f"docker://{IMAGE}", "dir:/run/copied", env={**environ, **mine.env})
    assert (copied.exit == 0) is not bool(scenario.causes), copied


def test_containers_conf_gives_podman_the_proxy(lab: World, store: Path) -> None:
    way = Way(name="lost", detour=only())
    file = lab.write(CONF, f'[engine]\nenv = ["HTTPS_PROXY={AT}"]\n')
    env = {"CONTAINERS_CONF": str(file)}
    scenario = Scenario("x", way, options=SHORT, env=env)
    run = scenario.play(lab, store)
    scenario.verify(run)
    assert run.report["targets"][0]["hops"][0]["via"] == f"proxy {PROXY_HOST}:3128"
    assert lab.check("--timeout", "6", IMAGE).exit == 1, "the shell has none"


def test_a_containers_conf_that_stops_podman_is_the_cause(lab: World, store: Path) -> None:
    file = lab.write(CONF, '[engine]\nenv = ["A=b"\n')
    env = {"CONTAINERS_CONF": str(file)}
    run = Scenario("x", Way(), options=AS, env=env).play(lab, store)
    assert (run.root_causes, run.exit) == (["client.config-invalid"], 1), run
    assert run.findings[0]["evidence"]["path"] == str(file)
    assert run.findings[0]["remedies"][0]["title"].startswith("Mend line")


def test_certs_d_mends_an_unknown_ca_for_podman(lab: World, store: Path) -> None:
    strange = authority("Strange Root CA")

    def issue(world: World, issuer: Issued) -> tuple[Issued, None]:
        return leaf(strange, HOST), None

    run = Scenario("x", Way(certificate=issue), options=AS).play(lab, store)
    (lab.home / "ca.pem").write_text(strange.pem)
    mends(lab, run, *AS, IMAGE, words={"CA_FILE": str(lab.home / "ca.pem")})
    assert lab.skopeo("copy", f"docker://{IMAGE}", "dir:/run/copied").exit == 0


def test_what_one_client_has_the_other_lacks(lab: World, store: Path) -> None:
    Scenario("x", BASIC, home={AUTH_JSON: PARTS}).play(lab, store)
    assert lab.check(*AS, IMAGE).exit == 0
    docker = lab.check("--as", "docker", IMAGE)
    assert docker.root_causes == ["auth.no-credentials"], docker
