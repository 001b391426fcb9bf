"""Does the signature policy refuse the images that containers/image refuses by it?

Compared with skopeo 1.9.3 where it is there: it copies an image out of a folder under no name of a
registry, so what is compared is a policy's being usable at all; the scopes are its documentation's
(containers-policy.json(5), docker/policyconfiguration).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from doctor.clients import policy_json
from doctor.reference.grammar import Reference, scan
from tests.clients.registries import HOME, machine, put

FILE = "/etc/containers/policy.json"
ACCEPT, REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
SIGNED = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/key.gpg"}]
IMAGE = "a.reg.example:5000/team/app:1"
STOPS = "it stops"


def policy(default: Any, **scopes: Any) -> dict[str, Any]:
    return {"default": default, "transports": {"docker": scopes}}


def refused(root: Path, image: str = IMAGE) -> str:
    """The rule; "" for none."""
    found = scan(image)
    assert isinstance(found, Reference)
    here = machine(root)
    blocked = policy_json.refusal(policy_json.read(here, STOPS), found, here)
    return blocked.rule if blocked and not blocked.unsure else ""


@pytest.mark.parametrize(("content", "rule"), [
    ({"default": ACCEPT}, ""),
    ({"default": REJECT}, "its default is reject"),
    ({"default": SIGNED}, "its default names the key /key.gpg, which is not there"),
    (policy(ACCEPT, **{"": SIGNED, "a.reg.example:5000": ACCEPT}), ""),
    ({"default": [*ACCEPT, *REJECT]}, "its default is reject"),
    (policy(REJECT, **{"a.reg.example:5000": ACCEPT}), ""),
    (policy(REJECT, **{"a.reg.example": ACCEPT}), "its default is reject"),
    (policy(REJECT, **{"a.reg.example:5000/team": ACCEPT}), ""),
    (policy(REJECT, **{"a.reg.example:5000/tea": ACCEPT}), "its default is reject"),
    (policy(ACCEPT, **{"a.reg.example:5000/team/app": REJECT}),
     'transports.docker."a.reg.example:5000/team/app" is reject'),
    (policy(ACCEPT, **{"a.reg.example:5000/team/app:1": ACCEPT,
                       "a.reg.example:5000/team": REJECT}), ""),
    (policy(ACCEPT, **{"a.reg.example:5000/team/app:2": REJECT}), ""),
    (policy(ACCEPT, **{"a.reg.example:5000": REJECT, "a.reg.example:5000/team": ACCEPT}), ""),
    (policy(ACCEPT, **{"": REJECT}), 'transports.docker."" is reject'),
    (policy(REJECT, **{"": ACCEPT}), ""),
    ({"default": REJECT, "transports": {"atomic": {"": ACCEPT}}}, "its default is reject"),
])  # fmt: skip
def test_the_most_specific_scope_counts(tmp_path: Path, content: Any, rule: str) -> None:
    put(tmp_path, FILE, content)
    assert refused(tmp_path) == rule


@pytest.mark.parametrize("rules", [SIGNED, [{"type": "sigstoreSigned", "keyData": "eA=="}]])
def test_that_a_signature_is_asked_for_is_told_and_no_verdict(tmp_path: Path, rules: Any) -> None:
    """Red Hat's own policy asks for one of its images, which have it."""
    put(tmp_path, FILE, policy(ACCEPT, **{"a.reg.example:5000": rules}))
    put(tmp_path, "/key.gpg", "key")
    found, here = scan(IMAGE), machine(tmp_path)
    assert isinstance(found, Reference)
    told = policy_json.refusal(policy_json.read(here, STOPS), found, here)
    assert told
    assert told.unsure
    assert "takes signed images alone" in told.rule


def test_hosts_below_a_domain_can_be_meant(tmp_path: Path) -> None:
    put(tmp_path, FILE, policy(ACCEPT, **{"*.reg.example": REJECT}))
    assert refused(tmp_path, "a.reg.example/x:1")
    assert not refused(tmp_path, "reg.example/x:1")


def test_the_rule_has_its_line(tmp_path: Path) -> None:
    text = '{\n "default": [{"type": "insecureAcceptAnything"}],\n "transports": {"docker": {\n'
    text += '  "docker.io": [{"type": "reject"}]}}}\n'
    put(tmp_path, FILE, text)
    found = scan("nginx:1")
    assert isinstance(found, Reference)
    here = machine(tmp_path)
    blocked = policy_json.refusal(policy_json.read(here, STOPS), found, here)
    assert blocked
    assert (blocked.file, blocked.line, blocked.policy) == (FILE, 4, True)


def test_the_users_file_hides_the_machines_and_a_named_one_both(tmp_path: Path) -> None:
    put(tmp_path, FILE, {"default": REJECT})
    put(tmp_path, f"{HOME}/.config/containers/policy.json", {"default": ACCEPT})
    assert not refused(tmp_path)
    put(tmp_path, "/named.json", {"default": REJECT})
    named = policy_json.read(machine(tmp_path), STOPS, "/named.json")
    found = scan(IMAGE)
    assert isinstance(found, Reference)
    assert policy_json.refusal(named, found, machine(tmp_path))


@pytest.mark.parametrize(("text", "line"), [
    ("", 1), ("{\n,}", 2), ("[]", 1), ("{}", 1), ('{"default": []}', 1), ("[" * 100_000, 1),
    ('{"default": [{"type": "insecureAcceptAnything"}]}', 0),
])  # fmt: skip
def test_a_policy_that_cannot_be_used_is_a_fault(tmp_path: Path, text: str, line: int) -> None:
    put(tmp_path, FILE, text)
    fault = policy_json.read(machine(tmp_path), STOPS).fault
    assert (fault.line if fault else 0) == line
    assert not refused(tmp_path)
    if shutil.which("skopeo"):
        assert ("policy" in _skopeo(tmp_path / FILE[1:], tmp_path)) is bool(fault)


def test_that_there_is_none_is_a_fault_and_the_shipped_one_is_one(tmp_path: Path) -> None:
    fault = policy_json.read(machine(tmp_path), STOPS).fault
    assert fault is not None
    assert (fault.file, fault.kind) == (FILE, "no-policy")
    if shutil.which("skopeo"):
        assert "no such file" in _skopeo(tmp_path / FILE[1:], tmp_path)
    put(tmp_path, "/usr/share/containers/policy.json", {"default": ACCEPT})
    assert policy_json.read(machine(tmp_path), STOPS).fault is None


def _skopeo(policy: Path, folder: Path) -> str:
    """What it says of copying nothing."""
    at = json.dumps({"schemaVersion": 2})
    (folder / "image").mkdir()
    (folder / "image/manifest.json").write_text(at)
    command = ["skopeo", "--policy", str(policy), "copy", f"dir:{folder}/image", "dir:/nowhere/x"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False
    ).stderr.lower()


def test_a_policy_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "etc/containers").mkdir(parents=True)
    os.mkfifo(tmp_path / FILE[1:])
    assert not refused(tmp_path)
