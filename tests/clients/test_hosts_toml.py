"""Is a registry's hosts.toml taken as containerd takes it? The rules of containerd's
core/remotes/docker/config/hosts.go, one row each."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from doctor.clients.containerd import Containerd
from doctor.clients.containerd_node import Node
from doctor.clients.hosts_dir import Hosts, find
from doctor.clients.hosts_toml import IGNORED
from doctor.facts.client import ConfigFault
from doctor.facts.endpoint import EndpointsFact
from doctor.model import Hop, Target
from doctor.reference import Reference, parse
from tests.clients.registries import machine, put

ROOT = "/etc/containerd/certs.d"
HOST = "reg.example.com"
FILE = f"{ROOT}/{HOST}/hosts.toml"
TAG = f"{HOST}/team/app:1"
DIGEST = f"{HOST}/team/app@sha256:{'a' * 64}"


def target(image: str = TAG) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="containerd")


def containerd(root: Path, **environ: str) -> Containerd:
    config = '[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "{}"\n'
    if not (root / "etc/containerd/config.toml").exists():
        put(root, "/etc/containerd/config.toml", "version = 3\n" + config.format(ROOT))
    return Containerd.here({"HOME": "/root", **environ}, root=str(root))


def endpoints(root: Path, image: str = TAG) -> EndpointsFact:
    return containerd(root).endpoints(target(image))


def asked(root: Path, image: str = TAG) -> list[str]:
    """The URLs below which the image is asked for, in order."""
    return [f"{e.hop.scheme}://{e.hop.name}{e.base}" for e in endpoints(root, image).asked]


def faults(root: Path, image: str = TAG) -> tuple[ConfigFault, ...]:
    return containerd(root).setup(target(image)).faults


HOME = f"https://{HOST}:443/v2"


@pytest.mark.parametrize(("text", "expected"), [
    ('[host."https://a"]\n[host."https://b"]\n', ["https://a:443/v2", "https://b:443/v2", HOME]),
    ('[host."https://b"]\n[host."https://a"]\n', ["https://b:443/v2", "https://a:443/v2", HOME]),
    ('server = "https://a"\n', ["https://a:443/v2"]),
    ('server = "a:5000"\n[host."b"]\n', ["https://b:443/v2", "https://a:5000/v2"]),
    ('[host."https://a".header]\nx = "1"\n[host."https://a"]\n', ["https://a:443/v2", HOME]),
    ('[host."http://a"]\n', ["http://a:80/v2", HOME]),
    ('[host."http://a:5000"]\n', ["http://a:5000/v2", HOME]),
    ('[host."https://a/v2"]\n', ["https://a:443/v2", HOME]),
    ('[host."https://a/"]\n', ["https://a:443/v2", HOME]),
    ('[host."https://a/v2/"]\n', ["https://a:443/v2", HOME]),
    ('[host."https://a/p"]\n', ["https://a:443/p/v2", HOME]),
    ('[host."https://a/p/v2"]\n', ["https://a:443/p/v2", HOME]),
    ('[host."https://a/v2/proxy"]\n', ["https://a:443/v2/proxy/v2", HOME]),
    ('[host."https://a/v2/proxy"]\noverride_path = true\n', ["https://a:443/v2/proxy", HOME]),
    ('[host."https://a"]\noverride_path = true\n', ["https://a:443", HOME]),
    ('[host]\n"https://a" = {capabilities = ["pull", "resolve"]}\n', [HOME]),
    ('# nothing\n', [HOME]),
    ("", [HOME]),
])  # fmt: skip
def test_hosts_are_asked_in_the_files_order_and_the_server_last(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    put(tmp_path, FILE, text)
    assert asked(tmp_path) == expected


@pytest.mark.parametrize(("capabilities", "by_tag", "by_digest"), [
    ('["pull", "resolve"]', True, True),
    ('["PULL", "Resolve"]', True, True),
    ('["pull"]', False, True),
    ('["resolve"]', False, False),
    ('["push"]', False, False),
    ('["pull", "resolve", "referrers"]', True, True),
    ("[]", True, True),
])  # fmt: skip
def test_a_tag_needs_pull_and_resolve_and_a_digest_pull(
    tmp_path: Path, capabilities: str, by_tag: bool, by_digest: bool
) -> None:
    put(tmp_path, FILE, f'[host."https://a"]\ncapabilities = {capabilities}\n')
    for image, counts in ((TAG, by_tag), (DIGEST, by_digest)):
        assert (asked(tmp_path, image)[0] == "https://a:443/v2") is counts
        (skipped,) = [e.skipped for e in endpoints(tmp_path, image).endpoints if "a:" in e.hop.name]
        assert bool(skipped) is not counts


def test_no_host_for_tags_is_told_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, FILE, 'server = "https://a"\ncapabilities = ["pull"]\n')
    fact = endpoints(tmp_path)
    assert fact.asked == ()
    assert fact.blocked is not None
    assert (fact.blocked.file, fact.blocked.line) == (FILE, 1)
    assert "no resolve hosts" in fact.blocked.rule
    assert endpoints(tmp_path, DIGEST).blocked is None


@pytest.mark.parametrize(("image", "folder", "server", "ns"), [
    (TAG, HOST, "https://mirror.example", f"?ns={HOST}"),
    (TAG, HOST, f"https://{HOST}", ""),
    (f"{HOST}:5000/a:1", f"{HOST}_5000_", "https://m.example", f"?ns={HOST}%3A5000"),
    ("nginx", "docker.io", "https://registry-1.docker.io", ""),
    ("nginx", "docker.io", "https://docker.io", ""),
    ("nginx", "docker.io", "https://m.example", "?ns=docker.io"),
])  # fmt: skip
def test_another_host_is_told_of_which_registry_the_image_is(
    tmp_path: Path, image: str, folder: str, server: str, ns: str
) -> None:
    from doctor.engine.fallback import aim

    put(tmp_path, f"{ROOT}/{folder}/hosts.toml", f'server = "{server}"\n')
    (endpoint,) = endpoints(tmp_path, image).asked
    assert aim(target(image), endpoint).path("") == f"/v2/{ns}"


def test_the_registry_itself_keeps_its_role_and_is_asked_once(tmp_path: Path) -> None:
    put(tmp_path, FILE, f'server = "https://{HOST}"\n[host."https://{HOST}"]\n[host."https://a"]\n')
    fact = endpoints(tmp_path)
    assert [(e.hop.host, e.hop.role) for e in fact.asked] == [(HOST, "registry"), ("a", "mirror")]
    assert fact.endpoints[-1].skipped


def test_each_endpoint_names_its_line(tmp_path: Path) -> None:
    put(tmp_path, FILE, '# mirrors\nserver = "https://s"\n\n[host."https://a"]\n')
    assert [(e.origin, e.written) for e in endpoints(tmp_path).asked] == [
        (f"{FILE}:4", "https://a"),
        (f"{FILE}:2", "https://s"),
    ]


BROKEN = (
    ('server = "https://a"\n[host."https://b"\n', 2, "TOML"),
    ('server = 1\n', 1, "server"),
    ('[host."https://a"]\ncapabilities = ["pull", "pul"]\n', 2, '"pul"'),
    ('[host."https://a"]\n\ncapabilities = "pull"\n', 3, "capabilities"),
    ('[host."https://a"]\nskip_verify = "true"\n', 2, "skip_verify"),
    ('[host."https://a"]\noverride_path = 1\n', 2, "override_path"),
    ('[host."https://a"]\nca = 1\n', 2, "ca"),
    ('[host."https://a"]\nca = [1]\n', 2, "ca"),
    ('[host."https://a"]\nclient = 1\n', 2, "client"),
    ('[host."https://a"]\nclient = [["a", "b", "c"]]\n', 2, "client"),
    ('[host."https://a"]\nclient = [1]\n', 2, "client"),
    ('[host."https://a"]\nheader = "x"\n', 2, "header"),
    ('[host."https://a".header]\nx = 1\n', 2, "header"),
    ('[host."https://a"]\ndial_timeout = "fast"\n', 2, "dial_timeout"),
    ('[host."https://a"]\ndial_timeout = 3\n', 2, "dial_timeout"),
    ('[host."https://a:x"]\n', 1, "URL"),
    ('[host."https://a b"]\n', 1, "URL"),
    ('host = ["https://a"]\n', 1, "host"),
    ('a = 1\na = 2\n', 2, "TOML"),
    ('\ufeffserver = "https://a"\n', 1, "byte order mark"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "line", "named"), BROKEN)
def test_a_file_that_does_not_parse_does_not_count_at_all(
    tmp_path: Path, text: str, line: int, named: str
) -> None:
    put(tmp_path, FILE, text)
    put(tmp_path, f"{ROOT}/{HOST}/ca.crt", "x")
    assert asked(tmp_path) == [HOME]
    (fault,) = faults(tmp_path)
    assert (fault.file, fault.line, fault.effect, fault.stops) == (FILE, line, IGNORED, False)
    assert fault.column
    assert named in f"{fault.what} {fault.expected}"
    (host,) = find(machine(tmp_path), (ROOT,), HOST).hosts
    assert [ca.text for ca in host.ca] == [f"{ROOT}/{HOST}/ca.crt"]


@pytest.mark.parametrize("text", [
    '[host."https://a"]\r\ncapabilities = ["pull", "resolve"]\r\n',
    '[host."https://a"]\ndial_timeout = "1m30s"\n',
    '[host."https://a"]\nclient = "both.pem"\n',
    '[host."https://a"]\nCapabilities = ["pull", "resolve"]\nSkip_Verify = true\n',
])  # fmt: skip
def test_what_containerd_takes_is_taken(tmp_path: Path, text: str) -> None:
    put(tmp_path, FILE, text)
    assert asked(tmp_path) == ["https://a:443/v2", HOME]
    assert faults(tmp_path) == ()


@pytest.mark.parametrize(("text", "line", "near"), [
    ('[host."https://a"]\nskip-verify = true\n', 2, "skip_verify"),
    ('[host."https://a"]\n\ncapabilites = ["pull"]\n', 3, "capabilities"),
    ('[hosts."https://a"]\n', 1, "host"),
])  # fmt: skip
def test_a_key_that_is_no_setting_is_told_and_passed_over(
    tmp_path: Path, text: str, line: int, near: str
) -> None:
    put(tmp_path, FILE, text)
    (fault,) = [f for f in faults(tmp_path) if f.kind == "passed-over"][:1]
    assert (fault.line, fault.expected, fault.stops) == (line, near, False)


def test_the_path_that_gets_v2_twice_is_told(tmp_path: Path) -> None:
    put(tmp_path, FILE, '[host."https://a/v2/proxy"]\n')
    (fault,) = faults(tmp_path)
    assert (fault.kind, fault.line) == ("path-twice", 1)
    assert "/v2/proxy/v2" in fault.effect
    put(tmp_path, FILE, '[host."https://a/v2/proxy"]\noverride_path = true\n')
    assert faults(tmp_path) == ()
    put(tmp_path, FILE, '[host."https://a/proxy"]\n')
    assert faults(tmp_path) == ()


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    put(tmp_path, FILE, '[host."https://a"]\nca = ["ca.crt",\n "/etc/x.crt"]\n'
        'client = [["c.cert", "/k/c.key"]]\n')  # fmt: skip
    host = find(machine(tmp_path), (ROOT,), HOST).hosts[0]
    folder = f"{ROOT}/{HOST}"
    assert [(v.text, v.line) for v in host.ca] == [(f"{folder}/ca.crt", 2), ("/etc/x.crt", 3)]
    ((certificate, key),) = host.pairs
    assert key
    assert (certificate.text, key.text) == (f"{folder}/c.cert", "/k/c.key")


def test_a_headers_value_is_a_secret(tmp_path: Path) -> None:
    header = 'x-key = ["canary-71", "canary-72"]\nAuthorization = "Basic Y2FuYXJ5"\n'
    put(tmp_path, FILE, f'[host."https://a".header]\n{header}')
    found = find(machine(tmp_path), (ROOT,), HOST)
    assert [h.text for h in found.hosts[0].headers] == ["x-key", "Authorization"]
    client = containerd(tmp_path)
    said = f"{found!r} {asdict(client.endpoints(target()))} {asdict(client.setup(target()))}"
    assert "canary" not in said
    assert "Y2FuYXJ5" not in said


# ── which folder ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("image", "folders", "counts"), [
    (f"{HOST}:5000/a:1", (f"{HOST}_5000_", f"{HOST}:5000", "_default"), f"{HOST}_5000_"),
    (f"{HOST}:5000/a:1", (f"{HOST}:5000", "_default", HOST), f"{HOST}:5000"),
    (f"{HOST}:5000/a:1", ("_default", HOST), "_default"),
    (f"{HOST}:5000/a:1", (HOST,), ""),
    (TAG, (HOST, "_default"), HOST),
    (TAG, (f"{HOST}:443", "_default"), "_default"),
    (TAG, (f"{HOST}:443", f"{HOST}_443_"), ""),
    (f"{HOST}:443/a:1", (HOST, f"{HOST}_443_"), f"{HOST}_443_"),
    ("nginx", ("docker.io", "registry-1.docker.io"), "docker.io"),
    ("nginx", ("registry-1.docker.io",), ""),
])  # fmt: skip
def test_the_first_folder_that_is_there_counts(
    tmp_path: Path, image: str, folders: tuple[str, ...], counts: str
) -> None:
    for each in folders:
        put(tmp_path, f"{ROOT}/{each}/hosts.toml", f'server = "https://{each.strip("_")[:3]}.test"')
    fact = endpoints(tmp_path, image)
    used = [p.where for p in fact.places if p.outcome == "used" and "certs.d" in p.where]
    assert used == ([f"{ROOT}/{counts}/hosts.toml"] if counts else [])


def test_roots_come_one_after_the_other_and_nothing_is_put_together(tmp_path: Path) -> None:
    put(tmp_path, "/one/_default/hosts.toml", 'server = "https://one"')
    put(tmp_path, f"/two/{HOST}/hosts.toml", 'server = "https://two"')
    assert _first(find(machine(tmp_path), ("/one", "/two"), HOST)) == "one"
    assert _first(find(machine(tmp_path), ("/two", "/one"), HOST)) == "two"
    put(tmp_path, "/three/x", "")
    os.makedirs(tmp_path / f"three/{HOST}")
    assert find(machine(tmp_path), ("/three", "/one"), HOST).folder == f"/three/{HOST}"


def _first(hosts: Hosts) -> str:
    return hosts.hosts[0].authority


def test_without_hosts_toml_the_certificate_files_count(tmp_path: Path) -> None:
    folder = f"{ROOT}/{HOST}"
    for name in ("a.crt", "b.pem", "c.cert", "c.key", "d.cert", "e.key"):
        put(tmp_path, f"{folder}/{name}", "x")
    (host,) = find(machine(tmp_path), (ROOT,), HOST).hosts
    assert [ca.text for ca in host.ca] == [f"{folder}/a.crt"]
    assert [(c.text, k.text if k else None) for c, k in host.pairs] == [
        (f"{folder}/c.cert", f"{folder}/c.key"),
        (f"{folder}/d.cert", None),
    ]
    assert asked(tmp_path) == [HOME]


def test_a_file_in_the_place_of_the_folder_ends_every_pull(tmp_path: Path) -> None:
    put(tmp_path, f"{ROOT}/{HOST}", "")
    (fault,) = faults(tmp_path)
    assert (fault.file, fault.stops, fault.kind) == (f"{ROOT}/{HOST}", True, "each-pull")


# ── localhost, and plain HTTP beside settings for TLS ────────────────────────────────────────────


@pytest.mark.parametrize(("host", "hops", "unverified", "clear"), [
    ("localhost:5000", [Hop("registry", "localhost", 5000)], True, True),
    ("127.0.0.1:5000", [Hop("registry", "127.0.0.1", 5000)], True, True),
    ("localhost:443", [Hop("registry", "localhost", 443)], True, False),
    ("localhost:80", [Hop("registry", "localhost", 80, "http")], False, True),
    (f"{HOST}:5000", [Hop("registry", HOST, 5000)], False, False),
])  # fmt: skip
def test_localhost_is_not_verified_and_may_be_plain_http(
    tmp_path: Path, host: str, hops: list[Hop], unverified: bool, clear: bool
) -> None:
    client = containerd(tmp_path)
    image = target(f"{host}/a:1")
    assert [e.hop for e in client.endpoints(image).asked] == hops
    trust = client.trust(hops[0], _aimed(client, image))
    known = (hops[0].host,)
    assert (trust.unverified(known) is not None) is unverified
    assert (trust.in_the_clear(known) is not None) is clear
    assert not any(each.origin for each in trust.insecure), "the client's own rule is no setting"


def _aimed(client: Containerd, image: Target) -> Target:
    from doctor.engine.fallback import aim

    return aim(image, client.endpoints(image).asked[0])


@pytest.mark.parametrize(("table", "hops", "allows"), [
    ('"http://a:5000"', [Hop("mirror", "a", 5000, "http")], ["plain"]),
    ('"http://a:5000"]\nskip_verify = true\n[x', [Hop("mirror", "a", 5000)], ["both", "plain"]),
    ('"http://a:5000"]\nskip_verify = false\n[x', [Hop("mirror", "a", 5000)], ["plain"]),
    ('"http://a:80"]\nskip_verify = true\n[x', [Hop("mirror", "a", 80, "http")], ["both", "plain"]),
    ('"http://a"]\nskip_verify = true\n[x',
     [Hop("mirror", "a", 443), Hop("mirror", "a", 80, "http")], ["both", "plain"]),
    ('"https://a"]\nskip_verify = true\n[x', [Hop("mirror", "a", 443)], ["unverified"]),
    ('"https://a"]\nskip_verify = false\n[x', [Hop("mirror", "a", 443)], []),
])  # fmt: skip
def test_plain_http_with_settings_for_tls_tries_tls_first(
    tmp_path: Path, table: str, hops: list[Hop], allows: list[str]
) -> None:
    put(tmp_path, FILE, f"[host.{table}]\n")
    client = containerd(tmp_path)
    mirrors = [e.hop for e in client.endpoints(target()).asked if e.hop.role == "mirror"]
    assert mirrors == hops
    trust = client.trust(hops[0], _aimed(client, target()))
    assert [each.allows for each in trust.insecure] == allows
    assert all(each.origin.startswith(f"{FILE}:") for each in trust.insecure)


# ── trees that somebody else prepared ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [
    b"[" * 100_000,
    b"a = " + b"[" * 100_000,
    b"a" + b".a" * 60_000 + b" = 1",
    b"\xff\xfe\x00",
    b"server = \"\xff\"\n",
    b"[host.\"https://a\"]\n" * 2,
    b"a = 1\n" * 20_000,
    b"\x00" * 4096,
    b'[host."' + b"a" * 100_000 + b'"]',
    b'[host."https://[::1"]\n',
    b'[host."https://a:99999"]\n',
])  # fmt: skip
def test_a_hostile_file_is_a_fault_or_nothing(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, FILE, "")
    (tmp_path / FILE.lstrip("/")).write_bytes(content)
    assert asked(tmp_path)[-1] == HOME
    assert len(faults(tmp_path)) <= 2


@pytest.mark.parametrize("kind", ["fifo", "folder", "large", "outside", "circle"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "node"
    place = root / FILE.lstrip("/")
    place.parent.mkdir(parents=True)
    outside = put(tmp_path, "/outside.toml", 'server = "https://canary"')
    match kind:
        case "fifo":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "large":
            place.write_bytes(b"")
            os.truncate(place, 100 << 20)
        case "outside":
            place.symlink_to(outside)
        case "circle":
            place.symlink_to(FILE)
    assert asked(root) == [HOME]
    assert "canary" not in repr(faults(root))
    assert bool(faults(root)) is (kind != "outside"), (
        "a link out of the root leads to nothing there"
    )


def test_the_node_is_a_value(tmp_path: Path) -> None:
    assert containerd(tmp_path).node == containerd(tmp_path).node
    assert isinstance(containerd(tmp_path).node, Node)
