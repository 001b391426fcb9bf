"""What did a host answer over HTTP, and where did an exchange stop that brought no answer?

An `Answer` is made for every request, also for one that failed. It holds no secret: header names
are from an allow-list, a redirect keeps the names of its query's parameters and no value, a token's
body is left out. What it holds is foreign text, bounded here and made safe (`doctor.redact.plain`)
by whoever shows it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.model import Hop

Outcome = Literal[
    "answered",
    "timeout",
    "reset",
    "closed",
    "malformed",
    "too-large",
    "tls-alert",
    "unsendable",
    "unconnected",
]
"""How the exchange ended. "answered": status, headers and as much of the body as was asked for.
"closed": the other side ended the connection in the middle. "too-large": headers or a body that
must be whole exceed the limit. "unsendable": the request holds characters that HTTP does not allow.
"unconnected": no connection could be had."""

Phase = Literal["", "connect", "send", "headers", "body"]
Who = Literal["", "anonymous", "credential", "trimmed"]
"""With what right a request was made: none, the configured credential, or that one without the
white space around it."""

KEPT_HEADERS = frozenset(
    {
        *("content-type", "content-length", "content-range", "accept-ranges", "content-encoding"),
        *(
            "docker-content-digest",
            "docker-distribution-api-version",
            "www-authenticate",
            "warning",
        ),
        *("server", "via", "date", "age", "retry-after", "allow", "deprecation", "sunset"),
        *(
            "ratelimit",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
            "ratelimit-policy",
        ),
        *("ratelimit-used", "ratelimit-resource", "docker-ratelimit-source"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-used"),
        *(
            "x-ratelimit-resource",
            "x-rate-limit-limit",
            "x-rate-limit-remaining",
            "x-rate-limit-reset",
        ),
        *("x-request-id", "x-correlation-id", "x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"),
        *(
            "x-ms-request-id",
            "x-ms-correlation-request-id",
            "x-ms-error-code",
            "x-github-request-id",
        ),
        *(
            "x-goog-request-id",
            "x-guploader-uploadid",
            "x-trace-id",
            "x-gitlab-request-id",
            "request-id",
        ),
        *("cf-ray", "cf-cache-status", "cf-mitigated", "x-cache", "x-amz-cf-id", "x-served-by"),
        *("x-squid-error", "proxy-authenticate", "x-amzn-errortype"),
    }
)
"""Everything else (cookies first of all) is dropped on receipt."""

_REQUEST_IDS = (
    *(
        "x-request-id",
        "x-amzn-requestid",
        "x-amz-request-id",
        "x-ms-request-id",
        "x-ms-correlation-request-id",
    ),
    *(
        "x-github-request-id",
        "x-guploader-uploadid",
        "x-goog-request-id",
        "x-correlation-id",
        "request-id",
    ),
    *("x-gitlab-request-id", "x-trace-id", "cf-ray", "x-amz-cf-id"),
)


@frozen(kw_only=True)
class Answer:
    """One HTTP exchange. `status` None: no answer came. Times in milliseconds, sizes in bytes."""

    hop: Hop | None = None
    method: str = "GET"
    path: str = "/v2/"
    """With the query's names; values only of `service`, `scope` and `n`."""
    who: Who = ""
    in_the_clear: bool = False
    """Was it asked over plain HTTP, because TLS could not be had?"""
    outcome: Outcome = "answered"
    phase: Phase = ""
    """Where it stopped; empty when it was answered in full."""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Lower-case names from the allow-list, in the order received; a repeated header stays
    repeated."""
    body: str = ""
    """The first characters, decoded as UTF-8 with replacement."""
    cut: bool = False
    """More came than was read."""
    code: str = ""
    """The first error code in a JSON body, as in the distribution specification ("DENIED"), or
    OAuth's `error`."""
    message: str = ""
    title: str = ""
    """Of a web page."""
    location: str | None = None
    """Where a redirect leads: absolute, without user and with empty query values."""
    adrift: bool = False
    """The location is no http or https address, so nobody can follow it: then it is as it was
    sent, without a query."""
    ms: float = 0.0
    waited: float = 0.0
    """The seconds after which it was given up, for "timeout"."""
    hurried: bool = False
    """Did the run's budget end that wait too soon?"""
    received: int = 0
    peer: str = ""
    alert: int | None = None
    """The TLS alert that ended the connection."""
    error: str = ""
    """The system's words for a failed connection; never the request's content."""
    reused: bool = False
    retries: int = 0

    def header(self, name: str) -> str:
        """The first value of that (lower-case) header, or the empty string."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.headers if key == name)

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_page(self) -> bool:
        """Is it a web page, whatever it calls itself?"""
        start = self.body.lstrip("\ufeff \t\r\n")[:15].lower()
        return self.media_type in {"text/html", "application/xhtml+xml"} or start.startswith(
            ("<!doctype html", "<html", "<head", "<body")
        )

    @property
    def redirects(self) -> bool:
        return self.status in {301, 302, 303, 307, 308}

    @property
    def request_id(self) -> str:
        """`name: value` of the first header that a support desk can look up; else empty."""
        found = ((name, self.header(name)) for name in _REQUEST_IDS)
        return next((f"{name}: {value}" for name, value in found if value), "")

    @property
    def request(self) -> str:
        """What was asked, as a log would say it: `GET /v2/`."""
        return f"{self.method} {self.path}"

    @property
    def url(self) -> str:
        """The address that was asked, by what was in fact spoken; without a query whose values are
        not kept. Empty where nobody was asked."""
        if self.hop is None:
            return ""
        hop = replace(self.hop, scheme="http") if self.in_the_clear else self.hop
        path, mark, query = self.path.partition("?")
        whole = mark and not re.search(r"=(?:&|$)", query)
        return f"{hop.scheme}://{hop.authority}{path}{f'?{query}' if whole else ''}"

    @property
    def said(self) -> str:
        """The answer in one phrase: `HTTP 403 DENIED`, `no answer for 8 s`."""
        if self.status is not None and self.outcome == "answered":
            return f"HTTP {self.status} {self.code}".rstrip()
        return {
            "timeout": f"no answer for {span(self.waited)} s"
            if not self.received
            else f"stalled for {span(self.waited)} s",
            "reset": "connection reset",
            "closed": "connection closed without a whole answer",
            "malformed": "not an HTTP answer",
            "too-large": f"HTTP {self.status} with a body over the size limit"
            if self.status
            else "headers over the size limit",
            "tls-alert": f"TLS alert {self.alert}",
            "unsendable": "a request that HTTP does not allow",
            "unconnected": "no connection",
            "answered": "answered",
        }[self.outcome]

    @property
    def words(self) -> dict[str, str]:
        """What the words of a finding about this answer may stand on: its params."""
        said = f"{self.said}: {self.message}" if self.message else self.said
        return {
            "what": self.said,
            "said": said,
            "status": str(self.status or ""),
            "title": self.title,
            "server": self.header("server") or self.header("via"),
            "request": self.request,
            "url": self.url,
            "logged_in": "yes" if self.who not in ("", "anonymous") else "",
            "request_id": self.request_id,
            "date": self.header("date"),
            "seconds": span(self.waited) if self.waited else "",
            "bytes": str(self.received) if self.outcome != "answered" else "",
        }

    @property
    def proof(self) -> dict[str, Any]:
        """What a finding about this answer puts in evidence: JSON-able, only what there is."""
        everything: dict[str, Any] = {
            "host": self.hop.name if self.hop else "",
            "request": self.request,
            "with": self.who,
            "status": self.status,
            "outcome": self.outcome if self.outcome != "answered" else "",
            "phase": self.phase,
            "waited_seconds": round(self.waited, 1) if self.outcome == "timeout" else None,
            "received_bytes": self.received if self.outcome != "answered" else None,
            "tls_alert": self.alert,
            "error_code": self.code,
            "message": self.message,
            "content_type": self.media_type,
            "title": self.title,
            "server": self.header("server"),
            "via": self.header("via"),
            "request_id": self.request_id,
            "date": self.header("date"),
            "location": self.location,
            "retry_after": self.header("retry-after"),
            "retries": self.retries or None,
            "body": self.body[:200] if not self.code else "",
            "peer": self.peer,
        }
        return {key: value for key, value in everything.items() if value not in ("", None)}


def span(seconds: float) -> str:
    """How long, as a sentence says it: `0.43`, `6.7`, `8`, `12`."""
    return f"{seconds:.2g}" if seconds < 9.95 else f"{seconds:.0f}"


_CERTIFICATE_ALERTS = frozenset({40, 42, 116})
"""handshake_failure, bad_certificate and certificate_required (RFC 8446, section 6.2): after the
handshake they speak of ours."""


def trouble(answer: Answer) -> str | None:
    """The code of what is wrong with an exchange whoever asked and whatever for; None where its
    status must be read."""
    if answer.outcome == "timeout":
        return "registry.timeout"
    if answer.outcome == "tls-alert":
        ours = answer.alert in _CERTIFICATE_ALERTS
        return "tls.client-certificate-required" if ours else "registry.bad-response"
    if answer.outcome != "answered":
        return "registry.bad-response"
    if answer.status is not None and answer.status >= 500 and answer.status != 511:
        return "registry.server-error"
    return None
