"""Which endpoints does the client ask for the image, in which order, and what is wrong with its
mirrors?

The settings are the client's own; what came of each endpoint is a diagnosis of its own
(`engine.fallback`), told in `EndpointsFact.seen_at`. Where an endpoint after it serves the image, a
mirror's fault is a warning: the pull works and is slow. Where none does, the last one's fault is
the cause, and a mirror's is why nothing stood in for it: a warning too, which the client mostly
keeps to itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.facts.client import ClientFact
from doctor.facts.endpoint import EndpointSeen, EndpointsFact
from doctor.facts.trust import TrustFact
from doctor.model import Case, Check, Client, Fact, Finding

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.reference.grammar import Reference

_NO_ANSWER = frozenset({"dns", "tcp", "proxy", "tls", "api"})
_NO_CREDENTIAL = frozenset({"auth.no-credentials", "auth.denied-or-missing"})


async def read(case: Case, client: Client, net: Net) -> Fact | None:
    """The client's endpoints for this image; None for a bare host."""
    return client.endpoints(case.target) if case.target.reference else None


def judge(case: Case) -> Iterator[Finding]:
    """A registry that the client blocks, and mirrors that do not do what they are for."""
    fact = case.facts.get(EndpointsFact)
    if fact is None:
        return
    if fact.blocked is not None:
        rule = fact.blocked
        yield Finding(
            "client.blocked",
            severity="info" if rule.unsure else None,
            confidence="possible" if rule.unsure else "certain",
            subject=f"{rule.file}:{rule.line}",
            evidence={"path": rule.file, "line": rule.line, "rule": rule.rule},
            params={
                "file": rule.file,
                "line": str(rule.line),
                "rule": rule.rule,
                "forbids": "may forbid" if rule.unsure else "forbids",
                "blocked_prefix": rule.prefix,
                "policy": _yes(rule.policy),
                **_kind(rule.file),
            },
        )
    for place, seen in enumerate(fact.seen_at):
        if seen.endpoint.hop.role == "mirror" and seen.serves is False:
            yield from _mirror(case, fact, place)
    yield from _stale(case, fact)


def _mirror(case: Case, fact: EndpointsFact, place: int) -> Iterator[Finding]:
    """A mirror that does not answer, or that wants a credential."""
    seen = fact.seen_at[place]
    later = [each.endpoint.hop.name for each in fact.seen_at[place + 1 :]]
    is_server = fact.endpoints[-1:] == (seen.endpoint,)
    params = {
        **_words(case, seen),
        **_set_up(case, seen),
        "then": _then(case, later),
        "server": _yes(is_server),
    }
    evidence: dict[str, Any] = {**_proof(seen), "asked_after_it": later}
    if fact.told is not None:
        evidence["client_tells_only"] = fact.told.endpoint.hop.name
    if seen.layer in _NO_ANSWER and not _files_end_it(case, seen):
        yield Finding(
            "client.mirror-unreachable",
            severity="warning" if later else "error",
            hop=seen.endpoint.hop,
            subject=seen.endpoint.origin or None,
            evidence={**evidence, "layer": seen.layer, "reason": seen.reason},
            params={**params, "how": seen.said.partition(": ")[2]},
        )
    elif _NO_CREDENTIAL & set(seen.root_causes) and not seen.has_credential and fact.rule:
        yield Finding(
            "client.mirror-auth",
            severity=None if fact.served is None else "warning",
            confidence="certain" if "auth.no-credentials" in seen.root_causes else "possible",
            hop=seen.endpoint.hop,
            subject=seen.endpoint.origin or None,
            evidence={**evidence, "challenge": seen.challenge, "rule": fact.rule},
            params={**params, "rule": fact.rule, "basic": _yes(seen.challenge == "basic")},
        )


def _then(case: Case, later: list[str]) -> str:
    """Who is asked next."""
    return f"after it {case.target.client} asks {later[0]}" if later else "nobody is asked after it"


def _files_end_it(case: Case, seen: EndpointSeen) -> bool:
    """Is it the client's own files for TLS that end the pull, from whichever endpoint? Then they
    are told, and the mirror is none the worse."""
    own = case.facts.get(TrustFact, case.target.registry)
    ends = own is not None and any(fault.stops for fault in own.faults)
    return ends and seen.root_causes == ("tls.ca-file-unusable",)


def _stale(case: Case, fact: EndpointsFact) -> Iterator[Finding]:
    """A mirror that serves another image for the tag than the registry itself."""
    reference = case.target.original
    home = next((e for e in fact.seen_at if e.endpoint.hop.role == "registry"), None)
    if home is None or not home.digest or reference is None or reference.digest:
        return
    for seen in fact.seen_at:
        if seen is not home and seen.digest and seen.digest != home.digest:
            yield Finding(
                "client.mirror-stale",
                hop=seen.endpoint.hop,
                subject=seen.endpoint.origin or None,
                evidence={**_proof(seen), "mirror_digest": seen.digest, "digest": home.digest},
                params={**_words(case, seen), "mirror_digest": seen.digest, "digest": home.digest},
            )


def _words(case: Case, seen: EndpointSeen) -> dict[str, str]:
    """The mirror, and the image by its own name, whichever endpoint is reported."""
    endpoint = seen.endpoint
    file, _, line = endpoint.origin.rpartition(":")
    at = f"{endpoint.hop.scheme}://{endpoint.hop.authority}"
    words = {
        "mirror": endpoint.written.rstrip("/") if "://" in endpoint.written else at,
        "ping": f"{at}{endpoint.base}/",
        "mirror_host": endpoint.hop.authority,
        "file": file,
        "line": line,
        "named": f"set in {endpoint.origin}" if file else _unwritten(case.target.client),
        **_kind(file),
    }
    named = case.target.original
    if named is None:
        return words
    there = replace(named, domain=endpoint.hop.authority, repository=endpoint.repository)
    return words | {
        "mirror_image": str(there),
        "mirror_folder": _folder(named, there),
        "registry": named.domain,
        "repository": named.repository,
        "endpoint": f"{named.hop.scheme}://{named.hop.authority}",
    }


def _folder(named: Reference, there: Reference) -> str:
    """Below what `skopeo sync` would put the repository; it keeps the last part of the name."""
    folder, _, last = f"{there.domain}/{there.repository}".rpartition("/")
    return folder if last == named.repository.rpartition("/")[2] else ""


def _unwritten(client: str) -> str:
    """Where a mirror comes from that no file names: docker's daemon says which it goes by."""
    if client == "docker":
        return "which the daemon has been told of"
    return f"which is a default of {client} itself"


def _set_up(case: Case, seen: EndpointSeen) -> dict[str, str]:
    """Whose daemon it is, and whether the setting is a flag of its command."""
    fact = case.facts.get(ClientFact)
    if fact is None:
        return {}
    return {
        "flag": _yes(seen.endpoint.origin.rpartition(":")[0] in fact.flagged),
        "rootless": _yes(fact.rootless),
        "desktop": _yes(fact.desktop),
    }


def _kind(file: str) -> dict[str, str]:
    """Which of containerd's files it is, whose remedies differ."""
    return {
        "hosts_toml": _yes(file.endswith("/hosts.toml")),
        "registries_yaml": _yes(file.endswith("/registries.yaml")),
    }


def _proof(seen: EndpointSeen) -> dict[str, Any]:
    return {
        "mirror": seen.endpoint.written or seen.endpoint.hop.name,
        "setting": seen.endpoint.origin,
        "repository": seen.endpoint.repository,
    }


def _yes(holds: bool) -> str:
    return "yes" if holds else ""


CHECK = Check(
    name="client",
    part="endpoints",
    scope="target",
    judge=judge,
    read=read,
    question="Which endpoints does the client ask for the image, and do its mirrors serve it?",
)
