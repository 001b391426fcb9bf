"""A small internet in which the real command line is run against real servers.

A world has names with addresses, a certificate authority that it trusts, an /etc and a home of its
own, and, where a delay is wanted, a slow line between the client and everything else. Nothing
outside it can be reached from it. The addresses come from 192.88.99.0/24, which nobody uses any
more (RFC 7526) and which still counts as global: a filter that answers with a private address is a
fault, and must not be what a healthy world looks like.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.certificates import Issued, authority
from tests.lab import relay
from tests.lab.namespace import Namespace
from tests.lab.programs import PATH, program

RESOLVER = "192.88.99.53"
REGISTRY, TOKENS, STORAGE, PROXY = (f"192.88.99.{n}" for n in (10, 11, 12, 13))
SPARE = tuple(f"192.88.99.{n}" for n in range(20, 30))
"""Addresses of this world where a scenario may put what it likes; nothing listens there."""
SILENT = "192.88.99.200"
"""Packets to it (and to all of 192.88.99.192/26) are dropped."""
UNREACHABLE = "192.88.99.130"
"""The network says at once that there is no route to it."""

_SCHEMA = Path(__file__).parents[2] / "doctor/report/report.schema.json"
_BUNDLE = "ssl/certs/ca-certificates.crt"
_KEPT = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "services", "protocols")
"""What programs and the loader look for in /etc."""


@dataclass(frozen=True)
class Run:
    """What the command said. `report` is empty where standard output is not JSON."""

    exit: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def report(self) -> dict[str, Any]:
        try:
            found = json.loads(self.stdout)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def root_causes(self) -> list[str]:
        """Of the first target."""
        targets = self.report.get("targets") or [{}]
        return list(targets[0].get("root_causes", []))

    @property
    def findings(self) -> list[dict[str, Any]]:
        targets = self.report.get("targets") or [{}]
        return list(targets[0].get("findings", []))

    def __str__(self) -> str:
        return f"exit {self.exit}\n{self.stdout[-6000:]}\n{self.stderr[-3000:]}"


@dataclass
class World:
    """Make it with `world()`. `names` may be written to until `resolver()` starts the name
    server."""

    folder: Path
    near: Namespace
    """Where the client stands."""
    far: Namespace
    """Where the servers stand; the same as `near` unless the line is slow."""
    ca: Issued
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def place(self, *parts: str) -> Path:
        """A folder for one server's files, writable for the user that it becomes."""
        found = self.folder.joinpath("servers", *parts)
        found.mkdir(parents=True, exist_ok=True)
        found.chmod(0o777)
        return found

    def trust(self, *authorities: Issued) -> None:
        """What this machine's trust store holds, and nothing else."""
        (self.etc / _BUNDLE).write_text("".join(each.pem for each in authorities))

    def write(self, path: str, content: object) -> Path:
        """A file of the home, as text or as JSON."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        file.chmod(0o600)
        return file

    def doctor(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Run:
        """The real command line, by the Python that runs the tests."""
        return self.run(sys.executable, "-P", "-m", "doctor", *arguments, env=env, stdin=stdin)

    def check(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Run:
        """`doctor check --json`. Every report that comes of it must fit its schema."""
        run = self.doctor("check", "--json", *arguments, env=env, stdin=stdin)
        if run.report:
            validator().validate(run.report)
            for target in run.report["targets"]:
                causes = [f["code"] for f in target["findings"] if f["root_cause"]]
                assert target["root_causes"] == list(dict.fromkeys(causes))
        return run

    def skopeo(self, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
        return self.run(program("skopeo"), *arguments, env=env)

    def run(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        patience: float = 90,
    ) -> Run:
        """Any program, where the client stands; its environment is this one's home and path, and
        `env`."""
        started = time.perf_counter()
        done = subprocess.run(
            [*self.near.entering, *command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=patience,
            env=self.environ | dict(env or {}),
        )
        seconds = time.perf_counter() - started
        return Run(done.returncode, done.stdout, done.stderr, seconds)

    @property
    def environ(self) -> dict[str, str]:
        """The client's environment."""
        return {
            "PATH": PATH,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "error",
        }


@functools.cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(_SCHEMA.read_text()))


@contextlib.contextmanager
def world(delay: float = 0.0) -> Iterator[World]:
    """A world with its authority trusted and no server running. `delay`: seconds one way between
    the client and all else."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        _furnish(folder)
        near = Namespace(folder / "etc", _ROADS if delay else f"{_HOUSES}\n{_ROADS}")
        stack.callback(near.close)
        far = Namespace(folder / "etc", _HOUSES) if delay else near
        if delay:
            stack.callback(far.close)
            line = relay.lay(near, far, delay, _ADDRESSES)
            stack.callback(line.close)
        found = World(folder, near, far, authority("Lab Root CA"))
        found.trust(found.ca)
        yield found


_ADDRESSES = (RESOLVER, REGISTRY, TOKENS, STORAGE, PROXY, *SPARE)
_HOUSES = "\n".join(f"addr add {address}/32 dev lo" for address in _ADDRESSES)
# A TUN device that nobody reads is a hole: what is sent there is gone.
_ROADS = f"""
tuntap add dev hole mode tun
link set hole addrgenmode none up
addr add 192.88.99.254/32 dev hole
route add {SILENT.rpartition(".")[0]}.192/26 dev hole
route add unreachable {UNREACHABLE}
"""


@functools.cache
def _kept() -> Path:
    """A copy of `_KEPT` for all worlds of this process: the real /etc is hidden in a world."""
    folder = Path(tempfile.mkdtemp(prefix="lab-etc-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for name in _KEPT:
        real = Path("/etc", name)
        if real.is_dir():
            shutil.copytree(real, folder / name, symlinks=True)
        elif real.is_file():
            shutil.copy(real, folder / name)
    return folder


def _furnish(folder: Path) -> None:
    """The world's /etc and its home."""
    etc, home = folder / "etc", folder / "home"
    for made in (etc / "ssl/certs", etc / "containers", home):
        made.mkdir(parents=True)
    for name in _KEPT:
        if Path("/etc", name).exists():
            (etc / name).symlink_to(_kept() / name)
    files = {
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": f"nameserver {RESOLVER}\n",
        "os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "passwd": "root:x:0:0:root:/root:/bin/sh\n"
        "proxy:x:13:13:proxy:/bin:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        "group": "root:x:0:\nproxy:x:13:\nnogroup:x:65534:\n",
        "containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}',
        _BUNDLE: "",
    }
    for name, text in files.items():
        (etc / name).write_text(text)
    (folder / "servers").mkdir()
    (folder / "servers").chmod(0o755)
