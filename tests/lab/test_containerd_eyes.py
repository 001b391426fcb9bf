"""Through containerd's eyes: does the command answer as a pull by containerd would fare?

Every row is also played to containerd itself (`ctr content fetch --hosts-dir`, which goes by the
same hosts.toml as CRI): it must have the image exactly where the command says that it can be had.
One row is k3s, which is not here: for that nobody else is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from doctor.net import runtime
from tests.certificates import Issued, authority, leaf
from tests.lab import servers
from tests.lab.cure import carry_out, mends
from tests.lab.programs import need, program
from tests.lab.scenario import Scenario, auth
from tests.lab.way import HOST, IMAGE, PROXY_HOST, Way
from tests.lab.world import PROXY, REGISTRY, SPARE, Run, World

pytestmark = pytest.mark.lab

AS = ("--as", "containerd")
SHORT = (*AS, "--timeout", "6")
MIRROR, DEAD = "mirror.example", "dead.example"
AT = SPARE[5]
FOLDER = f"containerd/certs.d/{HOST}"
HOSTS = f"{FOLDER}/hosts.toml"
CONFIG = "containerd/config.toml"
DROP_IN = "systemd/system/containerd.service.d/http-proxy.conf"
ANOTHER = authority("Another Root CA")
SERVER = f'server = "https://{HOST}"\n'
TABLE = f'[host."https://{MIRROR}"]\n'
CLOSED = Way(port="closed")


def put(world: World, path: str, text: str) -> None:
    file = world.etc / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def etc(**files: str) -> Callable[[World], None]:
    """Files of the node, hosts.toml among them; `ca`: the lab's CA, which the system lacks."""
    places = {"hosts": HOSTS, "k3s": "rancher/k3s/registries.yaml", "drop_in": DROP_IN}

    def write(world: World) -> None:
        for name, text in files.items():
            if name == "ca":
                put(world, f"{FOLDER}/{text}", world.ca.pem)
                world.trust(ANOTHER)
            else:
                put(world, places[name], text)

    return write


def mirror(locations: str = "", issuer: Issued | None = None) -> Callable[[World], Sequence[str]]:
    """Another host that has what the registry has."""

    def serve(world: World) -> tuple[str, ...]:
        world.names |= {MIRROR: (AT,), DEAD: (SPARE[6],)}
        files = leaf(issuer or world.ca, MIRROR).write(world.place("certificates"), "mirror")
        return (servers.site(AT, certificate=files, locations=locations),)

    return serve


def way(base: Way = CLOSED, locations: str = "", **files: str) -> Way:
    return replace(base, more_sites=mirror(locations), machine=etc(**files))


def only(world: World) -> dict[str, str]:
    servers.proxy(world, knows={HOST: REGISTRY})
    return {}


PREFIX = (
    f"location /v2/proxy/ {{ proxy_pass http://127.0.0.1:{servers.BACKEND}/v2/; }} "
    "location /v2/ { return 404; }"
)
BELOW = f'{SERVER}[host."https://{MIRROR}/v2/proxy"]\n'
ALONE = f'server = "https://{MIRROR}"\n[host]\n'
THROUGH = f'[Service]\nEnvironment="HTTPS_PROXY=http://{PROXY_HOST}:3128"\n'
BASIC = Way(login="basic", port="closed")
HEADER = f'{TABLE[:-2]}.header]\nAuthorization = "Basic {auth()}"\n'
HEALTHY = (
    Scenario("no-settings", way(Way())),
    Scenario("mirror", way(hosts=SERVER + TABLE)),
    Scenario("mirror-as-server", way(hosts=ALONE)),
    Scenario(
        "dead-mirror",
        way(Way(), hosts=f'{SERVER}[host."https://{DEAD}"]\n'),
        also=("client.mirror-unreachable",),
    ),
    Scenario(
        "path-that-is-whole",
        way(locations=PREFIX, hosts=f"{BELOW}override_path = true\n"),
    ),
    Scenario(
        "ca-of-the-server", way(Way(), hosts=f'{SERVER}ca = "lab.crt"\n[host]\n', ca="lab.crt")
    ),
    Scenario("ca-beside", way(Way(), ca="lab.crt")),
    Scenario("login-in-a-header", way(BASIC, hosts=SERVER + HEADER)),
    Scenario(
        "broken-file",
        way(Way(), hosts=f'{SERVER}{TABLE}capabilities = ["pul"]\n'),
        also=("client.config-invalid",),
    ),
)
FAULTS = (
    Scenario(
        "broken-file-hides-the-mirror",
        way(hosts=f"{SERVER}{TABLE}["),
        ("tcp.refused",),
        also=("client.config-invalid",),
    ),
    Scenario(
        "no-mirror-for-tags",
        way(hosts=f'{SERVER}{TABLE}capabilities = ["pull"]\n'),
        ("tcp.refused",),
    ),
    Scenario(
        "no-host-for-tags",
        way(Way(), hosts=f'{SERVER}capabilities = ["pull"]\n[host]\n'),
        ("client.blocked",),
    ),
    Scenario(
        "path-twice",
        way(locations=PREFIX, hosts=BELOW),
        ("tcp.refused",),
        also=("client.config-invalid",),
    ),
    Scenario(
        "dead-mirror-alone",
        way(Way(), hosts=f'server = "https://{DEAD}"\n[host]\n'),
        ("client.mirror-unreachable",),
    ),
    Scenario(
        "ca-missing",
        way(Way(), hosts=f'{SERVER}{TABLE}ca = "gone.crt"\n'),
        ("tls.ca-file-unusable",),
    ),
    Scenario(
        "ca-unread-beside-hosts.toml",
        way(Way(), hosts=f"{SERVER}[host]\n", ca="lab.crt"),
        ("tls.unknown-ca",),
    ),
    Scenario("login-lacks", way(replace(BASIC, key="none"), hosts=ALONE), ("client.mirror-auth",)),
)


@pytest.fixture
def node(lab: World) -> World:
    """With a containerd that runs, and goes by the files in that world's /etc."""
    need("containerd", "ctr")
    place = lab.place("containerd")
    config = (
        'version = 2\ndisabled_plugins = ["io.containerd.internal.v1.opt"]\n'
        f'root = "{place}/root"\nstate = "{place}/state"\n[grpc]\naddress = "{place}/c.sock"\n'
        '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
    )
    put(lab, CONFIG, config)
    own = place / "own.toml"
    own.write_text(config.replace("internal.v1.opt", "grpc.v1.cri"))
    lab.near.start(program("containerd"), "-c", str(own), log=place / "log")
    end = time.monotonic() + 20
    while asyncio.run(runtime.ask(f"{place}/c.sock")).state != "answers":
        assert time.monotonic() < end, (place / "log").read_text()
        time.sleep(0.05)
    return lab


def fetched(world: World, env: dict[str, str] | None = None) -> Run:
    """What containerd does with the image."""
    command = [program("ctr"), "-a", f"{world.place('containerd')}/c.sock", "content", "fetch"]
    folder = "/etc/containerd/certs.d"
    return world.run(*command, "--hosts-dir", folder, "--platform", "linux/amd64", IMAGE, env=env)


@pytest.mark.parametrize("scenario", [*HEALTHY, *FAULTS], ids=lambda s: s.name)
def test_containerd_fares_as_it_is_told(scenario: Scenario, node: World, store: Path) -> None:
    mine = replace(scenario, options=AS)
    run = mine.play(node, store)
    mine.verify(run)
    theirs = fetched(node)
    assert (theirs.exit == 0) is not bool(scenario.causes), theirs


def test_a_mirror_is_asked_as_containerd_asks_it(node: World, store: Path) -> None:
    """The path, and for which registry."""
    Scenario("x", way(Way(), PREFIX, hosts=BELOW), options=AS).play(node, store)
    ours = {seen.target for seen in servers.seen(node, AT)}
    fetched(node)
    manifest = next(t for t in (s.target for s in servers.seen(node, AT)) if "/manifests/" in t)
    assert manifest.startswith("/v2/proxy/v2/")
    assert manifest.endswith(f"?ns={HOST}")
    assert manifest in ours


def test_an_unverified_host_is_told_and_not_spoken_to(node: World, store: Path) -> None:
    made = way(
        Way(certificate="unknown-ca", login="basic"), hosts=f"{SERVER}skip_verify = true\n[host]\n"
    )
    run = Scenario("x", made, options=AS).play(node, store)
    codes = {found["code"]: found["severity"] for found in run.findings}
    assert (run.exit, run.root_causes) == (3, []), run
    assert codes["tls.verification-disabled"] == codes["tls.unknown-ca"] == "warning"
    assert servers.seen(node, REGISTRY) == []


def test_the_services_proxy_counts_and_not_the_shells(node: World, store: Path) -> None:
    made = replace(way(Way(name="lost"), drop_in=THROUGH), detour=only)
    run = Scenario("x", made, options=SHORT).play(node, store)
    assert (run.exit, run.root_causes) == (0, []), run
    assert run.report["targets"][0]["hops"][0]["via"] == f"proxy {PROXY_HOST}:3128"
    put(node, DROP_IN, "")
    lacking = node.check(*SHORT, IMAGE, env={"HTTPS_PROXY": f"http://{PROXY_HOST}:3128"})
    assert lacking.root_causes == ["proxy.missing-for-client"], (PROXY, lacking)


def test_override_path_mends_the_path(node: World, store: Path) -> None:
    scenario = next(s for s in FAULTS if s.name == "path-twice")
    run = replace(scenario, options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "client.config-invalid"]
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words={}, env={})
    assert after.exit == 0, after
    assert fetched(node).exit == 0


def test_a_mirrors_ca_is_named_in_hosts_toml(node: World, store: Path) -> None:
    strange = authority("Strange Root CA")
    made = replace(way(hosts=ALONE), more_sites=mirror(issuer=strange))
    run = Scenario("x", made, options=AS).play(node, store)
    (node.home / "ca.pem").write_text(strange.pem)
    mends(node, run, *AS, IMAGE, words={"CA_FILE": str(node.home / "ca.pem")})
    assert fetched(node).exit == 0


KEPT = f'[host."https://{MIRROR}"]\nca = "lab.crt"\n'


@pytest.mark.parametrize("others", ["", KEPT], ids=["alone", "beside another"])
def test_a_dead_mirror_is_taken_out_and_all_else_stays(
    node: World, store: Path, others: str
) -> None:
    """The CA of the registry itself is named in the same file, and so is another mirror."""
    head = f'{SERVER}ca = "lab.crt"\n'
    dead = f'[host."https://{DEAD}"]\ncapabilities = ["pull", "resolve"]\n'
    dead += f'[host."https://{DEAD}".header]\nX-Site = "north"\n'
    made = way(Way(), hosts=f"{head}{dead}{others}", ca="lab.crt")
    run = Scenario("x", made, options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "client.mirror-unreachable"]
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words={}, env={})
    assert (after.exit, "client.mirror-unreachable" in str(after.findings)) == (0, False), after
    off = "".join(f"# {line}\n" for line in dead.splitlines())
    assert (node.etc / HOSTS).read_text() == f"{head}{off}{others or '[host]' + chr(10)}"
    assert fetched(node).exit == 0


def test_the_registry_is_named_where_a_dead_mirror_stood_in_its_place(
    node: World, store: Path
) -> None:
    made = way(
        Way(), hosts=f'server = "https://{DEAD}"\ncapabilities = ["pull", "resolve"]\n[host]\n'
    )
    run = Scenario("x", made, options=AS).play(node, store)
    mends(node, run, *AS, IMAGE)
    assert fetched(node).exit == 0
    assert 'capabilities = ["pull", "resolve"]' in (node.etc / HOSTS).read_text()


def test_hosts_for_digests_are_asked_for_tags_too(node: World, store: Path) -> None:
    text = f'{SERVER}capabilities = ["pull"]\nca = "lab.crt"\n[host]\n'
    run = Scenario("x", way(Way(), hosts=text, ca="lab.crt"), options=AS).play(node, store)
    assert run.root_causes == ["client.blocked"], run
    mends(node, run, *AS, IMAGE)
    assert (node.etc / HOSTS).read_text() == text.replace('["pull"]', '["pull", "resolve"]')
    assert fetched(node).exit == 0


def test_a_mirror_that_wants_a_login_gets_a_header(node: World, store: Path) -> None:
    text = f'{SERVER}[host."https://{MIRROR}"]\n'
    run = Scenario("x", way(replace(BASIC, key="none"), hosts=text), options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "client.mirror-auth"]
    (node.home / "key").write_text("correct horse battery\n")
    words = {"USER_NAME": "alice", "API_KEY_FILE": str(node.home / "key")}
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words=words, env={})
    assert after.exit == 0, after
    assert fetched(node).exit == 0
    assert "correct horse" not in after.stdout


def test_verification_is_turned_on_again_with_the_ca(node: World, store: Path) -> None:
    strange = authority("Strange Root CA")

    def issued(world: World, _: object) -> object:
        return leaf(strange, HOST), None

    made = way(Way(certificate=issued), hosts=f"{SERVER}skip_verify = true\n[host]\n")  # type: ignore[arg-type]
    run = Scenario("x", made, options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "tls.verification-disabled"]
    (node.home / "ca.pem").write_text(strange.pem)
    words = {"CA_FILE": str(node.home / "ca.pem")}
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words=words, env={})
    assert after.exit == 0, after
    assert fetched(node).exit == 0


def test_tls_takes_the_place_of_plain_http_and_all_else_in_the_file_stays(
    node: World, store: Path
) -> None:
    """Unverified, with plain HTTP after it: the CA is named, the mirror and its header are kept."""
    strange = authority("Strange Root CA")

    def issued(world: World, _: object) -> object:
        return leaf(strange, HOST), None

    kept = f'{TABLE}capabilities = ["pull"]\n[host."https://{MIRROR}".header]\nX-Site = "north"\n'
    text = f'server = "http://{HOST}"\nskip_verify = true\n{kept}'
    made = way(Way(certificate=issued), hosts=text)  # type: ignore[arg-type]
    run = Scenario("x", made, options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "client.insecure-registry"]
    (node.home / "ca.pem").write_text(strange.pem)
    words = {"CA_FILE": str(node.home / "ca.pem")}
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words=words, env={})
    assert after.exit == 0, after
    assert "client.insecure-registry" not in {f["code"] for f in after.findings}
    assert fetched(node).exit == 0
    assert (node.etc / HOSTS).read_text().endswith(kept)
    assert (node.etc / f"{HOSTS}.before").read_text() == text


@pytest.mark.parametrize("base", [Way(), CLOSED], ids=["by both", "by http alone"])
def test_a_url_of_plain_http_changes_only_where_tls_is_spoken(
    node: World, store: Path, base: Way
) -> None:
    text = f'server = "http://{HOST}"\n[host]\n'
    made = replace(
        way(base, hosts=text),
        more_sites=lambda world: (servers.site(REGISTRY, certificate=None, port=80),),
    )
    run = Scenario("x", made, options=AS).play(node, store)
    (found,) = [f for f in run.findings if f["code"] == "client.insecure-registry"]
    after = carry_out(node, found["remedies"][0], *AS, IMAGE, words={}, env={})
    mended = text.replace("http:", "https:") if base != CLOSED else text
    assert (node.etc / HOSTS).read_text() == mended, after
    assert fetched(node).exit == 0


def test_k3s_goes_by_registries_yaml(lab: World, store: Path) -> None:
    text = (
        f'mirrors:\n  "{HOST}":\n    endpoint: ["https://{MIRROR}"]\n'
        '    rewrite:\n      "^lab/(.*)": "other/$1"\n'
    )
    rename = "rewrite ^/v2/other/(.*)$ /v2/lab/$1 last;"
    run = Scenario("x", way(locations=rename, k3s=text), options=AS).play(lab, store)
    assert (run.exit, run.root_causes) == (0, []), run
    asked = [seen.target for seen in servers.seen(lab, AT)]
    assert any(each.startswith("/v2/other/app/manifests/") for each in asked), asked
