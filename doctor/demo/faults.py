"""Which faults can be chosen, and in what does each differ from a registry that is well?

A fault is data: every field says what one part of the scene does otherwise. The parts
(certificates, registry, token service, storage, proxy) read the fields that concern them. What the
engine makes of it is not written here: it has to find that out.
"""

from __future__ import annotations

from typing import Literal

from doctor.frozen import frozen

Certificate = Literal[
    "good",
    "unknown-ca",
    "self-signed",
    "expired",
    "not-yet-valid",
    "expires-soon",
    "wrong-host",
    "leaf-alone",
    "intercepted",
]
Login = Literal["right", "wrong", "none", "other-key", "newline", "broken", "not-json"]
Rights = Literal["pull", "none"]
Strangers = Literal["refused", "get-a-token"]
Front = Literal["", "limited", "portal", "fails", "silent", "firewall", "plain", "mute"]
Content = Literal["whole", "altered", "other-platforms", "layer-gone"]
Storage = Literal["", "link-expired"]
Proxy = Literal["", "works", "denies", "wants-login", "no-way-out", "web-server"]
Station = Literal["registry", "token", "storage", "proxy"]


@frozen
class Fault:
    """A fault by its name; `says` is the line that introduces it."""

    name: str
    says: str
    certificate: Certificate = "good"
    login: Login = "right"
    rights: Rights = "pull"
    strangers: Strangers = "refused"
    front: Front = ""
    """What the registry does before it would answer properly."""
    content: Content = "whole"
    storage: Storage = ""
    proxy: Proxy = ""
    proxy_login: bool = False
    """Is a login for the proxy set?"""
    down: Station | None = None
    """Where nothing listens."""
    unknown: Station | None = None
    """Whose name nobody knows."""
    image: str = "library/base:1.0"


HEALTHY = "healthy"
FAULTS = (
    Fault(HEALTHY, "nothing is wrong: a private image, a login, a storage host"),
    Fault("name-unknown", "the registry's name leads to no address", unknown="registry"),
    Fault("connection-refused", "nothing listens on the registry's port", down="registry"),
    Fault("handshake-silent", "the registry takes connections and says nothing", front="mute"),
    Fault("plain-http", "the registry speaks plain HTTP where TLS is expected", front="plain"),
    Fault(
        "unknown-ca",
        "the registry's certificate is from a company's own CA",
        certificate="unknown-ca",
    ),
    Fault("self-signed", "the registry made its own certificate", certificate="self-signed"),
    Fault("expired", "the registry's certificate ended some days ago", certificate="expired"),
    Fault(
        "not-yet-valid", "the registry's certificate begins tomorrow", certificate="not-yet-valid"
    ),
    Fault(
        "expires-soon", "all works, and the certificate ends next week", certificate="expires-soon"
    ),
    Fault("wrong-host", "the registry's certificate is for other names", certificate="wrong-host"),
    Fault(
        "missing-intermediate",
        "the registry leaves out a CA certificate of its chain",
        certificate="leaf-alone",
    ),
    Fault(
        "intercepted",
        "a device on the way signs anew with a CA of its own",
        certificate="intercepted",
    ),
    Fault("proxy-works", "nothing is wrong, and all goes through a proxy", proxy="works"),
    Fault("proxy-denies", "the proxy's policy forbids the registry", proxy="denies"),
    Fault("proxy-needs-login", "the proxy wants a login, and none is set", proxy="wants-login"),
    Fault(
        "proxy-rejects-login",
        "the proxy does not take the login that is set",
        proxy="wants-login",
        proxy_login=True,
    ),
    Fault("proxy-no-way-out", "the proxy itself cannot reach the registry", proxy="no-way-out"),
    Fault("proxy-down", "nothing listens where the proxy should be", proxy="works", down="proxy"),
    Fault("not-a-proxy", "a web server answers where the proxy should be", proxy="web-server"),
    Fault("captive-portal", "a network's sign-in page answers for the registry", front="portal"),
    Fault("firewall", "something in front of the registry refuses this client", front="firewall"),
    Fault("registry-error-500", "the registry fails on its own side", front="fails"),
    Fault("silent", "the registry takes the request and never answers", front="silent"),
    Fault("rate-limited", "the registry answers 429: too many pulls", front="limited"),
    Fault("token-service-down", "nothing listens where tokens are given", down="token"),
    Fault("no-login", "the image is private, and no login is stored", login="none"),
    Fault("unauthorized", "the key that is stored is not the right one", login="wrong"),
    Fault("login-elsewhere", "the login is stored under another port", login="other-key"),
    Fault("stray-newline", "the key was stored with the newline behind it", login="newline"),
    Fault("login-garbled", "the stored login is not one that can be read", login="broken"),
    Fault("config-broken", "the file that holds the login is not JSON", login="not-json"),
    Fault("denied", "the login is good, and may not pull this repository", rights="none"),
    Fault(
        "hidden-or-missing",
        "a stranger cannot tell a private image from a missing one",
        login="none",
        strangers="get-a-token",
    ),
    Fault("repository-unknown", "no such repository", image="library/bsae:1.0"),
    Fault("tag-unknown", "the repository has no such tag", image="library/base:1.3"),
    Fault(
        "platform-missing",
        "the image is not built for this machine's platform",
        content="other-platforms",
    ),
    Fault("manifest-broken", "the manifest is not what its digest says", content="altered"),
    Fault("blob-host-down", "nothing listens where the layers lie", down="storage"),
    Fault("blob-missing", "the manifest names a layer that is gone", content="layer-gone"),
    Fault("link-expired", "the storage takes the layer's link for expired", storage="link-expired"),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def chosen(name: str) -> Fault:
    """The fault of that name. Raises UsageError."""
    if name in BY_NAME:
        return BY_NAME[name]
    import difflib

    from doctor.usage import UsageError

    near = difflib.get_close_matches(name, BY_NAME, 1, 0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"{name[:80]!r} is no fault; {hint}`doctor demo` lists them")
