"""Is config.toml read as containerd 1.x and 2.x read it? One row a rule (docs/cri/registry.md,
internal/cri/config; issues 12415 and 12808 for the list that is taken for one folder)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.clients import containerd_config, containerd_files
from doctor.clients.containerd import Containerd
from doctor.clients.containerd_config import DEFAULT_ROOTS, Config
from doctor.clients.containerd_files import REFUSES
from doctor.facts.client import ClientFact
from doctor.model import Target
from doctor.reference import Reference, parse
from tests.certificates import authority
from tests.clients.registries import machine, put

FILE = containerd_files.PATH
ONE = '[plugins."io.containerd.grpc.v1.cri".registry]\n'
TWO = "[plugins.'io.containerd.cri.v1.images'.registry]\n"
PATH = 'config_path = "/etc/containerd/certs.d"\n'
LIST = 'config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"\n'
HOST = "reg.example.com"
OLD_AUTH = "[plugins.'io.containerd.cri.v1.images'.registry.configs.a.auth]\nusername = 'u'\n"
MIRRORS = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."reg.example.com"]\n'


def read(root: Path, text: str | None, version: tuple[int, ...] = (0, 0)) -> Config:
    if text is not None:
        put(root, FILE, text)
    return containerd_config.read(machine(root), version=version)


def target(image: str = f"{HOST}/team/app:1") -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="containerd")


def dpkg(root: Path, version: str, name: str = "containerd.io") -> None:
    other = "Package: containernetworking-plugins\nStatus: install ok installed\nVersion: 9.9.9\n"
    own = f"Package: {name}\nStatus: install ok installed\nSection: devel\nVersion: {version}\n"
    put(root, "/var/lib/dpkg/status", f"{other}\n{own}")


def node(root: Path, text: str | None, version: str = "") -> Containerd:
    if text is not None:
        put(root, FILE, text)
    if version:
        dpkg(root, version)
    return Containerd.here({"HOME": "/root"}, root=str(root))


def hosts(client: Containerd, image: str = f"{HOST}/team/app:1") -> list[str]:
    fact = client.endpoints(target(image))
    return [f"{e.hop.scheme}://{e.hop.name}{e.base}" for e in fact.asked]


CA = authority()
HOME = f"https://{HOST}:443/v2"


@pytest.mark.parametrize(("text", "version", "major", "path"), [
    ("version = 2\n" + ONE + PATH, (0, 0), 1, "/etc/containerd/certs.d"),
    ("version = 2\n" + ONE + PATH, (2, 0), 2, "/etc/containerd/certs.d"),
    ("version = 3\n" + TWO + PATH, (0, 0), 2, "/etc/containerd/certs.d"),
    ("version = 4\n" + TWO + PATH, (0, 0), 2, "/etc/containerd/certs.d"),
    ("[plugins.cri.registry]\n" + PATH, (1, 6), 1, "/etc/containerd/certs.d"),
    ("version = 2\n" + TWO + PATH, (1, 7), 1, ""),
    ("version = 2\n", (0, 0), 1, ""),
    ("version = 2\n", (1, 7), 1, ""),
    ("version = 2\n", (2, 0), 2, DEFAULT_ROOTS),
    ("version = 3\n", (0, 0), 2, DEFAULT_ROOTS),
    (None, (0, 0), 2, DEFAULT_ROOTS),
    (None, (1, 7), 1, ""),
    ("version = 3\n" + TWO + 'config_path = ""\n', (0, 0), 2, DEFAULT_ROOTS),
])  # fmt: skip
def test_config_path_stands_where_the_version_has_it(
    tmp_path: Path, text: str | None, version: tuple[int, ...], major: int, path: str
) -> None:
    config = read(tmp_path, text, version)
    assert (config.major, config.config_path.text) == (major, path)
    assert config.faults == ()


def test_without_config_path_1_x_reads_no_hosts_toml(tmp_path: Path) -> None:
    put(tmp_path, f"/etc/containerd/certs.d/{HOST}/hosts.toml", 'server = "https://m"\n[host]\n')
    assert hosts(node(tmp_path, "version = 2\n", "1.7.27")) == [HOME]
    assert hosts(node(tmp_path, "version = 2\n" + ONE + PATH, "1.7.27")) == ["https://m:443/v2"]
    assert hosts(node(tmp_path, "version = 3\n", "2.0.5")) == ["https://m:443/v2"]


@pytest.mark.parametrize(("text", "version", "sure"), [
    ("version = 2\n", "1.7.27", True),
    (None, "1.6.20", True),
    ("version = 2\n", "", False),
    ("version = 2\n" + ONE + PATH, "1.7.27", None),
    ("version = 3\n", "2.0.5", None),
    ('version = 2\ndisabled_plugins = ["cri"]\n', "1.7.27", None),
])  # fmt: skip
@pytest.mark.parametrize("name", ["hosts.toml", "ca.crt"])
def test_what_nobody_reads_for_want_of_config_path_is_told(
    tmp_path: Path, text: str | None, version: str, sure: bool | None, name: str
) -> None:
    (tmp_path / f"etc/containerd/certs.d/{HOST}").mkdir(parents=True)
    client = node(tmp_path, text, version)
    assert client.setup(target()).faults == ()
    put(tmp_path, f"/etc/containerd/certs.d/{HOST}/{name}", CA.pem if name == "ca.crt" else "")
    faults = client.setup(target()).faults
    assert [(f.file, f.kind, f.sure) for f in faults] == (
        [] if sure is None else [(FILE, "no-path", sure)]
    )
    assert all(f"certs.d/{HOST}" in fault.effect and not fault.stops for fault in faults)


# ── the list that is taken for one folder ────────────────────────────────────────────────────────


@pytest.mark.parametrize(("version", "table", "more", "is_list"), [
    ("2.1.0", LIST, "", False),
    ("2.2.1", LIST, "", False),
    ("2.1.0", "", "", False),
    ("2.0.5", LIST, "", True),
    ("1.7.27", LIST, "", True),
    ("2.1.0", LIST, "use_local_image_pull = true", True),
    ("2.1.0", LIST, "use_local_image_pull = false", False),
    ("2.1.0", LIST, "discard_unpacked_layers = true", True),
    ("2.1.0", LIST, "discard_unpacked_layers = false", False),
    ("2.1.0", LIST, "max_concurrent_downloads = 10", True),
    ("2.1.0", LIST, "max_concurrent_downloads = 3", False),
    ("2.1.0", LIST, "image_pull_with_sync_fs = true", True),
    ("2.1.0", LIST, "disable_snapshot_annotations = false", True),
    ("2.1.0", LIST, "disable_snapshot_annotations = true", False),
    ("2.1.0", LIST + OLD_AUTH, "", True),
])  # fmt: skip
def test_the_list_is_one_folders_name_from_2_1_on_with_these_exceptions(
    tmp_path: Path, version: str, table: str, more: str, is_list: bool
) -> None:
    put(tmp_path, f"/etc/containerd/certs.d/{HOST}/hosts.toml", 'server = "https://m"\n[host]\n')
    text = f"version = 3\n[plugins.'io.containerd.cri.v1.images']\n{more}\n{TWO}{table}"
    client = node(tmp_path, text, version)
    if client.node.config.major > 1:
        assert hosts(client) == (["https://m:443/v2"] if is_list else [HOME])
    assert client.node.config.is_list is is_list
    fault = next((f for f in client.setup(target()).faults if f.kind == "one-folder"), None)
    assert (fault is not None) is not is_list
    if fault:
        assert f"/etc/containerd/certs.d/{HOST}" in fault.effect
        assert (fault.line, fault.stops) == (
            text[: text.find("config_path")].count("\n") + 1 if table else 0,
            False,
        )


@pytest.mark.parametrize(("head", "table", "more", "told"), [
    ("version = 3\n", LIST, "", True),
    ("version = 3\n", "", "", True),
    ("version = 3\n", LIST, "use_local_image_pull = true", False),
    ("version = 3\n", LIST, "max_concurrent_downloads = 10", False),
    ("version = 3\n", PATH, "", False),
    ("version = 2\n" + ONE + LIST, "", "", True),
    ("version = 2\n" + ONE + PATH, "", "", False),
])  # fmt: skip
def test_of_an_unknown_version_it_is_told_as_possible(
    tmp_path: Path, head: str, table: str, more: str, told: bool
) -> None:
    text = f"{head}[plugins.'io.containerd.cri.v1.images']\n{more}\n"
    text += f"{TWO}{table}" if table else ""
    put(tmp_path, f"/elsewhere/{HOST}/hosts.toml", "")
    assert node(tmp_path, text, "").setup(target()).faults == ()
    put(tmp_path, f"/etc/containerd/certs.d/{HOST}/hosts.toml", 'server = "https://m"\n[host]\n')
    client = node(tmp_path, text, "")
    faults = client.setup(target()).faults
    assert [(f.kind, f.sure, f.stops) for f in faults] == [("one-folder", False, False)] * told
    assert all("no list of packages" in f.effect for f in faults)


def test_the_list_by_default_is_told_only_where_something_is_lost(tmp_path: Path) -> None:
    client = node(tmp_path, "version = 3\n", "2.1.4")
    assert client.setup(target()).faults == ()
    put(tmp_path, f"/etc/docker/certs.d/{HOST}/ca.crt", "x")
    (fault,) = client.setup(target()).faults
    assert (fault.kind, fault.line) == ("one-folder", 0)
    one = node(tmp_path, "version = 3\n" + TWO + PATH, "2.1.4")
    assert one.setup(target()).faults == ()


# ── mirrors, configs and auths ───────────────────────────────────────────────────────────────────


def test_mirrors_beside_config_path_keep_it_from_starting(tmp_path: Path) -> None:
    config = read(tmp_path, f'version = 2\n{ONE}{PATH}{MIRRORS}endpoint = ["https://m"]\n')
    stops = [f for f in config.faults if f.stops]
    assert [(f.file, f.line, f.effect) for f in stops] == [(FILE, 4, REFUSES)]
    assert "config_path" in stops[0].what
    alone = read(tmp_path, f'version = 2\n{MIRRORS}endpoint = ["https://m"]\n')
    assert [(f.what, f.line, f.stops) for f in alone.faults] == [
        ("mirrors is deprecated", 2, False)
    ]


@pytest.mark.parametrize(("mirrors", "image", "expected"), [
    ('"reg.example.com"]\nendpoint = ["https://a", "http://b:5000"]', f"{HOST}/a:1",
     ["https://a:443/v2", "http://b:5000/v2", HOME]),
    ('"*"]\nendpoint = ["https://a"]', f"{HOST}/a:1", ["https://a:443/v2", HOME]),
    ('"other.example"]\nendpoint = ["https://a"]', f"{HOST}/a:1", [HOME]),
    ('"reg.example.com"]\nendpoint = []', f"{HOST}/a:1", [HOME]),
    ('"reg.example.com"]\nendpoint = ["https://reg.example.com", "https://a"]', f"{HOST}/a:1",
     [HOME, "https://a:443/v2"]),
    ('"reg.example.com"]\nendpoint = ["https://a/v2/proxy"]', f"{HOST}/a:1",
     ["https://a:443/v2/proxy", HOME]),
    ('"docker.io"]\nendpoint = ["a.example"]', "nginx",
     ["https://a.example:443/v2", "https://registry-1.docker.io:443/v2"]),
    ('"localhost:5000"]\nendpoint = ["localhost:5000"]', "localhost:5000/a:1",
     ["http://localhost:5000/v2"]),
])  # fmt: skip
def test_mirrors_are_asked_in_order_and_the_registry_last(
    tmp_path: Path, mirrors: str, image: str, expected: list[str]
) -> None:
    text = f'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors.{mirrors}\n'
    assert hosts(node(tmp_path, text, "1.7.27"), image) == expected


@pytest.mark.parametrize(("version", "skips"), [("1.7.27", True), ("2.0.5", False)])
def test_the_tls_of_configs_ended_with_1_x(tmp_path: Path, version: str, skips: bool) -> None:
    config = '[plugins."io.containerd.grpc.v1.cri".registry.configs."reg.example.com".tls]\n'
    client = node(tmp_path, f"version = 2\n{config}insecure_skip_verify = true\n", version)
    trust = client.trust(target().registry, target())
    setting = trust.unverified((HOST,))
    assert (setting is not None) is skips
    assert setting is None or setting.origin == f"{FILE}:3"


@pytest.mark.parametrize(("auth", "user", "kind"), [
    ('username = "u"\npassword = "canary-1"', "u", "password"),
    ('auth = "dTpjYW5hcnktMQ=="', "u", "password"),
    ('identitytoken = "canary-1"', "", "identity-token"),
    ('username = "u"\npassword = "canary-1"\nauth = "eDp5"', "u", "password"),
])  # fmt: skip
def test_the_nodes_own_credential_is_for_its_host_alone(
    tmp_path: Path, auth: str, user: str, kind: str
) -> None:
    table = f'[plugins."io.containerd.grpc.v1.cri".registry.configs."{HOST}".auth]\n{auth}\n'
    client = node(tmp_path, f"version = 2\n{table}")
    (held,) = client.keys(target()).tries
    assert held.credential is not None
    assert (held.credential.user, held.credential.kind) == (user, kind)
    assert held.credential.secret.reveal() == "canary-1"
    assert held.credential.origin == f"{FILE}:2"
    assert "canary" not in repr(client)
    assert client.keys(target("other.example/a:1")).tries == ()


def test_auths_are_for_the_host_of_their_url(tmp_path: Path) -> None:
    table = (
        f'[plugins."io.containerd.grpc.v1.cri".registry.auths."https://{HOST}"]\nusername = "u"\n'
    )
    assert node(tmp_path, f"version = 2\n{table}").keys(target()).tries


def test_a_broken_auth_is_a_fault(tmp_path: Path) -> None:
    table = (
        f'[plugins."io.containerd.grpc.v1.cri".registry.configs."{HOST}".auth]\nauth = "dTpw="\n'
    )
    lookup = node(tmp_path, f"version = 2\n{table}").keys(target())
    assert lookup.tries == ()
    assert [(f.where, f.line, f.ours) for f in lookup.faults] == [(FILE, 2, True)]


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_imported_comes_after_what_imports_it(tmp_path: Path) -> None:
    put(tmp_path, "/etc/containerd/conf.d/b.toml", TWO + 'config_path = "/b"\n')
    put(tmp_path, "/etc/containerd/conf.d/a.toml", TWO + 'config_path = "/a"\n')
    put(tmp_path, "/etc/containerd/conf.d/c.txt", "[")
    config = read(tmp_path, f'version = 3\nimports = ["conf.d/*.toml"]\n{TWO}{PATH}')
    assert (config.config_path.text, config.config_path.origin) == (
        "/b",
        "/etc/containerd/conf.d/b.toml:2",
    )
    assert len(config.files) == 3


def test_1_x_replaces_a_plug_ins_table_and_2_x_puts_both_together(tmp_path: Path) -> None:
    put(
        tmp_path,
        "/etc/containerd/b.toml",
        '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "x"\n',
    )
    text = f'version = 2\nimports = ["/etc/containerd/b.toml"]\n{ONE}{PATH}'
    assert read(tmp_path, text, (1, 7)).config_path.text == ""
    assert read(tmp_path, text, (2, 0)).config_path.text == "/etc/containerd/certs.d"


def test_conf_d_counts_where_there_is_no_file(tmp_path: Path) -> None:
    put(tmp_path, "/etc/containerd/conf.d/a.toml", f"version = 3\n{TWO}{PATH}")
    assert read(tmp_path, None).config_path.text == "/etc/containerd/certs.d"
    assert read(tmp_path, "version = 3\n").config_path.text == DEFAULT_ROOTS


@pytest.mark.parametrize(("text", "line"), [
    ("version = 2\n[plugins\n", 2),
    ('version = 2\nimports = ["a.toml",\n "gone.toml"]\n', 3),
    ("version = 3\n" + TWO + "config_path = 1\n", 3),
    ("version = {}\n", 1),
    ("version = 2\nversion = 2\n", 2),
])  # fmt: skip
def test_what_it_does_not_start_with_is_told_with_its_line(
    tmp_path: Path, text: str, line: int
) -> None:
    put(tmp_path, "/etc/containerd/a.toml", "")
    (fault,) = read(tmp_path, text).faults
    assert (fault.file, fault.line, fault.effect, fault.stops) == (FILE, line, REFUSES, True)


def test_imports_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path, "/etc/containerd/b.toml", 'imports = ["config.toml"]\n')
    config = read(tmp_path, 'version = 2\nimports = ["b.toml", "./b.toml", "config.toml"]\n')
    assert len(config.files) == 2


REG = b"[plugins.cri.registry]\n"


@pytest.mark.parametrize("content", [
    b"[" * 9000,
    b"\xff",
    b"a = " + b"{a=" * 5000,
    b"imports = [[]]",
    b"plugins = 1",
    b"[plugins]\ncri = 1",
    b"[plugins.cri]\nregistry = 1",
    REG + b"mirrors = 1\nconfigs = []\nauths = ''",
    REG + b"mirrors.a = 1\nconfigs.b = {tls = 1, auth = 2}",
    b"imports = ['/etc/*/*', '/*', '*', '../../../../etc/passwd*']",
])  # fmt: skip
def test_a_hostile_file_ends(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, FILE, "")
    (tmp_path / FILE.lstrip("/")).write_bytes(content)
    client = node(tmp_path, None)
    assert hosts(client)[-1] == HOME
    client.setup(target())


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    place = tmp_path / FILE.lstrip("/")
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    (fault,) = read(tmp_path, None).faults
    assert not fault.stops, "containerd may read what is not read here"


# ── the service ──────────────────────────────────────────────────────────────────────────────────

UNIT = "/usr/lib/systemd/system/containerd.service"


def test_the_commands_flags_name_file_and_socket(tmp_path: Path) -> None:
    put(
        tmp_path,
        UNIT,
        "[Service]\nExecStart=/usr/bin/containerd --config=/opt/c.toml -a /run/x.sock\n",
    )
    put(tmp_path, "/opt/c.toml", f"version = 3\n{TWO}{PATH}")
    client = node(tmp_path, None)
    assert client.node.config.files == ("/opt/c.toml",)
    assert client.node.socket == "/run/x.sock"


def test_the_socket_is_the_settings(tmp_path: Path) -> None:
    assert (
        node(tmp_path, 'version = 2\n[grpc]\naddress = "/run/y.sock"\n').node.socket
        == "/run/y.sock"
    )
    assert node(tmp_path, "version = 2\n").node.socket == "/run/containerd/containerd.sock"


@pytest.mark.parametrize(("name", "written", "version"), [
    ("containerd.io", "1.7.27-1", "1.7.27"),
    ("containerd", "1.6.20~ds1-1+deb12u1", "1.6.20"),
    ("containerd", "1:2.1.4-0ubuntu1", "2.1.4"),
    ("docker.io", "1.7.27", ""),
])  # fmt: skip
def test_the_version_is_the_package_managers(
    tmp_path: Path, name: str, written: str, version: str
) -> None:
    dpkg(tmp_path, written, name)
    assert node(tmp_path, "version = 2\n").node.version == version


def test_another_machines_socket_is_not_asked(tmp_path: Path) -> None:
    put(tmp_path, "/usr/bin/containerd", "")
    client = node(tmp_path, "version = 2\n")
    assert client.socket == ""
    fact: ClientFact = client.setup(target())
    assert fact.daemon is not None
    assert (fact.program, fact.daemon.state) == ("/usr/bin/containerd", "not-asked")
