"""Is a rate limit used up, or nearly, and who is counted?

Every answer of the run is looked through: a 429 can come from the registry, its token service,
storage or a mirror, and each counts on its own. No request is made for this: headers come with the
manifest's HEAD, and another GET could itself be a pull. Where no header speaks, the registry's
published limits (`doctor.registry.profile`) are told beside the proof and never decide anything.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from doctor.facts.credential import login
from doctor.facts.http import Answer
from doctor.facts.rate import RateFact
from doctor.facts.registry import AuthFact, BlobFact, ImageFact, answers
from doctor.model import Case, Check, Finding, Hop
from doctor.registry.profile import Profile, for_host
from doctor.registry.ratelimit import Limit, hint, read, retry_after, tightest_first

if TYPE_CHECKING:
    from doctor.net import Net

_NEAR = 0.1
"""The share of a limit that is little to have left."""
_BRIEF = 10.0
"""Seconds: a window this short fills again before anybody could act."""
_PATIENCE = 900.0
"""Seconds that a remedy's command may sleep; a longer wait is only named."""


async def probe(case: Case, net: Net) -> RateFact:
    """The limits that the answers told. Uses no network."""
    told = [limit for _, _, limit in _limits(answers(case)) if limit.limit is not None]
    return RateFact(limits=tightest_first(told)[:16])


def judge(case: Case) -> Iterator[Finding]:
    """Used up, nearly used up, or counted by an address that others share. Pure."""
    yield from findings(case, tuple(answers(case)))


def findings(case: Case, seen: tuple[tuple[Hop, Answer], ...]) -> Iterator[Finding]:
    """The same for given answers, in the order in which they came."""
    limited: dict[Hop, Answer] = {}
    for hop, answer in seen:
        if answer.status == 429:
            limited.setdefault(hop, answer)
    for hop, answer in limited.items():
        yield _limited(case, hop, answer)
    told = [entry for entry in _limits(seen) if entry[0] not in limited]
    nearly = [_nearly(case, *entry) for entry in _current(case, told) if _is_near(entry[2])]
    yield from nearly
    yield from _shared(case, limited, tuple(_limits(seen)), bool(limited) or bool(nearly))


def _limits(seen: Iterable[tuple[Hop, Answer]]) -> Iterator[tuple[Hop, Answer, Limit]]:
    for hop, answer in seen:
        for limit in read(answer.headers) or _source_alone(answer):
            yield hop, answer, limit


def _source_alone(answer: Answer) -> tuple[Limit, ...]:
    """Who is counted, where that is all that an answer says."""
    source = answer.header("docker-ratelimit-source").strip()
    return (Limit(source=source, dialect="docker-hub"),) if source else ()


def _current(case: Case, told: list[tuple[Hop, Answer, Limit]]) -> list[tuple[Hop, Answer, Limit]]:
    """The last word of each hop on each limit, for the identity that the pull has."""
    image, auth = case.facts.get(ImageFact), case.facts.get(AuthFact)
    who = image.who if image else auth.who if auth else ""
    mine = [t for t in told if not t[1].who or t[1].who == who] or told
    last = {(hop, limit.policy, limit.window): (hop, answer, limit) for hop, answer, limit in mine}
    return list(last.values())


def _is_near(limit: Limit) -> bool:
    brief = limit.window is not None and limit.window < _BRIEF
    return limit.share is not None and limit.share < _NEAR and not brief


def _limited(case: Case, hop: Hop, answer: Answer) -> Finding:
    told = read(answer.headers) or _source_alone(answer)
    first = told[0] if told else Limit()
    profile = for_host(hop.host)
    seconds, from_where = _wait(answer, first)
    who = _counted(case, answer, first, profile)
    anonymous = answer.who != "credential"
    evidence: dict[str, Any] = {
        **answer.proof,
        "retry_after_seconds": seconds,
        "retry_after_from": from_where,
        "limits": [each.proof for each in told],
        "counted": who,
        "kind": _kind(answer, profile),
        "published": _published(profile) if first.limit is None else [],
    }
    params = {
        "who": who,
        "when": _when(seconds, first),
        "seconds": f"{max(1, round(seconds))}"
        if seconds is not None and seconds <= _PATIENCE
        else "",
        "anonymous": "yes" if anonymous and hop.role in ("registry", "token") else "",
        "signed_in": "" if anonymous else "yes",
        **login(case),
        "status_text": _said(answer),
        "support": profile.support,
        "request": answer.request,
    }
    return Finding(
        "rate.limited",
        severity="warning" if _works(case) else None,
        hop=hop,
        evidence={k: v for k, v in evidence.items() if v not in (None, "", [])},
        params=params,
    )


def _works(case: Case) -> bool:
    """Was the manifest read, and its layer too where it was asked for?"""
    image, blob = case.facts.get(ImageFact), case.facts.get(BlobFact)
    return image is not None and image.found and (blob is None or blob.readable)


def _said(answer: Answer) -> str:
    """The answer's own words; of a web page its title."""
    words = answer.title if answer.is_page else answer.body[:120].strip()
    return answer.message or words or "Too Many Requests"


def _wait(answer: Answer, limit: Limit) -> tuple[float | None, str]:
    """Seconds until another try makes sense, and who says so: Retry-After beats a limit's reset."""
    value = answer.header("retry-after")
    seconds = retry_after(value, answer.header("date")) if value else None
    if seconds is not None:
        return seconds, "Retry-After"
    if limit.reset is not None:
        return limit.reset, "the limit's reset"
    seconds, _ = hint(f"{answer.message} {answer.body}")
    return (seconds, "the message") if seconds is not None else (None, "")


def _when(seconds: float | None, limit: Limit) -> str:
    if seconds is not None:
        return f"in {_span(seconds)}" if seconds >= 1 else "at once"
    if limit.window is not None:
        return f"within {_span(limit.window)}, as the window moves on"
    return "later; it does not say when"


def _span(seconds: float) -> str:
    """Like "90 s", "15 min", "6 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _counted(case: Case, answer: Answer, limit: Limit, profile: Profile) -> str:
    """Whose requests the limit counts: by the registry's own word, else by the right the request
    had."""
    if limit.source:
        return f"the address {limit.source}" if _is_address(limit.source) else "this account"
    if answer.who == "credential":
        auth = case.facts.get(AuthFact)
        return f"the login {auth.user}" if auth is not None and auth.user else "this login"
    if profile.counted_by and profile.confirmed("counted_by") and answer.who == "anonymous":
        return "this machine's public address"
    return "whoever comes from here without a login"


def _kind(answer: Answer, profile: Profile) -> str:
    """Docker Hub has two: on pulls, and on all requests of an address, whatever the account."""
    if profile.name != "dockerhub":
        return ""
    text = f"{answer.code} {answer.message} {answer.body}".lower()
    pulls = "pull rate limit" in text or "toomanyrequests" in text
    return "pull limit" if pulls else "limit on all requests of the address"


def _published(profile: Profile) -> list[str]:
    """What the registry says of its limits where its answer did not; unconfirmed figures say so."""
    told = []
    for each in profile.limits:
        span = f" in {_span(each.seconds)}" if each.seconds else ""
        who = f" ({each.who})" if each.who else ""
        doubt = "" if each.confirmed and profile.confirmed("limits") else ", unconfirmed"
        told.append(f"{each.requests} {each.what}{span} by {each.by}{who}{doubt}")
    return told


def _nearly(case: Case, hop: Hop, answer: Answer, limit: Limit) -> Finding:
    anonymous = answer.who != "credential"
    profile = for_host(hop.host)
    params = {
        "remaining": str(limit.remaining),
        "limit": str(limit.limit),
        "span": f" in {_span(limit.window)}" if limit.window else "",
        "who": _counted(case, answer, limit, profile),
        "when": _when(limit.reset, limit),
        "anonymous": "yes" if anonymous else "",
        "signed_in": "" if anonymous else "yes",
        **login(case),
        "support": profile.support,
    }
    return Finding(
        "rate.nearly-exhausted",
        hop=hop,
        evidence={**limit.proof, "counted": params["who"], "request": answer.request},
        params=params,
    )


def _shared(
    case: Case,
    limited: dict[Hop, Answer],
    told: tuple[tuple[Hop, Answer, Limit], ...],
    short: bool,
) -> Iterator[Finding]:
    """Counted by address although others may come from it; only worth a warning where the limit
    runs short."""
    for hop, answer, limit in told:
        if not _is_address(limit.source):
            continue
        if answer.who == "credential" and hop not in limited:
            continue
        yield Finding(
            "rate.shared-address",
            severity=None if short else "info",
            hop=hop,
            evidence={**limit.proof, "with": answer.who, "request": answer.request},
            params={
                "address": limit.source,
                **login(case),
                "anonymous": "" if answer.who == "credential" else "yes",
            },
        )
        return


def _is_address(source: str) -> bool:
    try:
        ipaddress.ip_network(source.strip(), strict=False)
    except ValueError:
        return False
    return "." in source or ":" in source


CHECK = Check(
    name="rate",
    scope="target",
    of_image=True,
    judge=judge,
    probe=probe,
    needs=("image",),
    question="Is a rate limit used up, or nearly, and who is counted?",
)
