"""The address in a remedy's command, and the one that a redirect is told to lead to, are those that
were in fact asked: scheme, host and path."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import doctor
from tests.lab.misbehaving import CLOSE, Place, redirects, registry
from tests.lab.origin import Raw, Request, answer, origin
from tests.lab.thread import running


def cause(target: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Its code, its sentence, and the commands of its first remedy."""
    (found,) = [f for f in target["findings"] if f["root_cause"]]
    steps = found["remedies"][0]["steps"]
    return found["code"], found["detail"], [s["command"] for s in steps if s["command"]]


@pytest.mark.parametrize("location", ["/v2/", "//{host}/v2/"])
def test_in_plain_http_no_https_is_spoken_of(tmp_path: Path, location: str) -> None:
    async def circle(request: Request, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        where = location.replace("{host}", f"{host}:{port}")
        writer.write(answer(302, b"", ("Location", where), CLOSE))

    with running(lambda: origin(raw=circle)) as server:
        name = server.hop.name
        ended = doctor("check", "--json", "--timeout", "15", f"{name}/lab/app:1.0", home=tmp_path)
    (target,) = json.loads(ended.stdout)["targets"]
    code, detail, commands = cause(target)
    assert code == "registry.bad-response", ended
    assert f"the last to http://{name}/v2/" in detail
    assert [each.rpartition(" ")[2] for each in commands] == [f"http://{name}/v2/"]
    assert "https://" not in json.dumps([detail, commands])


@pytest.mark.parametrize(
    ("place", "bent", "path"),
    [
        ("v2", redirects(302, lambda r: r.target), "/v2/"),
        ("manifest", redirects(302, "file:///etc/passwd"), "/v2/lab/app/manifests/1.0"),
        ("blob", redirects(302, "file:///etc/passwd"), "/v2/lab/app/blobs/sha256:"),
    ],
)
def test_over_tls_it_is_what_answered_badly(
    tmp_path: Path, place: Place, bent: Raw, path: str
) -> None:
    with registry(tmp_path, place, bent) as found:
        words = ("check", "--json", "--timeout", "15", "--ca", str(found.ca), found.image)
        ended = doctor(*words, home=tmp_path)
    (target,) = json.loads(ended.stdout)["targets"]
    code, _, commands = cause(target)
    assert code == "registry.bad-response", ended
    (command,) = commands
    assert command.rpartition(" ")[2].startswith(f"https://{found.server.hop.name}{path}"), command
