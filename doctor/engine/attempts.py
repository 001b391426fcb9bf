"""With which of its credentials would the client have the image?

The kubelet that has several pulls once with each of them, in order, until one pull ends well
(kubernetes pkg/kubelet/kuberuntime/kuberuntime_image.go). Each is diagnosed as the pull of its own
that it is; the report is that of the first that serves, else of the last. Other clients have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.facts.credential import CredentialFact
from doctor.model import Target

if TYPE_CHECKING:
    from doctor.engine import Engine
    from doctor.engine.walk import Walk
    from doctor.model import Client
    from doctor.net import Net

_MOST = 8
_OF_THE_CREDENTIAL = frozenset(
    f"auth.{cause}"
    for cause in ("rejected", "forbidden", "denied-or-missing", "token-expired", "whitespace")
)


async def walk(
    engine: Engine, target: Target, client: Client, net: Net, like: Walk | None = None
) -> Walk:
    """The pull as it ends, after the credentials that were tried in vain. `like`: how the first
    went for another client that sees the same network."""
    done = await engine.walk(target, client, net, like)
    while net.attempt < _MOST and _goes_on(done):
        net = net.again()
        done = await engine.walk(target, client, net)
    return done


def _goes_on(done: Walk) -> bool:
    """Is the credential why the pull fails, and is there another one?"""
    fact = done.facts.get(CredentialFact)
    if fact is None or not (fact.found and fact.more):
        return False
    return not _OF_THE_CREDENTIAL.isdisjoint(done.diagnosis().root_causes)
