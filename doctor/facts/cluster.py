"""What is known of a cluster besides its failing pulls: which one it is, what could not be read of
it, and which pull Secrets its pods name in vain. Holds no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from doctor.cluster import LeftOut
from doctor.frozen import frozen
from doctor.model import Fact


@frozen
class Refused:
    """What this identity may not read, and what the API server said to it."""

    verb: str
    resource: str
    namespace: str
    user: str
    said: str
    name: str = ""


@frozen
class Vain:
    """A pull Secret that the kubelet could not get, named by a pod whose images are there all the
    same."""

    namespace: str
    named: str
    """The Secret. (A field of that name has the shape of one: no bundle could hold it.)"""
    pod: str
    workload_kind: str = ""
    workload: str = ""


@frozen
class Unreached:
    """Why there is no cluster to look at."""

    looked_at: str
    reason: str
    params: Mapping[str, str] = field(default_factory=dict)


@frozen(kw_only=True)
class ClusterFact(Fact):
    """One cluster, as far as it could be read."""

    context: str = ""
    version: str = ""
    pods: int = 0
    """How many were looked at."""
    namespace: str | None = None
    """The one that was looked at; None: all."""
    home: str = "default"
    """The context's own."""
    chosen: tuple[tuple[str, str], ...] = ()
    """`--context` and `--kubeconfig`, where they were given: printed commands give them too."""
    left_out: tuple[LeftOut, ...] = ()
    refused: tuple[Refused, ...] = ()
    vain: tuple[Vain, ...] = ()
    unreached: Unreached | None = None

    @property
    def ok(self) -> bool:
        return self.unreached is None

    @property
    def seen(self) -> str:
        return self.unreached.reason if self.unreached else f"{self.pods} pods"
