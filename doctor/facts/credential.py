"""What did the look-up of a credential see? Everything but the secret.

Where a client looked, in its order, with the key that matched or why none did; what is broken in
those files; which keys nearly match; where another client of this machine would decide otherwise.
"""

from __future__ import annotations

from typing import Literal

from doctor.facts.helper import HelperFact
from doctor.frozen import frozen
from doctor.model import Case, Fact
from doctor.registry import hub

Outcome = Literal[
    "used",
    "helper",
    "nothing",
    "no-match",
    "marker",
    "missing",
    "unset",
    "unreadable",
    "ignored",
    "not-read",
    "failed",
]
"""used: it gave the credential. helper: a program is to be asked. nothing: the program answered
that it has none. no-match: read, no key fits. marker: an empty entry, which only says that a helper
holds the credential. ignored: it is there and this client passes over it. not-read: the client
stops before it. failed: asked, and it broke."""


@frozen
class Place:
    """One place that was looked in. `key` is the key that matched there, as it is written there."""

    where: str
    outcome: Outcome
    key: str | None = None
    note: str = ""


@frozen
class Barred:
    """What on the way to a file this user may not enter or read, and what gives it back.

    cure: chown (it lies below this user's own home and is somebody else's), chmod (it is this
    user's, and its mode is in the way), "" (elsewhere: whose it ought to be is not known). `at` is
    what the cure is for: the uppermost folder below the home that is not this user's.
    """

    path: str
    owner: int = -1
    mode: int = 0
    cure: Literal["", "chown", "chmod"] = ""
    at: str = ""

    @property
    def said(self) -> str:
        """Like "/home/u/.docker belongs to root, mode 700"."""
        if self.owner < 0:
            return f"{self.path} is closed to it"
        owner = "root" if self.owner == 0 else f"user ID {self.owner}"
        return f"{self.path} belongs to {owner}, mode {self.mode:03o}"


@frozen
class Fault:
    """What is broken in a place. Lines and columns count from 1; 0 where there is none.

    kind: access (cannot be read), missing (a variable names it, and it is not there), syntax (not
    JSON), type (a field of the credential settings has another JSON type than the client takes),
    field (the same for a setting that only Docker's programs read), entry (an `auth` value that is
    no credential), incomplete (an entry that is read, but lacks a part).
    """

    kind: Literal["access", "missing", "syntax", "type", "field", "entry", "incomplete"]
    where: str
    what: str
    line: int = 0
    column: int = 0
    key: str | None = None
    ours: bool = False
    """Is it about the entry for the registry in question?"""
    effect: str = ""
    """What the client then does, as the end of a sentence that starts with its name: "stops with an
    error"."""
    stops: bool = True
    """Does the client give up the pull because of it (else: it goes on without that place)?"""
    variable: str = ""
    """The variable that names a file which is not there."""
    barred: Barred | None = None
    """Of a file that this user may not read: what hinders."""


Why = Literal[
    "port",
    "docker-hub",
    "wildcard",
    "depth",
    "letter-case",
    "white-space",
    "scheme",
    "helper-key",
    "namespace",
    "tag",
    "api-path",
]
"""In what way a key comes near the one that is looked up."""


@frozen
class NearMiss:
    """A key that holds a credential and is not the one that the client looks up."""

    where: str
    key: str
    wanted: str
    why: Why
    line: int = 0
    setting: Literal["auths", "credHelpers"] = "auths"

    @property
    def reason(self) -> str:
        """Why the client passes it over, as a clause."""
        return {
            "port": "the port differs, and a port is part of the key",
            "docker-hub": "Docker Hub has a key of its own, and this is another spelling",
            "wildcard": "it is a pattern, which the kubelet reads and Docker's programs do not",
            "depth": "a * stands for one part of a host name, and the numbers of parts differ",
            "letter-case": "capitals count",
            "white-space": "it holds white space",
            "scheme": "a key has no scheme but http:// or https://",
            "helper-key": "a key of credHelpers must equal the registry's key",
            "namespace": "it is for other repositories of the registry",
            "tag": "a tag or a digest is no part of a key",
            "api-path": "without a slash at its end, its path is taken for the image's",
        }[self.why]


@frozen
class Otherwise:
    """Another client of this machine would decide otherwise: what it would use, and why."""

    client: str
    says: str


@frozen
class Source:
    """One of several places that hold a credential for the registry. `same` numbers the distinct
    credentials: equal number, equal secret."""

    where: str
    key: str
    user: str
    same: int
    wins: bool = False
    modified: float | None = None
    """When the file was last changed, seconds since the epoch; None where nobody can say."""


@frozen
class WhiteSpace:
    """Stray white space at an end of a part of the credential; never the value."""

    part: Literal["user", "secret"]
    end: Literal["start", "end"]
    what: str
    unseen: bool = False
    """Nobody sees it, and `[:space:]` does not mean it."""

    @property
    def said(self) -> str:
        """Like "secret ends with a newline"."""
        part = "user name" if self.part == "user" else "secret"
        return f"{part} {'ends' if self.end == 'end' else 'starts'} with {self.what}"


@frozen
class TokenLife:
    """What a stored token says of its own life, or what its kind allows. Times in seconds since the
    epoch.

    read_from: "token" (its own claim), "age" (the file that holds it is older than tokens of this
    kind live).
    """

    kind: str
    expires: float
    read_from: Literal["token", "age"]
    issuer: str = ""


@frozen
class StoredFile:
    """A file with secrets in the clear. `keys` are the registries of those entries."""

    path: str
    mode: int
    uid: int
    keys: tuple[str, ...]
    open_to: Literal["", "group", "others"] = ""


@frozen(kw_only=True)
class CredentialFact(Fact):
    """The outcome of the look-up. `ok` is always true: without a credential the pull is tried
    without one, as the client would."""

    client: str = "shell"
    registry: str = ""
    """The registry as the client's keys name it: `host[:port]` as written in the reference."""
    found: bool = False
    origin: str = ""
    key: str | None = None
    kind: str = ""
    """password, identity-token or registry-token."""
    user: str = ""
    keys: tuple[str, ...] = ()
    """What was looked up, in order."""
    places: tuple[Place, ...] = ()
    faults: tuple[Fault, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    otherwise: tuple[Otherwise, ...] = ()
    sources: tuple[Source, ...] = ()
    white_space: tuple[WhiteSpace, ...] = ()
    life: TokenLife | None = None
    files: tuple[StoredFile, ...] = ()
    helpers: tuple[HelperFact, ...] = ()
    """The helpers that were asked, in order."""
    store: str | None = None
    """A credential store that is installed here and could hold what stands in the clear."""
    tools: tuple[str, ...] = ()
    """The programs that can log in here: docker, podman, skopeo."""
    config: str = ""
    """The file that the client reads, or would read first."""
    unasked: str = ""
    """Why a helper that would be asked was not: "offline", "another machine's files"."""
    withheld: str = ""
    """Why what this client would show here was not looked up: a credential of another host."""
    refused: tuple[Source, ...] = ()
    """Those that the client tries before this one, and that the registry refused."""
    more: int = 0
    """How many more the client tries if this one is refused, each as a pull of its own."""
    plugin: str = ""
    """The plug-in that this cloud's registries need and that the client is not set to use."""

    @property
    def seen(self) -> str:
        if not self.found:
            said = self.unasked or self.withheld or "no credential found"
        else:
            who = f"user {self.user}" if self.user else self.kind.replace("-", " ")
            said = f"{who} from {self.origin}"
        return "; ".join([said, *(f"{o.client} {o.says}" for o in self.otherwise)])

    @property
    def held(self) -> dict[str, str]:
        """The file and the key of the credential that was found, as params; empty where it is in
        no file."""
        winner = next((each for each in self.sources if each.wins), None)
        if winner is None or not winner.where.startswith("/") or not winner.key:
            return {}
        return {"held_in": winner.where, "held_key": winner.key}

    @property
    def cloud(self) -> str:
        """Whose login renews such a token: "aws", "google", "azure"; "" for a stored key."""
        host = self.registry.partition(":")[0]
        if self.user == "AWS":
            return "aws" if self.region else ""
        if self.user == "oauth2accesstoken":
            return "google"
        return "azure" if host.endswith((".azurecr.io", ".azurecr.cn", ".azurecr.us")) else ""

    @property
    def region(self) -> str:
        """The AWS region in the name of an ECR registry, or ""."""
        labels = self.registry.split(".")
        return labels[3] if len(labels) > 5 and labels[2].startswith("ecr") else ""

    @property
    def stopped(self) -> Fault | None:
        """The fault at which the client gives up the pull, if there is one."""
        return next((f for f in self.faults if f.stops), None)


def called(user: str, kind: str = "") -> str:
    """What the credential is called: by its user, or by its kind, which a token has alone."""
    if user and user != "<token>":
        return f"the credential for user {user}"
    return f"the {kind.replace('-', ' ') or 'credential'}"


def login(case: Case) -> dict[str, str]:
    """How one logs in on this machine, for the words of a remedy: where, into which file, and with
    which program if that is not docker."""
    fact = case.facts.get(CredentialFact) or CredentialFact()
    at = fact.registry or case.target.named
    on_hub = at in hub.DOMAINS
    params = {
        "login_at": hub.NAME if on_hub else at,
        "plain_key": "" if on_hub else at,
        "config": fact.config,
        "plugin": fact.plugin,
        **fact.held,
        "crio_auth": fact.config if fact.client == "cri-o" else "",
    }
    if fact.tools and "docker" not in fact.tools:
        params[f"only_{fact.tools[0]}"] = "yes"
    return params
