"""Where does a client ask for an image, in which order, and what came of each place?

The settings decide the list (mirrors, rewritten names, blocked registries); the order is the
client's own. What was seen at each endpoint is told here in the few words that a comparison needs:
the whole diagnosis of the one that serves the pull stands in the report.
"""

from __future__ import annotations

from typing import Literal

from doctor.facts.credential import Place
from doctor.facts.station import WORDS
from doctor.frozen import frozen
from doctor.model import Fact, Hop, Target, Verdict

_HOW: dict[str, str] = dict(WORDS) | {
    "api": "what answers there is no registry",
    "auth": "it does not let this client have it",
    "image": "it does not have the image, or not whole",
    "blob": "a layer cannot be read from it",
    "rate": "it limits pulls",
}
"""How the failing check of an endpoint is said."""


@frozen
class Endpoint:
    """One place that a client asks. Its hop's role is "mirror", or "registry" for the last one, the
    image's own."""

    hop: Hop
    repository: str
    """The name that is asked for there; a rewrite may have changed it."""
    base: str = "/v2"
    """The path that the API lies below, without a slash at its end."""
    namespace: str = ""
    """The registry that the image is of, told with every request as `?ns=` (containerd)."""
    origin: str = ""
    """file:line that names it; "" for the registry that the image itself names."""
    written: str = ""
    """The entry as it stands there: a URL or a location."""
    domain: str = ""
    """The registry as a reference names it there, its port included if one is written; "": the
    hop's."""
    instead: bool = False
    """Is it asked only where the one before it does not answer? Then that one is reported, where
    neither serves."""
    skipped: str = ""
    """Why this client passes it over for this reference: "it is for digests only"."""

    @property
    def called(self) -> str:
        """Its name in a sentence: `the mirror mirror.corp:443`."""
        return f"the mirror {self.hop.name}" if self.hop.role == "mirror" else self.hop.name


@frozen
class Blocked:
    """The rule by which the client refuses the registry."""

    file: str
    line: int
    rule: str
    """As it stands there."""
    prefix: str = ""
    """Of the table of registries.conf that blocks."""
    policy: bool = False
    """Is it the signature policy?"""
    unsure: bool = False
    """It asks for a signature; whether the image has it was not looked at."""


@frozen
class EndpointSeen:
    """How a pull from one endpoint would go."""

    endpoint: Endpoint
    verdict: Verdict
    """Of a pull from it: "incomplete" where nobody can tell."""
    layer: str = ""
    """The first check that failed there; "" where none did."""
    reason: str = ""
    """What it said, one sentence; of one that nobody can tell of, why."""
    root_causes: tuple[str, ...] = ()
    digest: str = ""
    """Of what the reference names there; "" where that was not read."""
    challenge: str = ""
    """What the endpoint wants to see, where it refused a request without a credential."""
    has_credential: bool = False
    """Was one found for it?"""
    status: int | None = None
    """Of its last HTTP answer."""
    http_ms: float | None = None
    """How long its first HTTP answer took; None: there was none."""

    @property
    def serves(self) -> bool | None:
        """Would the client have the image from here? None: nobody can tell."""
        return None if self.verdict == "incomplete" else self.verdict != "fail"

    @property
    def said(self) -> str:
        """What came of it, as the end of a sentence that starts with the endpoint."""
        if self.serves:
            return "serves it"
        if self.serves is None:
            return f"may serve it: {self.reason}" if self.reason else "may serve it"
        how = _HOW.get(self.layer, "")
        return f"does not serve it: {how}" if how else "does not serve it"


@frozen(kw_only=True)
class EndpointsFact(Fact):
    """The endpoints in the client's order, those passed over included."""

    client: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    blocked: Blocked | None = None
    places: tuple[Place, ...] = ()
    """What was looked at, and why it did not apply."""
    certs: str = ""
    """The folder below which the client has one for each registry, where it is known."""
    rule: str = ""
    """By which rule the client shows a mirror no credential, a clause for a sentence; "" where it
    shows one, if there is one."""
    tells: Literal["all", "last", "gravest"] = "all"
    """Whose errors the client shows where no endpoint serves the image. "gravest": an HTTP error
    outranks a 404, which outranks failed connections and logins; of equals the first (containerd
    core/remotes/docker/resolver.go)."""
    seen_at: tuple[EndpointSeen, ...] = ()
    """What came of those that were asked, in order; empty where there was one to ask."""

    @property
    def asked(self) -> tuple[Endpoint, ...]:
        """Those that this client asks for this reference."""
        return tuple(e for e in self.endpoints if not e.skipped)

    @property
    def served(self) -> EndpointSeen | None:
        """The first that has the image, as the client takes them one after the other."""
        return next((each for each in self.seen_at if each.serves), None)

    @property
    def decides(self) -> int:
        """The place in `seen_at` of the endpoint whose diagnosis is the pull's: the first that
        serves it, else the last of which nobody can tell (one that stands in for another counts if
        it answers), else the last one."""
        serves = [each.serves for each in self.seen_at]
        if True in serves:
            return serves.index(True)
        meant = [place for place, each in enumerate(self.seen_at) if not each.endpoint.instead]
        answers = [place for place, each in enumerate(self.seen_at) if each.status]
        unclear = [place for place in sorted({*meant, *answers}) if serves[place] is None]
        return (unclear or meant or [len(serves) - 1])[-1]

    @property
    def told(self) -> EndpointSeen | None:
        """The one endpoint whose error the client shows, where there are several; None: all that
        failed can be seen."""
        if self.tells == "all" or self.served or len(self.seen_at) < 2:
            return None
        return self.seen_at[-1] if self.tells == "last" else max(self.seen_at, key=_rank)

    @property
    def seen(self) -> str:
        return "; ".join(f"{each.endpoint.called} {each.said}" for each in self.seen_at)


def _rank(seen: EndpointSeen) -> int:
    status = seen.status or 0
    return 1 if status < 400 or status == 401 else 2 if status == 404 else 3


def home(target: Target) -> Endpoint:
    """The registry that the image itself names."""
    repository = target.reference.repository if target.reference else ""
    return Endpoint(target.registry, repository)


def only(client: str, target: Target) -> EndpointsFact:
    """What a client without mirrors asks."""
    return EndpointsFact(client=client, endpoints=(home(target),))
