"""What does dockerd's daemon.json say, and would dockerd start with it?

moby daemon/config/config.go (MergeDaemonConfigurations): a byte order mark and an empty file are
borne with; anything that is not one JSON object, a value of another type than its setting has, an
unknown key and a setting that is also given as a flag keep the daemon from starting. A known
setting that stands outside of its object is passed over in silence.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from doctor.clients import docker_mirrors
from doctor.clients.docker_config import position
from doctor.clients.docker_mirrors import Flawed
from doctor.clients.proxyurl import shown
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.gojson import kind, no_constant, slip
from doctor.redact import plain

REFUSES = "dockerd does not start"
PROXIES = ("http-proxy", "https-proxy", "no-proxy")
_LISTS = ("insecure-registries", docker_mirrors.SETTING, "hosts", "dns", "labels", "storage-opts")
_TEXTS = ("data-root", "exec-root", "group", "userns-remap", "log-driver", "storage-driver", "bip")
_SWITCHES = ("debug", "live-restore", "iptables", "ipv6", "icc", "tls", "tlsverify")
_MAPS = ("proxies", "features", "log-opts", "runtimes", "default-ulimits", "builder")
_MOST_ENTRIES = 1000
_KNOWN = frozenset((*_LISTS, *_TEXTS, *_SWITCHES, *_MAPS, "default-address-pools", "mtu"))


@frozen
class DaemonJson:
    """The file, as far as a pull is concerned."""

    path: str
    there: bool = False
    insecure: tuple[Value, ...] = ()
    """The entries of insecure-registries."""
    mirrors: tuple[Value, ...] = ()
    """The entries of registry-mirrors."""
    proxies: Mapping[str, Value] = field(default_factory=dict)
    containerd_store: bool | None = None
    """features.containerd-snapshotter; None: not said. userns-remap switches it off."""
    data_root: str = ""
    driver: str = ""
    """storage-driver."""
    hosts: tuple[Value, ...] = ()
    faults: tuple[ConfigFault, ...] = ()

    @property
    def refused(self) -> bool:
        """Does dockerd refuse to start with it?"""
        return any(fault.stops for fault in self.faults)


def parse(text: str, path: str) -> DaemonJson:
    """The settings in a text. Never raises: what is wrong stands in `faults`."""
    body = text.removeprefix("\ufeff")
    if not body.strip():
        return DaemonJson(path, there=True)
    try:
        value = json.loads(body, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        return DaemonJson(path, there=True, faults=(_syntax(error, body, path),))
    except (ValueError, RecursionError):
        what = "it is not JSON that dockerd can read"
        return DaemonJson(path, there=True, faults=(ConfigFault(path, what, REFUSES, 1, 1),))
    if not isinstance(value, dict):
        what = f"it holds {kind(value)}, not an object"
        fault = ConfigFault(path, what, REFUSES, 1, 1, expected='{ "key": value, … }')
        return DaemonJson(path, there=True, faults=(fault,))
    return _settings(value, body, path)


def _settings(value: Mapping[str, Any], text: str, path: str) -> DaemonJson:
    faults = tuple(_faults(value, text, path))
    proxies = value.get("proxies")
    features = value.get("features")
    store = features.get("containerd-snapshotter") if isinstance(features, dict) else None
    if value.get("userns-remap"):
        store = False
    return DaemonJson(
        path=path,
        there=True,
        insecure=_list(value, "insecure-registries", text, path),
        mirrors=_list(value, docker_mirrors.SETTING, text, path),
        proxies={
            name: Value(proxies[name], path, position(text, name)[0])
            for name in PROXIES
            if isinstance(proxies, dict) and isinstance(proxies.get(name), str) and proxies[name]
        },
        containerd_store=store if isinstance(store, bool) else None,
        data_root=_text(value, "data-root"),
        driver=_text(value, "storage-driver"),
        hosts=_list(value, "hosts", text, path),
        faults=faults,
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _list(value: Mapping[str, Any], name: str, text: str, path: str) -> tuple[Value, ...]:
    found = value.get(name)
    entries = [e for e in found if isinstance(e, str)] if isinstance(found, list) else []
    entries = entries[:_MOST_ENTRIES]
    return tuple(Value(entry, path, _place_of(text, name, entry)[0]) for entry in entries)


def _place_of(text: str, name: str, entry: str) -> tuple[int, int]:
    """Line and column of an entry: its first mention as a JSON string behind the setting's name."""
    start = max(text.find(json.dumps(name)), 0)
    found = [text.find(spelt, start) for spelt in (json.dumps(entry), f'"{entry}"')]
    at = min((place for place in found if place >= 0), default=start)
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def _faults(value: Mapping[str, Any], text: str, path: str) -> Iterator[ConfigFault]:
    for name, given in value.items():
        line, column = position(text, name)
        if what := _wrong_type(name, given):
            listed = name in _LISTS and isinstance(given, str)
            corrected = _corrected(text, line, json.dumps(given), json.dumps([given]), listed)
            yield ConfigFault(path, what, REFUSES, line, column, _example(name), corrected)
        elif name in PROXIES:
            what = f'"{name}" stands outside of "proxies"'
            said = f'"proxies": {{"{name}": …}}'
            effect = "dockerd passes over it"
            yield ConfigFault(path, what, effect, line, column, said, stops=False)
        elif name not in _KNOWN and (meant := difflib.get_close_matches(name, _OURS, 1, 0.85)):
            what = f'"{plain(name, 60)}" is no setting of dockerd; "{meant[0]}" is'
            fits = not _wrong_type(meant[0], given)
            corrected = _corrected(text, line, f'"{name}"', f'"{meant[0]}"', fits)
            said = f'"{meant[0]}": …'
            yield ConfigFault(path, what, REFUSES, line, column, said, corrected)
    for mirror in _list(value, docker_mirrors.SETTING, text, path):
        if flawed := docker_mirrors.flaw(mirror.text):
            column = _place_of(text, docker_mirrors.SETTING, mirror.text)[1]
            new = json.dumps(flawed.meant)
            fixed = _corrected(text, mirror.line, f'"{mirror.text}"', new, bool(flawed.meant))
            yield mirror_fault(mirror, flawed, column, fixed)
    proxies = value.get("proxies")
    for name in proxies if isinstance(proxies, dict) else ():
        if name not in PROXIES:
            line, column = position(text, name)
            what = f'"{plain(name, 60)}" in "proxies" is no setting of dockerd'
            said = '"http-proxy", "https-proxy" and "no-proxy"'
            yield ConfigFault(path, what, REFUSES, line, column, said)


def mirror_fault(value: Value, flawed: Flawed, column: int = 0, corrected: str = "") -> ConfigFault:
    """The fault of a mirror in the file, or among the daemon's flags."""
    expected = f'"{flawed.meant}"' if flawed.meant else '"https://HOST" or "http://HOST"'
    what = f'the mirror "{plain(shown(value.text), 120)}" {flawed.what}'
    return ConfigFault(value.file, what, REFUSES, value.line, column, expected, corrected)


def _corrected(text: str, line: int, old: str, new: str, known: bool) -> str:
    """The line as it must be, where that is known; "" also where a secret may stand in it."""
    written = text.splitlines()[line - 1] if line else ""
    right = known and written.count(old) == 1 and "@" not in written
    return written.replace(old, new) if right else ""


_OURS = (
    "insecure-registries",
    docker_mirrors.SETTING,
    "proxies",
    "features",
    "hosts",
    "userns-remap",
)


def _wrong_type(name: str, given: Any) -> str:
    """Why a value is not of its setting's type; "" where it is, or where nobody here knows."""
    if given is None:
        return ""
    if name in _LISTS:
        if not isinstance(given, list):
            return f'"{name}" is {kind(given)}, not a list of strings'
        odd = next((each for each in given if not isinstance(each, str)), None)
        return f'"{name}" holds {kind(odd)}, not only strings' if odd is not None else ""
    if name in _TEXTS and not isinstance(given, str):
        return f'"{name}" is {kind(given)}, not a string'
    if name in _SWITCHES and not isinstance(given, bool):
        return f'"{name}" is {kind(given)}, not true or false'
    if name in _MAPS and not isinstance(given, dict):
        return f'"{name}" is {kind(given)}, not an object'
    if name == "proxies":
        odd = next((k for k, v in given.items() if k in PROXIES and not isinstance(v, str)), None)
        return f'"{odd}" in "proxies" is {kind(given[odd])}, not a string' if odd else ""
    return ""


def _example(name: str) -> str:
    if name in _LISTS:
        return f'"{name}": ["…"]'
    if name in _SWITCHES:
        return f'"{name}": true'
    return f'"{name}": {{ … }}' if name in _MAPS else f'"{name}": "…"'


_RIGHT = {
    "a comma after the last item": "the last item without a comma",
    "a comment, which JSON does not have": "nothing",
    "a quote that is no double quote": 'double quotes: "',
}


def _syntax(error: json.JSONDecodeError, text: str, path: str) -> ConfigFault:
    """With what would be right, where that is plain."""
    what = slip(error, text)
    line, column = error.lineno, error.colno
    corrected = ""
    if what == "a comma after the last item":
        before = text[: error.pos].rstrip()
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1)
        written = text.splitlines()[line - 1]
        corrected = "" if "@" in written else written[: column - 1] + written[column:]
    expected = _RIGHT.get(what, "")
    return ConfigFault(path, what, REFUSES, line, column, expected, corrected)
