"""Which words tell that a registry answered and refused: limits, platforms, logins, rights?"""

from __future__ import annotations

from doctor.said import ambiguous
from doctor.said.answer import Answer, Rule, likely, rule, status, sure
from doctor.said.wrapping import Context


def _unauthorized(context: Context) -> Answer | None:
    """A 401, by who asked whom."""
    if context.status not in (None, 401):
        return None
    if context.says("fetch oauth token"):
        return sure("auth.rejected")
    if context.says("fetch anonymous token"):
        return likely("auth.no-credentials", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))
    if context.says("login attempt to", "no successful auth challenge"):
        return sure("auth.rejected")
    if context.says("unexpected status from "):
        return likely("auth.rejected", tell=(ambiguous.SENT,))
    return likely("auth.no-credentials", "auth.rejected", tell=(ambiguous.LOGIN,))


def _forbidden(context: Context) -> Answer | None:
    if context.says("fetch anonymous token"):
        return likely("auth.no-credentials", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))
    if context.says("fetch oauth token"):
        return likely("auth.forbidden", "auth.rejected", tell=(ambiguous.REFUSED_THERE,))
    if context.of_blob and context.elsewhere:
        return sure("registry.blob-refused")
    page = context.says("invalid character '<'", "<html", "<HTML", "<!DOCTYPE")
    if context.of_ping and not page and "denied: " in context.core:
        return likely("auth.rejected", "auth.forbidden", tell=(ambiguous.REFUSED_THERE,))
    if context.of_ping or page:
        return likely("registry.blocked", "auth.forbidden", tell=(ambiguous.IN_FRONT,))
    return likely("auth.forbidden", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))


def _oci_unshown(context: Context) -> Answer | None:
    """`docker manifest inspect` knows no OCI manifests: nothing is wrong with the image by that."""
    if "application/vnd.oci.image." in context.whole:
        return Answer((), "possible", (ambiguous.OCI_UNSHOWN,))
    return likely("registry.old-schema", "registry.bad-response", tell=(ambiguous.OLD_WORDS,))


def _parsing(context: Context) -> Answer | None:
    if context.status is not None and context.status >= 500:
        return None
    if context.status in (401, 403, 407, 429):
        return None
    return sure("registry.not-a-registry")


ACCESS: tuple[Rule, ...] = (
    rule(
        r"\b429\b|toomanyrequests|TOOMANYREQUESTS|[Tt]oo [Mm]any [Rr]equests|rate limit exceeded"
        r"|pull rate limit|[Dd]ata limit exceeded",
        sure("rate.limited"),
    ),
    rule(
        r"no match for platform in manifest|no matching manifest for"
        r"|no image found in (?:image index|manifest list) for (?:architecture|platform)"
        r"|no child with platform|does not match the (?:specified|detected host) platform"
        r"|-based image is incompatible with a |cannot be used on this platform"
        r"|exec format error",
        sure("registry.platform-missing"),
    ),
    rule(
        r"realm host .{0,300}is a private or link-local",
        sure("auth.realm-foreign"),
    ),
    rule(
        r"no token in bearer response|missing realm|supported auth scheme"
        r"|challenge scheme .{1,80} is not bearer|decod(?:e|ing) token response"
        r"|did not include a token in the response",
        likely("auth.realm-error"),
    ),
    rule(
        r"no basic auth credentials|basic credential not found|no auth credentials",
        sure("auth.no-credentials"),
    ),
    rule(
        r"invalid username/password|incorrect username or password|wrong username or password"
        r"|invalid username or password|bad username or password",
        sure("auth.rejected"),
    ),
    rule(
        r"authorization token has expired|(?:access|refresh|identity) token (?:is|has) expired",
        sure("auth.token-expired"),
    ),
    rule(
        r"please use personal access token|login credentials are not valid"
        r"|HTTP Basic: Access denied",
        sure("auth.rejected"),
    ),
    rule(r"is not authorized to perform: ecr", sure("auth.forbidden")),
    rule(
        r"Unauthenticated request",
        likely("auth.no-credentials", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,)),
    ),
    rule(r"client with IP .{1,80} is not allowed", sure("registry.blocked")),
    rule(
        r"insufficient_scope",
        likely("auth.denied-or-missing", "auth.forbidden", tell=(ambiguous.SCOPE,)),
    ),
    rule(
        r"pull access denied|may require 'docker login'",
        likely("auth.denied-or-missing", "auth.no-credentials", tell=(ambiguous.THREE,)),
    ),
    rule(
        r"is blocked in \S*registries\.conf|registry \S+ is blocked|blocked pull of"
        r"|SignatureValidationFailed|[Ss]ource image rejected|signature validation failed"
        r"|image verifier .{1,600}blocked|rejected by policy",
        sure("client.blocked"),
    ),
    rule(
        r"manifest\.v1\+prettyjws|[Ss]chema 1 (?:image )?manifest|no longer supported since"
        r"|schema ?1 manifests? .{0,40}not supported"
        r"|schema 1 support (?:is disabled|has been removed)",
        sure("registry.old-schema"),
    ),
    rule(
        r"unexpected media type \"?text/html|invalid character '<'|unknown: <",
        _parsing,
    ),
    status(401, 401, _unauthorized),
    rule(
        r"requested access to the resource is denied",
        likely("auth.forbidden", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,)),
    ),
    rule(
        r"\bUNAUTHORIZED\b|\bunauthorized\b|\b401 Unauthorized|: Unauthorized"
        r"|\bauthentication required\b",
        _unauthorized,
    ),
    status(403, 403, _forbidden),
    status(451, 451, lambda _: likely("registry.blocked")),
    rule(
        r"\bDENIED: |(?:^|[:\s])denied: |^[\s:]*denied *$|\*\"?: denied *\"?$|\b403 Forbidden"
        r"|unknown: Forbidden",
        _forbidden,
    ),
    rule(
        r"no signatures *$|Transfer not implemented for",
        likely("registry.old-schema", tell=(ambiguous.OLD_WORDS,)),
    ),
    rule(
        r"image ID .{0,80}is invalid",
        likely("registry.old-schema", "registry.bad-response", tell=(ambiguous.OLD_WORDS,)),
    ),
    rule(r"unsupported manifest format|unsupported media type|unsupported MediaType", _oci_unshown),
)
