"""A manifest that lies on another host than the registry's: followed as clients follow, told by its
host where that fails, and never shown the credential."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority, leaf, served
from tests.command import Ended, doctor
from tests.lab import distribution
from tests.lab.misbehaving import CLOSE, in_order
from tests.lab.origin import Raw, Request, answer, origin
from tests.lab.thread import running

KEY = "the-key-of-the-lab-7f3a"
LOGIN = ("--username", "lab", "--password-stdin")


@dataclass
class Hosts:
    """A private registry, and the host that it sends to for manifests; what that was asked."""

    ca: Path
    image: str = ""
    other: str = ""
    asked: list[Request] = field(default_factory=list)


@contextlib.contextmanager
def hosts(folder: Path, there: Raw | None = None, *, alive: bool = True) -> Iterator[Hosts]:
    ca = authority()
    found = Hosts(folder / "ca.pem")
    found.ca.write_text(ca.pem)
    tls = served(leaf(ca, "127.0.0.1"), folder)

    async def manifests(request: Request, writer: asyncio.StreamWriter) -> None:
        found.asked.append(request)
        await (there or healthy)(request, writer)

    async def registry(request: Request, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        login = ("WWW-Authenticate", f'Bearer realm="https://{host}:{port}/token",service="lab"')
        if request.path != "/token" and "authorization" not in request.headers:
            writer.write(answer(401, b"", login, CLOSE, head=request.method == "HEAD"))
        elif "/manifests/" in request.path:
            where = ("Location", f"https://{found.other}{request.target}")
            writer.write(answer(307, b"", where, CLOSE, head=request.method == "HEAD"))
        else:
            writer.write(in_order(request))

    with running(lambda: origin(raw=manifests, tls=tls)) as other:
        found.other = other.hop.name if alive else "127.0.0.1:1"
        with running(lambda: origin(raw=registry, tls=tls)) as server:
            found.image = f"{server.hop.name}/{distribution.REPOSITORY}:1.0"
            yield found


async def healthy(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(in_order(request))


def refuses(status: int) -> Raw:
    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status, b"", CLOSE, head=request.method == "HEAD"))

    return write


def diagnosed(found: Hosts, folder: Path) -> tuple[Ended, dict[str, Any]]:
    words = ("check", "--json", "--timeout", "15", "--ca", str(found.ca), *LOGIN, found.image)
    ended = doctor(*words, home=folder, stdin=KEY.encode())
    (target,) = json.loads(ended.stdout)["targets"]
    return ended, target


def test_it_is_followed_without_the_credential(tmp_path: Path) -> None:
    with hosts(tmp_path) as found:
        ended, target = diagnosed(found, tmp_path)
    assert (ended.exit, target["verdict"]) == (0, "pass"), ended
    assert [request.method for request in found.asked] == ["HEAD", "GET"]
    sent = json.dumps([request.headers for request in found.asked])
    assert not [r for r in found.asked if "authorization" in r.headers or "cookie" in r.headers]
    pair = base64.b64encode(f"lab:{KEY}".encode()).decode()
    assert not any(secret in sent for secret in (KEY, pair, "a-token-of-the-lab"))
    assert found.other in {f"{hop['host']}:{hop['port']}" for hop in target["hops"]}


def test_a_host_that_is_not_reached_is_named(tmp_path: Path) -> None:
    with hosts(tmp_path, alive=False) as found:
        ended, target = diagnosed(found, tmp_path)
    assert (ended.exit, target["root_causes"]) == (1, ["registry.blob-unreachable"]), ended
    assert "sends clients to 127.0.0.1:1 for the manifest" in target["summary"]
    (image,) = [check for check in target["checks"] if check["name"] == "image"]
    assert image["status"] == "skip"


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, "registry.bad-response"),
        (403, "registry.bad-response"),
        (404, "registry.name-unknown"),
        (500, "registry.server-error"),
    ],
)
def test_a_host_that_refuses_is_named(tmp_path: Path, status: int, cause: str) -> None:
    """That it refuses who comes without the credential is no word about the credential."""
    with hosts(tmp_path, refuses(status)) as found:
        ended, target = diagnosed(found, tmp_path)
    assert (ended.exit, target["root_causes"]) == (1, [cause]), ended
    assert not [r for r in found.asked if "authorization" in r.headers]
    causes = [f for f in target["findings"] if f["root_cause"]]
    assert found.other in json.dumps([f["evidence"] for f in causes]), ended
