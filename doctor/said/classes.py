"""Which finding do a client's words stand for?

The words are asked in a fixed order, since many errors hold the words of another: a certificate's
error before a network's, a name's before "not found", a platform's before "not found". Nothing is
guessed: what no rule knows stays unknown. Where several causes print the same words, each is a
candidate, the likeliest first.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.frozen import frozen
from doctor.model import Confidence
from doctor.said import ambiguous
from doctor.said.wrapping import Context


@frozen
class Answer:
    """Candidates from the catalogue, the likeliest first; none: the words are not known."""

    codes: tuple[str, ...] = ()
    confidence: Confidence = "likely"
    cannot_tell: tuple[str, ...] = ()
    beneath: tuple[str, ...] = ()
    """Where the first code names a station (token service, layer storage, proxy, sandbox image):
    what fails there."""


Rule = tuple[re.Pattern[str], "Answer | Callable[[Context], Answer | None]"]


def classify(context: Context) -> Answer:
    """What the error is."""
    for pattern, answer in RULES:
        if not pattern.search(context.core):
            continue
        found = answer if isinstance(answer, Answer) else answer(context)
        if found is not None:
            return _placed(found, context)
    return _by_wrapper(context)


def _by_wrapper(context: Context) -> Answer:
    """What the outer words alone say, where nothing is known of the inner ones."""
    if context.says("signature validation failed", "SignatureValidationFailed", "image rejected"):
        return _sure("client.blocked")
    if context.says("Failed to inspect image", "ImageInspectError"):
        return _sure("k8s.inspect-error")
    if context.says("the registry is unavailable", "RegistryUnavailable"):
        return _likely("tcp.refused", "registry.server-error", tell=(ambiguous.UNAVAILABLE,))
    return Answer()


def _placed(answer: Answer, context: Context) -> Answer:
    """The answer where it happened: at the proxy, at the token service, at the layers' storage, or
    for the sandbox image, the place is the finding, and the layer lies beneath it."""
    first = answer.codes[0] if answer.codes else ""
    area = first.partition(".")[0]
    if context.says("sandbox image", "create pod sandbox") and "image" in context.fields:
        return Answer(
            ("k8s.sandbox-image",), "certain", answer.cannot_tell, answer.beneath or answer.codes
        )
    if area not in ("dns", "tcp", "tls") or first == "tls.ca-file-unusable":
        return answer
    beneath = answer.codes
    if context.of_token and context.elsewhere:
        return Answer(("auth.realm-unreachable",), "likely", answer.cannot_tell, beneath)
    if context.of_blob and context.elsewhere:
        return Answer(("registry.blob-unreachable",), "likely", answer.cannot_tell, beneath)
    return answer


def _sure(*codes: str, tell: tuple[str, ...] = ()) -> Answer:
    return Answer(codes, "certain", tell)


def _likely(*codes: str, tell: tuple[str, ...] = ()) -> Answer:
    return Answer(codes, "likely" if len(codes) == 1 else "possible", tell)


def _rule(pattern: str, answer: Answer | Callable[[Context], Answer | None]) -> Rule:
    return re.compile(pattern), answer


def _proxy(context: Context) -> Answer | None:
    """What fails on the way to the proxy itself (Go, net/http: `proxyconnect`)."""
    said = context.core.partition("proxyconnect tcp: ")[2] or context.core
    if re.search(r"lookup https?:|lookup https? |invalid port|unknown port", said) or (
        context.fields.get("name_of") in ("http", "https")
    ):
        return _likely("proxy.invalid-url", "proxy.unresolvable", tell=(ambiguous.STRAY_SCHEME,))
    if re.search(r"lookup |no such host|[Nn]ame resolution", said):
        return Answer(("proxy.unresolvable",), "certain", (), _beneath(said))
    if re.search(r"x509:|tls:|TLS handshake|server gave HTTP response", said):
        return Answer(("proxy.tls-failed",), "certain")
    if re.search(r"malformed HTTP|unexpected EOF|: EOF", said):
        return _likely("proxy.not-a-proxy")
    return Answer(("proxy.unreachable",), "certain", (), _beneath(said))


def _beneath(said: str) -> tuple[str, ...]:
    return next((a.codes for p, a in (*DNS, *TCP) if isinstance(a, Answer) and p.search(said)), ())


def _proxy_status(context: Context) -> Answer | None:
    """Go gives the text of the status with which a proxy answers CONNECT, and nothing else:
    `Head "URL": Forbidden` (net/http, transport.go)."""
    if context.says("Forbidden"):
        return _likely("proxy.denied")
    return _likely("proxy.upstream-failed")


def _unauthorized(context: Context) -> Answer | None:
    """A 401, by who asked whom."""
    if context.status not in (None, 401):
        return None
    if context.says("fetch oauth token"):
        return _sure("auth.rejected")
    if context.says("fetch anonymous token"):
        return _likely("auth.no-credentials", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))
    if context.says("login attempt to", "no successful auth challenge"):
        return _sure("auth.rejected")
    if context.says("unexpected status from "):
        return _likely("auth.rejected", tell=(ambiguous.SENT,))
    return _likely("auth.no-credentials", "auth.rejected", tell=(ambiguous.LOGIN,))


def _forbidden(context: Context) -> Answer | None:
    if context.says("fetch anonymous token"):
        return _likely("auth.no-credentials", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))
    if context.says("fetch oauth token"):
        return _likely("auth.forbidden", "auth.rejected", tell=(ambiguous.REFUSED_THERE,))
    if context.of_blob and context.elsewhere:
        return _sure("registry.blob-refused")
    if context.of_ping:
        return _likely("registry.blocked", "auth.forbidden", tell=(ambiguous.IN_FRONT,))
    return _likely("auth.forbidden", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,))


def _missing(context: Context) -> Answer | None:
    """A 404: of the API, of a layer, of the token service, or of an image."""
    if context.of_token:
        return _sure("auth.realm-error")
    if context.of_ping or context.says("<html", "<!DOCTYPE", "<HTML"):
        return _sure("registry.not-a-registry")
    if context.of_blob:
        return _sure("registry.blob-missing")
    return _likely(
        "registry.manifest-unknown",
        "registry.name-unknown",
        tell=(ambiguous.TAG_OR_REPOSITORY, ambiguous.HIDDEN),
    )


def _server(context: Context) -> Answer | None:
    if context.of_token:
        return _sure("auth.realm-error")
    if context.of_blob and context.elsewhere:
        return _sure("registry.blob-refused")
    return _sure("registry.server-error")


def _status(low: int, high: int, answer: Callable[[Context], Answer | None]) -> Rule:
    def of(context: Context) -> Answer | None:
        status = context.status
        return answer(context) if status is not None and low <= status <= high else None

    return re.compile(""), of


def _reset(context: Context) -> Answer | None:
    """Cut while connecting, or after something was said."""
    if re.search(r"dial tcp|connect: connection reset", context.core):
        return _likely("tcp.reset")
    return _likely("tls.handshake-reset", "tcp.reset", tell=(ambiguous.WHEN_CUT,))


def _canceled(context: Context) -> Answer | None:
    return _likely("k8s.pull-stalled", tell=(ambiguous.CANCELED,))


def _oci_unshown(context: Context) -> Answer | None:
    """`docker manifest inspect` knows no OCI manifests: nothing is wrong with the image by that."""
    if "application/vnd.oci.image." in context.whole:
        return Answer((), "possible", (ambiguous.OCI_UNSHOWN,))
    return _likely("registry.old-schema", "registry.bad-response", tell=(ambiguous.OLD_WORDS,))


def _parsing(context: Context) -> Answer | None:
    if context.status is not None and context.status >= 500:
        return None
    if context.status in (401, 403, 407, 429):
        return None
    return _sure("registry.not-a-registry")


BEFORE: tuple[Rule, ...] = (
    _rule(
        r"[Cc]annot connect to (?:the Docker daemon|Podman)|Is the docker daemon running"
        r"|trying to connect to the [Dd]ocker (?:daemon socket|API)|dial unix \S+: connect: "
        r"|failed to dial \S*\.sock|validate (?:CRI|service) \S+ (?:image|runtime) API"
        r"|error during connect: ",
        _sure("client.not-running"),
    ),
    _rule(
        r"is not present with pull policy of Never|^ *ErrImageNeverPull", _sure("k8s.never-pull")
    ),
    _rule(r"pull QPS exceeded", _sure("k8s.pull-qps")),
    _rule(
        r"[Uu]nable to retrieve some image pull secrets",
        _likely("k8s.secret-missing", tell=(ambiguous.RETRIEVE_HINT,)),
    ),
    _rule(
        r"illegal base64 data at input byte|must be formatted as base64\(username:password\)"
        r"|cannot unmarshal .{1,200}(?:DockerConfig|credentialprovider)"
        r"|couldn't (?:parse|decode) .{0,80}dockercfg",
        _sure("k8s.secret-malformed"),
    ),
    _rule(
        r"couldn't parse image (?:name|reference)|[Ii]nvalid reference format|InvalidImageName"
        r"|repository name .{0,300}must be (?:lowercase|canonical)|invalid reference(?: *$|[:\s])"
        r"|parse \S+: invalid port \S+ after host|could not parse reference|InvalidDefaultImageTag"
        r"|invalid (?:image name|checksum digest (?:length|format)|repository name)",
        _sure("registry.invalid-reference"),
    ),
    _rule(
        r"cancel pulling image .{0,520}because of no progress"
        r"|Timed out on waiting up to .{1,40} for image pull progress",
        _sure("k8s.pull-stalled"),
    ),
    _rule(
        r"missing key \S+ for client certificate|load host specific ca"
        r"|(?:unable to|could not|failed to) (?:load|read|append|parse) (?:\S+ )?(?:CA|ca|client) "
        r"cert|no such file or directory.{0,80}\.(?:crt|pem)\b",
        _sure("tls.ca-file-unusable"),
    ),
    _rule(
        r"docker-credential-\S*.{0,80}(?:not found|not installed|no such file)"
        r"|Credentials store \S+ not installed",
        _sure("auth.helper-missing"),
    ),
    _rule(
        r"[Ee]rror (?:getting|storing|saving) credentials|Credentials store .{1,200} exited with"
        r"|credential helper .{0,200}(?:failed|exited)|docker-credential-\S+.{0,200}exit status",
        _sure("auth.helper-failed"),
    ),
)
PROXY: tuple[Rule, ...] = (
    _rule(r"proxyconnect|socks connect", _proxy),
    _rule(r"Could not resolve proxy", _sure("proxy.unresolvable")),
    _rule(
        r"Proxy Authentication Required|\b407\b",
        _likely("proxy.auth-required", "proxy.auth-rejected", tell=(ambiguous.PROXY_LOGIN,)),
    ),
    _rule(
        r"invalid proxy (?:address|URL)|unsupported proxy|parse proxy", _sure("proxy.invalid-url")
    ),
    _rule(r"CONNECT tunnel failed, response 403", _sure("proxy.denied")),
    _rule(r"CONNECT tunnel failed, response 5\d\d", _sure("proxy.upstream-failed")),
    _rule(
        r"(?:Get|Head|Post) \"?\*\"?: (?:Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout)"
        r" *\"?$",
        _proxy_status,
    ),
)
TLS: tuple[Rule, ...] = (
    _rule(
        r"certificate has expired or is not yet valid: .{0,80} is before\b"
        r"|certificate is not yet valid",
        _likely("tls.not-yet-valid", tell=(ambiguous.CLOCK,)),
    ),
    _rule(
        r"certificate has expired or is not yet valid(?!: )",
        _likely("tls.expired", "tls.not-yet-valid", tell=(ambiguous.CLOCK,)),
    ),
    _rule(
        r"certificate has expired",
        _likely("tls.expired", tell=(ambiguous.WHICH_EXPIRED, ambiguous.CLOCK)),
    ),
    _rule(
        r"certificate is valid for .{1,300}, not |is not valid for any names"
        r"|cannot validate certificate for .{1,300}IP SANs|relies on legacy Common Name"
        r"|no alternative certificate subject name|does not match target host"
        r"|certificate verify failed: (?:Hostname|IP address) mismatch",
        _sure("tls.hostname-mismatch"),
    ),
    _rule(
        r"not authorized to sign other certificates|too many intermediates for path length",
        _sure("tls.invalid-ca"),
    ),
    _rule(
        r"is not permitted by any constraint|is excluded by constraint|name constraints",
        _sure("tls.name-constraint"),
    ),
    _rule(
        r"insecure algorithm|CA md too weak|ca md too weak",
        _sure("tls.weak-signature"),
    ),
    _rule(r"key too small|[ee]e key too small", _sure("tls.weak-key")),
    _rule(
        r"incompatible key usage|unhandled critical extension|x509: malformed|x509: invalid",
        _sure("tls.bad-certificate"),
    ),
    _rule(
        r"[Ss]elf[- ]signed certificate(?! in certificate chain)",
        _sure("tls.self-signed"),
    ),
    _rule(
        r"unable to get (?:local )?issuer certificate",
        _likely("tls.unknown-ca", tell=(ambiguous.CHAIN,)),
    ),
    _rule(
        r"certificate signed by unknown authority|certificate is not trusted"
        r"|self[- ]signed certificate in certificate chain|unknown CA\b"
        r"|SSL certificate problem|certificate verify failed",
        _likely("tls.unknown-ca", tell=(ambiguous.AUTHORITY,)),
    ),
    _rule(
        r"server gave HTTP response to HTTPS client|wrong version number",
        _likely("registry.http-only", "tls.plain-http", tell=(ambiguous.PLAIN,)),
    ),
    _rule(r"first record does not look like a TLS handshake", _sure("tls.not-tls")),
    _rule(r"TLS handshake timeout", _sure("tls.handshake-timeout")),
    _rule(
        r"tls: (?:protocol version not supported|server selected unsupported protocol version)"
        r"|unsupported protocol version|alert protocol version|unsupported protocol\b",
        _sure("tls.protocol-too-old"),
    ),
    _rule(
        r"certificate required|tls: bad certificate",
        _likely("tls.client-certificate-required"),
    ),
    _rule(
        r"tls: (?:handshake failure|no cipher suite supported)|handshake failure",
        _likely("tls.no-common-cipher", "tls.handshake-refused", tell=(ambiguous.ALERT,)),
    ),
    _rule(
        r"remote error: tls: |alert (?:unrecognized name|internal error)",
        _sure("tls.handshake-refused"),
    ),
    _rule(r"SSL_ERROR_SYSCALL|Recv failure: Connection reset", _reset),
)
DNS: tuple[Rule, ...] = (
    _rule(
        r"\bno such host\b|Name or service not known|nodename nor servname",
        _likely("dns.nxdomain", tell=(ambiguous.NO_ADDRESS,)),
    ),
    _rule(
        r"server misbehaving",
        _likely("dns.servfail", "dns.refused", tell=(ambiguous.MISBEHAVING,)),
    ),
    _rule(
        r"Temporary failure in name resolution",
        _likely("dns.timeout", "dns.servfail", tell=(ambiguous.TEMPORARY,)),
    ),
    _rule(
        r"Could not resolve host",
        _likely(
            "dns.nxdomain", "dns.servfail", "dns.refused", "dns.timeout", tell=(ambiguous.CURL,)
        ),
    ),
    _rule(
        r"lookup .{0,300}(?:i/o timeout|connection refused|network is unreachable"
        r"|no route to host|operation not permitted|context deadline exceeded)",
        _sure("dns.timeout"),
    ),
    _rule(r"cannot unmarshal DNS message", _likely("dns.servfail")),
)
TCP: tuple[Rule, ...] = (
    _rule(r"[Cc]onnection refused", _sure("tcp.refused")),
    _rule(
        r"no route to host|[Nn]etwork is unreachable|host is down|connect: permission denied"
        r"|connect: operation not permitted|No route to host",
        _sure("tcp.unreachable"),
    ),
    _rule(
        r"dial tcp .{0,200}i/o timeout|connect: connection timed out|[Cc]onnection timed out"
        r"|while waiting for connection",
        _sure("tcp.timeout"),
    ),
    _rule(r"connection reset by peer|broken pipe", _reset),
    _rule(
        r"Couldn't connect to server",
        _likely("tcp.refused", "tcp.unreachable", "tcp.reset", tell=(ambiguous.CURL,)),
    ),
    _rule(
        r"awaiting (?:response )?headers|timeout awaiting|read tcp .{0,200}i/o timeout"
        r"|client connection lost|while reading body",
        _sure("registry.timeout"),
    ),
    _rule(r"i/o timeout", _likely("tcp.timeout")),
)
ACCESS: tuple[Rule, ...] = (
    _rule(
        r"\b429\b|toomanyrequests|TOOMANYREQUESTS|[Tt]oo [Mm]any [Rr]equests|rate limit exceeded"
        r"|pull rate limit|[Dd]ata limit exceeded",
        _sure("rate.limited"),
    ),
    _rule(
        r"no match for platform in manifest|no matching manifest for"
        r"|no image found in (?:image index|manifest list) for (?:architecture|platform)"
        r"|no child with platform|does not match the (?:specified|detected host) platform"
        r"|exec format error",
        _sure("registry.platform-missing"),
    ),
    _rule(
        r"realm host .{0,300}is a private or link-local",
        _sure("auth.realm-foreign"),
    ),
    _rule(
        r"no token in bearer response|missing realm|supported auth scheme"
        r"|challenge scheme .{1,80} is not bearer|decod(?:e|ing) token response",
        _likely("auth.realm-error"),
    ),
    _rule(
        r"no basic auth credentials|basic credential not found|no auth credentials",
        _sure("auth.no-credentials"),
    ),
    _rule(
        r"invalid username/password|incorrect username or password|wrong username or password"
        r"|invalid username or password|bad username or password",
        _sure("auth.rejected"),
    ),
    _rule(
        r"insufficient_scope",
        _likely("auth.denied-or-missing", "auth.forbidden", tell=(ambiguous.SCOPE,)),
    ),
    _rule(
        r"pull access denied|may require 'docker login'",
        _likely("auth.denied-or-missing", "auth.no-credentials", tell=(ambiguous.THREE,)),
    ),
    _rule(
        r"is blocked in \S*registries\.conf|registry \S+ is blocked|blocked pull of"
        r"|SignatureValidationFailed|[Ss]ource image rejected|signature validation failed"
        r"|image verifier .{1,600}blocked|rejected by policy",
        _sure("client.blocked"),
    ),
    _rule(
        r"manifest\.v1\+prettyjws|[Ss]chema 1 (?:image )?manifest|no longer supported since"
        r"|schema ?1 manifests? .{0,40}not supported",
        _sure("registry.old-schema"),
    ),
    _rule(
        r"unexpected media type \"?text/html|invalid character '<'|unknown: <",
        _parsing,
    ),
    _status(401, 401, _unauthorized),
    _rule(
        r"requested access to the resource is denied",
        _likely("auth.forbidden", "auth.denied-or-missing", tell=(ambiguous.HIDDEN,)),
    ),
    _rule(r"\bUNAUTHORIZED\b|\bunauthorized\b|\b401 Unauthorized|: Unauthorized", _unauthorized),
    _status(403, 403, _forbidden),
    _rule(r"\bDENIED: |(?:^|[:\s])denied: |^[\s:]*denied *$|\b403 Forbidden", _forbidden),
    _rule(
        r"no signatures *$|Transfer not implemented for",
        _likely("registry.old-schema", tell=(ambiguous.OLD_WORDS,)),
    ),
    _rule(
        r"image ID .{0,80}is invalid",
        _likely("registry.old-schema", "registry.bad-response", tell=(ambiguous.OLD_WORDS,)),
    ),
    _rule(
        r"unsupported manifest format|unsupported media type|unsupported MediaType", _oci_unshown
    ),
)
REST: tuple[Rule, ...] = (
    _rule(
        r"no (?:resolve|pull) hosts: not found",
        _sure("client.config-invalid"),
    ),
    _rule(
        r"fetch content descriptor|content at .{1,300} not found|blob unknown|BLOB_UNKNOWN",
        _sure("registry.blob-missing"),
    ),
    _rule(
        r"\bname unknown|NAME_UNKNOWN|repository name not known|name not known to registry"
        r"|NOT_FOUND: repository",
        _sure("registry.name-unknown"),
    ),
    _rule(
        r"manifest for \S+ not found",
        _likely(
            "registry.manifest-unknown",
            "registry.name-unknown",
            tell=(ambiguous.TAG_OR_REPOSITORY,),
        ),
    ),
    _rule(
        r"[Mm]anifest unknown|MANIFEST_UNKNOWN|NOT_FOUND: artifact",
        _likely(
            "registry.manifest-unknown", "registry.name-unknown", tell=(ambiguous.SAYS_MANIFEST,)
        ),
    ),
    _rule(
        r"no such manifest: ",
        _likely(
            "registry.manifest-unknown",
            "registry.name-unknown",
            "auth.rejected",
            "registry.http-only",
            tell=(ambiguous.INSPECT,),
        ),
    ),
    _status(404, 404, _missing),
    _rule(r"(?:^|[:\s])\*: not found\b|\b404 Not Found|not found \[http 404\]", _missing),
    _status(500, 599, _server),
    _rule(
        r"unavailable: |UNAVAILABLE: "
        r"|\b50[0-4] (?:Internal|Bad|Service|Gateway)|Bad Gateway|Service Unavailable"
        r"|Gateway Time-?out|Internal Server Error",
        _server,
    ),
    _rule(
        r"no space left on device|disk quota exceeded|[Nn]ot enough space", _sure("client.no-space")
    ),
    _rule(
        r"[Dd]igest did not match|does not match expected|unexpected commit digest|short read: "
        r"|layer verification failed|failed size validation|invalid tar header|gzip: invalid"
        r"|failed to read expected number of bytes|unexpected EOF|digest mismatch"
        r"|stopped after \d+ redirects|manifest verification failed|unexpected end of JSON",
        _sure("registry.bad-response"),
    ),
    _rule(r"unexpected media type|invalid character ", _sure("registry.bad-response")),
    _rule(
        r"context deadline exceeded|Client\.Timeout exceeded|Operation timed out|DEADLINE_EXCEEDED",
        _likely("registry.timeout", "tcp.timeout", tell=(ambiguous.DEADLINE,)),
    ),
    _rule(r"context canceled", _canceled),
    _rule(
        r"backoff limit reached",
        _likely("registry.server-error", "rate.limited", tell=(ambiguous.GAVE_UP,)),
    ),
    _rule(
        r"\"?\*\"?: EOF *\"?$|^ *EOF *$|stream error: |GOAWAY",
        _likely("tls.handshake-reset", "registry.bad-response", tell=(ambiguous.WHEN_CUT,)),
    ),
    _rule(
        r"[Ff]ailed to inspect image|ImageInspectError|get image status",
        _sure("k8s.inspect-error"),
    ),
)
RULES: tuple[Rule, ...] = (*BEFORE, *PROXY, *TLS, *DNS, *TCP, *ACCESS, *REST)
