"""Which folder holds containerd's settings for a registry, and which hosts do they come to?

containerd core/remotes/docker/config/hosts.go and config_unix.go. Below each root of `config_path`
the folders HOST_PORT_, HOST:PORT and _default are looked for; the first that is there counts, and
nothing is put together. In it hosts.toml counts; without one, or with one that does not parse, the
certificate files beside it: every .crt a CA, every .cert a client certificate whose key is in the
.key of its name, or in the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.clients import toml, untold
from doctor.clients.hosts_toml import IGNORED, Host, understood
from doctor.clients.machine import Machine
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.facts.credential import Place
from doctor.facts.trust import Insecure
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.registry import hub

FAILS = "every pull from this registry fails"
DEFAULT = "_default"
"""The folder for registries that have none of their own."""
_MOST_NAMES = 200


@frozen
class Hosts:
    """The hosts that are asked for a registry, the last one included."""

    hosts: tuple[Host, ...] = ()
    folder: str = ""
    file: str = ""
    """Its hosts.toml; "" where none counts."""
    places: tuple[Place, ...] = ()
    faults: tuple[ConfigFault, ...] = ()


def find(
    machine: Machine, roots: tuple[str, ...], domain: str, *, needs_host: bool = False
) -> Hosts:
    """What counts for the registry; without a folder the registry itself is asked."""
    places: list[Place] = []
    for folder in candidates(roots, domain):
        if machine.is_folder(folder):
            found = _read(machine, folder, needs_host)
            places += found.places
            return replace(found, hosts=settled(found.hosts, domain), places=tuple(places))
        if machine.is_file(folder):
            what = "it is a file; a folder was expected"
            fault = ConfigFault(folder, what, FAILS, 1, kind="each-pull")
            return Hosts(settled((_unset(),), domain), "", "", tuple(places), (fault,))
        places.append(Place(folder, "missing"))
    return Hosts(settled((_unset(),), domain), places=tuple(places))


def _unset() -> Host:
    return Host(Value("", "", 0))


def candidates(roots: tuple[str, ...], domain: str) -> Iterator[str]:
    """The folders in which the registry's settings are looked for; the first that is there
    counts."""
    host, colon, port = domain.rpartition(":")
    for root in roots:
        if colon and host:
            yield f"{root}/{host}_{port}_"
        yield f"{root}/{domain}"
        yield f"{root}/{DEFAULT}"


def _read(machine: Machine, folder: str, needs_host: bool) -> Hosts:
    file = f"{folder}/hosts.toml"
    got = toml.read(machine, file, IGNORED, stops=False)
    if isinstance(got, ConfigFault) and machine.is_folder(file):
        fault = replace(got, effect=FAILS, stops=True, kind="each-pull")
        return Hosts((_unset(),), folder, "", (Place(file, "unreadable"),), (fault,))
    if got is None or (isinstance(got, toml.Toml) and not got.lines):
        note = "certificate files count" if got is None else "it says nothing"
        place = Place(file, "missing" if got is None else "ignored", None, note)
        return Hosts((_certificates(machine, folder),), folder, "", (place,))
    found = understood(got, folder, needs_host=needs_host)
    if found.hosts is None:
        place = Place(file, "ignored", None, found.faults[0].what if found.faults else "")
        hosts = (_certificates(machine, folder),)
        return Hosts(hosts, folder, "", (place,), found.faults)
    return Hosts(found.hosts, folder, file, (Place(file, "used"),), found.faults)


def _certificates(machine: Machine, folder: str) -> Host:
    """The folder as Docker lays it out."""
    names = machine.names(folder)[:_MOST_NAMES]
    files = [n for n in names if not machine.is_folder(f"{folder}/{n}")]
    ca = tuple(Value(f"{folder}/{n}", folder, 0) for n in files if n.endswith(".crt"))
    pairs = []
    for name in files:
        if name.endswith(".cert"):
            key = f"{name.removesuffix('.cert')}.key"
            own = Value(f"{folder}/{key}", folder, 0) if key in names else None
            pairs.append((Value(f"{folder}/{name}", folder, 0), own))
    return Host(Value("", folder, 0), ca=ca, pairs=tuple(pairs), tls=bool(ca or pairs))


def settled(hosts: tuple[Host, ...], domain: str) -> tuple[Host, ...]:
    """The hosts with the image's own registry in the place of the last, where that names none."""
    *others, last = hosts
    if last.authority:
        return hosts
    last = replace(last, path="/v2", capabilities=_unset().capabilities)
    if domain == hub.NAME:
        return (*others, replace(last, authority=hub.HOST))
    last = replace(last, authority=domain)
    if not untold.containerd(domain):
        return (*others, last)
    port = port_of(domain)
    scheme = "https" if port in ("", "443") else "http"
    last = replace(last, scheme=scheme)
    if port != "80":
        last = replace(last, tls=True, skip_verify=Value("localhost", "", 0))
    return (*others, last)


def port_of(authority: str) -> str:
    """The port as it is written; "" for none."""
    _, colon, port = authority.rpartition(":")
    return port if colon and port.isdigit() else ""


def ways(host: Host) -> tuple[Hop, ...]:
    """Where the host is spoken to. One of plain HTTP that has settings for TLS is tried with TLS
    first (docker.NewHTTPFallback): on the same port, or where none is given on 443 and then 80."""
    port = port_of(host.authority)
    name = host.authority.removesuffix(f":{port}") if port else host.authority
    name = name.strip("[]").lower()
    if not name or (port and not 0 < int(port) < 65536):
        return ()
    plain = Hop("mirror", name, int(port or 80), "http")
    secure = Hop("mirror", name, int(port or 443))
    if host.scheme == "https":
        return (secure,)
    if not host.tls or port == "80":
        return (plain,)
    return (secure,) if port else (secure, plain)


def insecure(host: Host) -> tuple[Insecure, ...]:
    """The settings by which the host is not verified, or spoken to in the clear."""
    found = []
    plain = host.scheme == "http"
    if host.skip_verify:
        said = host.skip_verify
        origin = said.origin if said.file else ""
        found.append(Insecure(said.text, origin, allows="both" if plain else "unverified"))
    if plain and (host.url.text or not host.skip_verify):
        origin = host.url.origin if host.url.text else ""
        found.append(Insecure(host.url.text or host.authority, origin, allows="plain"))
    return tuple(found)
