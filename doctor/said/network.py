"""Which words tell that a connection failed: at the proxy, in TLS, in the name, in TCP?

In this order: a certificate's error names the address too, a look-up that timed out holds the words
of a connection that did.
"""

from __future__ import annotations

import re

from doctor.said import ambiguous
from doctor.said.answer import Answer, Rule, likely, rule, sure
from doctor.said.wrapping import Context


def _proxy(context: Context) -> Answer | None:
    """What fails on the way to the proxy itself (Go, net/http: `proxyconnect`)."""
    said = context.core.partition("proxyconnect tcp: ")[2] or context.core
    if re.search(r"lookup https?:|lookup https? |invalid port|unknown port", said) or (
        context.fields.get("name_of") in ("http", "https")
    ):
        return likely("proxy.invalid-url", "proxy.unresolvable", tell=(ambiguous.STRAY_SCHEME,))
    if re.search(r"lookup |no such host|[Nn]ame resolution", said):
        return Answer(("proxy.unresolvable",), "certain", (), _beneath(said))
    if re.search(r"x509:|tls:|TLS handshake|server gave HTTP response", said):
        return Answer(("proxy.tls-failed",), "certain")
    if re.search(r"malformed HTTP|unexpected EOF|(?:^|: )EOF", said):
        return likely("proxy.not-a-proxy")
    return Answer(("proxy.unreachable",), "certain", (), _beneath(said))


def _beneath(said: str) -> tuple[str, ...]:
    return next((a.codes for p, a in (*DNS, *TCP) if isinstance(a, Answer) and p.search(said)), ())


def _proxy_status(context: Context) -> Answer | None:
    """Go gives the text of the status with which a proxy answers CONNECT, and nothing else:
    `Head "URL": Forbidden` (net/http, transport.go)."""
    if context.says("Forbidden"):
        return likely("proxy.denied")
    return likely("proxy.upstream-failed")


def _reset(context: Context) -> Answer | None:
    """Cut while connecting, or after something was said."""
    if re.search(r"dial tcp|connect: connection reset", context.core):
        return likely("tcp.reset")
    return likely("tls.handshake-reset", "tcp.reset", tell=(ambiguous.WHEN_CUT,))


PROXY: tuple[Rule, ...] = (
    rule(r"proxyconnect|socks connect", _proxy),
    rule(r"Could not resolve proxy", sure("proxy.unresolvable")),
    rule(
        r"Proxy Authentication Required|\b407\b",
        likely("proxy.auth-required", "proxy.auth-rejected", tell=(ambiguous.PROXY_LOGIN,)),
    ),
    rule(r"CONNECT tunnel failed, response 403", sure("proxy.denied")),
    rule(r"CONNECT tunnel failed, response 5\d\d", sure("proxy.upstream-failed")),
    rule(
        r"(?:Get|Head|Post) \"?\*\"?: (?:Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout)"
        r" *\"?$",
        _proxy_status,
    ),
)
TLS: tuple[Rule, ...] = (
    rule(
        r"certificate has expired or is not yet valid: .{0,80} is before\b"
        r"|certificate is not yet valid",
        likely("tls.not-yet-valid", tell=(ambiguous.CLOCK,)),
    ),
    rule(
        r"certificate has expired or is not yet valid(?!: )",
        likely("tls.expired", "tls.not-yet-valid", tell=(ambiguous.CLOCK,)),
    ),
    rule(
        r"certificate has expired",
        likely("tls.expired", tell=(ambiguous.WHICH_EXPIRED, ambiguous.CLOCK)),
    ),
    rule(
        r"certificate is valid for .{1,300}, not |is not valid for any names"
        r"|cannot validate certificate for .{1,300}IP SANs|relies on legacy Common Name"
        r"|no alternative certificate subject name|does not match target host"
        r"|certificate verify failed: (?:Hostname|IP address) mismatch",
        sure("tls.hostname-mismatch"),
    ),
    rule(
        r"not authorized to sign other certificates|too many intermediates for path length",
        sure("tls.invalid-ca"),
    ),
    rule(
        r"is not permitted by any constraint|is excluded by constraint|name constraints",
        sure("tls.name-constraint"),
    ),
    rule(
        r"insecure algorithm|CA md too weak|ca md too weak",
        sure("tls.weak-signature"),
    ),
    rule(r"key too small|[ee]e key too small", sure("tls.weak-key")),
    rule(
        r"incompatible key usage|unhandled critical extension|x509: malformed|x509: invalid"
        r"|failed to parse certificate from server|issuer name does not match subject",
        sure("tls.bad-certificate"),
    ),
    rule(
        r"[Ss]elf[- ]signed certificate(?! in certificate chain)",
        sure("tls.self-signed"),
    ),
    rule(
        r"unable to get (?:local )?issuer certificate",
        likely("tls.unknown-ca", tell=(ambiguous.CHAIN,)),
    ),
    rule(
        r"certificate signed by unknown authority|certificate is not trusted"
        r"|self[- ]signed certificate in certificate chain|unknown CA\b"
        r"|SSL certificate problem|certificate verify failed",
        likely("tls.unknown-ca", tell=(ambiguous.AUTHORITY,)),
    ),
    rule(
        r"server gave HTTP response to HTTPS client|wrong version number",
        likely("registry.http-only", "tls.plain-http", tell=(ambiguous.PLAIN,)),
    ),
    rule(r"first record does not look like a TLS handshake", sure("tls.not-tls")),
    rule(r"tls: oversized record received", likely("tls.not-tls")),
    rule(r"TLS handshake timeout", sure("tls.handshake-timeout")),
    rule(
        r"tls: (?:protocol version not supported|server selected unsupported protocol version)"
        r"|unsupported protocol version|alert protocol version|unsupported protocol\b",
        sure("tls.protocol-too-old"),
    ),
    rule(
        r"certificate required|tls: bad certificate|No required SSL certificate was sent",
        likely("tls.client-certificate-required"),
    ),
    rule(
        r"tls: (?:handshake failure|no cipher suite supported)|handshake failure",
        likely("tls.no-common-cipher", "tls.handshake-refused", tell=(ambiguous.ALERT,)),
    ),
    rule(
        r"remote error: tls: |alert (?:unrecognized name|internal error)",
        sure("tls.handshake-refused"),
    ),
    rule(r"SSL_ERROR_SYSCALL|Recv failure: Connection reset", _reset),
)
DNS: tuple[Rule, ...] = (
    rule(
        r"\bno such host\b|Name or service not known|nodename nor servname|Name does not resolve",
        likely("dns.nxdomain", tell=(ambiguous.NO_ADDRESS,)),
    ),
    rule(
        r"server misbehaving",
        likely("dns.servfail", "dns.refused", tell=(ambiguous.MISBEHAVING,)),
    ),
    rule(
        r"Temporary failure in name resolution"
        r"|lookup .{0,300}: (?:Try again|device or resource busy|no answer from DNS server)",
        likely("dns.timeout", "dns.servfail", tell=(ambiguous.TEMPORARY,)),
    ),
    rule(
        r"Could not resolve host",
        likely(
            "dns.nxdomain", "dns.servfail", "dns.refused", "dns.timeout", tell=(ambiguous.CURL,)
        ),
    ),
    rule(
        r"lookup .{0,300}(?:i/o timeout|connection refused|network is unreachable"
        r"|no route to host|operation not permitted|context deadline exceeded)",
        sure("dns.timeout"),
    ),
    rule(r"cannot unmarshal DNS message", likely("dns.servfail")),
)
TCP: tuple[Rule, ...] = (
    rule(r"[Cc]onnection refused", sure("tcp.refused")),
    rule(
        r"no route to host|[Nn]etwork is unreachable|host is down|connect: permission denied"
        r"|connect: operation not permitted|No route to host",
        sure("tcp.unreachable"),
    ),
    rule(
        r"dial tcp .{0,200}i/o timeout|connect: connection timed out|[Cc]onnection timed out"
        r"|while waiting for connection",
        sure("tcp.timeout"),
    ),
    rule(r"connection reset by peer|broken pipe", _reset),
    rule(
        r"Couldn't connect to server",
        likely("tcp.refused", "tcp.unreachable", "tcp.reset", tell=(ambiguous.CURL,)),
    ),
    rule(
        r"awaiting (?:response )?headers|timeout awaiting|read tcp .{0,200}i/o timeout"
        r"|client connection lost|while reading body",
        sure("registry.timeout"),
    ),
    rule(r"i/o timeout", likely("tcp.timeout")),
)
