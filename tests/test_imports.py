"""Does the house stand as DESIGN's table has it, and is nothing loaded that a command does not
need?

The table: who may import whom. The lists of modules: what costs time at the start is loaded by the
commands that use it only. A clock would fail on a slow machine and pass on a fast one; a list of
modules says the same everywhere.
"""

from __future__ import annotations

import ast
import json
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from doctor.command.parsers import FORMATS
from tests.kube.api import kubeconfig, serving
from tests.kube.cluster import cluster, pod

ROOT = Path(__file__).parents[1]
LIBRARIES = {
    "OpenSSL": "pyopenssl",
    "certifi": "certifi",
    "cryptography": "cryptography",
    "dns": "dnspython",
    "h11": "h11",
    "httpx": "httpx",
    "idna": "idna",
    "kubernetes": "kubernetes",
    "publicsuffixlist": "publicsuffixlist",
    "textual": "textual",
    "rich": "textual",
    "yaml": "PyYAML",
}
"""What may be imported besides the standard library, and the package that brings it."""


@dataclass(frozen=True)
class Import:
    """An import that runs; those under `if TYPE_CHECKING:` only name types."""

    module: str
    what: str
    eager: bool
    """At the module's top, not inside a function."""
    line: int


def _modules() -> dict[str, Path]:
    """Every module of the package by name."""
    found = {}
    for folder, prefix in (("doctor", "doctor"), ("checks", "doctor.checks")):
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((prefix, *parts)).removesuffix(".__init__")
            found[name] = file
    return found


MODULES = _modules()


def _imports(name: str) -> Iterator[Import]:
    tree = ast.parse(MODULES[name].read_text())
    yield from _walk(name, tree, eager=True)


def _walk(name: str, node: ast.AST, *, eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for other in child.orelse:
                    yield from _walk(name, other, eager=eager)
            case ast.Import(names=names):
                for alias in names:
                    yield Import(name, alias.name, eager, child.lineno)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    whole = f"{module}.{alias.name}"
                    what = whole if whole in MODULES else module
                    yield Import(name, what, eager, child.lineno)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _walk(name, child, eager=False)
            case _:
                yield from _walk(name, child, eager=eager)


ALL = tuple(each for name in MODULES for each in _imports(name))


def _room(module: str) -> str:
    """`doctor.net.tls` -> `net`; `doctor.model` -> `model`; another's module -> its top name."""
    parts = module.split(".")
    return parts[1] if parts[0] == "doctor" and len(parts) > 1 else parts[0]


FORBIDDEN_TO_PURE = {"net", "checks", "report", "clients", "tui", "cli", "command", "engine"}
NEVER: dict[str, set[str]] = {
    # room: rooms and libraries that nothing in it imports, not even inside a function
    "model": {*LIBRARIES, *FORBIDDEN_TO_PURE},
    "reference": {*(LIBRARIES.keys() - {"idna"}), *FORBIDDEN_TO_PURE},
    "causes": {*LIBRARIES, *FORBIDDEN_TO_PURE},
    "redact": {*LIBRARIES, *FORBIDDEN_TO_PURE},
    "registry": {*(LIBRARIES.keys() - {"publicsuffixlist"}), *FORBIDDEN_TO_PURE},
    "root": {*LIBRARIES, *FORBIDDEN_TO_PURE},
    "facts": {*LIBRARIES, *FORBIDDEN_TO_PURE},
    "clients": {"net", "checks", "report", "tui", "cli", "engine", "httpx", "dns", "textual"},
    "pods": {*(LIBRARIES.keys()), "net", "checks", "report", "tui", "cli", "engine"},
    "pki": {"net", "checks", "report", "clients", "tui", "cli", "engine", "socket", "httpx", "dns"},
    "net": {"checks", "report", "clients", "tui", "cli", "engine", "textual"},
    "engine": {"checks", "net", "report", "clients", "tui", "cli", *LIBRARIES},
    "comparison": {"checks", "net", "report", "tui", "cli", *LIBRARIES},
    "verdict": {"checks", "net", "report", "clients", "tui", "cli", *LIBRARIES},
    "outcome": {"checks", "net", "report", "clients", "tui", "cli", *LIBRARIES},
    "checks": {"net", "socket", "httpx", "h11", "dns", "kubernetes", "textual", "cli", "tui"},
    "said": {"net", "checks", "report", "clients", "tui", "cli", "engine", "codes", *LIBRARIES},
    "cluster": {"checks", "report", "tui", "cli", "command", *LIBRARIES},
    "process": {"net", "checks", "report", "clients", "tui", "cli", "command", *LIBRARIES},
    "codes": {"net", "checks", "report", "clients", "tui", "cli", "engine", *LIBRARIES},
    "report": {"net", "checks", "clients", "tui", "cli", "engine", "textual", "httpx"},
    "bundle": {"net", "checks", "clients", "tui", "cli", "textual", "httpx"},
    "tui": {"socket"},
    "demo": {"tui", "textual", "rich", "httpx", "h11", "dns", "OpenSSL", "kubernetes"},
}
ONLY: dict[str, set[str]] = {
    # library: the rooms that import it at all
    "textual": {"tui"},
    "kubernetes": {"net"},
    "httpx": {"net"},
    "h11": {"net"},
    "dns": {"net"},
    "OpenSSL": {"net", "pki"},
}
CONNECTING = {"socket", "subprocess", "asyncio.subprocess", "multiprocessing"}


@pytest.mark.parametrize("room", NEVER)
def test_nobody_imports_what_the_table_forbids(room: str) -> None:
    wrong = [
        f"{i.module}:{i.line} imports {i.what}"
        for i in ALL
        if _room(i.module) == room and _room(i.what) != room
        if _room(i.what) in NEVER[room]
    ]
    assert wrong == []


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_used_in_its_rooms_only(library: str) -> None:
    rooms = {_room(i.module) for i in ALL if i.what.split(".")[0] == library}
    assert rooms <= ONLY[library]


def test_http_is_spoken_in_one_file_and_fetched_in_another() -> None:
    """On a connection that was diagnosed, and where nothing is diagnosed on the way."""
    assert {i.module for i in ALL if i.what.split(".")[0] == "h11"} == {"doctor.net.wire"}
    assert {i.module for i in ALL if i.what.split(".")[0] == "httpx"} == {"doctor.net.issuers"}


def test_only_net_connects_and_starts_programs() -> None:
    allowed = {"net", "demo"}
    wrong = [
        f"{i.module}:{i.line} imports {i.what}"
        for i in ALL
        if i.what in CONNECTING and _room(i.module) not in allowed
    ]
    assert wrong == []


def test_programs_are_started_in_one_file() -> None:
    starting = re.compile(r"\bsubprocess\b|\bos\.(system|popen|exec|spawn|posix_spawn|fork)")
    users = {name for name, file in MODULES.items() if starting.search(_code(file))}
    assert users <= {"doctor.net.helper"}


def _code(file: Path) -> str:
    """The file without its comments and words."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


def test_a_check_imports_no_other_check_that_judges() -> None:
    """Judging functions may be shared, one file a question; a check's own `CHECK` is never
    touched."""
    wrong = [
        f"{name} uses {other}'s CHECK"
        for name, file in MODULES.items()
        if name.startswith("doctor.checks.")
        for other in re.findall(
            r"from doctor\.checks\.(\w+) import [^\n]*\bCHECK\b", file.read_text()
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_a_library_is_loaded_where_it_is_used(library: str) -> None:
    """Modules that are imported lazily themselves may import at their top; the tests below see
    what a command loads."""
    eager = {i.module for i in ALL if i.eager and i.what.split(".")[0] == library}
    entrances = {"doctor", "doctor.cli", "doctor.model", "doctor.engine", "doctor.command.checkup"}
    assert not eager & (entrances | {m for m in MODULES if m.startswith("doctor.checks")})


def test_every_library_that_is_imported_is_declared_and_no_other() -> None:
    used = {i.what.split(".")[0] for i in ALL} - set(sys.stdlib_module_names) - {"doctor"}
    assert used <= set(LIBRARIES)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}
    assert {LIBRARIES[name].lower() for name in used} == declared


def test_every_room_is_in_the_package() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {name.rpartition(".")[0] for name in MODULES if name.count(".") > 1}
    rooms |= {name for name, file in MODULES.items() if file.name == "__init__.py"}
    assert rooms <= set(tool["packages"])


HEAVY = {*LIBRARIES, "ssl", "asyncio", "importlib.metadata", "unittest", "email", "http"}


def _loaded(*arguments: str, first: str = "") -> set[str]:
    """The modules that were loaded when the command ended; `first` runs before it."""
    words = (
        f"import json, os, sys\n{first}\n"
        "from doctor import cli\n"
        "out = os.dup(1); os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
        "before = set(json.loads(sys.argv[1]))\n"
        "cli.main(json.loads(sys.argv[2]))\n"
        "os.write(out, json.dumps(sorted(set(sys.modules) - before)).encode())\n"
        "os._exit(0)\n"
    )
    bare = _python("import json, sys; print(json.dumps(sorted(sys.modules)))")
    return set(json.loads(_python(words, bare, json.dumps(list(arguments)))))


def _python(words: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", words, *arguments],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("option", "more"), [("--version", ()), ("--help", ("command", "command.parsers"))]
)
def test_version_and_help_load_next_to_nothing(option: str, more: tuple[str, ...]) -> None:
    loaded = _loaded(option)
    assert not HEAVY & loaded
    ours = {m for m in loaded if m.startswith("doctor")}
    allowed = {
        "doctor",
        *(f"doctor.{name}" for name in ("cli", "process", "process.streams", "usage", *more)),
    }
    assert ours <= allowed


def test_the_list_of_faults_loads_no_server() -> None:
    loaded = _loaded("demo")
    assert not HEAVY & loaded
    ours = {m for m in loaded if m.startswith("doctor.demo")}
    assert ours == {"doctor.demo", "doctor.demo.command", "doctor.demo.faults"}


def test_a_refused_connection_loads_no_more_than_it_used() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        # On a busy machine a refusal takes longer than the moment after which it loads ahead.
        patient = "from doctor.net import preload; preload._PATIENCE = 60"
        loaded = _loaded("check", "--json", "--timeout", "5", f"{host}/app:1.0", first=patient)
    assert "doctor.engine" in loaded
    unused = {
        "textual",
        "rich",
        "kubernetes",
        "httpx",
        "h11",
        "OpenSSL",
        "cryptography",
        "yaml",
        "dns",
    }
    assert not unused & loaded
    assert "importlib.metadata" not in loaded, "read only where a plug-in is installed"


def test_a_healthy_pull_loads_no_more_of_its_libraries_than_it_uses() -> None:
    """All that a diagnosis over TLS, HTTP and DNS imports: no second HTTP client, and no reading of
    packages' metadata, with all that they bring along."""
    words = (
        "import json, sys\n"
        "from doctor import codes\n"
        "from doctor.command import checkup, output\n"
        "from doctor.engine import fallback\n"
        "from doctor.net import blob, http, image, login, preload, registry, resolvers\n"
        "from doctor.plugins import installed\n"
        "preload._import(), resolvers._query(), installed(for_shell=True)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = set(json.loads(_python(words)))
    assert {"OpenSSL.SSL", "h11", "dns.message", "doctor.net.wire", "doctor.net.query"} <= loaded
    metadata = {"importlib.metadata", "importlib.resources", "zipfile", "csv", "tempfile"}
    clients = {"httpx", "anyio", "urllib.request", "http.client", "http.cookiejar", "mimetypes"}
    assert not (metadata | clients | {"idna", "kubernetes", "textual", "yaml"}) & loaded


def test_the_first_picture_of_the_view_loads_none_of_the_tabs_beneath_it() -> None:
    """They are made when the path was seen."""
    words = (
        "import json, sys\nfrom doctor.tui import launch\nprint(json.dumps(sorted(sys.modules)))"
    )
    loaded = set(json.loads(_python(words)))
    assert {"doctor.tui.diagnosis", "doctor.tui.path", "textual.widgets._footer"} <= loaded
    tabs = {"textual.widgets._tabs", "textual.widgets._tabbed_content", "doctor.tui.proofs"}
    assert not tabs & loaded


def test_the_shells_eyes_load_nothing_of_other_clients() -> None:
    loaded = _loaded("check", "--json", "--offline", "registry.cleanstart.com/library/base:latest")
    others = {"docker", "docker_host", "daemon_json", "systemd", "unit", "certs_d", "logins"}
    others |= {"docker_mirrors"}
    of_containers = {"podman", "containers_conf", "toml", "short_names", "pull_sources"}
    of_containers |= {"registries_conf", "registries_file", "policy_json", "containers_trust"}
    of_containers |= {"crio", "crio_host"}
    containerds = {
        *("containerd", "containerd_config", "containerd_files", "containerd_keys"),
        *("containerd_node", "host_trust", "host_endpoints", "hosts_dir", "hosts_toml"),
        *("hosts_remarks", "k3s", "rewrite", "legacy_hosts", "certs_missed", "rpmdb"),
    }
    unused = {f"doctor.clients.{name}" for name in others}
    of_the_kubelet = {"kubelet", "kubelet_keyring", "kubelet_keys", "kubelet_node", "node_files"}
    of_the_kubelet |= {"node_runtime", "credential_providers"}
    containers = {f"doctor.clients.{name}" for name in of_containers | containerds | of_the_kubelet}
    unused |= {"doctor.checks.client", "doctor.facts.client", "doctor.facts.unverified"}
    compared = {"doctor.comparison", "doctor.facts.clients", "doctor.report.sidebyside"}
    compared |= {"doctor.checks.differences", "doctor.checks.stores"}
    others_files = unused | containers | compared
    assert others_files <= set(MODULES)
    assert not others_files & loaded
    docker = ("--as", "docker", "registry.cleanstart.com/library/base:latest")
    dockers = {f"doctor.clients.{name}" for name in others} | {"doctor.checks.client"}
    assert dockers | {"doctor.facts.client"} <= _loaded("check", "--json", "--offline", *docker)


def test_a_bundle_is_no_part_of_a_diagnosis() -> None:
    loaded = _loaded("check", "--json", "--offline", "registry.cleanstart.com/library/base:latest")
    assert not {m for m in loaded if m.startswith("doctor.bundle")}


def test_opening_a_bundle_loads_nothing_that_looks() -> None:
    """No network, no client's settings, and no machine but the one in the file."""
    first = str(ROOT / "tests/bundle/first.tar.gz")
    loaded = _loaded("open", "--json", first)
    assert "doctor.bundle.opened" in loaded
    assert not {"textual", "kubernetes", "httpx", "h11", "OpenSSL", "dns", "asyncio"} & loaded
    assert not {m for m in loaded if m.startswith("doctor.net")}


@pytest.mark.parametrize("form", ["json", "text", "short", "github", "junit", "html"])
def test_a_format_loads_what_it_is_made_of(form: str) -> None:
    """The page and Markdown are written from many parts, the others from few."""
    loaded = _loaded("check", "--offline", "--format", form, "registry.cleanstart.com/a:1")
    assert f"doctor.report.{form}" in loaded
    formats = {f"doctor.report.{name}" for name in FORMATS}
    text = {"doctor.report.text"} if form == "junit" else set()  # what stands in a test's failure
    assert loaded & formats == {f"doctor.report.{form}", *text}
    pages = {name for name in loaded if name.startswith("doctor.report.page")}
    assert bool(pages) is (form == "html")


def test_offline_loads_nothing_of_the_network() -> None:
    loaded = _loaded("check", "--json", "--offline", "registry.cleanstart.com/library/base:latest")
    assert "doctor.engine" in loaded
    assert not {"textual", "rich", "kubernetes", "httpx", "h11", "OpenSSL", "dns"} & loaded


def test_explaining_a_text_loads_nothing_of_the_network() -> None:
    loaded = _loaded("explain", "--json", "x509: certificate signed by unknown authority")
    assert {"doctor.command.hearsay", "doctor.said.statements"} <= loaded
    assert not {"textual", "rich", "kubernetes", "httpx", "h11", "OpenSSL", "dns"} & loaded
    assert not {"doctor.engine", "doctor.net", "asyncio"} & loaded


def test_a_cluster_is_looked_at_without_typed_models_and_without_the_registrys_network(
    tmp_path: Path,
) -> None:
    with serving(cluster(pod()), tmp_path) as server:
        config = kubeconfig(tmp_path, server, "shop")
        loaded = _loaded("k8s", "--json", "--kubeconfig", str(config))
    assert "kubernetes" in loaded
    assert not [name for name in loaded if name.startswith("kubernetes.client.models.")]
    assert not [name for name in loaded if name.startswith("kubernetes.client.api.")]
    assert not {"aiohttp", "textual", "httpx", "h11", "OpenSSL", "dns"} & loaded
    assert not {name for name in loaded if name.startswith("doctor.checks.")} - {
        "doctor.checks.k8s"
    }
