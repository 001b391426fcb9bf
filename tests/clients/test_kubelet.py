"""Does the kubelet's value answer as the kubelet of that node would go about a pull?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from doctor.clients import kubelet_node
from doctor.clients.keyring import Ask, Lookup
from doctor.clients.kubelet import Kubelet
from doctor.clients.node_files import files
from doctor.engine.fallback import aim
from doctor.facts.endpoint import Endpoint
from doctor.facts.proxy import RouteFact
from doctor.model import Client, Hop, Target
from doctor.reference import Reference, parse
from tests.clients.registries import HOME, auth, machine, outcomes, put, user

STATE = "/var/lib/kubelet"
UNIT = "/usr/lib/systemd/system/kubelet.service"
DROP_IN = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"
FLAGS_ENV = f"{STATE}/kubeadm-flags.env"
PLUGINS = "/etc/kubernetes/providers.yaml"
BIN = "/opt/providers"
IMAGE = "reg.example.com/team/app:1"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"
WITH_PLUGINS = (
    f"--image-credential-provider-config={PLUGINS} --image-credential-provider-bin-dir={BIN}"
)
PROVIDERS = """\
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: ecr-credential-provider
  matchImages:
  - "*.dkr.ecr.*.amazonaws.com"
  - "*.dkr.ecr.*.amazonaws.com.cn"
  defaultCacheDuration: "12h"
  apiVersion: credentialprovider.kubelet.k8s.io/v1
"""


def target(image: str = IMAGE) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop)


def unit(root: Path, flags: str = "", more: str = "") -> None:
    put(root, UNIT, f"[Service]\nExecStart=/usr/bin/kubelet {flags}\n{more}")


def kubelet(root: Path, **environ: str) -> Kubelet:
    return Kubelet.here({"HOME": HOME, **environ}, root=str(root))


def keys(root: Path, image: str = IMAGE) -> Lookup:
    return kubelet(root).keys(target(image))


def login(name: str, key: str = "reg.example.com") -> dict[str, Any]:
    return {"auths": {key: auth(name)}}


def faults(root: Path) -> list[tuple[str, int, bool]]:
    fact = kubelet(root).setup(target())
    return [(fault.file, fault.line, fault.stops) for fault in fact.faults]


def plugins(root: Path, text: str = PROVIDERS, *programs: str) -> None:
    unit(root, WITH_PLUGINS)
    put(root, PLUGINS, text)
    for name in programs or ("ecr-credential-provider",):
        put(root, f"{BIN}/{name}", "", mode=0o755)


def test_it_is_a_client(tmp_path: Path) -> None:
    client: Client = kubelet(tmp_path)
    assert client.name == "kubelet"


# ── the node's files ─────────────────────────────────────────────────────────────────────────────

ORDER = (
    f"{STATE}/config.json",
    "/work/config.json",
    "/home/k/.docker/config.json",
    "/.docker/config.json",
    f"{STATE}/.dockercfg",
    "/work/.dockercfg",
    "/home/k/.dockercfg",
    "/.dockercfg",
)
PLACED = "WorkingDirectory=/work\nEnvironment=HOME=/home/k\n"


def test_the_first_of_eight_files_that_is_there_counts(tmp_path: Path) -> None:
    unit(tmp_path, more=PLACED)
    assert files(kubelet_node.read(machine(tmp_path))) == ORDER
    for path in reversed(ORDER):
        entries = login(path)
        put(tmp_path, path, entries["auths"] if path.endswith("cfg") else entries)
        lookup = keys(tmp_path)
        assert (user(lookup), lookup.config) == (path, path)
    told = outcomes(lookup)
    assert [told[path] for path in ORDER] == ["used", *["not-read"] * 7]


def test_a_valid_file_counts_although_no_key_matches(tmp_path: Path) -> None:
    put(tmp_path, f"{STATE}/config.json", login("a", "other.example"))
    put(tmp_path, "/.docker/config.json", login("b"))
    lookup = keys(tmp_path)
    assert user(lookup) is None
    told = outcomes(lookup)
    assert (told[f"{STATE}/config.json"], told["/.docker/config.json"]) == ("no-match", "not-read")
    assert [held.where for held in lookup.also] == ["/.docker/config.json"]


def test_without_home_roots_own_login_is_not_seen(tmp_path: Path) -> None:
    unit(tmp_path)
    put(tmp_path, "/root/.docker/config.json", login("root"))
    lookup = keys(tmp_path)
    assert user(lookup) is None
    (place,) = [p for p in lookup.places if p.where.startswith("/root")]
    assert (place.outcome, "no HOME" in place.note) == ("not-read", True)
    for more in ("Environment=HOME=/root\n", "User=root\n"):
        unit(tmp_path, more=more)
        assert user(keys(tmp_path)) == "root"


def test_the_state_folder_may_lie_elsewhere(tmp_path: Path) -> None:
    unit(tmp_path, "--root-dir /data/kubelet")
    put(tmp_path, f"{STATE}/config.json", login("usual"))
    assert user(keys(tmp_path)) is None
    put(tmp_path, "/data/kubelet/config.json", login("there"))
    assert user(keys(tmp_path)) == "there"


@pytest.mark.parametrize(("text", "kind", "line", "ours"), [
    ("{", "syntax", 1, False),
    ("", "syntax", 0, False),
    ('{"auths": {}} x', "syntax", 0, False),
    ('{\n"auths": []}', "type", 2, False),
    ('{"auths": {\n"other.example": {"auth": "%"}}}', "entry", 2, False),
    ('{"auths": {\n"reg.example.com": {"auth": "%"}}}', "entry", 2, True),
])  # fmt: skip
def test_a_malformed_file_is_passed_over_and_the_next_one_counts(
    tmp_path: Path, text: str, kind: str, line: int, ours: bool
) -> None:
    put(tmp_path, f"{STATE}/config.json", text)
    lookup = keys(tmp_path)
    (fault,) = lookup.faults
    assert (fault.kind, fault.line, fault.ours, fault.stops) == (kind, line, ours, False)
    assert fault.effect.startswith("passes over the file")
    assert (user(lookup), outcomes(lookup)[f"{STATE}/config.json"]) == (None, "unreadable")
    put(tmp_path, f"{STATE}/.dockercfg", login("legacy")["auths"])
    assert user(keys(tmp_path)) == "legacy"


def test_what_only_root_may_read_is_said_to_be_unseen(tmp_path: Path) -> None:
    place = tmp_path / f"{STATE}/config.json".lstrip("/")
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    lookup = keys(tmp_path)
    assert f"{STATE}/config.json was not read" in lookup.unseen
    assert [fault.kind for fault in lookup.faults] == ["access"]
    place.unlink()
    assert keys(tmp_path).unseen == ""


def test_no_link_leads_out(tmp_path: Path) -> None:
    root = tmp_path / "node"
    place = root / f"{STATE}/config.json".lstrip("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(put(tmp_path, "/secret.json", login("outside")))
    assert outcomes(keys(root))[f"{STATE}/config.json"] == "missing"


def test_every_credential_that_matches_is_a_try(tmp_path: Path) -> None:
    entries = {"reg.example.com/team": auth("team"), "reg.example.com": auth("all")}
    put(tmp_path, f"{STATE}/config.json", {"auths": {**entries, "x.example": auth()}})
    tries = keys(tmp_path).tries
    assert [each.credential.user for each in tries if each.credential] == ["team", "all"]
    assert [p.key for p in keys(tmp_path).places if p.outcome == "used"] == [*entries]


def test_the_shells_login_is_told_beside(tmp_path: Path) -> None:
    put(tmp_path, f"{HOME}/.docker/config.json", login("mine"))
    lookup = keys(tmp_path)
    assert user(lookup) is None
    assert [(o.client, "uses the entry" in o.says) for o in lookup.otherwise] == [
        ("docker", True),
        ("podman", True),
    ]


# ── plug-ins ─────────────────────────────────────────────────────────────────────────────────────


def test_a_plug_in_for_the_image_is_named_and_never_run(tmp_path: Path) -> None:
    plugins(tmp_path)
    lookup = keys(tmp_path, ECR)
    (ask,) = lookup.tries
    assert isinstance(ask, Ask)
    assert (ask.program, ask.key, ask.where) == (
        "ecr-credential-provider", "*.dkr.ecr.*.amazonaws.com", f"{PLUGINS}:4",
    )  # fmt: skip
    assert "not known here" in ask.barred
    assert outcomes(lookup)[f"{PLUGINS}:4"] == "helper"
    assert (lookup.store, lookup.plugin) == ("ecr-credential-provider", "")
    other = keys(tmp_path)
    assert (other.tries, outcomes(other)[f"{PLUGINS}:4"]) == ((), "no-match")


def test_the_files_come_before_the_plug_ins(tmp_path: Path) -> None:
    plugins(tmp_path)
    put(tmp_path, f"{STATE}/config.json", login("node", ECR.partition("/")[0]))
    first, second = keys(tmp_path, ECR).tries
    assert (first.credential is not None, isinstance(second, Ask)) == (True, True)


@pytest.mark.parametrize(("image", "plugin"), [
    (ECR, "ecr-credential-provider"),
    ("europe-docker.pkg.dev/p/r/app:1", "auth-provider-gcp"),
    ("shop.azurecr.io/app:1", "acr-credential-provider"),
    (IMAGE, ""),
])  # fmt: skip
def test_a_clouds_registry_without_its_plug_in(tmp_path: Path, image: str, plugin: str) -> None:
    lookup = keys(tmp_path, image)
    assert lookup.plugin == plugin
    (place,) = [p for p in lookup.places if p.where.startswith("--")]
    assert (place.outcome, place.note) == (
        "unset", f"this registry's cloud has {plugin}" if plugin else "",
    )  # fmt: skip


def test_the_flags_may_come_from_an_environment_file(tmp_path: Path) -> None:
    plugins(tmp_path)
    put(tmp_path, UNIT, "[Service]\nExecStart=/usr/bin/kubelet\n")
    put(tmp_path, DROP_IN, (
        f"[Service]\nEnvironmentFile=-{FLAGS_ENV}\nExecStart=\n"
        "ExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n"
    ))  # fmt: skip
    put(tmp_path, FLAGS_ENV, f'KUBELET_KUBEADM_ARGS="{WITH_PLUGINS}"\n')
    assert len(keys(tmp_path, ECR).tries) == 1
    put(tmp_path, FLAGS_ENV, 'KUBELET_KUBEADM_ARGS="--v=2"\n')
    assert keys(tmp_path, ECR).tries == ()


@pytest.mark.parametrize("flags", [
    " ".join(f"--kubelet-arg={flag.lstrip('-')}" for flag in WITH_PLUGINS.split()),
    WITH_PLUGINS,
])  # fmt: skip
def test_k3s_carries_a_kubelet(tmp_path: Path, flags: str) -> None:
    plugins(tmp_path)
    (tmp_path / UNIT.lstrip("/")).unlink()
    put(tmp_path, "/etc/systemd/system/k3s.service", (
        f"[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n    {flags}\n"
    ))  # fmt: skip
    assert len(keys(tmp_path, ECR).tries) == 1


@pytest.mark.parametrize(("name", "text"), [
    ("config.yaml", "kubelet-arg:\n- root-dir=/data/kubelet\n- max-pods=7\n"),
    ("config.yaml", "kubelet-arg: --root-dir=/data/kubelet\n"),
    ("config.yaml.d/10-node.yaml", 'kubelet-arg: ["root-dir=/data/kubelet"]\n'),
])  # fmt: skip
def test_k3ss_configuration_hands_flags_to_its_kubelet(
    tmp_path: Path, name: str, text: str
) -> None:
    put(tmp_path, "/etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s x\n")
    put(tmp_path, f"/etc/rancher/k3s/{name}", text)
    assert kubelet_node.read(machine(tmp_path)).state == "/data/kubelet"
    put(tmp_path, "/etc/systemd/system/k3s.service", (
        "[Service]\nExecStart=/usr/local/bin/k3s x --kubelet-arg=root-dir=/other\n"
    ))  # fmt: skip
    assert kubelet_node.read(machine(tmp_path)).state == "/other"


@pytest.mark.parametrize("text", ["kubelet-arg: {a: b}\n", "kubelet-arg:\n", "[", "- x\n", "\x00"])
def test_a_configuration_that_is_none_hands_nothing_over(tmp_path: Path, text: str) -> None:
    put(tmp_path, "/etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s x\n")
    put(tmp_path, "/etc/rancher/k3s/config.yaml", text)
    assert kubelet_node.read(machine(tmp_path)).state == "/var/lib/kubelet"


def test_k3s_has_a_place_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "/etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s x\n")
    put(tmp_path, "/var/lib/rancher/credentialprovider/config.yaml", PROVIDERS)
    put(tmp_path, "/var/lib/rancher/credentialprovider/bin/ecr-credential-provider", "", mode=0o755)
    assert (len(keys(tmp_path, ECR).tries), faults(tmp_path)) == (1, [])


def test_a_folder_of_configurations_is_read_by_name(tmp_path: Path) -> None:
    unit(tmp_path, WITH_PLUGINS.replace(PLUGINS, "/etc/providers"))
    put(tmp_path, f"{BIN}/ecr-credential-provider", "", mode=0o755)
    put(tmp_path, f"{BIN}/other", "", mode=0o755)
    put(tmp_path, "/etc/providers/notes.txt", "x")
    assert faults(tmp_path) == [("/etc/providers", 0, True)]
    put(tmp_path, "/etc/providers/b.yaml", PROVIDERS)
    put(tmp_path, "/etc/providers/a.yml", PROVIDERS.replace("ecr-credential-provider", "other"))
    assert faults(tmp_path) == []
    programs = [t.program for t in keys(tmp_path, ECR).tries if isinstance(t, Ask)]
    assert programs == ["other", "ecr-credential-provider"]
    put(tmp_path, "/etc/providers/c.json", PROVIDERS)
    assert faults(tmp_path) == [("/etc/providers/c.json", 4, True)]


def test_a_sound_configuration_has_no_fault(tmp_path: Path) -> None:
    plugins(tmp_path)
    assert faults(tmp_path) == []
    json_text = """{
\t"apiVersion": "kubelet.config.k8s.io/v1alpha1", "kind": "CredentialProviderConfig",
\t"providers": [{"name": "ecr-credential-provider", "matchImages": ["*.example.com"],
\t\t"defaultCacheDuration": "0s", "apiVersion": "credentialprovider.kubelet.k8s.io/v1beta1"}]
}"""
    plugins(tmp_path, json_text)
    assert faults(tmp_path) == []


@pytest.mark.parametrize(("old", "new", "line"), [
    ("kind: CredentialProviderConfig", "kind: KubeletConfiguration", 2),
    ("kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v2", 1),
    ("kind:", "kind", 3),
    ("providers:", "plugins:", 4),
    ("- name: ecr", "- nam: ecr", 4),
    ("name: ecr-credential-provider", "name: bin/ecr", 4),
    ("name: ecr-credential-provider", "name: absent", 4),
    ("matchImages:", "images:", 6),
    ('"*.dkr.ecr.*.amazonaws.com"', '"re g.example"', 6),
    ('"12h"', "12", 8),
    ('"12h"', '"12 hours"', 8),
    ('"12h"', '"-1h"', 8),
    ('defaultCacheDuration: "12h"', "args: []", 4),
    ("apiVersion: credentialprovider.kubelet.k8s.io/v1", "env: []", 4),
    ("credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v3", 9),
])  # fmt: skip
def test_what_keeps_the_kubelet_from_starting(
    tmp_path: Path, old: str, new: str, line: int
) -> None:
    assert old in PROVIDERS
    plugins(tmp_path, PROVIDERS.replace(old, new, 1))
    assert (PLUGINS, line, True) in faults(tmp_path)


def test_a_scheme_in_match_images_matches_nothing(tmp_path: Path) -> None:
    plugins(tmp_path, PROVIDERS.replace('"*.dkr.ecr.*.amazonaws.com"', '"https://*.example.com"'))
    assert faults(tmp_path) == [(PLUGINS, 6, False)]


def test_a_program_that_is_not_there_or_cannot_be_executed(tmp_path: Path) -> None:
    plugins(tmp_path)
    program = tmp_path / f"{BIN}/ecr-credential-provider".lstrip("/")
    program.chmod(0o644)
    (fault,) = kubelet(tmp_path).setup(target()).faults
    assert ("cannot be executed" in fault.what, fault.effect) == (
        True,
        "the kubelet does not start",
    )
    program.unlink()
    (fault,) = kubelet(tmp_path).setup(target()).faults
    assert f"{BIN}/ecr-credential-provider is not there" in fault.what
    (tmp_path / BIN.lstrip("/")).rmdir()
    assert faults(tmp_path) == [(UNIT, 2, True)]


def test_one_flag_without_the_other(tmp_path: Path) -> None:
    plugins(tmp_path)
    for flag in WITH_PLUGINS.split():
        unit(tmp_path, flag)
        assert (UNIT, 2, True) in faults(tmp_path)
    unit(tmp_path, f"--image-credential-provider-config=/gone {WITH_PLUGINS.split()[1]}")
    assert faults(tmp_path) == [("/gone", 1, True)]


@pytest.mark.parametrize(
    "text", ["", "[", "- a", "a: &a [*a]", "x: " + "[" * 5000, "\x00", "a: *b"]
)
def test_hostile_configurations_end_in_a_fault(tmp_path: Path, text: str) -> None:
    plugins(tmp_path, text)
    assert faults(tmp_path)
    assert keys(tmp_path, ECR).tries == ()


# ── the runtime, and is it there ─────────────────────────────────────────────────────────────────


def runtime(root: Path) -> str:
    return kubelet(root).runtime.name


def test_the_runtime_is_the_one_whose_socket_the_kubelet_is_set_to(tmp_path: Path) -> None:
    assert runtime(tmp_path) == "containerd"
    put(tmp_path, "/usr/lib/systemd/system/crio.service", "[Service]\nExecStart=/usr/bin/crio\n")
    assert runtime(tmp_path) == "cri-o"
    put(tmp_path, "/usr/lib/systemd/system/containerd.service", "[Service]\nExecStart=/x\n")
    assert runtime(tmp_path) == "containerd"
    put(
        tmp_path, f"{STATE}/config.yaml", 'containerRuntimeEndpoint: "unix:///run/crio/crio.sock"\n'
    )
    assert runtime(tmp_path) == "cri-o"
    unit(tmp_path, "--container-runtime-endpoint=unix:///run/containerd/containerd.sock")
    assert runtime(tmp_path) == "containerd"
    put(tmp_path, "/etc/k.yaml", "containerRuntimeEndpoint: unix:///var/run/crio/crio.sock\n")
    unit(tmp_path, "--config=/etc/k.yaml")
    assert runtime(tmp_path) == "cri-o"


def test_the_runtimes_proxy_counts_and_not_the_kubelets(tmp_path: Path) -> None:
    def route() -> RouteFact:
        fact = kubelet(tmp_path, HTTPS_PROXY="http://shell.example:1").route(target().registry)
        assert isinstance(fact, RouteFact)
        return fact

    unit(tmp_path, more="Environment=HTTPS_PROXY=http://kubelet.example:1\n")
    assert route().direct
    service = "/etc/systemd/system/containerd.service"
    put(tmp_path, service, "[Service]\nExecStart=/x\nEnvironment=HTTPS_PROXY=http://p.example:1\n")
    proxy = route().proxy
    assert proxy is not None
    assert (proxy.hop.host, proxy.origin) == ("p.example", f"{service}:3")


def with_runtime(root: Path, name: str, host: str) -> Kubelet:
    """One whose runtime has a login of its own for the host."""
    if name == "cri-o":
        put(root, "/usr/lib/systemd/system/crio.service", "[Service]\nExecStart=/usr/bin/crio\n")
        put(root, OF_CRIO, login("runtime", host))
    else:
        auth = f'[plugins.cri.registry.configs."{host}".auth]\nusername = "runtime"\n'
        put(root, "/etc/containerd/config.toml", f'{auth}password = "x"\n')
    return kubelet(root)


OF_CRIO = "/root/.config/containers/auth.json"


def test_what_the_runtime_has_counts_where_the_kubelet_has_nothing(tmp_path: Path) -> None:
    lookup = with_runtime(tmp_path, "cri-o", "reg.example.com").keys(target())
    assert (user(lookup), lookup.client) == ("runtime", "kubelet")
    assert outcomes(lookup)[OF_CRIO] == "used"
    put(tmp_path, f"{STATE}/config.json", login("node"))
    assert user(kubelet(tmp_path).keys(target())) == "node"


@pytest.mark.parametrize("name", ["containerd", "cri-o"])
def test_a_mirror_is_shown_no_credential_of_the_registry(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"{STATE}/config.json", login("node") | {"x": 1})
    mirror = aim(target(), Endpoint(Hop("mirror", "reg.example.com", 5000), "team/app"))
    plain = kubelet(tmp_path).keys(mirror)
    assert (plain.tries, "containerd offers it" in plain.unseen) == ((), True)
    lookup = with_runtime(tmp_path, name, "reg.example.com:5000").keys(mirror)
    assert user(lookup) == "runtime"
    assert bool(lookup.unseen) is (name == "containerd")


def test_a_rewritten_name_is_looked_up_as_the_image_has_it(tmp_path: Path) -> None:
    put(tmp_path, f"{STATE}/config.json", login("team", "reg.example.com/team"))
    elsewhere = Endpoint(Hop("registry", "reg.example.com", 443), "moved/app")
    assert user(kubelet(tmp_path).keys(aim(target(), elsewhere))) == "team"


def test_whether_it_is_there(tmp_path: Path) -> None:
    assert kubelet(tmp_path).setup(target()).seen == "kubelet is not installed here"
    put(tmp_path, "/usr/bin/kubelet", "", mode=0o755)
    unit(tmp_path)
    fact = kubelet(tmp_path).setup(target())
    assert fact.seen == "kubelet, which has containerd pull"
    assert (fact.program, fact.files) == ("/usr/bin/kubelet", (UNIT,))


@pytest.mark.parametrize(("path", "text", "line", "stops"), [
    (f"{STATE}/config.yaml", "a: [\n", 1, True),
    (f"{STATE}/config.yaml", "", 1, True),
    (DROP_IN, "[Service]\nEnvironment=A B\n", 2, False),
    (DROP_IN, "[Service]\nEnvironmentFile=/gone\n", 2, True),
])  # fmt: skip
def test_faults_of_its_own_files(
    tmp_path: Path, path: str, text: str, line: int, stops: bool
) -> None:
    unit(tmp_path)
    put(tmp_path, path, text)
    assert (path, line, stops) in faults(tmp_path)
