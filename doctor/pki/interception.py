"""Is this the registry's certificate, or does something on the way sign the connection anew?

No single sign proves it for a CA with a name of the customer's choice, so signs are weighed. A
product's own issuer names come from Chromium's list of interception software
(components/resources/ssl/ssl_error_assistant/ssl_error_assistant.asciipb) and from the vendors'
documentation. The strongest sign that needs no list: a registry of the public whose chain reaches
no public root. That a certificate carries no signed timestamps says little (private CAs have none
either) and never decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from doctor.facts.tls import Certificate, TlsFact
from doctor.frozen import frozen

Sign = Literal["product", "public-registry", "same-issuer", "no-timestamps"]

ENOUGH = 3
_WEIGHT: Mapping[str, int] = {
    "product": 3,
    "public-registry": 3,
    "same-issuer": 2,
    "no-timestamps": 1,
}

# Product, a word of its issuer names in small letters, the pattern that the whole name must match.
# The word spares compiling the pattern for every other issuer.
_PRODUCTS: tuple[tuple[str, str, str], ...] = (
    ("Zscaler", "zscaler", r"O=Zscaler Inc\.?|CN=Zscaler .*(?:Root|Intermediate)"),
    ("Netskope", "skope", r"netskope|goskope\.com"),
    ("Cisco Umbrella", "cisco", r"CN=Cisco Umbrella|^(?=.*O=Cisco\b).*(?:Primary|Secondary) SubCA"),
    ("Fortinet FortiGate", "forti", r"O=Fortinet\b|CN=FortiGate CA|CN=Fortinet_CA"),
    ("Forcepoint", "forcepoint", r"O=Forcepoint LLC|CN=Forcepoint Cloud CA"),
    ("McAfee Web Gateway", "mcafee", r"CN=McAfee Web Gateway"),
    ("Skyhigh", "skyhigh", r"CN=Skyhigh"),
    ("Blue Coat", "blue coat", r"O=Blue Coat"),
    ("Sophos", "sophos", r"CN=Sophos(?: SSL CA_|_CA_|utm Proxy CA| Web Appliance)"),
    ("SonicWall", "sonicwall", r"HTTPS Management Certificate for SonicWALL"),
    ("Smoothwall", "smoothwall", r"Smoothwall-default-root-certificate-authority"),
    ("ContentKeeper", "contentkeeper", r"CN=ContentKeeper Appliance CA"),
    ("Cyberoam", "cyberoam", r"O=Cyberoam Certificate Authority"),
    ("NetSpark", "netspark", r"www\.netspark\.com"),
    ("Trend Micro IWSS", "iwss", r"IWSS\.TREND"),
    ("Kaspersky", "kaspersky", r"CN=Kaspersky Anti-Virus Personal Root"),
    ("Avast", "avast", r"CN=avast! Web/Mail Shield"),
    ("Bitdefender", "bitdefender", r"CN=Bitdefender Personal CA"),
    ("mitmproxy", "mitmproxy", r"(?:CN|O)=mitmproxy\b"),
    ("Charles", "charles", r"CN=Charles Proxy CA"),
    ("Charles", "xk72", r"O=XK72 Ltd"),
    ("Fiddler", "fiddler", r"DO_NOT_TRUST_FiddlerRoot"),
    ("Burp Suite", "portswigger", r"CN=PortSwigger CA"),
)

# Registries and layer stores of the public: their certificates come from public CAs.
_PUBLIC = (
    *(
        "docker.io",
        "docker.com",
        "ghcr.io",
        "githubusercontent.com",
        "quay.io",
        "gcr.io",
        "pkg.dev",
    ),
    *("mcr.microsoft.com", "azurecr.io", "public.ecr.aws", "amazonaws.com", "cloudfront.net"),
    *("registry.k8s.io", "registry.gitlab.com", "registry.access.redhat.com", "registry.redhat.io"),
    *("blob.core.windows.net", "storage.googleapis.com", "r2.cloudflarestorage.com", "nvcr.io"),
    *("cgr.dev", "dhi.io"),
)


@frozen
class Signs:
    """What speaks for interception, by name; the product where its issuer gives it away."""

    found: Mapping[Sign, str]
    """Sign -> what was seen."""
    product: str | None = None

    @property
    def score(self) -> int:
        return sum(_WEIGHT[sign] for sign in self.found)

    @property
    def decisive(self) -> bool:
        """Signs that a private CA may show as well are not enough, however many."""
        strong = "product" in self.found or "public-registry" in self.found
        return strong and self.score >= ENOUGH


def signs(host: str, fact: TlsFact, others: Iterable[tuple[str, TlsFact]]) -> Signs:
    """Weigh the chain that came for `host`; `others`: the other hosts of this run with what came
    for them.
    """
    if not fact.chain:
        return Signs({})
    leaf = fact.chain[0]
    found: dict[Sign, str] = {}
    made_by = None if fact.public is True else product(fact.chain)
    if made_by is not None:
        found["product"] = f"{leaf.issuer} is a CA of {made_by}"
    if is_public_registry(host) and fact.public is False:
        found["public-registry"] = f"{host} is a public registry; its chain reaches no public root"
    if fact.public is not True:
        shared = [other for other, theirs in others if _same_issuer(host, leaf, other, theirs)]
        if shared:
            found["same-issuer"] = f"{leaf.issuer} also issued for {', '.join(shared[:5])}"
    if found and not leaf.scts:
        found["no-timestamps"] = "the certificate carries no signed certificate timestamps"
    return Signs(found, made_by)


def product(chain: Iterable[Certificate]) -> str | None:
    """The interception product whose CA issued a certificate of the chain."""
    for cert in chain:
        issuer = cert.issuer.lower()
        for name, word, pattern in _PRODUCTS:
            if word in issuer and re.search(pattern, cert.issuer, re.IGNORECASE):
                return name
    return None


def is_public_registry(host: str) -> bool:
    """Is it one of the registries (or layer stores) that everybody uses?"""
    return any(host == name or host.endswith("." + name) for name in _PUBLIC)


def _same_issuer(host: str, leaf: Certificate, other: str, theirs: TlsFact) -> bool:
    if not theirs.chain or theirs.public is True or _family(other) == _family(host):
        return False
    across = theirs.chain[0]
    if leaf.self_issued or leaf.issuer != across.issuer:
        return False
    return leaf.authority_key == across.authority_key


def _family(host: str) -> str:
    """The last two labels: hosts that share them may well share a private CA."""
    return ".".join(host.split(".")[-2:])
