"""What is known of one failing pull of a pod: the cluster's words, the pull Secrets that the
kubelet goes by, and the node. Read from the API server alone; holds no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from doctor.cluster import Origin
from doctor.frozen import frozen
from doctor.model import Confidence, Fact, Hop

Role = Literal["container", "init", "ephemeral", "volume", "sandbox"]
State = Literal["present", "missing", "unread"]


@frozen
class Source:
    """What writes a Secret, so that a change made in the Secret itself is written over."""

    kind: str
    name: str

    @property
    def resource(self) -> str:
        """The kind as kubectl takes it; "" for what is no object of the cluster and is called by
        several words (`Helm release`)."""
        return self.kind.lower() if self.kind.isalpha() else ""


@frozen
class SecretSeen:
    """One Secret, as the kubelet would take it for one image."""

    name: str
    state: State = "present"
    type: str = ""
    data: tuple[str, ...] = ()
    """The names of its keys, never what they hold."""
    config_key: str = ""
    """The key of another name or type under which a Docker configuration lies all the same."""
    read: bool = False
    """Has it a type, and a key, that the kubelet reads?"""
    flaw: str = ""
    """The rule that its content breaks: then no pull of the pod is tried at all."""
    flawed_key: str = ""
    entries: tuple[str, ...] = ()
    """The registries that it has entries for; of very many the first ones."""
    count: int = 0
    matching: tuple[tuple[str, str], ...] = ()
    """Key and user name of the entries that are tried for the image, in the kubelet's order."""
    marked: tuple[tuple[str, str], ...] = ()
    """Keys that match, and why they give no credential all the same."""
    near: tuple[tuple[str, str], ...] = ()
    """Keys that come near and do not match, and why not."""
    immutable: bool = False
    """Is its data not to be changed, so that it must be deleted and made anew?"""
    stray: tuple[str, ...] = ()
    """White space at the ends of what is tried: where, and which; never the value."""
    expired: str = ""
    """Which kind of token it holds whose life is over."""
    source: Source | None = None
    changed: datetime | None = None
    found_in: tuple[str, ...] = ()
    """Other namespaces that have one of its name, where it is missing."""
    similar: str = ""
    """A pull Secret of the namespace whose name is nearly the same, where it is missing."""

    @property
    def serves(self) -> bool:
        """Does the kubelet get a credential for the image from it?"""
        return self.read and not self.flaw and bool(self.matching)


@frozen
class NodeSeen:
    """The node that pulls."""

    name: str
    platform: str = ""
    runtime: str = ""
    kubelet: str = ""
    system: str = ""
    pressure: tuple[str, ...] = ()
    """Conditions that stop pulls, such as DiskPressure."""
    cloud: Mapping[str, str] = field(default_factory=dict)
    """What names the machine in its cloud (`doctor.pods.cloud`)."""


@frozen(kw_only=True)
class PullFact(Fact):
    """One container of one pod that waits for its image."""

    namespace: str
    pod: str
    container: str
    role: Role = "container"
    image: str
    policy: str = ""
    reason: str
    """The waiting reason; for a pull that hangs, or a sandbox, the event's."""
    message: str = ""
    origin: Origin = "status"
    codes: tuple[str, ...] = ()
    """What the words mean, the likeliest first; nothing where they are not known."""
    confidence: Confidence = "certain"
    params: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    """The host that the words accuse; the registry where they name none."""
    hop: Hop | None = None
    """The same as a host to be reached."""
    said: str = ""
    """The error itself, without what stands around it."""
    cannot_tell: str = ""
    beneath: tuple[str, ...] = ()
    """Where the first code names a station that a host of its own is: what fails there."""
    node: NodeSeen | None = None
    workload_kind: str = ""
    workload: str = ""
    static: bool = False
    """Does its kubelet run it from a file?"""
    account: str = "default"
    annotation: str = ""
    """What binds the account to a cloud's identity."""
    cloud: str = ""
    created: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    """When the failure was seen first and last, where an event tells."""
    named: tuple[SecretSeen, ...] = ()
    """The pod's own list of pull Secrets, in its order."""
    of_account: tuple[SecretSeen, ...] = ()
    """Those of its ServiceAccount that the pod does not have."""
    account_lists: tuple[str, ...] = ()
    """The account's own list."""
    account_changed: datetime | None = None
    """When the account was written last, as far as its metadata tell."""
    account_read: bool = False
    unnamed: tuple[SecretSeen, ...] = ()
    """Others of the namespace that would serve."""
    unretrieved: tuple[str, ...] = ()
    """Secrets that the kubelet could not get, by its own event."""
    good_nodes: tuple[str, ...] = ()
    """Nodes that have pulled the image."""
    good_platforms: tuple[str, ...] = ()
    bad_nodes: tuple[str, ...] = ()
    difference: str = ""
    outcome: str = ""
    """What a probe from here came to: "", "served", "rejected", "failed"."""
    probed: tuple[str, ...] = ()
    """The causes that the probe found."""
    public: bool = False
    """Did the probe get the image without a credential?"""

    @property
    def ok(self) -> bool:
        return False

    @property
    def seen(self) -> str:
        return f"{self.reason}: {self.image}"
