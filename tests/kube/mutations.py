"""Recorded clusters under other names, in another order, with less said and less allowed: what a
diagnosis must not depend on."""

from __future__ import annotations

import base64
import binascii
import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

from tests.kube.api import Recorded

HOSTS = ("registry.example.org", "denied.timeout.example", "x509-429.unauthorized.example")
"""Domains in place of the recorded one: words of errors are names too."""
_PORT = re.compile(r"(?<=lab\.test):5(?=\d{3}\b)")


def renamed(there: Recorded, to: random.Random) -> Recorded:
    """Other hosts, ports, repositories, namespaces, pods, Secrets and accounts."""
    told = json.dumps(there.objects)
    words: dict[str, str] = {}
    for kind, stem in (("secrets", "not-found-"), ("pods", "back-off-"), ("serviceaccounts", "s")):
        for one in there.objects.get(kind, []):
            name = one["metadata"]["name"]
            words.setdefault(name, f"{stem}{to.randrange(10**6)}")
            words.setdefault(one["metadata"]["namespace"], f"denied-{to.randrange(10**6)}")
    for name in re.findall(r"pull secrets \(([^()]*)\)", told):
        for each in name.split(", "):
            words.setdefault(each, f"no-such-host-{to.randrange(10**6)}")
    for one in ("default", "kube-system"):
        words.pop(one, None)
    names = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![\w.:-])(?:{names})(?![\w.-])")
    domain = to.choice(HOSTS)

    def change(text: str) -> str:
        text = _PORT.sub(":7", text).replace("lab.test", domain).replace("/tea", "/no-match")
        return pattern.sub(lambda found: words[found[0]], text.replace("/lab/", "/tls/eof/"))

    return Recorded(_each(there.objects, change))


def _each(value: Any, change: Callable[[str], str], within: str = "") -> Any:
    """Every text of the objects; what a Secret holds is unpacked."""
    match value:
        case str() if within == "data":
            try:
                raw = base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError):
                return value
            return base64.b64encode(change(raw).encode()).decode()
        case str():
            return change(value)
        case dict():
            return {key: _each(each, change, within or key) for key, each in value.items()}
        case list():
            return [_each(each, change, within if within == "data" else "") for each in value]
    return value


def shuffled(there: Recorded, to: random.Random) -> Recorded:
    """Every list of objects, and the containers' statuses, in another order."""
    objects = copy.deepcopy(there.objects)
    for items in objects.values():
        to.shuffle(items)
    for pod in objects["pods"]:
        for kind in ("containerStatuses", "initContainerStatuses", "conditions"):
            to.shuffle(pod["status"].get(kind, []))
    return Recorded(objects)


def without_events(there: Recorded, to: random.Random) -> Recorded:
    """Events expire."""
    kept = {kind: items for kind, items in there.objects.items() if "events" not in kind}
    return Recorded(copy.deepcopy(kept))


def with_one_api_of_events(there: Recorded, to: random.Random) -> Recorded:
    """One of the two interfaces to events gives nothing."""
    gone = to.choice(("events", "newer-events"))
    return Recorded({kind: items for kind, items in there.objects.items() if kind != gone})


def without_messages(there: Recorded, to: random.Random) -> Recorded:
    """What an older kubelet leaves in the status while it waits."""
    objects = copy.deepcopy(there.objects)
    for waiting in _waiting(objects):
        if waiting.get("reason") == "ImagePullBackOff":
            image = re.search(r'image "([^"]*)"', waiting.get("message", ""))
            waiting["message"] = f'Back-off pulling image "{image[1]}"' if image else ""
    return Recorded(objects)


def _waiting(objects: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        status["state"]["waiting"]
        for pod in objects["pods"]
        for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
        for status in pod["status"].get(kind, [])
        if "waiting" in status.get("state", {})
    ]


_WRAPPERS = (
    (r"failed to resolve image: ", 'failed to resolve reference "r": '),
    (r'failed to resolve reference \\"[^"\\]*\\": ', "failed to resolve image: "),
    (r"tls: failed to verify certificate: ", ""),
    (r"(?<!certificate: )x509: ", "tls: failed to verify certificate: x509: "),
    (r"ErrImagePull: (?!rpc)", "ErrImagePull: rpc error: code = Unknown desc = "),
    (r"rpc error: code = \w+ desc = ", ""),
    (r"ErrImagePull: rpc error: code = \w+ desc = ", "ErrImagePull: "),
)


def rewrapped(there: Recorded, to: random.Random) -> Recorded:
    """The error in what another generation of clients puts around it."""
    told = json.dumps(there.objects)
    pattern, other = to.choice(_WRAPPERS)
    return Recorded(json.loads(re.sub(pattern, json.dumps(other)[1:-1], told)))


def cut(there: Recorded, to: random.Random) -> Recorded:
    """Events as the API cuts them, at 1024 characters."""
    objects = copy.deepcopy(there.objects)
    for kind, key in (("events", "message"), ("newer-events", "note")):
        for event in objects.get(kind, []):
            event[key] = event.get(key, "")[:1024]
    return Recorded(objects)


def together(one: Recorded, other: Recorded) -> Recorded:
    """Two clusters as one: namespaces keep them apart, nodes have other names."""
    objects = copy.deepcopy(one.objects)
    moved = json.loads(json.dumps(other.objects).replace("node-1", "node-b"))
    for kind, items in moved.items():
        objects.setdefault(kind, []).extend(items)
    return Recorded(objects)


def refused(there: Recorded, *kinds: str) -> Recorded:
    """The same for somebody who may not read these."""
    forbidden = {(verb, kind, None) for kind in kinds for verb in ("get", "list")}
    return Recorded(copy.deepcopy(there.objects), forbidden=set(forbidden))
