"""Could the image be had with the pod's own pull Secrets, as far as that is seen from here?

Each image is diagnosed as the kubelet would pull it: with every credential that its keyring gives,
in its order, and with none only where none matches. Name, network and trust are this machine's, not
the node's; the node's own credentials are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.clients.keyring import Held, Lookup, wanted
from doctor.clients.kubelet_keys import image
from doctor.cluster.grouping import target_of
from doctor.cluster.pulls import Known
from doctor.engine import fallback
from doctor.facts.client import ClientFact
from doctor.facts.credential import Place
from doctor.facts.endpoint import only
from doctor.frozen import frozen
from doctor.model import Client, Diagnosis, Fact, Hop, Target

if TYPE_CHECKING:
    from doctor.engine import Engine
    from doctor.net import Net
    from doctor.redact import Secret

MOST = 40
"""Images that are tried in one run."""
_REFUSED = frozenset({"auth.rejected", "auth.token-expired"})


@frozen
class PodEyes:
    """The kubelet for one pod, from here."""

    here: Client
    held: tuple[Held, ...]
    name: str = "kubelet"

    def route(self, hop: Hop) -> Fact:
        """This machine's way."""
        return self.here.route(hop)

    def proxy_login(self, hop: Hop) -> Secret | None:
        """This machine's login at the proxy."""
        return self.here.proxy_login(hop)

    def trust(self, hop: Hop, target: Target) -> Fact:
        """This machine's trust."""
        return self.here.trust(hop, target)

    def endpoints(self, target: Target) -> Fact:
        """The registry itself: the node's mirrors are not known here."""
        return only(self.name, target)

    def keys(self, target: Target) -> Lookup:
        """What the pod's pull Secrets give."""
        want = wanted(target)
        used = tuple(Place(each.where, "used", each.key) for each in self.held)
        return Lookup(
            client=self.name,
            wanted=want,
            keys=(image(want),),
            tries=self.held,
            places=used or (Place("imagePullSecrets", "no-match"),),
            unseen="" if used else "credentials of the node itself are not seen from here",
        )

    def setup(self, target: Target) -> ClientFact | None:
        """Nothing: the node's settings are not seen from here."""
        return None


async def probe(
    known: Sequence[Known], engine: Engine, here: Client, net: Net, settings: dict[str, Any]
) -> tuple[list[Diagnosis], list[Known]]:
    """The diagnoses, and the pulls with what came of them. `settings` are fields of the targets
    that options set."""
    from doctor.engine import all_of

    asked: dict[object, Known] = {}
    for one in known:
        asked.setdefault(_key(one), one)
    chosen = list(asked.items())[:MOST]

    def job(one: Known) -> Callable[[], Coroutine[Any, Any, Diagnosis]]:
        target = target_of(one.fact, settings["now"])
        node = one.fact.node.name if one.fact.node else "the node"
        note = f"Seen from here and not from {node}: name, network and trust may differ there."
        target = replace(target, vantage="local", assumed=(note,), **settings)
        return lambda: fallback.diagnose(engine, target, PodEyes(here, one.held), net)

    made = await all_of([job(one) for _, one in chosen], 8)
    came = {key: diagnosis for (key, _), diagnosis in zip(chosen, made, strict=True)}
    return made, [_with(one, came.get(_key(one))) for one in known]


def _key(one: Known) -> object:
    held = tuple((each.where, each.key) for each in one.held)
    space = one.fact.namespace if held else ""
    return one.fact.image, space, held, one.fact.node.platform if one.fact.node else ""


def _with(one: Known, came: Diagnosis | None) -> Known:
    """The pull with what the probe found."""
    if came is None:
        return one
    public = any(finding.code == "auth.not-needed" for finding in came.findings)
    refused = not _REFUSED.isdisjoint(came.root_causes) and bool(one.held)
    outcome = {"pass": "served", "warn": "served"}.get(came.verdict, "failed")
    if came.verdict == "incomplete":
        outcome = ""
    fact = replace(
        one.fact,
        outcome="rejected" if refused else outcome,
        probed=came.root_causes,
        public=public,
    )
    return replace(one, fact=fact)
