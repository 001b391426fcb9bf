"""What is read of a cluster, and in which order? An API server and a scope -> the failing pulls.

No more than is needed: pods once, page by page, of which only those stay that wait for an image;
events, ServiceAccounts and the Secrets that are named only where a pull fails; the Secrets of a
namespace only to search for one that nobody names. What may not be read is left out and said; the
rest goes on.

One exception: a pod whose images are there may name a pull Secret that is not, beside one that
works. Its list tells nothing of that, and no Secret is read for a pod that runs; the kubelet's own
event does (FailedToRetrieveImagePullSecret). So where pods name several pull Secrets, the events of
that one reason are asked for, no more than that; where they may not be read, nothing is missed that
a pull fails by. A pod that is named is asked about whatever it lists.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from doctor.cluster import LeftOut, jobs
from doctor.facts.cluster import Refused
from doctor.facts.pull import NodeSeen
from doctor.frozen import frozen
from doctor.net.kube import METADATA, Answer, Api
from doctor.pods import event, pod
from doctor.pods.kept import Kept
from doctor.pods.objects import text
from doctor.pods.pod import Pod
from doctor.pods.scope import Named, Scope, path_of, selector_of, space
from doctor.pods.secret import Stored, Weighed
from doctor.usage import UsageError

FEW = 3
"""So many pods of a namespace are asked about one by one; more by one list."""
_MOST_PODS = 20_000
_MOST_SERVED = 5_000
_MOST_NAMESPACES = 500


@frozen
class Account:
    """A ServiceAccount: its pull Secrets, and what binds it to a cloud's identity."""

    secrets: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    changed: datetime | None = None


@dataclass(slots=True)
class Survey:
    """What has been read so far."""

    api: Api
    scope: Scope
    known: set[tuple[str, str]] = field(default_factory=set)
    """Namespace and name of every pod; a list that is begun anew shows some twice."""
    version: str = ""
    pods: dict[tuple[str, str], Pod] = field(default_factory=dict)
    have: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Nodes on which a container has run from an image."""
    served: dict[tuple[str, str], Pod] = field(default_factory=dict)
    """Pods that have their images, and name several pull Secrets."""
    siblings: dict[str, list[Pod]] = field(default_factory=lambda: defaultdict(list))
    events: dict[tuple[str, str], list[event.Event]] = field(default_factory=dict)
    workloads: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    accounts: dict[tuple[str, str], Account | None] = field(default_factory=dict)
    secrets: dict[tuple[str, str], Stored | str] = field(default_factory=dict)
    """A text where there is none: "missing", or why it was not read."""
    listed: dict[str, tuple[Stored, ...]] = field(default_factory=dict)
    elsewhere: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Namespaces that have a Secret of that name."""
    weighed: dict[tuple[str, str, str, str], Weighed] = field(default_factory=dict)
    nodes: dict[str, NodeSeen] = field(default_factory=dict)
    left: dict[LeftOut, None] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    blind: Answer | None = None
    """The answer that ended the reading of pods before any was seen."""
    kept: Kept | None = None
    """The objects themselves, where a bundle is wanted."""

    @property
    def seen(self) -> int:
        """How many pods were looked at."""
        return len(self.known)

    def missed(
        self, what: str, answer: Answer, namespace: str | None, verb: str, name: str = ""
    ) -> None:
        """Something could not be read."""
        self.left.setdefault(LeftOut(what, answer.why, namespace))
        if answer.status == 403:
            self.refused.append(
                Refused(verb, what, namespace or "", answer.user, answer.message, name)
            )

    def keep(self, kind: str, thing: Any, version: str = "v1") -> None:
        """An object goes along where a bundle is wanted."""
        if self.kept is not None:
            self.kept.add(kind, thing, version)

    # Pods.

    async def read_pods(self) -> None:
        """Every pod of the scope. Raises UsageError for one that does not exist."""
        if self.scope.named:
            for named in self.scope.named:
                await self._read_named(named)
        elif self.scope.namespace is None:
            await self._read_all()
        else:
            await self._read_list(self.scope.namespace)

    async def _read_all(self) -> None:
        """The whole cluster; where that is not allowed, each namespace that is."""
        answer = await self._pages("/api/v1/pods", None)
        if answer is None or answer.status != 403:
            return
        self.blind = None
        found: list[str] = []
        async for page in self.api.pages("/api/v1/namespaces", METADATA):
            if not page.ok:
                self.missed("namespaces", page, None, "list")
                break
            found += [n for one in page.items if (n := text(one, "metadata", "name"))]
        for namespace in found[:_MOST_NAMESPACES] or [self.scope.home]:
            await self._read_list(namespace)

    async def _read_list(self, namespace: str, keep: Any = None, **query: str) -> None:
        await self._pages(space(namespace, "pods"), namespace, keep, **query)

    async def _pages(
        self, path: str, namespace: str | None, keep: Any = None, **query: str
    ) -> Answer | None:
        """Read a list of pods; the answer that ended it too early, if one did."""
        if self.scope.selector:
            query["labelSelector"] = self.scope.selector
        async for page in self.api.pages(path, **query):
            if not page.ok:
                self.missed("pods", page, namespace, "list")
                self.blind = self.blind or (page if not self.seen else None)
                return page
            for one in page.items:
                self._take(one, keep)
        return None

    def _take(self, value: Any, keep: Any = None) -> None:
        found = pod.read(value) if isinstance(value, Mapping) else None
        if found is None or found.key in self.known or (keep is not None and not keep(found)):
            return
        self.known.add(found.key)
        for image in found.have:
            self.have[image].add(found.node)
        wanted = found.waiting or found.stuck or self.scope.named
        if wanted and len(self.pods) < _MOST_PODS:
            self.pods[found.key] = found
            self.keep("Pod", value)
            self.siblings[found.owner[2]].append(found)
        elif len(found.secrets) > 1 and len(self.served) < _MOST_SERVED:
            self.served[found.key] = found

    async def _read_named(self, named: Named) -> None:
        namespace = self.scope.namespace or self.scope.home
        answer = await self.api.get(path_of(named.kind, namespace, named.name))
        if answer.status == 404:
            raise UsageError(
                f"there is no {named.kind.lower()} {named.name!r} in namespace {namespace}"
            )
        if named.kind == "Pod":
            if answer.ok:
                self._take(answer.body)
            else:
                self.missed("pods", answer, namespace, "get", named.name)
                self.blind = self.blind or answer
            return
        if not answer.ok:
            self.missed(named.resource, answer, namespace, "get", named.name)
        else:
            self.keep(named.kind, answer.body)
        before = self.seen, len(self.left)
        last = await self._read_of(named, namespace, answer)
        if last and (self.seen, len(self.left)) == before:  # its pods could be read: there are none
            await jobs.read_gone(self, namespace, last)

    async def _read_of(
        self, named: Named, namespace: str, answer: Answer
    ) -> Mapping[str, Any] | None:
        """The pods of a workload: by its selector, or where it may not be read by their owners.
        Comes to the Job that ran last, where it is one or makes them."""
        selector = selector_of(answer.body) if answer.ok else ""
        if named.kind == "CronJob":
            made = await jobs.of_cron_job(self, named, namespace)
            names = {text(one, "metadata", "name") for one in made}
            await self._read_list(namespace, lambda p: p.owner[0] == "Job" and p.owner[1] in names)
            return made[-1] if made else None
        if selector:
            await self._read_list(namespace, labelSelector=selector)
        else:
            await self._read_list(
                namespace, lambda p: named.key in (p.workload, (p.owner[0], p.owner[1]))
            )
        return answer.body if answer.ok and named.kind == "Job" else None

    # What is read where a pull fails.

    async def read_version(self) -> None:
        """Which Kubernetes it is."""
        answer = await self.api.get("/version")
        self.version = text(answer.body, "gitVersion")[:80] if answer.ok else ""

    async def read_events(self) -> None:
        """The events about pods that wait."""
        spaces: dict[str, list[Pod]] = defaultdict(list)
        for one in self.pods.values():
            spaces[one.namespace].append(one)
        await asyncio.gather(*(self._events_in(space, mine) for space, mine in spaces.items()))

    async def _events_in(self, namespace: str, pods: list[Pod]) -> None:
        found: dict[tuple[str, str], list[event.Event]] = defaultdict(list)
        apis = (
            (space(namespace, "events"), "involvedObject"),
            (space(namespace, "events", "/apis/events.k8s.io/v1"), "regarding"),
        )
        if len(pods) <= FEW:
            selectors = [
                f"{{}}.uid={one.uid}" if one.uid else f"{{}}.name={one.name}" for one in pods
            ]
        else:
            selectors = ["{}.kind=Pod"]
        asked = await asyncio.gather(
            *(
                self._event_pages(path, each_.format(about), found)
                for path, about in apis
                for each_ in selectors
            )
        )
        if all(answer is not None for answer in asked) and asked[0] is not None:
            self.missed("events", asked[0], namespace, "list")
        for key, mine in found.items():
            self.events[key] = event.merged(mine)

    async def _event_pages(
        self, path: str, selector: str, found: dict[tuple[str, str], list[event.Event]]
    ) -> Answer | None:
        async for page in self.api.pages(path, fieldSelector=selector):
            if not page.ok:
                return page
            for value in page.items:
                one = event.read(value) if isinstance(value, Mapping) else None
                mine = self.pods.get(one.pod) if one else None
                fits = mine is not None and one and one.pod_uid in ("", mine.uid)
                if one and fits and len(found[one.pod]) < 400:
                    found[one.pod].append(one)
                    self.keep("Event", value, "events.k8s.io/v1" if "regarding" in value else "v1")
        return None

    async def read_unretrieved(self) -> None:
        """The events about pull Secrets that are not there, of pods that have their images."""
        spaces = dict.fromkeys(namespace for namespace, _ in self.served)
        if self.scope.namespace is None and len(spaces) > FEW:
            paths = ["/api/v1/events"]
        else:
            paths = [space(each, "events") for each in spaces]
        await asyncio.gather(*map(self._unretrieved, paths))

    async def _unretrieved(self, path: str) -> None:
        async for page in self.api.pages(path, fieldSelector=f"reason={event.UNRETRIEVED}"):
            for value in page.items if page.ok else ():
                one = event.read(value) if isinstance(value, Mapping) else None
                mine = self.served.get(one.pod) if one else None
                if one and mine and one.pod_uid in ("", mine.uid):
                    self.events.setdefault(one.pod, []).append(one)

    def workload(self, one: Pod) -> tuple[str, str]:
        """Kind and name of what owns the pod in the end."""
        kind, name = one.workload
        return self.workloads.get((one.namespace, f"{kind}/{name}"), (kind, name))
