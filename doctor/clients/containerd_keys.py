"""Which credential does containerd itself hold for a host?

With each pull the kubelet hands over one of the pod's pull Secrets, or of its own files and
plug-ins, and containerd offers it to every host that asks; only where a request comes without one
do its own settings count: the header Authorization of the host's entry in hosts.toml, which is sent
with every request, and the older `configs."HOST".auth` of config.toml.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.clients.auth_entry import decode
from doctor.clients.containerd_config import Auth
from doctor.clients.containerd_node import Node
from doctor.clients.hosts_toml import Host
from doctor.clients.keyring import Held, Lookup, Wanted, login_tools
from doctor.clients.machine import Machine
from doctor.credential import Credential
from doctor.facts.credential import Fault, Place
from doctor.redact import Secret

PULL_SECRETS = "the pod's pull Secrets"
_HANDED_OVER = (
    "the kubelet reads them in the cluster and hands one over with each pull; "
    "`doctor k8s` looks at them"
)


def lookup(node: Node, want: Wanted, host: Host | None, machine: Machine) -> Lookup:
    """The look-up for the host in question."""
    name = host.authority if host else want.domain
    held: list[Held] = []
    places = [Place(PULL_SECRETS, "not-read", None, _HANDED_OVER)]
    faults: list[Fault] = []
    if host is not None and host.login is not None:
        header = next(h for h in host.headers if h.text.lower() == "authorization")
        credential = _of_header(host.login, header.origin)
        if credential is None:
            note = "its header Authorization is neither Basic nor Bearer"
            places.append(Place(header.origin, "ignored", None, note))
        else:
            held.append(Held(credential, header.file, host.authority))
            places.append(Place(header.origin, "used", host.authority, "header Authorization"))
    for auth in node.auths:
        if auth.host.text != name:
            continue
        credential, what = _of_auth(auth)
        if credential:
            held.append(Held(credential, auth.host.file, auth.host.text))
            places.append(Place(auth.host.origin, "used", auth.host.text))
        elif what:
            effect = "fails every pull from this host"
            faults.append(
                Fault("entry", auth.host.file, what, auth.host.line, 1, name, True, effect)
            )
    if not held:
        places += _nothing(node, name)
    return Lookup(
        client="containerd",
        wanted=want,
        keys=(name,),
        tries=() if faults else tuple(held[:1]),
        places=tuple(places),
        faults=tuple(faults),
        also=tuple(held[1:]),
        tools=login_tools(machine),
        config=_file(node),
        foreign=machine.foreign,
    )


def _file(node: Node) -> str:
    if node.registries is not None:
        return node.registries.file
    return next(iter(node.config.files), "")


def _nothing(node: Node, name: str) -> Iterator[Place]:
    if _file(node):
        yield Place(_file(node), "no-match", None, f'no credential for "{name}"')


def _of_header(value: Secret, origin: str) -> Credential | None:
    scheme, _, rest = value.reveal().strip().partition(" ")
    if scheme.lower() == "basic":
        user, secret, broken, _ = decode(rest.strip())
        return Credential(user, secret, "password", origin) if secret and not broken else None
    if scheme.lower() == "bearer" and rest.strip():
        return Credential("", Secret(rest.strip()), "registry-token", origin)
    return None


def _of_auth(auth: Auth) -> tuple[Credential | None, str]:
    """ParseAuth: a user name beats a token, a token beats `auth`."""
    origin = auth.host.origin
    if auth.user:
        return Credential(auth.user, auth.secret or Secret(""), "password", origin), ""
    if auth.token:
        return Credential("", auth.token, "identity-token", origin), ""
    if auth.packed:
        user, secret, broken, _ = decode(auth.packed.reveal())
        if broken:
            return None, broken
        return Credential(user, secret or Secret(""), "password", origin), ""
    return None, ""
