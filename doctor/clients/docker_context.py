"""Where does the docker command look for its daemon?

DOCKER_HOST, else the context that DOCKER_CONTEXT or config.json's currentContext names, else the
usual socket (docker/cli cli/command/cli.go: resolveContextName, resolveDockerEndpoint;
cli/context/store/metadatastore.go). A context that is not there, or whose meta.json does not parse
or names no docker endpoint, ends every command before a daemon is asked.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from doctor.clients.docker_config import member, position
from doctor.clients.docker_keys import folder
from doctor.clients.keyring import access_fault
from doctor.clients.machine import Machine, Text
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.gojson import kind, slip
from doctor.redact import plain

SOCKET = "/var/run/docker.sock"
_ENDS = "the docker command ends before it asks a daemon"


@frozen
class Endpoint:
    """The daemon's URL; "" where the command ends without one, and then the fault that ends it."""

    url: str = f"unix://{SOCKET}"
    fault: ConfigFault | None = None


def endpoint(machine: Machine) -> Endpoint:
    """Where the command of this user finds its daemon."""
    if host := machine.variable("DOCKER_HOST"):
        return Endpoint(host if "://" in host else f"tcp://{host}")
    config = f"{folder(machine)}/config.json"
    variable = machine.variable("DOCKER_CONTEXT")
    name = variable or said(machine, config, "currentContext")
    if not isinstance(name, str) or name in ("", "default"):
        return Endpoint()
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = f"{folder(machine)}/contexts/meta/{digest}/meta.json"
    read = machine.read(path)
    chosen = f'the context "{plain(name, 60)}"'
    if not isinstance(read, Text) and read.reason == "missing":
        what = f"{chosen} does not exist"
        if variable:
            what = f"{what}, and DOCKER_CONTEXT names it"
            return _ended(path, what, 0, 0, "DOCKER_CONTEXT")
        text = machine.read(config)
        where = position(text.text, "currentContext") if isinstance(text, Text) else (0, 0)
        return _ended(config, what, *where)
    named_by = "DOCKER_CONTEXT" if variable else ""
    if not isinstance(read, Text):
        what = f"{chosen} cannot be read: {access_fault(read, '', stops=True).what}"
        return _ended(path, what, 0, 0, named_by)
    url, flaw, line, column = _parsed(read.text)
    if flaw:
        return _ended(path, f"{chosen} cannot be used: {flaw}", line, column, named_by)
    return Endpoint(url or f"unix://{SOCKET}")


def _ended(path: str, what: str, line: int, column: int, variable: str = "") -> Endpoint:
    fault = ConfigFault(path, what, _ENDS, line, column, kind="context", variable=variable)
    return Endpoint("", fault)


def _parsed(text: str) -> tuple[str, str, int, int]:
    """The host of the docker endpoint, what is wrong with the file, and where."""
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        return "", slip(error, text), error.lineno, error.colno
    except (ValueError, RecursionError):
        return "", "it is not JSON that docker can read", 1, 1
    if value is not None and not isinstance(value, dict):
        return "", f"it holds {kind(value)}, not an object", 1, 1
    for name, wanted in (("Name", str), ("Metadata", dict), ("Endpoints", dict)):
        given = member(value or {}, name)
        if given is not None and not isinstance(given, wanted):
            return "", f'"{name}" is {kind(given)}', *position(text, name)
    ends = (member(value or {}, "Endpoints") or {}).get("docker")
    if not isinstance(ends, dict):
        return "", "it names no docker endpoint", 1, 1
    host = member(ends, "Host")
    if host is not None and not isinstance(host, str):
        return "", f'"Host" is {kind(host)}, not a string', *position(text, "Host")
    return host or "", "", 0, 0


def said(machine: Machine, path: str, *names: str) -> object:
    """What stands under these names in a JSON file; None where nothing does."""
    read = machine.read(path)
    try:
        found: object = json.loads(read.text) if isinstance(read, Text) else None
    except (ValueError, RecursionError):
        return None
    for name in names:
        found = member(found, name) if isinstance(found, dict) else None
    return found
