"""Does the client go by the answer to `GET /v2/`: the login that it asks for, and its status?

containers/image docker_client.go (detectPropertiesHelper) and go-containerregistry
pkg/v1/remote/transport/ping.go ask there first, take 200 and 401 and nothing else, and show a login
only where that asked for one. Docker's graphdriver store takes the login from there too, and any
status (moby daemon/pkg/registry/auth.go, PingV2Registry). containerd, and docker with its store,
ask for the image at once and go by what that answers (containerd core/remotes/docker/resolver.go,
authorizer.go).
"""

from __future__ import annotations

from doctor.model import Case


def pings(case: Case) -> bool | None:
    """Does it take the login from there? None: nobody can say, as of a kubelet whose runtime is not
    known."""
    name = case.target.runtime or case.target.client
    if name == "kubelet":
        return None
    if name != "docker":
        return name != "containerd"
    from doctor.facts.client import ClientFact

    fact = case.facts.get(ClientFact)
    return {"containerd": False, "graphdriver": True}.get(fact.store) if fact else None


def refuses_status(case: Case) -> bool:
    """Does it stop there at another status than 200 and 401?"""
    return bool(pings(case)) and case.target.client != "docker"
