"""Through Podman's eyes: does the command answer as `podman pull` would fare?

Every row is also played to skopeo, which goes by the same library (containers/image): it must copy
the image exactly where the command says that it can be pulled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import Issued, authority, leaf
from tests.lab import servers
from tests.lab.cure import carry_out, mends
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth, config
from tests.lab.way import HOST, IMAGE, PROXY_HOST, Way
from tests.lab.world import REGISTRY, SPARE, World

pytestmark = pytest.mark.lab

AS = ("--as", "podman")
SHORT = (*AS, "--timeout", "9")
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


def ca_as(text: str, end: str = "\n") -> Callable[[World], None]:
    """The registry's CA ({0}) and another ({1}, without its last line end), written so."""

    def write(world: World) -> None:
        file = world.etc / ETC[0] / "ca.crt"
        file.parent.mkdir(parents=True)
        pems = text.format(world.ca.pem, ANOTHER.pem.rstrip())
        file.write_bytes(pems.replace("\n", end).encode())
        world.trust(ANOTHER)

    return write


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


MIRROR = "mirror.cleanstart.com"
"""Another name and address, from which the same images can be had."""
CONF_FILE = "containers/registries.conf"


def registries(text: str) -> Callable[[World], None]:
    return lambda world: put(world, CONF_FILE, text)


def mirrors(world: World) -> list[str]:
    """The mirror over TLS, and in plain HTTP at its port 5000."""
    world.names[MIRROR] = (SPARE[4],)
    files = leaf(world.ca, MIRROR).write(world.place("mirror"), "mirror")
    plain = servers.site(SPARE[4], certificate=None, port=5000)
    return [servers.site(SPARE[4], certificate=files), plain]


def dead(world: World) -> list[str]:
    world.names[MIRROR] = (SPARE[5],)
    return []


def table(location: str, more: str = "", mirror: str = "") -> Callable[[World], None]:
    """One table about the registry, and a mirror's where one is given."""
    text = f'[[registry]]\nprefix = "{HOST}"\nlocation = "{location}"\n{more}\n'
    return registries(f"{text}[[registry.mirror]]\n{mirror}\n" if mirror else text)


TLS = f'location = "{MIRROR}"'
PLAIN = f'location = "{MIRROR}:5000"\ninsecure = true'
REFUSED = '{"default": [{"type": "reject"}]}'
UNSIGNED = json.dumps(
    {"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/no.gpg"}]}
)
PARTS = config(f"{HOST}/{REPOSITORY.partition('/')[0]}", auth=auth())
HEALTHY = (
    Scenario("open", Way()),
    Scenario(
        "v2-is-a-page",
        Way(tls_front="location = /v2/ { default_type text/html; return 200 '<html>'; }"),
    ),
    Scenario("login", BASIC, home={AUTH_JSON: config()}),
    Scenario("login-for-a-part", BASIC, home={AUTH_JSON: PARTS}),
    Scenario("dockers-login", BASIC, home={DOCKERS: config()}),
    Scenario("named-file", BASIC, home={"a.json": config()}, env={"REGISTRY_AUTH_FILE": "a.json"}),
    Scenario("ca-for-containers", Way(machine=etc(f"{ETC[0]}/ca.crt", ""))),
    Scenario("ca-for-docker", Way(machine=etc(f"{ETC[1]}/ca.crt", ""))),
    Scenario("ca-with-windows-lines", Way(machine=ca_as("{0}", "\r\n"))),
    Scenario("two-cas", Way(machine=ca_as("{1}\n{0}"))),
    Scenario("ca-of-the-user", Way(machine=users_own)),
    Scenario("dangling", Way(machine=dangling), also=("tls.ca-file-unusable",)),
    Scenario("proxy", Way(name="lost", detour=only(HTTPS_PROXY=AT))),
    Scenario(
        "dead-mirror",
        Way(more_sites=dead, machine=table(HOST, mirror=TLS)),
        also=("client.mirror-unreachable",),
    ),
    Scenario("mirror", Way(port="closed", more_sites=mirrors, machine=table(HOST, mirror=TLS))),
    Scenario("rewritten", Way(name="unknown", more_sites=mirrors, machine=table(MIRROR))),
    Scenario(
        "mirror-of-a-blocked-one",
        Way(more_sites=mirrors, machine=table(HOST, "blocked = true", mirror=TLS)),
    ),
    Scenario(
        "insecure-mirror",
        Way(port="closed", more_sites=mirrors, machine=table(HOST, mirror=PLAIN)),
        also=("client.insecure-registry",),
    ),
)
UNASKED = "location = /v2/ { default_type application/json; return 200 '{}'; }"
"""/v2/ answers as if no login were needed."""
FAULTS = (
    Scenario(
        "v2-that-is-not-handed-on",
        Way(tls_front="location = /v2/ { return 404; }"),
        ("registry.bad-response",),
    ),
    Scenario(
        "login-that-v2-does-not-ask-for",
        Way(login="basic", tls_front=UNASKED),
        ("registry.bad-response",),
    ),
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
    Scenario(
        "ca-with-a-byte-order-mark", Way(machine=ca_as("\ufeff{0}")), ("tls.ca-file-unusable",)
    ),
    Scenario("two-cas-on-one-line", Way(machine=ca_as("{1}{0}")), ("tls.ca-file-unusable",)),
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
    Scenario("blocked", Way(machine=table(HOST, "blocked = true")), ("client.blocked",)),
    Scenario(
        "refused",
        Way(machine=lambda w: put(w, "containers/policy.json", REFUSED)),
        ("client.blocked",),
    ),
    Scenario(
        "signed-by-a-key-that-is-gone",
        Way(machine=lambda w: put(w, "containers/policy.json", UNSIGNED)),
        ("client.blocked",),
    ),
    Scenario(
        "location-with-a-scheme",
        Way(machine=table(f"https://{HOST}")),
        ("client.config-invalid",),
    ),
    Scenario(
        "rewritten-to-nothing",
        Way(more_sites=dead, machine=table(MIRROR)),
        ("tcp.refused",),
    ),
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
    assert lab.check("--timeout", "9", IMAGE).exit == 1, "the shell has none"


def test_a_containers_conf_that_stops_podman_is_the_cause(lab: World, store: Path) -> None:
    file = lab.write(CONF, '[engine]\nenv = ["A=b"\n')
    env = {"CONTAINERS_CONF": str(file)}
    run = Scenario("x", Way(), options=AS, env=env).play(lab, store)
    assert (run.root_causes, run.exit) == (["client.config-invalid"], 1), run
    assert run.findings[0]["evidence"]["path"] == str(file)
    assert run.findings[0]["remedies"][0]["title"].startswith("Mend line")


@pytest.mark.parametrize("text", ["\ufeff{0}", "{1}{0}"], ids=["mark", "one-line"])
def test_a_ca_file_whose_lines_are_not_whole_is_mended(text: str, lab: World, store: Path) -> None:
    run = Scenario("x", Way(machine=ca_as(text)), options=AS).play(lab, store)
    assert run.root_causes == ["tls.ca-file-unusable"]
    mends(lab, run, *AS, IMAGE, words={})


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


def test_a_name_without_registry_is_looked_for_where_podman_does(lab: World, store: Path) -> None:
    search = registries(f'unqualified-search-registries = ["{MIRROR}", "{HOST}"]\n')
    Scenario("x", Way(more_sites=dead, machine=search)).make(lab, store)
    run = lab.check(*AS, REPOSITORY)
    target = run.report["targets"][0]
    assert (run.exit, target["registry"]) == (0, HOST), run
    assert lab.check("--offline", REPOSITORY).report["targets"][0]["registry"] == "docker.io"
    put(lab, CONF_FILE, "")
    run = lab.check(*AS, "--only", "client", REPOSITORY)
    assert run.root_causes == ["client.config-invalid"], run


@pytest.mark.parametrize("name", ["blocked", "refused"])
def test_what_blocks_is_named_and_mended(name: str, lab: World, store: Path) -> None:
    run = seen(next(s for s in FAULTS if s.name == name), lab).play(lab, store)
    (found,) = [f for f in run.findings if f["code"] == "client.blocked"]
    assert found["evidence"]["path"].startswith("/etc/containers/")
    after = carry_out(lab, found["remedies"][0], *AS, IMAGE, words={}, env={})
    assert after.exit == 0, after
    assert lab.skopeo("copy", f"docker://{IMAGE}", "dir:/run/again").exit == 0


def test_a_registry_that_is_not_verified_is_mended(lab: World, store: Path) -> None:
    strange = authority("Strange Root CA")

    def issue(world: World, issuer: Issued) -> tuple[Issued, None]:
        return leaf(strange, HOST), None

    way = Way(certificate=issue, machine=table(HOST, "insecure = true"))
    run = Scenario("x", way, options=AS).play(lab, store)
    assert (run.exit, run.root_causes) == (3, []), run
    (found,) = [f for f in run.findings if f["code"] == "client.insecure-registry"]
    assert found["evidence"]["line"] == 4
    (lab.home / "ca.pem").write_text(strange.pem)
    words = {"CA_FILE": str(lab.home / "ca.pem")}
    after = carry_out(lab, found["remedies"][0], *AS, IMAGE, words=words, env={})
    assert after.exit == 0, after
    assert "client.insecure-registry" not in {f["code"] for f in after.findings}, after


def test_crio_fares_by_the_nodes_own_files(lab: World, store: Path) -> None:
    """Its mirror wants a login that only the node's auth file has."""
    way = replace(BASIC, port="closed", more_sites=mirrors, machine=table(HOST, mirror=TLS))
    Scenario("x", way).make(lab, store)
    lab.write(AUTH_JSON, config(MIRROR, auth=auth()))
    run = lab.check("--as", "cri-o", IMAGE)
    codes = {f["code"] for f in run.findings}
    assert run.exit == 1, run
    assert "client.mirror-auth" in codes, run
    put(lab, "node.json", json.dumps(config(MIRROR, auth=auth())))
    put(lab, "crio/crio.conf", '[crio.image]\nglobal_auth_file = "/etc/node.json"\n')
    run = lab.check("--as", "cri-o", IMAGE)
    assert run.exit == 0, run
