"""Which finding do a client's words stand for?

The words are asked in a fixed order, since many errors hold the words of another: a certificate's
error before a network's, a name's before "not found", a platform's before "not found". Nothing is
guessed: what no rule knows stays unknown. Where several causes print the same words, each is a
candidate, the likeliest first.
"""

from __future__ import annotations

from doctor.said import ambiguous
from doctor.said.access import ACCESS
from doctor.said.answer import Answer, Rule, likely, rule, sure
from doctor.said.content import REST
from doctor.said.network import DNS, PROXY, TCP, TLS
from doctor.said.wrapping import Context

_LOGIN = ("auth.rejected", "auth.no-credentials")


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
        return sure("client.blocked")
    if context.says("Failed to inspect image", "ImageInspectError"):
        return sure("k8s.inspect-error")
    if context.whole == "InvalidImageName":
        return sure("registry.invalid-reference")
    if context.says("the registry is unavailable", "RegistryUnavailable"):
        return likely("tcp.refused", "registry.server-error", tell=(ambiguous.UNAVAILABLE,))
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
    if context.mirror and first in _LOGIN and context.status == 401:
        return Answer(("client.mirror-auth",), "likely", answer.cannot_tell)
    if area not in ("dns", "tcp", "tls") or first == "tls.ca-file-unusable":
        return answer
    beneath = answer.codes
    if context.mirror:
        return Answer(("client.mirror-unreachable",), "likely", answer.cannot_tell, beneath)
    if context.of_token and context.elsewhere:
        return Answer(("auth.realm-unreachable",), "likely", answer.cannot_tell, beneath)
    if context.of_blob and context.elsewhere:
        return Answer(("registry.blob-unreachable",), "likely", answer.cannot_tell, beneath)
    return answer


BEFORE: tuple[Rule, ...] = (
    rule(
        r"[Cc]annot connect to (?:the Docker daemon|Podman)|Is the docker daemon running"
        r"|trying to connect to the [Dd]ocker (?:daemon socket|API)|dial unix \S+: connect: "
        r"|(?:containerd|crio|podman|docker)\.sock: connect: |cannot access containerd socket"
        r"|failed to dial \S*\.sock|validate (?:CRI|service) \S+ (?:image|runtime) API"
        r"|error during connect: ",
        sure("client.not-running"),
    ),
    rule(r"is not present with pull policy of Never|^ *ErrImageNeverPull", sure("k8s.never-pull")),
    rule(r"pull QPS exceeded", sure("k8s.pull-qps")),
    rule(
        r"retrieve some image pull secrets",
        likely("k8s.secret-missing", tell=(ambiguous.RETRIEVE_HINT,)),
    ),
    rule(
        r"illegal base64 data at input byte|must be formatted as base64\(username:password\)"
        r"|cannot unmarshal .{1,200}(?:DockerConfig|credentialprovider)"
        r"|couldn't (?:parse|decode) .{0,80}dockercfg",
        sure("k8s.secret-malformed"),
    ),
    rule(r"invalid proxy (?:address|URL)|unsupported proxy|parse proxy", sure("proxy.invalid-url")),
    rule(
        r"couldn't parse image (?:name|reference)|[Ii]nvalid reference format|InvalidImageName"
        r"|repository name .{0,300}must be (?:lowercase|canonical)|invalid reference(?: *$|[:\s])"
        r"|parse \S+: invalid port \S+ after host|address \S+: invalid port"
        r"|could not parse reference|InvalidDefaultImageTag"
        r"|invalid (?:image name|checksum digest (?:length|format)|repository name)",
        sure("registry.invalid-reference"),
    ),
    rule(
        r"short-name .{1,300} did not resolve to an alias|short-name resolution enforced"
        r"|short ?name mode is enforcing",
        sure("registry.invalid-reference"),
    ),
    rule(
        r"loading registries configuration .{0,300}: toml: |configure the Docker daemon with file"
        r"|failed to (?:parse|decode) hosts\.toml",
        sure("client.config-invalid"),
    ),
    rule(
        r"execing credential provider plugin .{0,600}(?:no such file|not found in)",
        sure("auth.helper-missing"),
    ),
    rule(r"execing credential provider plugin", sure("auth.helper-failed")),
    rule(
        r"cancel pulling image .{0,520}because of no progress"
        r"|Timed out on waiting up to .{1,40} for image pull progress",
        sure("k8s.pull-stalled"),
    ),
    rule(
        r"missing key \S+ for client certificate|load host specific ca"
        r"|(?:unable to|could not|failed to) (?:load|read|append|parse) (?:\S+ )?(?:CA|ca|client) "
        r"cert|failed to load (?:CA file|cert file|X509 key pair)"
        r"|no such file or directory.{0,80}\.(?:crt|pem)\b",
        sure("tls.ca-file-unusable"),
    ),
    rule(
        r"docker-credential-\S*.{0,80}(?:not found|not installed|no such file)"
        r"|Credentials store \S+ not installed",
        sure("auth.helper-missing"),
    ),
    rule(
        r"[Ee]rror (?:getting|storing|saving) credentials|Credentials store .{1,200} exited with"
        r"|credential helper .{0,200}(?:failed|exited)|docker-credential-\S+.{0,200}exit status",
        sure("auth.helper-failed"),
    ),
)
RULES: tuple[Rule, ...] = (*BEFORE, *PROXY, *TLS, *DNS, *TCP, *ACCESS, *REST)
