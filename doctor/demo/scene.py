"""How does a fault come to life? Its servers are put up, and what a client would find on such a
machine is put beside them.

Names. The hosts are `registry.demo.test` and others below `demo.test`, a domain that the public
Internet never has (RFC 6761 section 6.2). Neither Linux nor macOS could be relied on to find
`*.localhost` or 127.0.0.2 without being set up for it, and no hosts file may be touched: so the run
is given these names itself (`Net.look_up`), all at 127.0.0.1 and told apart by their ports. The
system's resolver is not asked for any of them, and a name that the demo does not have exists for
nobody.

Settings. Logins, trust and the system's kind are read from a small tree of its own in place of `/`,
the environment is its own too. The tree and the keys of the servers lie in a temporary folder that
only this user can read; it is gone when the scene ends.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.demo.faults import Fault, Login, Station, chosen
from doctor.demo.listening import (
    LOOPBACK,
    Answer,
    Request,
    Serve,
    answering,
    listening,
    mute,
    nobody,
)
from doctor.frozen import frozen

if TYPE_CHECKING:
    from ssl import SSLContext

    from doctor.command.options import Options
    from doctor.demo.certificates import Authorities
    from doctor.model import Observer, Report, System, Target

DOMAIN = "demo.test"
HOSTS: Mapping[str, str] = {
    "registry": f"registry.{DOMAIN}",
    "token": f"auth.{DOMAIN}",
    "storage": f"storage.{DOMAIN}",
    "proxy": f"proxy.{DOMAIN}",
    "pki": f"pki.{DOMAIN}",
}
_HOME = "/home/demo"
_USER = "demo"


@frozen
class Scene:
    """What is up, and how to look at it: what `doctor.run.report` wants to be told."""

    fault: Fault
    targets: tuple[Target, ...]
    options: Options
    environ: Mapping[str, str]
    names: frozenset[str]
    """The hosts that there are."""

    def look_up(self, host: str, port: int) -> tuple[tuple[str, ...], str]:
        """The demo's names, in place of the system's; any other does not exist."""
        if host.rstrip(".") not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return (LOOPBACK,), host

    async def look(self, observer: Observer | None = None) -> Report:
        """The ordinary engine's report. May be asked for again and again."""
        from doctor.codes import load
        from doctor.plugins import installed
        from doctor.run import report

        found = installed(for_shell=True)
        return await report(
            self.targets,
            self.options,
            found.checks,
            load(found.words),
            observer=observer,
            environ=self.environ,
            look_up=self.look_up,
        )


@asynccontextmanager
async def staged(name: str, options: Options | None = None) -> AsyncIterator[Scene]:
    """The scene of that fault, while the block lasts. `options`: how to look and to show."""
    from doctor.command.intake import given
    from doctor.net.daemon import begin

    fault = chosen(name)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doctor-demo-")))
        authorities = await begin(_authorities)
        servers = _Servers(fault, folder, authorities, stack)
        await servers.up()
        root = folder / "root"
        _furnish(root, fault, servers)
        image = f"{HOSTS['registry']}:{servers.ports['registry']}/{fault.image}"
        options = replace(options or _plain(), targets=(image,), root=str(root))
        targets, _ = given(options)
        yield Scene(
            fault,
            tuple(replace(target, system=_system(), root="/") for target in targets),
            options,
            servers.environ,
            frozenset(host for station, host in HOSTS.items() if station != fault.unknown),
        )


class _Servers:
    """The servers of one scene."""

    def __init__(
        self, fault: Fault, folder: Path, authorities: Authorities, stack: AsyncExitStack
    ) -> None:
        self.fault = fault
        self.folder = folder
        self.authorities = authorities
        self.stack = stack
        self.ports: dict[str, int] = {}
        self.password = secrets.token_urlsafe(18)
        self.proxy_password = secrets.token_urlsafe(18)

    async def up(self) -> None:
        """Start them, each once it is known where those that it names listen."""
        from doctor.clients.system import own_platform
        from doctor.demo.image import build
        from doctor.demo.proxy import Forward
        from doctor.demo.registry import Registry
        from doctor.demo.storage import Storage
        from doctor.demo.tokens import Tokens

        fault = self.fault
        image = build(own_platform(), fault.content)
        storage = Storage(image.blobs, late=fault.storage == "link-expired")
        await self._listen("storage", answering(storage), self._tls("storage"))
        storage.base = self.url("storage")
        tokens = Tokens(_USER, self.password, HOSTS["registry"], fault.rights, fault.strangers)
        await self._listen("token", answering(tokens), self._tls("token"))
        registry = Registry(
            image, tokens, storage, self.url("token") + "/token", fault.front, fault.content
        )
        await self._listen("pki", answering(self._issuer))
        serve = mute if fault.front == "mute" else answering(registry)
        await self._listen("registry", serve, self._registry_tls())
        if fault.proxy:
            await self._listen("proxy", Forward(fault.proxy, self._ways).serve)

    async def _listen(self, station: str, serve: Serve, tls: SSLContext | None = None) -> None:
        if station == self.fault.down:
            self.ports[station] = self.stack.enter_context(nobody())
        else:
            self.ports[station] = await self.stack.enter_async_context(listening(serve, tls))

    def url(self, station: str, scheme: str = "https") -> str:
        return f"{scheme}://{HOSTS[station]}:{self.ports[station]}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which the client is looked at."""
        found = {"HOME": _HOME, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        if self.fault.proxy:
            login = f"{_USER}:{self.proxy_password}@" if self.fault.proxy_login else ""
            found["HTTPS_PROXY"] = self.url("proxy", "http").replace("//", f"//{login}", 1)
        return found

    def _tls(self, station: Station) -> SSLContext:
        return self.authorities.server(HOSTS[station]).context(self.folder, station)

    def _registry_tls(self) -> SSLContext | None:
        if self.fault.front in ("plain", "mute"):
            return None
        issuers = self.url("pki", "http") + "/issuing-ca.cer"
        host = HOSTS["registry"]
        return self.authorities.bent(self.fault.certificate, host, issuers, self.folder)

    def _issuer(self, request: Request) -> Answer:
        """The issuing CA's certificate, for whoever was not sent it."""
        der = self.authorities.issuing.der
        kind = ("Content-Type", "application/pkix-cert")
        found = request.path == "/issuing-ca.cer"
        return Answer(200, der, (kind,)) if found else Answer(404)

    def _ways(self) -> dict[str, int]:
        """Where the proxy leads."""
        return {f"{HOSTS[station]}:{port}": port for station, port in self.ports.items()}


def _authorities() -> Authorities:
    from doctor.demo.certificates import Authorities

    return Authorities()


def _furnish(root: Path, fault: Fault, servers: _Servers) -> None:
    """What the client reads in place of this machine's files."""
    trusted = root / "etc/ssl/certs/ca-certificates.crt"
    trusted.parent.mkdir(parents=True)
    trusted.write_text(servers.authorities.root.pem)
    folder = root / _HOME.lstrip("/") / ".docker"
    folder.mkdir(parents=True, mode=0o700)
    if fault.login != "none":
        config = folder / "config.json"
        config.touch(0o600)
        config.write_text(_config(fault.login, servers))


def _config(login: Login, servers: _Servers) -> str:
    """Docker's file with that login."""
    host, port = HOSTS["registry"], servers.ports["registry"]
    password = secrets.token_urlsafe(18) if login == "wrong" else servers.password
    pair = f"{_USER}:{password}" + ("\n" if login == "newline" else "")
    auth = base64.b64encode(pair.encode()).decode()
    if login == "broken":
        auth = base64.b64encode(password.encode()).decode()  # the key alone was pasted
    key = f"{host}:{port}" if login != "other-key" else f"{host}:5000"
    text = json.dumps({"auths": {key: {"auth": auth}}}, indent=2)
    return text.replace("}\n  }", "},\n  }") if login == "not-json" else text


def _system() -> System:
    """This machine's kind, so that remedies speak of its own commands."""
    from doctor.clients.system import system

    return system()


def _plain() -> Options:
    """As a command without options has them."""
    from doctor.command import parsers
    from doctor.command.options import read

    return read(parsers.check().parse_args([]), lambda: ())
