"""Is this the certificate that a server gives when it has none for the name?

The names are those that the projects ship: kubernetes/ingress-nginx (internal/net/ssl/ssl.go),
traefik (pkg/tls/generate), caddy (modules/caddypki), Debian's ssl-cert, and the domains of the
large load balancers.
"""

from __future__ import annotations

from doctor.facts.tls import Certificate

_KNOWN: tuple[tuple[str, str], ...] = (
    (
        "Kubernetes Ingress Controller Fake Certificate",
        "ingress-nginx has no TLS Secret for this host",
    ),
    ("TRAEFIK DEFAULT CERT", "Traefik has no certificate for this host"),
    ("Caddy Local Authority", "Caddy issues by itself: public issuance is off or did not succeed"),
    ("mkcert development CA", "it comes from a developer's mkcert"),
    (".elb.amazonaws.com", "a load balancer answers with its own name"),
    (".azurewebsites.net", "the custom domain has no certificate bound"),
    (".cloudfront.net", "the distribution does not know this host"),
)


def meaning(leaf: Certificate) -> str | None:
    """What it means that this certificate came, or None: it is no known default."""
    text = " ".join((leaf.subject, leaf.issuer, *leaf.dns_names))
    for pattern, says in _KNOWN:
        if pattern in text:
            return says
    alone = {*leaf.dns_names, leaf.common_name} <= {"localhost", "localhost.localdomain", ""}
    return "it is a distribution's default certificate" if alone and leaf.common_name else None
