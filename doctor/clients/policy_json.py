"""Does the signature policy of containers/image accept the image at all?

containers-policy.json(5): the requirements of the most specific scope below `transports.docker`
count (the image, its repository and what it lies below, the host, `*.example.com`, ""), else the
`default`. One `reject` among them refuses the image, after its manifest was read, and so does a key
that is not there (signature/policy_eval_signedby.go). Whether a signature that is asked for is
there is not looked at here, and said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from doctor.clients.docker_config import position
from doctor.clients.machine import Machine, Text
from doctor.facts.client import ConfigFault
from doctor.facts.endpoint import Blocked
from doctor.frozen import frozen
from doctor.gojson import slip
from doctor.redact import plain
from doctor.reference.grammar import Reference

_FILE = "/etc/containers/policy.json"
_SHIPPED = "/usr/share/containers/policy.json"
"""Where newer versions look at last (containers-policy.json(5))."""


@frozen
class Policy:
    """The file, and what it says as JSON (None: there is none, or it cannot be used)."""

    file: str = _FILE
    text: str = ""
    content: dict[str, Any] | None = None
    fault: ConfigFault | None = None

    def told(self, program: str) -> tuple[ConfigFault, ...]:
        """What is wrong with it; that there is none is no fault where the program is not there
        either."""
        missing = self.fault is not None and self.fault.kind == "no-policy"
        return (self.fault,) if self.fault and (program or not missing) else ()


def read(machine: Machine, stops: str, named: str = "") -> Policy:
    """The file that is named, else the user's own, else the machine's. `stops`: what the client
    then does that cannot use it."""
    own = f"{machine.home}/.config/containers/policy.json"
    path = named or next((p for p in (own, _FILE, _SHIPPED) if machine.is_file(p)), _FILE)
    got = machine.read(path)
    if not isinstance(got, Text):
        if got.reason in ("special", "too-large"):
            return Policy(path)
        if got.reason == "missing":
            what = "it is not there, and no other policy says which images are accepted"
            return Policy(path, fault=ConfigFault(path, what, stops, 1, kind="no-policy"))
        return Policy(path, fault=got.fault(stops))
    try:
        content = json.loads(got.text)
    except json.JSONDecodeError as flaw:
        fault = ConfigFault(path, slip(flaw, got.text), stops, flaw.lineno, flaw.colno)
        return Policy(path, fault=fault)
    except (RecursionError, ValueError):
        return Policy(path, fault=ConfigFault(path, "it is not JSON that can be read", stops, 1, 1))
    if not isinstance(content, dict) or not content.get("default"):
        expected = '"default": [{"type": "insecureAcceptAnything"}]'
        what = "it has no default, without which it cannot be used"
        return Policy(path, fault=ConfigFault(path, what, stops, 1, 1, expected))
    return Policy(path, got.text, content)


def refusal(policy: Policy, reference: Reference, machine: Machine) -> Blocked | None:
    """The rule that refuses the image by the name that it is asked for, or may."""
    content = policy.content
    if content is None:
        return None
    scopes = content.get("transports")
    scopes = scopes.get("docker") if isinstance(scopes, dict) else None
    scopes = scopes if isinstance(scopes, dict) else {}
    scope = next((each for each in _scopes(reference) if each in scopes), None)
    listed = content["default"] if scope is None else scopes[scope]
    rules = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    key = "default" if scope is None else scope or "docker"
    line, _ = position(policy.text, key)
    where = "its default" if scope is None else f'transports.docker."{plain(scope, 200)}"'
    if any(rule.get("type") == "reject" for rule in rules):
        return Blocked(policy.file, line or 1, f"{where} is reject", policy=True)
    signed = [rule for rule in rules if rule.get("type") in ("signedBy", "sigstoreSigned")]
    gone = next((key for key in map(_key, signed) if key and _is_gone(machine, key)), "")
    if gone:
        said = f"{where} names the key {plain(gone, 200)}, which is not there"
        return Blocked(policy.file, line or 1, said, policy=True)
    if signed:
        said = f"{where} takes signed images alone; whether this one is was not looked at"
        return Blocked(policy.file, line or 1, said, policy=True, unsure=True)
    return None


def _key(rule: dict[str, Any]) -> str:
    """The file of the only key that can have signed it; "" where there are several, or none."""
    path = rule.get("keyPath")
    return path if isinstance(path, str) and path.startswith("/") else ""


def _is_gone(machine: Machine, path: str) -> bool:
    got = machine.read(path)
    return not isinstance(got, Text) and got.reason == "missing"


def _scopes(reference: Reference) -> Iterator[str]:
    """The names under which a rule for the image may stand, the most specific first."""
    name = reference.name
    yield f"{name}@{reference.digest}" if reference.digest else f"{name}:{reference.tag}"
    parts = name.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join(parts[:count])
    labels = parts[0].split(".")
    for count in range(1, len(labels)):
        yield f"*.{'.'.join(labels[count:])}"
    yield ""
