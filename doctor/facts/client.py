"""Is the client there and running, and what is wrong with its own configuration?

Beside what one layer asks of it (route, trust, credential) stands what concerns all of them: the
daemon's answer on its socket, the files that were read, what the client does with a broken one.
"""

from __future__ import annotations

from typing import Literal

from doctor.frozen import frozen
from doctor.model import Fact

State = Literal["answers", "missing", "refused", "denied", "silent", "odd", "not-asked"]
"""What came of asking the daemon on its socket. "odd": what answered is no such daemon."""
Store = Literal["containerd", "graphdriver", ""]
"""Docker's image store; "": nobody can say. The rules for mirrors and trust differ."""


@frozen
class Daemon:
    """The daemon behind a socket. `reason` is the system's own word for a failure."""

    socket: str = ""
    state: State = "not-asked"
    reason: str = ""
    version: str = ""
    store: Store = ""
    mirrors: tuple[str, ...] | None = None
    """What it asks before Docker Hub; None: it did not say."""


@frozen
class ConfigFault:
    """A configuration file, or a line of it, that does not count as it is meant."""

    file: str
    what: str
    """What is wrong, as a phrase."""
    effect: str
    """What the client does: "dockerd does not start"."""
    line: int = 0
    column: int = 0
    expected: str = ""
    corrected: str = ""
    """The whole line as it must be; "" where nobody can tell."""
    stops: bool = True
    """Does the client not work at all because of it (else: it goes on without)?"""
    sure: bool = True
    """Does this client do so (else: its version decides, and nobody knows it)?"""
    image: str = ""
    """The image's whole name by Docker's rule, where that it names no registry is the fault."""
    kind: Literal[
        "",
        "unread",
        "each-pull",
        "passed-over",
        "one-folder",
        "path-twice",
        "no-policy",
        "context",
        "other-store",
        "no-path",
    ] = ""
    """unread: nothing is wrong with it but that the running daemon goes by what it read before.
    each-pull: the file is read at every pull, so a daemon that runs meets the fault too.
    passed-over: only this setting does not count. one-folder: a list is taken for one folder.
    path-twice: the API's root is put behind a path that names it. no-policy: a policy.json has to
    be there, is read at every pull, and is not. context: the docker command's context, read before
    the daemon is asked. other-store: it is for the image store that docker does not have here.
    no-path: there are hosts.toml files, and no config_path that leads to them."""
    lies_in: str = ""
    """The folder with the certificates that do not count."""
    belongs_in: str = ""
    """The one in which they would."""
    variable: str = ""
    """The variable that leads to the file, where nothing else does."""
    client: str = ""
    """Whose file it is, where not the client's own: the runtime's that the kubelet has pull."""


@frozen(kw_only=True)
class ClientFact(Fact):
    """The client as this machine has it."""

    client: str = ""
    program: str = ""
    """Where it lies; "" where it is not installed."""
    version: str = ""
    daemon: Daemon | None = None
    """None: the client has none."""
    remote: str = ""
    """Where the daemon is, if that is not this machine: its own settings cannot be read."""
    rootless: bool = False
    desktop: bool = False
    """Docker Desktop: its daemon runs in a virtual machine whose settings no file here shows."""
    snap: bool = False
    """Docker as a snap: its settings lie below /var/snap/docker, and are not read."""
    store: Store = ""
    files: tuple[str, ...] = ()
    """The configuration files that are there."""
    faults: tuple[ConfigFault, ...] = ()
    user: str = ""
    """The name of the user who runs this."""
    runtime: str = ""
    """The container runtime that pulls for it; "" where it pulls itself."""
    flagged: tuple[str, ...] = ()
    """Files that set insecure registries or mirrors as flags of the daemon's command."""
    service: str = ""
    """The unit that starts it, where that goes by several names."""
    mirror: str = ""
    """The URL of the first mirror for the registry."""
    without_cri: str = ""
    """file:line that switches off containerd's plug-in that pulls for pods."""
    appendable: bool = False
    """May a table for the registry be put at the end of containerd's config.toml?"""
    appendable_v2: bool = False
    """The same in the layout of containerd 1.x."""

    @property
    def absent(self) -> bool:
        return not (self.program or self.remote or self.desktop)

    @property
    def seen(self) -> str:
        if self.remote:
            return f"the daemon is at {self.remote}; its settings cannot be read here"
        if self.desktop:
            return "Docker Desktop: what its virtual machine has set cannot be seen from here"
        if self.snap:
            return f"{self.client} is a snap: what it has set below /var/snap/docker is not read"
        if not self.program:
            return f"{self.client} is not installed here"
        what = f"{self.client} {self.version}".strip()
        if self.runtime:
            what = f"{what}, which has {self.runtime} pull"
        if self.without_cri:
            return f"{what} pulls for no pod here: its CRI plug-in is off ({self.without_cri})"
        state = self.daemon.state if self.daemon else "not-asked"
        if state == "answers":
            return f"{what} answers" + (f", {self.store} image store" if self.store else "")
        return what
