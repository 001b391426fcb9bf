"""What does a token service give for a credential, or to a stranger?

distribution's token specification (docs/content/spec/auth/token.md: GET with Basic; oauth.md: POST
for identity tokens), with the fall-back of go-containerregistry (pkg/v1/remote/transport/bearer.go:
a 404 to POST is asked again by GET). A token service reports no missing right: it answers 200 with
less than was asked for. So "got a token" is not "has access"; the token's `access` claim tells,
where it has one.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from doctor.credential import Credential
from doctor.facts.http import Answer, Who
from doctor.facts.registry import TokenOutcome, TokenTry
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.net.http import Reply, fetch
from doctor.net.location import Place, may_be_contacted
from doctor.net.registry import follow
from doctor.redact import Secret, clip
from doctor.registry import jwt

if TYPE_CHECKING:
    from doctor.net import Net

_LARGEST = 1024 * 1024
_TOKENS = ("token", "access_token", "refresh_token", "id_token")
_LONGEST_TOKEN = 65_536
_MOST_HOSTS = 4
_MOST = 2**63
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_OAUTH_REFUSALS = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "access_denied"}
)


@frozen
class Service:
    """A token service as the challenge of that registry describes it."""

    place: Place
    service: str
    scope: str
    registry: Hop


async def exchange(
    net: Net, service: Service, credential: Credential | None, who: Who
) -> tuple[TokenTry, Secret | None]:
    """Ask for a token: what came of it, and the token itself, which no fact holds."""
    onward = None
    if credential is not None and credential.kind == "identity-token":
        replies = await _post(net, service, credential.secret, who)
        if replies[-1].answer.status in (404, 405):
            named = replace(credential, user=credential.user or "<token>")
            more, onward = await _get(net, service, named, who)
            replies += more
    else:
        replies, onward = await _get(net, service, credential, who)
    tried, token = _read(replies, who, service)
    if onward is not None and may_be_contacted(onward, service.registry):
        tried = replace(tried, onward=onward.hop)
    return tried, token


async def _get(
    net: Net, service: Service, credential: Credential | None, who: Who
) -> tuple[tuple[Reply, ...], Place | None]:
    """A redirect to another host is followed once the ladder of that is climbed, and without the
    credential, as clients follow it (Go, net/http/client.go, shouldCopyHeaderOnRedirect)."""
    fields = [("service", service.service)] if service.service else []
    fields += [("scope", service.scope)] if service.scope else []
    fields += [("account", credential.user)] if credential and credential.user else []
    joint = "&" if "?" in service.place.target else "?"
    target = service.place.target + (joint + urlencode(fields) if fields else "")
    replies, onward = await follow(
        service.place.hop, "GET", target, net, limit=_LARGEST, whole=True, private=True, who=who,
        authorization=basic(credential) if credential else None,
    )  # fmt: skip
    hosts = 1
    while onward is not None and hosts < _MOST_HOSTS and net.lines.may_speak(onward.hop):
        more, onward = await follow(
            onward.hop, "GET", _of_nobody(onward.target), net, limit=_LARGEST, whole=True,
            private=True, who="anonymous",
        )  # fmt: skip
        replies, hosts = (*replies, *more), hosts + 1
    return replies, onward


def _of_nobody(target: str) -> str:
    """The request target without the user's name, which the service may have put into its link."""
    path, mark, query = target.partition("?")
    return path + mark + "&".join(f for f in query.split("&") if not f.startswith("account="))


async def _post(net: Net, service: Service, identity: Secret, who: Who) -> tuple[Reply, ...]:
    fields = {
        "grant_type": "refresh_token",
        "service": service.service,
        "client_id": "registry-doctor",
        "scope": service.scope,
        "refresh_token": identity.reveal(),
    }
    form = Secret(urlencode({name: value for name, value in fields.items() if value}))
    reply = await fetch(
        service.place.hop, "POST", service.place.target, net, body=form, limit=_LARGEST, whole=True,
        private=True, who=who,
    )  # fmt: skip
    return (reply,)


def _read(replies: tuple[Reply, ...], who: Who, service: Service) -> tuple[TokenTry, Secret | None]:
    """What the token service's answer says, or that of the host it redirects to."""
    there = replies[-1].answer.hop
    led = there.name if there is not None and there.name != service.place.hop.name else ""
    left = bool(led) and who != "anonymous"
    tried, token = _taken(
        TokenTry(
            who="anonymous" if left else who,
            scope=service.scope,
            answers=tuple(r.answer for r in replies),
            left_behind=left,
        ),
        replies[-1],
    )
    if tried.outcome == "refused" and left:
        tried = replace(tried, outcome="no-token", flaw="holds no token for who shows no login")
    if tried.outcome == "no-token" and led:
        tried = replace(tried, flaw=f"is a redirect to {led}, whose answer {tried.flaw}")
    return tried, token


def _taken(tried: TokenTry, reply: Reply) -> tuple[TokenTry, Secret | None]:
    """The try with what this answer holds."""
    outcome, flaw = _outcome(reply.answer)
    if outcome != "granted":
        return replace(tried, outcome=outcome, flaw=flaw), None
    found = reply.json
    if not isinstance(found, dict):
        return replace(tried, outcome="no-token", flaw="is not a JSON object"), None
    for name in _TOKENS:  # the gate knows all of them from now on, whichever is used
        if isinstance(given := found.get(name), str):
            Secret(given)
    token = next((t for name in _TOKENS[:2] if (t := found.get(name))), None)
    if not isinstance(token, str):
        return replace(tried, outcome="no-token", flaw="holds no token"), None
    if len(token) > _LONGEST_TOKEN or not all(0x21 <= ord(c) <= 0x7E for c in token):
        flaw = "holds a token that no header can carry"
        return replace(tried, outcome="no-token", flaw=flaw), None
    seconds, issued = found.get("expires_in"), found.get("issued_at")
    if seconds is not None and not _is_int(seconds):
        flaw = "has an expires_in that is no whole number, and clients refuse all of it then"
        return replace(tried, outcome="no-token", flaw=flaw), None
    claims = jwt.read(token)
    tried = replace(
        tried,
        access=claims.access if claims else None,
        subject=bool(claims.subject) if claims and claims.subject is not None else None,
        expires_in=seconds,
        odd_issue=clip(str(issued) or "(empty)", 60)
        if issued is not None and not _is_time(issued)
        else "",
    )
    return tried, Secret(token)


def _is_int(value: object) -> bool:
    """Does Go's `int` hold it? Every client reads the field as one (distribution
    registry/client/auth/session.go, containerd core/remotes/docker/auth/fetch.go, containers/image
    docker_client.go, go-containerregistry pkg/v1/remote/transport/bearer.go)."""
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST


def _is_time(value: object) -> bool:
    return isinstance(value, str) and bool(_TIME.fullmatch(value))


def _outcome(answer: Answer) -> tuple[TokenOutcome, str]:
    """What the status means; the flaw's subject is the answer. A 403 from a firewall in front is a
    web page and no refusal."""
    status = answer.status
    if answer.outcome == "too-large":
        return "no-token", "is larger than 1 MiB" if status else "has headers without end"
    if answer.outcome != "answered":
        return "unreachable", ""
    if status == 200:
        return ("no-token", "is a web page") if answer.is_page else ("granted", "")
    if status == 429:
        return "limited", ""
    named = bool(answer.code or answer.message)
    if status == 401 or (status == 403 and (named or not answer.is_page)):
        return "refused", ""
    if status == 400 and (
        answer.code.lower() in _OAUTH_REFUSALS or answer.code in ("UNAUTHORIZED", "DENIED")
    ):
        return "refused", ""
    if answer.redirects:
        return "no-token", f"is a redirect to {answer.location or 'nowhere'}"
    return "no-token", f"is HTTP {status}"


def basic(credential: Credential) -> Secret:
    """The value of an Authorization header by RFC 7617, in UTF-8."""
    pair = f"{credential.user}:{credential.secret.reveal()}"
    return Secret("Basic " + base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode())
