"""Does a registry answer here, and which login does it ask for?

`GET /v2/` without a credential (OCI distribution-spec, "Determining Support"). Registries that
serve below a path, and some behind gateways, answer 404, 403 or a web page there and still work for
some clients; so where an image is asked for, a `HEAD` of its manifest decides before anything is
said against the host.
Redirects are taken one by one: on the same host here, to another host only once its own ladder has
been climbed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.http import Who
from doctor.facts.registry import ApiFact, speaks_registry
from doctor.model import Case, Hop
from doctor.net.http import ERROR_BODY, Reply, fetch
from doctor.net.location import Place, may_be_contacted, place
from doctor.redact import Secret
from doctor.registry import challenge, manifest
from doctor.registry.realm import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doctor.net import Net

MOST_REDIRECTS = 5
_DECIDED_BY_MANIFEST = frozenset({403, 404, 405, 501})


async def ping(case: Case, net: Net) -> ApiFact:
    """Ask the registry for its API, without a credential."""
    registry = case.target.registry
    replies, onward = await follow(registry, "GET", case.target.path(""), net)
    fact = ApiFact(answers=tuple(reply.answer for reply in replies))
    last = replies[-1].answer
    if onward is not None:
        is_api = onward.target.startswith("/v2/") and may_be_contacted(onward, registry)
        return replace(fact, elsewhere=replace(onward.hop, role="storage") if is_api else None)
    reference = case.target.reference
    page = last.status == 200 and last.is_page
    if reference is not None and (page or last.status in _DECIDED_BY_MANIFEST):
        ask = case.target.path_in_repository(
            f"manifests/{reference.digest or reference.tag or 'latest'}"
        )
        head = await fetch(registry, "HEAD", ask, net, headers={"Accept": manifest.ACCEPT})
        fact = replace(fact, fallback=head.answer)
        if speaks_registry(head.answer):
            last = head.answer
    if last.status == 401:
        fact = replace(fact, challenges=challenge.parse(last.all("www-authenticate")))
    return replace(fact, token=token_hop(fact, registry))


def token_hop(fact: ApiFact, registry: Hop) -> Hop | None:
    """The token service of the Bearer challenge, where a connection to it may be opened."""
    led = realm(fact)
    return led.hop if led and not led.user and may_be_contacted(led, registry) else None


def realm(fact: ApiFact) -> Place | None:
    """The Bearer challenge's realm, taken apart; None where it is no address."""
    chosen = fact.challenge
    if chosen is None or chosen.scheme != "bearer":
        return None
    return place(chosen.get("realm"), role="token")


async def follow(
    hop: Hop,
    method: str,
    target: str,
    net: Net,
    *,
    headers: Mapping[str, str] | None = None,
    authorization: Secret | None = None,
    limit: int = ERROR_BODY,
    whole: bool = False,
    private: bool = False,
    who: Who = "",
) -> tuple[tuple[Reply, ...], Place | None]:
    """Ask, and take redirects on the same host, at most `MOST_REDIRECTS`; one to another host is
    handed back.

    The authorization stays on the same scheme, host and port, and never goes with a link that is
    signed: storage refuses two proofs at once, and it would learn the token.
    """
    replies: list[Reply] = []
    for _ in range(MOST_REDIRECTS + 1):
        reply = await fetch(
            hop, method, target, net, headers=headers, authorization=authorization,
            limit=limit, whole=whole, private=private, who=who,
        )  # fmt: skip
        replies.append(reply)
        if not reply.answer.redirects or reply.location is None:
            break
        led = place(reply.location.reveal(), role=hop.role)
        if led is None:
            break
        if not _same(led.hop, hop):
            return tuple(replies), led
        target, authorization = led.target, None if led.signed else authorization
    return tuple(replies), None


def _same(led: Hop, hop: Hop) -> bool:
    """Is that the host that is being asked? On loopback, where plain HTTP may be what an `https`
    hop speaks, by host and port."""
    if led == hop:
        return True
    return is_loopback(hop.host) and (led.host, led.port) == (hop.host, hop.port)
