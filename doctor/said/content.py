"""Which words tell that something is not there, broken, or did not come to its end?"""

from __future__ import annotations

from doctor.said import ambiguous
from doctor.said.answer import Answer, Rule, likely, rule, status, sure
from doctor.said.wrapping import Context


def _missing(context: Context) -> Answer | None:
    """A 404: of the API, of a layer, of the token service, or of an image."""
    if context.of_token:
        return sure("auth.realm-error")
    if context.of_ping or context.says("<html", "<!DOCTYPE", "<HTML", "parsing HTTP 404 response"):
        return sure("registry.not-a-registry")
    if context.of_blob:
        return sure("registry.blob-missing")
    return likely(
        "registry.manifest-unknown",
        "registry.name-unknown",
        tell=(ambiguous.TAG_OR_REPOSITORY, ambiguous.HIDDEN),
    )


def _server(context: Context) -> Answer | None:
    if context.of_token:
        return sure("auth.realm-error")
    if context.of_blob and context.elsewhere:
        return sure("registry.blob-refused")
    return sure("registry.server-error")


def _canceled(context: Context) -> Answer | None:
    return likely("k8s.pull-stalled", tell=(ambiguous.CANCELED,))


REST: tuple[Rule, ...] = (
    rule(
        r"no (?:resolve|pull) hosts: not found",
        sure("client.config-invalid"),
    ),
    rule(
        r"content digest \S+: not found|snapshot does not exist|read- ?only file system"
        r"|input/output error",
        likely("k8s.inspect-error"),
    ),
    rule(
        r"fetch content descriptor|content at .{1,300} not found|blob unknown|BLOB_UNKNOWN",
        sure("registry.blob-missing"),
    ),
    rule(
        r"\bname unknown|NAME_UNKNOWN|repository name not known|name not known to registry"
        r"|NOT_FOUND: repository|unknown: repository \S+ not found",
        sure("registry.name-unknown"),
    ),
    rule(r"unknown: artifact \S+ not found", sure("registry.manifest-unknown")),
    rule(
        r"manifest for \S+ not found",
        likely(
            "registry.manifest-unknown",
            "registry.name-unknown",
            tell=(ambiguous.TAG_OR_REPOSITORY,),
        ),
    ),
    rule(
        r"[Mm]anifest unknown|MANIFEST_UNKNOWN|NOT_FOUND: artifact",
        likely(
            "registry.manifest-unknown", "registry.name-unknown", tell=(ambiguous.SAYS_MANIFEST,)
        ),
    ),
    rule(
        r"no such manifest: ",
        likely(
            "registry.manifest-unknown",
            "registry.name-unknown",
            "auth.rejected",
            "registry.http-only",
            tell=(ambiguous.INSPECT,),
        ),
    ),
    status(404, 404, _missing),
    rule(r"(?:^|[:\s])\*: not found\b|\b404 Not Found|not found \[http 404\]", _missing),
    status(500, 599, _server),
    rule(
        r"unavailable: |UNAVAILABLE: "
        r"|\b50[0-4] (?:Internal|Bad|Service|Gateway)|Bad Gateway|Service Unavailable"
        r"|Gateway Time-?out|Internal Server Error",
        _server,
    ),
    rule(
        r"no space left on device|disk quota exceeded|[Nn]ot enough space"
        r"|free data blocks which is less than minimum",
        sure("client.no-space"),
    ),
    rule(
        r"[Dd]igest did not match|does not match expected|unexpected commit digest|short read: "
        r"|layer verification failed|failed size validation|invalid tar header|gzip: invalid"
        r"|failed to read expected number of bytes|unexpected EOF|digest mismatch"
        r"|stopped after \d+ redirects|response missing Location header|malformed HTTP response"
        r"|manifest verification failed|unexpected end of JSON",
        sure("registry.bad-response"),
    ),
    rule(r"unexpected media type|invalid character ", sure("registry.bad-response")),
    rule(
        r"context deadline exceeded|Client\.Timeout exceeded|Operation timed out|DEADLINE_EXCEEDED",
        likely("registry.timeout", "tcp.timeout", tell=(ambiguous.DEADLINE,)),
    ),
    rule(r"context canceled", _canceled),
    rule(
        r"backoff limit reached",
        likely("registry.server-error", "rate.limited", tell=(ambiguous.GAVE_UP,)),
    ),
    rule(
        r"\"?\*\"?: EOF *\"?$|^ *EOF *$|stream error: |GOAWAY",
        likely("tls.handshake-reset", "registry.bad-response", tell=(ambiguous.WHEN_CUT,)),
    ),
    rule(
        r"[Ff]ailed to inspect image|ImageInspectError|get image status",
        sure("k8s.inspect-error"),
    ),
)
