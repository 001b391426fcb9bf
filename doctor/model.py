"""Which nouns does the whole product speak?

A **Target** is an image reference (or a registry host) seen through one client's eyes. A **Hop** is
a host on the way. A **Check** reads local configuration, probes, and judges; what it saw is a
**Fact**, what follows from it a **Finding**. Standard library only, no I/O: every other room may
import this one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from doctor.frozen import frozen
from doctor.registry import hub

if TYPE_CHECKING:
    from doctor.cluster import Cluster
    from doctor.facts.endpoint import Endpoint
    from doctor.net import Net
    from doctor.outcome import Choice, Outcome
    from doctor.redact import Secret
    from doctor.reference import Reference

Severity = Literal["error", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]
Status = Literal["pass", "warn", "fail", "skip", "error"]
Verdict = Literal["pass", "warn", "fail", "incomplete"]
Role = Literal["registry", "token", "storage", "mirror", "proxy"]
Scheme = Literal["https", "http"]
Scope = Literal["hop", "target"]
Vantage = Literal["local", "text", "cluster"]
System = Literal["debian", "rhel", "suse", "alpine", "macos", "linux"]


@frozen
class Hop:
    """A host that a pull talks to.

    `host` is lower case, without brackets; `port` is always set; `scheme` is what is spoken there.
    Two hops are the same one if these three agree: a token service on the registry's own host is
    looked at once, under the role first seen.
    """

    role: Role = field(compare=False)
    host: str
    port: int
    scheme: Scheme = "https"

    @property
    def name(self) -> str:
        """`host:port`, IPv6 in brackets: how findings and reports name the hop."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        """What a client writes in a URL and in `Host`: the port only where it is not the scheme's
        own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"
        )


@frozen(kw_only=True)
class Fact:
    """What one probe saw, a refusal or a timeout included. Holds no secret. Subclasses live in
    `doctor.facts`."""

    ms: float = 0.0
    """How long looking took, in milliseconds."""

    @property
    def ok(self) -> bool:
        """Does what this layer gives exist, so that the layer above can be tried?"""
        return True

    @property
    def hurried(self) -> bool:
        """Did the run's budget end a wait on which this rests too soon for silence to prove
        anything? Then it is kept, and no judge sees it: the check ran out of time."""
        return False

    @property
    def absent(self) -> bool:
        """Is what it is about not on this machine? Then nothing passed, and nothing is missing."""
        return False

    @property
    def left_to(self) -> str:
        """The check of the same hop that has this layer's work done elsewhere, so that nothing was
        looked at here; empty: none."""
        return ""

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        """Hops that this fact discovered: their own ladder starts at once."""
        return ()

    @property
    def goes_on_at(self) -> Hop | None:
        """A host that was just met and that the probe itself has to ask: it is called again once
        that host's ladder was climbed. None: it has ended."""
        return None

    @property
    def seen(self) -> str:
        """One short phrase for a progress line and for `checks[].summary`."""
        return ""


F = TypeVar("F", bound=Fact)


class Facts:
    """The facts of one run so far: by kind, and for facts about a hop by that hop. Grows while the
    engine runs."""

    def __init__(self, facts: Iterable[tuple[Hop | None, Fact]] = ()) -> None:
        self._facts: dict[tuple[type[Fact], Hop | None], Fact] = {}
        for at, fact in facts:
            self.add(fact, at)

    def add(self, fact: Fact, at: Hop | None = None) -> None:
        self._facts[type(fact), at] = fact

    def get(self, kind: type[F], at: Hop | None = None) -> F | None:
        """The fact of that kind about that hop (None: about the target), or None if nobody
        looked."""
        found = self._facts.get((kind, at))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[F]) -> Iterator[tuple[Hop | None, F]]:
        """Every fact of that kind with the hop it is about."""
        for (_, at), fact in tuple(self._facts.items()):
            if isinstance(fact, kind):
                yield at, fact

    def __iter__(self) -> Iterator[tuple[Hop | None, Fact]]:
        yield from ((at, fact) for (_, at), fact in tuple(self._facts.items()))

    @property
    def sound(self) -> Facts:
        """Those that prove something: without what was seen in a hurry."""
        return Facts((at, fact) for at, fact in self if not fact.hurried)


@frozen
class Target:
    """What is to be pulled, by which client, from what kind of machine: everything a judge may know
    besides facts."""

    text: str
    """As the user wrote it."""
    reference: Reference | None
    """None: a bare registry host."""
    registry: Hop
    client: str = "shell"
    runtime: str = ""
    """The container runtime that pulls for the client, where that is the kubelet."""
    platform: str = "linux/amd64"
    system: System = "linux"
    root: str = "/"
    """The folder below which the settings are; else than `/` they are another machine's."""
    warn_days: int = 21
    allow_realms: tuple[str, ...] = ()
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())
    """The local clock when the run started."""
    source: tuple[str, int] | None = None
    """File and line that named the target."""
    also_named: tuple[tuple[str, int], ...] = ()
    """Other places that name the same, however they spell it."""
    flaw: str = ""
    """Why that part of the file cannot be used as it stands, in a sentence."""
    vantage: Vantage = "local"
    """Where it was seen from: this machine, somebody's text, or a cluster."""
    assumed: tuple[str, ...] = ()
    """What was read into the text, to be said to the user."""
    asked: Reference | None = None
    """The image as the user names it, where this client asks an endpoint of another name for it."""
    endpoint: Endpoint | None = None
    """The endpoint in question, where the client's settings name it; None: the registry as the
    reference names it."""

    def path(self, rest: str) -> str:
        """The request path of `rest` below the API's root: `/v2/` and `rest`, as a rule. A client
        that is set to say so adds for which registry it asks (`?ns=`)."""
        if self.endpoint is None:
            return f"/v2/{rest}"
        path = f"{self.endpoint.base}/{rest}"
        if not self.endpoint.namespace:
            return path
        of = self.endpoint.namespace.replace(":", "%3A")
        return f"{path}{'&' if '?' in path else '?'}ns={of}"

    def path_in_repository(self, rest: str) -> str:
        """The same below the image's repository."""
        assert self.reference is not None  # noqa: S101 - a bare host has no repository
        return self.path(f"{self.reference.repository}/{rest}")

    @property
    def original(self) -> Reference | None:
        """The image as the user names it, whichever endpoint is looked at."""
        return self.asked or self.reference

    @property
    def image(self) -> str:
        """The full reference for commands; for a bare host, the host."""
        return str(self.original) if self.original else self.registry.authority

    @property
    def named(self) -> str:
        """The registry as references name it, and so what logins are kept under: `host[:port]`."""
        if self.reference is not None:
            return self.reference.registry
        return hub.NAME if self.registry.host == hub.HOST else self.registry.authority


@frozen
class Case:
    """What a probe or a judge is given: the target, the facts so far, and the hop in question
    (None: the target)."""

    target: Target
    facts: Facts
    hop: Hop | None = None

    @property
    def at(self) -> Hop:
        """The hop in question; for a check about the target, its registry."""
        return self.hop or self.target.registry

    def here(self, kind: type[F]) -> F | None:
        """The fact of that kind about the hop in question (or about the target)."""
        return self.facts.get(kind, self.hop)


@frozen
class Step:
    """One thing to do. `command` can be pasted as it stands; `changes` says what it alters (None:
    it only looks)."""

    text: str
    command: str | None = None
    root: bool = False
    changes: Literal["user", "machine", "cluster", "registry"] | None = None


@frozen
class Remedy:
    """A way to mend the cause, its steps in order, and how to see that it worked."""

    title: str
    steps: tuple[Step, ...]
    clients: tuple[str, ...] = ()
    verify: str | None = None
    docs: str | None = None


@frozen
class Finding:
    """A statement with its proof. A judge gives code, evidence and params; the words (title,
    detail, remedies) are put on by `doctor.codes`, `root_cause` by `doctor.causes`."""

    code: str
    check: str = ""
    severity: Severity | None = None
    """None: the code's default."""
    confidence: Confidence = "certain"
    hop: Hop | None = None
    subject: str | None = None
    """What the finding is about when that is not a hop: a file, a certificate, a tag."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """The proof, JSON-able, no secrets."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What the words' placeholders stand for; an empty one is as good as none."""
    title: str = ""
    detail: str = ""
    remedies: tuple[Remedy, ...] = ()
    root_cause: bool = False

    @property
    def level(self) -> Severity:
        return self.severity or "error"


class Client(Protocol):
    """How one client goes about a pull. Implemented in `doctor.clients`; answers come from local
    configuration alone."""

    @property
    def name(self) -> str: ...

    def route(self, hop: Hop) -> Fact:
        """Which proxy, and why: a `doctor.facts.proxy.RouteFact`."""
        ...

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The `Proxy-Authorization` value for the proxy of that route, if its setting has one."""
        ...

    def trust(self, hop: Hop, target: Target) -> Fact:
        """Which trust stores: a `doctor.facts.trust.TrustFact`. Some clients go by how the target
        writes its registry, for every host of the pull."""
        ...

    def endpoints(self, target: Target) -> Fact:
        """Where the image is asked for, in which order: a `doctor.facts.endpoint.EndpointsFact`."""
        ...

    def keys(self, target: Target) -> Any:
        """Where the credential comes from: a `doctor.clients.keyring.Lookup`, which may name a
        helper to ask."""
        ...

    def setup(self, target: Target) -> Fact | None:
        """Is it there and running, and what is wrong with its configuration: a
        `doctor.facts.client.ClientFact`; None for a program without settings of its own."""
        ...


@runtime_checkable
class ReadsShortNames(Protocol):
    """A client for which a name without a registry is not just one on Docker Hub."""

    def meant(self, target: Target) -> tuple[Target, ...]:
        """The images that it takes the target for, in its order; at least one."""
        ...


Reader = Callable[[Case, Client, "Net"], Awaitable[Fact | None]]
Probe = Callable[[Case, "Net"], Awaitable[Fact | None]]
Judge = Callable[[Case], Iterable[Finding]]


@frozen
class Check:
    """One question. A module in `checks/` (or a plug-in's) exposes it as `CHECK`, its words lie
    beside it as a .toml.

    `scope` "hop": asked of every hop; "target": asked once for the target. `read` looks at local
    configuration: it runs first, needs nothing, and also with `--offline`. `probe` uses the
    network, once everything in `needs` is met. A need is a check's name (of the same hop, or of the
    target's registry), or `name@role`: that check for the hops of that role which the facts so far
    lead to; where they lead to none, the need is met. `judge` is pure: it is called with all facts,
    also when the probe did not run.
    """

    name: str
    scope: Scope
    judge: Judge
    read: Reader | None = None
    probe: Probe | None = None
    needs: tuple[str, ...] = ()
    part: str = ""
    """Set where two checks share a name in reports: this one is `name.part` in `needs`."""
    after: tuple[str, ...] = ()
    """Ids of checks that must have ended, well or not, before the probe starts."""
    of_image: bool = False
    """Does the probe ask for something that a bare registry host has not?"""
    budget: float = 10.0
    """Seconds that the probe may take; it ends itself earlier and reports that as a fact."""
    question: str = ""
    """What it asks, for `doctor checks`."""

    def concerns(self, target: Target) -> bool:
        """Has the target what the probe asks for, as far as that is known beforehand?"""
        return target.reference is not None or not self.of_image

    @property
    def id(self) -> str:
        """How `needs` name it."""
        return f"{self.name}.{self.part}" if self.part else self.name

    @property
    def required(self) -> tuple[str, ...]:
        """The ids of the checks in `needs`, of whatever hop."""
        return tuple(need.partition("@")[0] for need in self.needs)


@frozen
class CheckResult:
    """How a check went: of `checks[]` in the report."""

    name: str
    status: Status
    hop: Hop | None = None
    summary: str = ""
    ms: float = 0.0
    blocked_by: str | None = None
    part: str = ""
    applies: bool = True
    """False: the target has no such layer, so nothing is missing."""
    absent: bool = False
    """Is what it asks about not on this machine? Nothing is missing then either."""


@frozen
class Diagnosis:
    """One target's part of a report."""

    target: Target
    facts: Facts
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    root_causes: tuple[str, ...]
    not_tried: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()
    """How each check went: with the facts, the choice and the hops all that is judged, and so what
    a bundle holds."""
    choice: Choice | None = None
    hops: tuple[Hop, ...] = ()

    @property
    def begun(self) -> bool:
        """Did its turn come before the run's time was over? Else it has no `checks`."""
        return bool(self.checks) or not self.outcomes


@frozen
class Report:
    """The facts, the findings, and the causes among them: what every surface renders and adds
    nothing to."""

    diagnoses: tuple[Diagnosis, ...]
    started: datetime
    ms: float
    verdict: Verdict
    clients: tuple[Mapping[str, Any], ...] | None = None
    kubernetes: Cluster | None = None


@frozen
class Event:
    """What the engine tells its observer. `hop` None: about the target."""

    kind: Literal["planned", "hop", "started", "finished"]
    target: Target
    check: str = ""
    hop: Hop | None = None
    result: CheckResult | None = None
    plan: tuple[str, ...] = ()


Observer = Callable[[Event], None]


def raised(finding: Finding, severity: Severity) -> Finding:
    """The same finding with the severity that the evidence gives it."""
    return replace(finding, severity=severity)
