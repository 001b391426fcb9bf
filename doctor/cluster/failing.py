"""Which pulls fail, and with which words? What was read of a cluster -> `Failing`s.

A container's own waiting message comes first, then the events about its pod, then what a sibling of
the same ReplicaSet says: older kubelets forget the cause while they wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from doctor.cluster import Origin
from doctor.cluster.survey import Survey
from doctor.facts.pull import Role
from doctor.frozen import frozen
from doctor.pods.event import Event
from doctor.pods.pod import Pod, Waiting
from doctor.pods.words import Meaning, bare, meaning, of_login

STALLED = timedelta(minutes=2)
"""A pull that has begun and shown neither end nor error for so long hangs."""
_FAILURES = frozenset({"Failed", "InspectFailed", "ErrImageNeverPull", "FailedCreatePodSandBox"})
_ENDED = _FAILURES | {"Pulled", "BackOff", "Created", "Started"}


@frozen
class Failing:
    """A container whose pull fails, and the words that say why."""

    pod: Pod
    container: str
    role: Role
    image: str
    policy: str
    reason: str
    message: str
    origin: Origin
    meaning: Meaning
    first: datetime | None
    last: datetime | None

    @property
    def asks(self) -> bool:
        """May the pull Secrets decide why it fails?"""
        codes = self.meaning.codes
        return of_login(codes) or not codes or not self.reason.isalnum()

    @property
    def login(self) -> bool:
        """Do the words speak of a login first of all?"""
        return of_login(self.meaning.codes[:1])


def failing(survey: Survey, now: datetime) -> list[Failing]:
    """Every container that cannot have its image."""
    found: list[Failing] = []
    for pod in survey.pods.values():
        events = survey.events.get(pod.key, [])
        for waiting in pod.waiting:
            found.append(_waiting(survey, pod, waiting, events))
        if pod.stuck:
            found += _stuck(pod, events, now)
    return found


def _waiting(survey: Survey, pod: Pod, waiting: Waiting, events: Sequence[Event]) -> Failing:
    mine = [e for e in events if _concerns(e, waiting)]
    failed = [e for e in mine if e.reason in _FAILURES]
    said: tuple[str, Origin, Meaning] | None = None
    for message, origin in _texts(survey, pod, waiting, failed):
        known = meaning(message, waiting.image, waiting.reason)
        if said is None or known.codes:
            said = (message, origin, known)
        if known.codes:
            break
    alone = meaning(waiting.message, waiting.image, waiting.reason)
    message, origin, known = said or (waiting.message, "status", alone)
    begun = [e.first for e in failed if e.first] or ([pod.created] if pod.created else [])
    ended = [e.last for e in failed if e.last]
    return Failing(
        pod, waiting.name, waiting.role, waiting.image, waiting.policy, waiting.reason, message,
        origin, known, min(begun, default=None), max(ended, default=None),
    )  # fmt: skip


def _concerns(event: Event, waiting: Waiting) -> bool:
    if event.container:
        return event.container == waiting.name
    return not event.image or event.image == waiting.image


def _texts(
    survey: Survey, pod: Pod, waiting: Waiting, failed: Sequence[Event]
) -> Iterator[tuple[str, Origin]]:
    """The texts that may hold the cause, the nearest first."""
    if not bare(waiting.message):
        yield waiting.message, "status"
    for one in reversed(failed):
        if not one.message.startswith("Error: "):
            yield one.message, "event"
    if not pod.owner[2]:
        return
    for other in survey.siblings.get(pod.owner[2], ()):
        if other is pod:
            continue
        for theirs in other.waiting:
            if theirs.image == waiting.image and not bare(theirs.message):
                yield theirs.message, "sibling"
        for one in reversed(survey.events.get(other.key, [])):
            failed_too = one.reason in _FAILURES and not one.message.startswith("Error: ")
            if failed_too and waiting.image in (one.image, ""):
                yield one.message, "sibling"


def _stuck(pod: Pod, events: Sequence[Event], now: datetime) -> Iterator[Failing]:
    """A pod whose containers do not begin, and only events say why: its sandbox image cannot be
    had, or a pull hangs."""
    for one in reversed(events):
        if one.sandbox:
            known = Meaning(("k8s.sandbox-image",))
            yield Failing(
                pod, "", "sandbox", one.sandbox, "", one.reason, one.message, "event", known,
                one.first, one.last,
            )  # fmt: skip
            return
        if one.reason in ("Pulling", "Pulled", "Created", "Started"):
            break
    yield from _volumes(pod, events)
    for waiting in pod.stuck:
        mine = [
            e for e in events if e.container == waiting.name and e.reason in _ENDED | {"Pulling"}
        ]
        last = mine[-1] if mine else None
        if last is None or last.reason != "Pulling" or last.last is None:
            continue
        age = now - last.last
        if age >= STALLED:
            known = Meaning(("k8s.pull-stalled",), "likely", params={"age": _age(age)})
            yield Failing(
                pod, waiting.name, waiting.role, waiting.image, waiting.policy,
                waiting.reason or "ContainerCreating", last.message, "event", known,
                last.first, last.last,
            )  # fmt: skip


def _volumes(pod: Pod, events: Sequence[Event]) -> Iterator[Failing]:
    """Images of volumes, whose failure some kubelets tell in an event about the pod alone."""
    for image, policy in pod.volumes:
        mine = [e for e in events if e.image == image and not e.container]
        failed = [e for e in mine if e.reason in _FAILURES]
        if failed and mine[-1].reason != "Pulled":
            one = failed[-1]
            known = meaning(one.message, image, "ErrImagePull")
            yield Failing(
                pod, pod.stuck[0].name, "volume", image, policy, "ErrImagePull", one.message,
                "event", known, failed[0].first, one.last,
            )  # fmt: skip


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"


def nodes_of(survey: Survey, found: Sequence[Failing]) -> list[str]:
    """The nodes to be looked at: those that fail, and for a comparison some that do not."""
    failing_nodes = dict.fromkeys(one.pod.node for one in found if one.pod.node)
    good: dict[str, None] = {}
    for image in dict.fromkeys(one.image for one in found):
        others = sorted(survey.have.get(image, set()) - {""} - failing_nodes.keys())
        good |= dict.fromkeys(others[:2])
    return [*failing_nodes, *list(good)[:20]]
