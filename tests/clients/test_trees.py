"""Whole trees of other machines, through the real command line: `--root DIR --offline`.

A healthy one says nothing of its configuration; each fault is told by its code, file and line.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doctor import cli
from tests.certificates import authority, leaf
from tests.clients.registries import DOCKER, HOME, auth, put

CA = authority()
PAIR = leaf(CA, "client.example")
HOST = "reg.example.com:5000"
IMAGE = f"{HOST}/team/app:1"
AUTH_JSON = f"{HOME}/.config/containers/auth.json"
DROP_IN = "/etc/systemd/system/docker.service.d/http-proxy.conf"
DAEMON = "/etc/docker/daemon.json"

REGISTRIES = "/etc/containers/registries.conf"
DROP_IN_REGISTRIES = f"{REGISTRIES}.d/50-mirror.conf"
SHORT_NAMES = f"{REGISTRIES}.d/000-shortnames.conf"
POLICY = "/etc/containers/policy.json"
ACCEPTS = {"default": [{"type": "insecureAcceptAnything"}]}
CRIO_CONF = "/etc/crio/crio.conf.d/10-crio.conf"
CRIO_UNIT = "/usr/lib/systemd/system/crio.service"
CRIO_DROP_IN = "/etc/systemd/system/crio.service.d/proxy.conf"
NODES = "/var/lib/kubelet/config.json"

UBUNTU: dict[str, Any] = {
    "/usr/lib/os-release": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
    "/etc/ssl/certs/ca-certificates.crt": CA.pem,
    "/usr/bin/docker": "",
    "/usr/bin/dockerd": "",
    "/usr/lib/systemd/system/docker.service": (
        "[Unit]\nDescription=Docker Application Container Engine\n\n[Service]\nType=notify\n"
        "ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\n"
    ),
    DROP_IN: '[Service]\nEnvironment="HTTPS_PROXY=http://proxy.example:3128"\n',
    DAEMON: {"log-driver": "local", "features": {"containerd-snapshotter": False}},
    f"/etc/docker/certs.d/{HOST}/ca.crt": CA.pem,
    f"/etc/docker/certs.d/{HOST}/client.cert": PAIR.pem,
    f"/etc/docker/certs.d/{HOST}/client.key": PAIR.key_pem,
    DOCKER: {"auths": {HOST: auth()}},
}
RHEL: dict[str, Any] = {
    "/etc/os-release": 'ID="rhel"\nID_LIKE="fedora"\n',
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": CA.pem,
    "/usr/bin/podman": "",
    "/usr/share/containers/containers.conf": "[containers]\nhttp_proxy = true\n[engine]\n",
    "/etc/containers/containers.conf": '[engine]\nenv = ["HTTPS_PROXY=http://proxy.example:3128"]\n',
    f"/etc/containers/certs.d/{HOST}/ca.crt": CA.pem,
    REGISTRIES: 'unqualified-search-registries = ["docker.io"]\n',
    DROP_IN_REGISTRIES: (
        '[[registry]]\nlocation = "docker.io"\n\n'
        '[[registry.mirror]]\nlocation = "mirror.example.com/team"\n'
    ),
    SHORT_NAMES: '[aliases]\n"nginx" = "docker.io/library/nginx"\n',
    POLICY: ACCEPTS,
    AUTH_JSON: {"auths": {f"{HOST}/team": auth()}},
}
CRIO: dict[str, Any] = {
    "/etc/os-release": 'ID="rhcos"\nID_LIKE="rhel fedora"\n',
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": CA.pem,
    "/usr/bin/crio": "",
    CRIO_UNIT: (
        "[Service]\nType=notify\nEnvironmentFile=-/etc/sysconfig/crio\n"
        "ExecStart=/usr/bin/crio \\\n  $CRIO_CONFIG_OPTIONS\n"
    ),
    "/etc/sysconfig/crio": "CRIO_CONFIG_OPTIONS=\n",
    CRIO_DROP_IN: '[Service]\nEnvironment="HTTPS_PROXY=http://proxy.example:3128"\n',
    CRIO_CONF: f'[crio.image]\nglobal_auth_file = "{NODES}"\n[crio.runtime]\nselinux = true\n',
    REGISTRIES: RHEL[REGISTRIES],
    DROP_IN_REGISTRIES: RHEL[DROP_IN_REGISTRIES],
    POLICY: ACCEPTS,
    f"/etc/docker/certs.d/{HOST}/ca.crt": CA.pem,
    NODES: {"auths": {HOST: auth()}},
}

STATE = "/var/lib/kubelet"
KUBELET_DROP_IN = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"
FLAGS = f"{STATE}/kubeadm-flags.env"
PLUGINS = "/etc/kubernetes/credential-providers.yaml"
PROVIDERS = (
    "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n"
    "- name: acr-credential-provider\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
    '  matchImages: ["*.azurecr.io"]\n  defaultCacheDuration: 10m\n'
)
NODE: dict[str, Any] = {
    "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n",
    "/etc/ssl/certs/ca-certificates.crt": CA.pem,
    "/usr/bin/kubelet": "",
    "/usr/lib/systemd/system/kubelet.service": "[Service]\nExecStart=/usr/bin/kubelet\n",
    KUBELET_DROP_IN: (
        '[Service]\nEnvironment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"\n'
        f"EnvironmentFile=-{FLAGS}\nExecStart=\n"
        "ExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS\n"
    ),
    FLAGS: (
        f'KUBELET_KUBEADM_ARGS="--image-credential-provider-config={PLUGINS} '
        '--image-credential-provider-bin-dir=/usr/local/bin"\n'
    ),
    f"{STATE}/config.yaml": (
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"
    ),
    PLUGINS: PROVIDERS,
    "/usr/local/bin/acr-credential-provider": "",
    "/usr/lib/systemd/system/containerd.service": "[Service]\nExecStart=/usr/bin/containerd\n",
    f"{STATE}/config.json": {"auths": {f"{HOST}/team": auth()}},
}
CONFIG_TOML = "/etc/containerd/config.toml"
HOSTS_TOML = "/etc/containerd/certs.d/reg.example.com_5000_/hosts.toml"
REGISTRIES_YAML = "/etc/rancher/k3s/registries.yaml"
CERTS_D = "/etc/containerd/certs.d"
_UNIT = (
    "[Unit]\nDescription=containerd container runtime\n\n[Service]\nExecStart=/usr/bin/containerd\n"
)
_DPKG = "Package: containerd.io\nStatus: install ok installed\nVersion: {}-1\n"
_MIRROR = (
    f'server = "https://{HOST}"\n\n[host."https://mirror.example"]\n'
    '  capabilities = ["pull", "resolve"]\n  ca = "mirror.crt"\n'
)
CONTAINERD_1: dict[str, Any] = {
    "/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n",
    "/etc/ssl/certs/ca-certificates.crt": CA.pem,
    "/usr/bin/containerd": "",
    "/lib/systemd/system/containerd.service": _UNIT,
    "/etc/systemd/system/containerd.service.d/http-proxy.conf": (
        '[Service]\nEnvironment="HTTPS_PROXY=http://proxy.example:3128"\n'
    ),
    "/var/lib/dpkg/status": _DPKG.format("1.7.27"),
    CONFIG_TOML: (
        'version = 2\n[plugins]\n[plugins."io.containerd.grpc.v1.cri".containerd]\n'
        'default_runtime_name = "runc"\n'
        f'[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "{CERTS_D}"\n'
    ),
    HOSTS_TOML: _MIRROR,
    HOSTS_TOML.replace("hosts.toml", "mirror.crt"): CA.pem,
}
CONTAINERD_2: dict[str, Any] = CONTAINERD_1 | {
    "/var/lib/dpkg/status": _DPKG.format("2.1.4"),
    CONFIG_TOML: (
        "version = 3\n\n[plugins.'io.containerd.cri.v1.images'.registry]\n"
        f'  config_path = "{CERTS_D}"\n'
    ),
}
K3S: dict[str, Any] = {
    "/etc/os-release": "ID=sles\nID_LIKE=suse\n",
    "/etc/ssl/ca-bundle.pem": CA.pem,
    "/usr/local/bin/k3s": "",
    "/etc/systemd/system/k3s.service": (
        "[Service]\nEnvironmentFile=-/etc/systemd/system/k3s.service.env\n"
        "ExecStart=/usr/local/bin/k3s server\n"
    ),
    "/etc/systemd/system/k3s.service.env": "CONTAINERD_HTTPS_PROXY=http://proxy.example:3128\n",
    "/etc/rancher/k3s/mirror.crt": CA.pem,
    REGISTRIES_YAML: (
        f'mirrors:\n  "{HOST}":\n    endpoint:\n      - "https://mirror.example"\n'
        "configs:\n  mirror.example:\n    tls:\n      ca_file: /etc/rancher/k3s/mirror.crt\n"
    ),
}
TREES = [
    (UBUNTU, "docker"),
    (RHEL, "podman"),
    (CRIO, "cri-o"),
    (NODE, "kubelet"),
    (CONTAINERD_1, "containerd"),
    (CONTAINERD_2, "containerd"),
    (K3S, "containerd"),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.upper().endswith("_PROXY") or name.startswith(
            ("DOCKER", "XDG", "REG", "SSL", "CON")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.setenv("CONTAINERS_CONF", "/etc/containers/containers.conf")
    return tmp_path / "node"


def plant(root: Path, tree: Mapping[str, Any]) -> None:
    for path, content in tree.items():
        put(root, path, content, 0o755 if "/bin/" in path else 0o600)


def read(report: Path) -> dict[str, Any]:
    """The one target of the report."""
    (target,) = json.loads(report.read_text())["targets"]
    return dict(target)


def checked(root: Path, client: str, image: str = IMAGE) -> dict[str, dict[str, Any]]:
    """The findings by code. Nothing is sent."""
    report = root.parent / "report.json"
    options = ["--as", client, "--root", str(root), "--offline", "--format", "json"]
    code = cli.main(["check", *options, "-o", str(report), image])
    target = read(report)
    assert target["client"] == client
    found = {each["code"]: each for each in target["findings"]}
    failed = any(each["root_cause"] for each in target["findings"])
    assert code == (1 if failed else 0), found
    return found


@pytest.mark.parametrize(("tree", "client"), TREES)
def test_a_healthy_machine_has_nothing_to_mend(
    root: Path, tree: dict[str, Any], client: str
) -> None:
    plant(root, tree)
    assert checked(root, client) == {}


MIRROR = f'[[registry]]\nlocation = "{HOST}"\n[[registry.mirror]]\nlocation = "mirror.example"\n'
OUTCOME = 2
PULL_ONLY = '[host."https://mirror.example"]\n  capabilities = ["pull"]\n'


@pytest.mark.parametrize(("tree", "client", "entry"), [
    (UBUNTU | {DOCKER: {"auths": {"other.example": auth()}}}, "docker",
     ("credential", DOCKER, "no-match", None, f'it has "other.example"; "{HOST}" was looked up')),
    (UBUNTU, "docker", ("credential", DOCKER, "used", HOST, None)),
    (UBUNTU, "docker", ("proxy", f"{DROP_IN}:2", "used", None, "http://proxy.example:3128")),
    (RHEL | {DROP_IN_REGISTRIES: MIRROR + 'pull-from-mirror = "digest-only"\n'}, "podman",
     ("endpoint", f"{DROP_IN_REGISTRIES}:4", "ignored", "mirror.example",
      "it is for digests only")),
    (RHEL | {DROP_IN_REGISTRIES: MIRROR}, "podman",
     ("endpoint", f"{DROP_IN_REGISTRIES}:4", "used", "mirror.example", None)),
    (CONTAINERD_2 | {HOSTS_TOML: PULL_ONLY}, "containerd",
     ("endpoint", f"{HOSTS_TOML}:1", "ignored", "https://mirror.example",
      "it is for digests only: its capabilities are pull; a tag needs resolve")),
    (CONTAINERD_2 | {HOSTS_TOML: PULL_ONLY.replace('"pull"', '"pull", "resolve"')}, "containerd",
     ("endpoint", f"{HOSTS_TOML}:1", "used", "https://mirror.example", None)),
    (CONTAINERD_1 | {HOSTS_TOML: PULL_ONLY, CONFIG_TOML: "version = 2\n"}, "containerd",
     ("endpoint", "config_path", "unset", None, "hosts.toml files are not read")),
])  # fmt: skip
def test_what_was_looked_at_is_told_with_the_key_or_why_it_did_not_apply(
    root: Path, tree: dict[str, Any], client: str, entry: tuple[str | None, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    plant(root, tree)
    checked(root, client)
    places = [tuple(each.values()) for each in read(root.parent / "report.json")["looked_at"]]
    assert entry in places, places
    options = ["--as", client, "--root", str(root), "--offline", IMAGE]
    capsys.readouterr()
    for more in ([], ["--verbose"]):
        cli.main(["check", *options, *more])
        said = "".join(capsys.readouterr().out.split())
        told = [part for place, part in enumerate(entry) if part and place != OUTCOME]
        assert all("".join(part.split()) in said for part in told) is ("Lookedat:" in said)
        assert ("Lookedat:" in said) is bool(more)


@pytest.mark.parametrize(("path", "content", "code", "line"), [
    (DAEMON, '{\n  "log-driver": "local",\n}', "client.config-invalid", 2),
    (DAEMON, f'{{\n\n "insecure-registries": ["{HOST}"]}}', "client.insecure-registry", 3),
    (DAEMON, '{"hosts": ["unix:///x"]}', "client.config-invalid", 1),
    (DROP_IN, "[Service]\nEnvironment=HTTPS PROXY\n", "client.config-invalid", 2),
    (DROP_IN, '[Service]\nEnvironment="HTTPS_PROXY=http://p:x"\n', "proxy.invalid-url", None),
    (f"/etc/docker/certs.d/{HOST}/client.key", CA.key_pem, "tls.ca-file-unusable", None),
    (f"/etc/docker/certs.d/{HOST}/ca.crt", "", "tls.ca-file-unusable", None),
    (DOCKER, {"auths": {"reg.example.com:443": auth()}}, "auth.wrong-key", 1),
    (DOCKER, "{", "auth.config-unreadable", 1),
])  # fmt: skip
def test_ubuntu_with_docker_and_one_fault(
    root: Path, path: str, content: Any, code: str, line: int | None
) -> None:
    plant(root, {**UBUNTU, path: content})
    found = checked(root, "docker")
    assert list(found) == [code]
    assert found[code]["evidence"].get("line") == line
    assert found[code]["remedies"]


REGISTRY_FAULTS = [
    (REGISTRIES, "[[registry]\n", "client.config-invalid", 1),
    (DROP_IN_REGISTRIES, '[[registry]]\nlocation = "https://a.io"\n', "client.config-invalid", 2),
    (DROP_IN_REGISTRIES, '[registries.block]\nregistries = ["x"]\n', "client.config-invalid", 1),
    (DROP_IN_REGISTRIES, f'[[registry]]\nlocation = "{HOST}"\nblocked = true\n',
     "client.blocked", 3),
    (DROP_IN_REGISTRIES, f'[[registry]]\nlocation = "{HOST}"\ninsecure = true\n',
     "client.insecure-registry", 3),
    (POLICY, {"default": [{"type": "reject"}]}, "client.blocked", 1),
]  # fmt: skip


@pytest.mark.parametrize(("path", "content", "code", "line"), [
    ("/etc/containers/containers.conf", "[engine\n", "client.config-invalid", 1),
    ("/etc/containers/containers.conf", '[engine]\nenv = ["x"]', "client.config-invalid", 2),
    (f"/etc/containers/certs.d/{HOST}/ca.cert", CA.pem, "tls.ca-file-unusable", None),
    (AUTH_JSON, {"auths": {f"{HOST}/other": auth()}}, "auth.wrong-key", 1),
    (AUTH_JSON, "", "auth.config-unreadable", None),
    *REGISTRY_FAULTS,
    ("/etc/containers/policy.json", "{\n", "client.config-invalid", 2),
])  # fmt: skip
def test_rhel_with_podman_and_one_fault(
    root: Path, path: str, content: Any, code: str, line: int | None
) -> None:
    plant(root, {**RHEL, path: content})
    found = checked(root, "podman")
    assert list(found) == [code]
    assert found[code]["evidence"].get("line") == line
    assert found[code]["remedies"]


@pytest.mark.parametrize(("path", "content", "code", "line"), [
    *REGISTRY_FAULTS,
    (CRIO_CONF, "[crio.image\n", "client.config-invalid", 1),
    (CRIO_CONF, f'[crio.image]\ninsecure_registries = [\n  "{HOST}"]\n'
     f'global_auth_file = "{NODES}"\n', "client.insecure-registry", 3),
    (CRIO_CONF, f'[crio.image]\nglobal_auth_file = "{NODES}"\nregistries = ["docker.io"]\n',
     "client.config-invalid", 3),
    (CRIO_DROP_IN, "[Service]\nEnvironment=HTTPS PROXY\n", "client.config-invalid", 2),
    (f"/etc/docker/certs.d/{HOST}/ca.cert", CA.pem, "tls.ca-file-unusable", None),
    (NODES, {"auths": {"reg.example.com:443": auth()}}, "auth.wrong-key", 1),
    (NODES, "{", "auth.config-unreadable", 1),
])  # fmt: skip
def test_a_crio_node_with_one_fault(
    root: Path, path: str, content: Any, code: str, line: int | None
) -> None:
    plant(root, {**CRIO, path: content})
    found = checked(root, "cri-o")
    assert list(found) == [code]
    assert found[code]["evidence"].get("line") == line
    assert found[code]["remedies"]


@pytest.mark.parametrize(("tree", "client"), [(RHEL, "podman"), (CRIO, "cri-o")])
def test_without_a_policy_nothing_is_pulled(root: Path, tree: dict[str, Any], client: str) -> None:
    plant(root, {path: content for path, content in tree.items() if path != POLICY})
    found = checked(root, client)
    assert list(found) == ["client.config-invalid"]
    (step,) = found["client.config-invalid"]["remedies"][0]["steps"]
    policy = step["command"].replace(f"sudo tee {POLICY}", "cat")
    said = subprocess.run(["sh", "-c", policy], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == ACCEPTS
    (root / f"usr/bin/{client.replace('-', '')[:6]}").unlink()
    assert "client.config-invalid" not in checked(root, client)


def test_a_login_of_crio_goes_into_the_file_that_it_reads(root: Path) -> None:
    plant(root, {**CRIO, NODES: "{"})
    (remedy, *_) = checked(root, "cri-o")["auth.config-unreadable"]["remedies"]
    commands = [step["command"] for step in remedy["steps"]]
    assert commands[0] == f"sudo mv {NODES} {NODES}.aside"
    assert commands[1].startswith(f"sudo podman login --authfile {NODES} {HOST} ")
    plant(root, {**RHEL, AUTH_JSON: "{"})
    (remedy, *_) = checked(root, "podman")["auth.config-unreadable"]["remedies"]
    assert remedy["steps"][1]["command"].startswith(f"podman login {HOST} ")


@pytest.mark.parametrize("client", ["podman", "cri-o"])
def test_a_name_without_registry_that_nothing_stands_for(root: Path, client: str) -> None:
    plant(root, {**(RHEL if client == "podman" else CRIO), REGISTRIES: "", SHORT_NAMES: ""})
    found = checked(root, client, "app:1")["client.config-invalid"]
    assert "docker.io/library/app:1" in found["remedies"][0]["steps"][0]["command"]


@pytest.mark.parametrize(("path", "content", "code", "line"), [
    (f"{STATE}/config.json", "{", "auth.config-unreadable", 1),
    (f"{STATE}/config.json", {"auths": {HOST: {"auth": "%"}}}, "auth.entry-malformed", 1),
    (
        f"{STATE}/config.json",
        {"auths": {f"{HOST}/team": auth(), "x.example": {"auth": "%"}}},
        "auth.config-unreadable",
        1,
    ),
    (f"{STATE}/config.json", {"auths": {"*.com:5000": auth()}}, "auth.wrong-key", 1),
    (f"{STATE}/config.json", {"auths": {"reg.example.com": auth()}}, "auth.wrong-key", 1),
    (f"{STATE}/config.yaml", "kind: [\n", "client.config-invalid", 1),
    (PLUGINS, PROVIDERS.replace("10m", "10"), "client.config-invalid", 7),
    (PLUGINS, PROVIDERS.replace("acr-", "gone-"), "client.config-invalid", 4),
    (KUBELET_DROP_IN, "[Service]\nEnvironmentFile=/gone\n", "client.config-invalid", 2),
])  # fmt: skip
def test_a_node_with_one_fault(
    root: Path, path: str, content: Any, code: str, line: int | None
) -> None:
    plant(root, {**NODE, path: content})
    found = checked(root, "kubelet")
    assert list(found) == [code]
    assert found[code]["evidence"].get("line") == line
    assert found[code]["remedies"]
    for remedy in found[code]["remedies"]:
        assert not remedy["for"] or "kubelet" in remedy["for"], remedy["title"]


OLD = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a"]\nendpoint = ["https://a"]\n'


SERVER = f'server = "https://{HOST}"\n'
PULL = 'capabilities = ["pull"]\n'
TWO_FOLDERS = CONTAINERD_2[CONFIG_TOML].replace(CERTS_D, f"{CERTS_D}:/etc/docker/certs.d")
SKIPPED = f"{SERVER}skip_verify = true\n"
K3S_SKIPS = f'configs:\n  "{HOST}":\n    tls:\n      insecure_skip_verify: true\n'


@pytest.mark.parametrize(("tree", "path", "content", "code", "line"), [
    (CONTAINERD_1, CONFIG_TOML, CONTAINERD_1[CONFIG_TOML] + OLD, "client.config-invalid", 7),
    (CONTAINERD_1, HOSTS_TOML, f'{SERVER}capabilities = ["pul"]\n', "client.config-invalid", 2),
    (CONTAINERD_1, HOSTS_TOML, f'{SERVER}ca = "gone.crt"\n', "tls.ca-file-unusable", None),
    (CONTAINERD_2, CONFIG_TOML, TWO_FOLDERS, "client.config-invalid", 4),
    (CONTAINERD_2, HOSTS_TOML, SKIPPED, "tls.verification-disabled", 2),
    (CONTAINERD_2, HOSTS_TOML, 'server = "http://m.example"\n', "client.insecure-registry", 1),
    (CONTAINERD_2, HOSTS_TOML, f"{SERVER}{PULL}", "client.blocked", 1),
    (CONTAINERD_2, HOSTS_TOML, 'server = "https://m/v2/proxy"\n', "client.config-invalid", 1),
    (K3S, REGISTRIES_YAML, "mirrors:\n  - a\n", "client.config-invalid", 2),
    (K3S, REGISTRIES_YAML, K3S_SKIPS, "tls.verification-disabled", 4),
    (K3S, "/etc/rancher/k3s/mirror.crt", "", "tls.ca-file-unusable", None),
])  # fmt: skip
def test_a_containerd_node_with_one_fault(
    root: Path, tree: dict[str, Any], path: str, content: str, code: str, line: int | None
) -> None:
    plant(root, {**tree, path: content})
    found = checked(root, "containerd")
    assert list(found) == [code]
    (finding,) = found.values()
    assert finding["evidence"].get("line") == line
    assert finding["remedies"]


@pytest.mark.parametrize(("tree", "client"), TREES)
def test_a_tree_of_links_out_of_itself_shows_nothing_of_this_machine(
    root: Path, tree: dict[str, Any], client: str
) -> None:
    """Every file is a link to one outside of the root, which holds a fault."""
    for n, path in enumerate(tree):
        outside = put(root.parent, f"/outside/{n}", "{ canary")
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(outside)
    found = checked(root, client)
    assert "canary" not in json.dumps(found)
    assert set(found) <= {"tls.ca-file-unusable", "client.config-invalid"}, found


@pytest.mark.parametrize(("tree", "client"), TREES)
@pytest.mark.parametrize("kind", ["fifo", "folder", "sparse"])
def test_a_tree_of_no_files_ends(root: Path, tree: dict[str, Any], client: str, kind: str) -> None:
    for path in tree:
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "fifo":
            os.mkfifo(place)
        elif kind == "folder":
            place.mkdir()
        else:
            place.write_bytes(b"")
            os.truncate(place, 100 << 20)
    checked(root, client)


def test_the_system_is_the_trees_own(root: Path) -> None:
    """A link that is absolute leads into the tree, as on that machine."""
    from doctor.clients.system import system

    plant(root, {"/usr/lib/os-release": "ID=fedora\n"})
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/os-release").symlink_to("/usr/lib/os-release")
    assert system(str(root)) == "rhel"
    outside = put(root.parent, "/os-release", "ID=alpine\n")
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").symlink_to(outside)
    (root / "usr/lib/os-release").unlink()
    assert system(str(root)) == "linux"


@pytest.mark.parametrize(("below", "via"), [(True, "direct"), (False, "proxy shell.example:3128")])
def test_this_shells_proxy_is_not_that_of_the_tree(
    root: Path,
    below: bool,
    via: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(root, {path: content for path, content in RHEL.items() if "containers.conf" not in path})
    monkeypatch.setenv("HTTPS_PROXY", "http://shell.example:3128")
    where = ["--root", str(root)] if below else []
    cli.main(["check", "--offline", "--json", "--as", "podman", *where, IMAGE])
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert target["hops"][0]["via"] == via
