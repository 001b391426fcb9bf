"""Which places are asked for an image by registries.conf, under which names, and which of them
unverified?

containers/image, docker/docker_image_src.go and sysregistriesv2.PullSourcesFromReference: one table
counts, that with the longest prefix; its mirrors come in order, the location last. Whether a place
is blocked is looked up for the name that is asked for there: a blocked registry's mirrors serve it
all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from doctor.clients import short_names
from doctor.clients.registries_conf import RegistriesConf
from doctor.clients.registries_file import KEYS, MIRROR_KEYS, SWITCH, Mirror, Registry
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.facts.credential import Place
from doctor.facts.endpoint import Blocked, Endpoint, EndpointsFact, home
from doctor.facts.trust import Insecure
from doctor.frozen import frozen
from doctor.model import Target
from doctor.redact import plain
from doctor.reference.grammar import Reference, hop_of, scan

_TO_COME = ("proxy", "namespace-proxy")
"""Proposed for endpoints in 2026 (container-libs, pull request 650; sysregistriesv2)."""
_MOST_REMARKS = 20
_BOUNDARY = (":", "/", "@", "")


@frozen
class Source:
    """A place that is asked, and the line by which it is not verified."""

    endpoint: Endpoint
    insecure: Value | None = None
    blocked: Value | None = None


def matched(name: str, prefix: str) -> int:
    """How much of the name the prefix covers; -1: it is about other images. A colon is a boundary,
    so `example.com` covers `example.com:5000` too."""
    if prefix.startswith("*."):
        at = name.find(prefix[1:])
        if at < 0 or "/" in name[:at]:
            return -1
        end = at + len(prefix) - 1
    elif name.startswith(prefix):
        end = len(prefix)
    else:
        return -1
    return end if name[end : end + 1] in _BOUNDARY else -1


def chosen(conf: RegistriesConf, name: str) -> Registry | None:
    """The one table that counts for a registry or a repository."""
    fitting = [each for each in conf.registries if matched(name, each.prefix.text) >= 0]
    return max(fitting, key=lambda each: len(each.prefix.text), default=None)


def sources(
    conf: RegistriesConf, reference: Reference
) -> tuple[tuple[Source, ...], ConfigFault | None]:
    """The places in order, those passed over included; and what about them ends the pull."""
    table = chosen(conf, reference.name)
    own = Endpoint(reference.hop, reference.repository)
    if table is None:
        return (Source(own),), None
    found: list[Source] = []
    fault: ConfigFault | None = None
    for mirror in table.mirrors:
        there = _rewritten(reference, table.prefix.text, mirror.location.text)
        if there is None:
            fault = fault or _odd(mirror.location, reference)
            continue
        skipped = _skipped(table, mirror, reference)
        place = _endpoint(there, mirror.location, mirror=True)
        found.append(_source(conf, there, replace(place, skipped=skipped), mirror.insecure))
    there = _rewritten(reference, table.prefix.text, table.location)
    if there is None:
        fault = fault or _odd(replace(table.prefix, text=table.location), reference)
    else:
        at = replace(table.prefix, text=table.location)
        place = own if there == reference else _endpoint(there, at, mirror=False)
        found.append(_source(conf, there, place, table.insecure))
    return tuple(found), fault


def _rewritten(reference: Reference, prefix: str, location: str) -> Reference | None:
    """The image under the location's name; None where that is no name of an image."""
    if not location:
        return reference
    text = str(reference)
    new = f"{location}{text[matched(reference.name, prefix) :]}"
    found = scan(new)
    return found if isinstance(found, Reference) and str(found) == new else None


def _endpoint(there: Reference, at: Value, *, mirror: bool) -> Endpoint:
    return Endpoint(
        hop_of(there.domain, "mirror" if mirror else "registry"),
        there.repository,
        origin=at.origin,
        written=at.text,
        domain=there.domain,
    )


def _source(
    conf: RegistriesConf, there: Reference, endpoint: Endpoint, insecure: Value | None
) -> Source:
    table = chosen(conf, there.name)
    rule = table.blocked if table else None
    if rule is not None:
        endpoint = replace(endpoint, skipped=endpoint.skipped or f"it is blocked in {rule.origin}")
    return Source(endpoint, insecure, rule)


def _skipped(table: Registry, mirror: Mirror, reference: Reference) -> str:
    if reference.digest is None and (table.digest_only or mirror.when == "digest-only"):
        return "it is for digests only"
    if reference.digest is not None and mirror.when == "tag-only":
        return "it is for tags only"
    return ""


def _odd(at: Value, reference: Reference) -> ConfigFault:
    what = (
        f"location {plain(at.text, 80)} makes no name of an image of {plain(str(reference), 120)}"
    )
    effect = "every pull of such an image ends with an error"
    return ConfigFault(at.file, what, effect, at.line, 1, "a location that starts with a host")


def faults(client: str, conf: RegistriesConf, target: Target) -> Iterator[ConfigFault]:
    """What of the settings, which can be read, keeps this very image from being pulled."""
    unknown = short_names.fault(client, conf, target)
    if unknown:
        yield unknown
    reference = target.original
    odd = sources(conf, reference)[1] if reference else None
    if odd:
        yield odd
    table = chosen(conf, reference.name) if reference else None
    yield from islice(_passed_over(client, table) if table else (), _MOST_REMARKS)


def _passed_over(client: str, table: Registry) -> Iterator[ConfigFault]:
    """Keys of the table that counts which are none."""
    for key in table.unknown:
        yield _no_key(client, key, "registry", KEYS)
    for mirror in table.mirrors:
        for key in mirror.unknown:
            yield _no_key(client, key, "registry.mirror", MIRROR_KEYS)


def _no_key(client: str, key: Value, of: str, known: frozenset[str]) -> ConfigFault:
    """A key that is none, or none in every version yet."""
    from difflib import get_close_matches

    near = get_close_matches(key.text.lower().replace("_", "-"), sorted(known), 1)
    to_come = key.text.lower() in _TO_COME
    what = f"{key.text} is no setting of a [[{of}]]"
    if to_come:
        what = f"{what} in versions before 2026"
    return ConfigFault(
        file=key.file,
        what=what,
        effect=f"{client} passes over it in silence",
        line=key.line,
        column=1,
        expected=f"{near[0]} = …" if near and not to_come else "",
        stops=False,
        sure=not to_come,
        kind="passed-over",
    )


def endpoints(
    client: str,
    conf: RegistriesConf,
    target: Target,
    rule: str,
    refusal: Blocked | None = None,
) -> EndpointsFact:
    """Where the image is asked for. That a place is blocked counts where nothing is left to ask;
    `refusal`: the signature policy's."""
    reference = target.original
    if reference is None:
        return EndpointsFact(client=client, endpoints=(home(target),))
    found, _ = sources(conf, reference)
    places = [Place(file, "used") for file in conf.files] or [Place(conf.main, "missing")]
    table = chosen(conf, reference.name)
    if table is not None:
        note = f"{table.prefix.origin} counts"
        places = [replace(p, note=note) if p.where == table.prefix.file else p for p in places]
    asked = [each for each in found if not each.endpoint.skipped]
    rules = [each.blocked for each in found if each.blocked]
    return EndpointsFact(
        client=client,
        endpoints=tuple(each.endpoint for each in found) or (home(target),),
        blocked=refusal if asked or not rules else _blocked(rules[-1], table),
        places=tuple(places),
        rule=rule,
    )


def _blocked(rule: Value, table: Registry | None) -> Blocked:
    prefix = table.prefix.text if table else ""
    return Blocked(rule.file, rule.line, f"{rule.text} for {plain(prefix, 80)}", prefix)


def insecure(conf: RegistriesConf, target: Target, domain: str) -> tuple[Insecure, ...]:
    """The setting by which the place in question is not verified; none where it is. `domain`: the
    registry as it is named."""
    reference = target.original
    if reference is None:
        table = chosen(conf, domain)
        line = table.insecure if table else None
        return (_setting(domain, line),) if line else ()
    found, _ = sources(conf, reference)
    at = target.endpoint or home(target)
    for each in found:
        same = (each.endpoint.hop, each.endpoint.repository) == (at.hop, at.repository)
        if each.insecure and same and not each.endpoint.skipped:
            entry = each.endpoint.written or domain
            return (_setting(entry, each.insecure),)
    return ()


def _setting(entry: str, line: Value) -> Insecure:
    return Insecure(entry, line.origin, switch=line.text == SWITCH)
