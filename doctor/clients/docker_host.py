"""How is the Docker daemon of this machine set up: where does it listen, with which environment and
which settings does it run?

dockerd pulls, so its own environment counts and never the shell's: what systemd gives it, over it
the proxies of its flags and of daemon.json (moby cmd/dockerd, overrideProxyEnv). Docker Desktop's
daemon runs in a virtual machine, and one behind DOCKER_HOST=tcp: or ssh: on another host: what they
have set is in no file here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from doctor.clients import docker_context, docker_mirrors, docker_store, systemd
from doctor.clients.auth_json import config_home
from doctor.clients.daemon_json import PROXIES, REFUSES, DaemonJson, mirror_fault, parse
from doctor.clients.docker_config import member
from doctor.clients.docker_context import SOCKET, said
from doctor.clients.docker_keys import folder
from doctor.clients.machine import Machine, Text
from doctor.clients.system import system
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault, Store
from doctor.frozen import frozen

_FLAGS = {
    "config-file": "config-file",
    "host": "hosts",
    "H": "hosts",
    "insecure-registry": "insecure-registries",
    "registry-mirror": docker_mirrors.SETTING,
    **{name: name for name in PROXIES},
    **docker_store.FLAGS,
}
"""The flags that bear on a pull, with the setting of daemon.json that each stands for."""
_PROGRAMS = ("/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/homebrew/bin", "/snap/bin")


@frozen
class DockerHost:
    """The daemon's set-up as the files have it."""

    endpoint: str = f"unix://{SOCKET}"
    """Where the docker command finds its daemon; "" where its context keeps it from any."""
    program: str = ""
    rootless: bool = False
    desktop: bool = False
    certs: str = "/etc/docker/certs.d"
    variables: Mapping[str, Value] = field(default_factory=dict)
    """The daemon's environment, proxies of its configuration included."""
    settings: DaemonJson = field(default_factory=lambda: DaemonJson("/etc/docker/daemon.json"))
    insecure: tuple[Value, ...] = ()
    """The entries of the file and of the flags."""
    mirrors: tuple[Value, ...] = ()
    """Likewise; those that keep the daemon from starting are left out."""
    flagged: frozenset[str] = frozenset()
    """Where flags are set: the files whose entries are no JSON."""
    version: str = ""
    """As the package manager has it; "" where it does not say."""
    store: Store = ""
    """The image store, as far as files tell."""
    faults: tuple[ConfigFault, ...] = ()
    files: tuple[str, ...] = ()
    elsewhere: tuple[Value, ...] = ()
    """Proxies that stand in files which this daemon does not read."""

    @property
    def socket(self) -> str:
        """The socket's path; "" where the daemon is elsewhere."""
        return self.endpoint.removeprefix("unix://") if self.endpoint[:7] == "unix://" else ""

    @property
    def snap(self) -> bool:
        """Is it Canonical's snap, whose settings lie below /var/snap/docker (canonical/docker-snap,
        snap/snapcraft.yaml), where they are not read?"""
        return self.program.startswith("/snap/") and bool(self.socket) and not self.rootless

    @property
    def environ(self) -> dict[str, str]:
        return {name: value.text for name, value in self.variables.items()}


def read(machine: Machine) -> DockerHost:
    """Find the daemon and read what it goes by."""
    chosen = docker_context.endpoint(machine)
    endpoint = chosen.url
    home = machine.home
    desktop = _is_desktop(machine, endpoint)
    rootless = not desktop and _is_rootless(machine, endpoint)
    there = replace(
        DockerHost(endpoint),
        program=_program(machine),
        rootless=rootless,
        desktop=desktop,
        elsewhere=tuple(_elsewhere(machine, endpoint)),
        faults=(chosen.fault,) if chosen.fault else (),
    )
    if not there.socket:
        return there
    if desktop:
        settings = _settings(machine, f"{home}/.docker/daemon.json", must=False)
        return replace(
            there,
            certs=f"{home}/.docker/certs.d",
            settings=settings,
            store=docker_store.forced(settings, {}),
            insecure=settings.insecure,
            mirrors=docker_mirrors.distinct(settings.mirrors),
            faults=settings.faults,
            files=(settings.path,) if settings.there else (),
        )
    folders = systemd.user_folders(home) if rootless else systemd.SYSTEM
    service = systemd.find(machine, "docker", folders)
    flags = service.flags(_FLAGS)
    own = f"{config_home(machine)}/docker" if rootless else "/etc/docker"
    named = flags.get("config-file", ())
    path = named[-1].text if named else f"{own}/daemon.json"
    settings = _settings(machine, path, must=bool(named))
    proxies = {name: flags[name][-1] for name in PROXIES if flags.get(name)}
    environment = {**service.environment}
    for name, value in {**settings.proxies, **proxies}.items():
        if value.text:
            spelt = name.replace("-", "_")
            environment |= {spelt: value, spelt.upper(): value}
    data = f"{home}/.local/share/docker" if rootless else "/var/lib/docker"
    daemons = {name: value.text for name, value in environment.items()}
    insecure, mirrors = flags.get("insecure-registries", ()), flags.get(docker_mirrors.SETTING, ())
    return replace(
        there,
        certs=f"{own}/certs.d",
        variables=environment,
        settings=settings,
        insecure=(*settings.insecure, *insecure),
        mirrors=docker_mirrors.distinct((*settings.mirrors, *mirrors)),
        version=docker_store.version(machine),
        store=docker_store.store(machine, settings, flags, daemons, data),
        flagged=frozenset(value.file for value in (*insecure, *mirrors)),
        faults=(
            *settings.faults,
            *_twice(settings, flags),
            *(mirror_fault(m, f) for m in mirrors if (f := docker_mirrors.flaw(m.text))),
            *service.faults,
        ),
        files=(*service.files, *([settings.path] if settings.there else [])),
    )


def _is_desktop(machine: Machine, endpoint: str) -> bool:
    own = (f"{machine.home}/.docker/desktop/", f"{machine.home}/.docker/run/")
    path = endpoint.removeprefix("unix://")
    return path.startswith(own) or (system(machine.root) == "macos" and path == SOCKET)


def _is_rootless(machine: Machine, endpoint: str) -> bool:
    runtime = machine.variable("XDG_RUNTIME_DIR") or f"/run/user/{machine.uid}"
    return endpoint in (
        f"unix://{runtime}/docker.sock",
        f"unix:///run/user/{machine.uid}/docker.sock",
    )


def _program(machine: Machine) -> str:
    if not machine.foreign and (found := machine.which("docker")):
        return found
    names = ("docker", "dockerd")
    return next((p for n in names for f in _PROGRAMS if machine.is_file(p := f"{f}/{n}")), "")


def _settings(machine: Machine, path: str, *, must: bool) -> DaemonJson:
    read = machine.read(path)
    if isinstance(read, Text):
        return parse(read.text, path)
    if read.reason == "missing" and not must:
        return DaemonJson(path)
    if read.reason == "forbidden":
        return DaemonJson(path, there=True)
    return DaemonJson(path, there=True, faults=(read.fault(REFUSES, client="dockerd"),))


def _twice(settings: DaemonJson, flags: Mapping[str, tuple[Value, ...]]) -> Iterator[ConfigFault]:
    """A setting that is a flag too: dockerd takes neither."""
    given: dict[str, Value] = dict(settings.proxies)
    if settings.insecure:
        given["insecure-registries"] = settings.insecure[0]
    if settings.mirrors:
        given[docker_mirrors.SETTING] = settings.mirrors[0]
    if settings.hosts:
        given["hosts"] = settings.hosts[0]
    for name, value in given.items():
        if name in flags:
            flag = flags[name][0]
            what = f'"{name}" is set here and as a flag in {flag.origin}'
            yield ConfigFault(value.file, what, REFUSES, value.line, 0, "one of the two")


def _elsewhere(machine: Machine, endpoint: str) -> Iterator[Value]:
    """Proxies in files that look as if the daemon read them: `proxies` of config.json is for
    containers and builds, by the daemon's address or else by `default` (docker/cli
    cli/config/configfile/file.go, ParseProxyConfig), /etc/default/docker for init scripts."""
    path = f"{folder(machine)}/config.json"
    given = said(machine, path, "proxies")
    listed = given if isinstance(given, dict) else {}
    found = listed.get(endpoint, listed.get("default"))
    for name in ("httpsProxy", "httpProxy"):
        value = member(found, name) if isinstance(found, dict) else None
        if isinstance(value, str) and value:
            yield Value(value, f'{path} ("proxies")', 0)
    from doctor.clients.unit import environment_file

    for path in ("/etc/default/docker", "/etc/sysconfig/docker"):
        read = machine.read(path)
        if isinstance(read, Text):
            text = read.text.replace("export ", "       ")
            for name, value in environment_file(text, path)[0].items():
                if name.upper() in ("HTTPS_PROXY", "HTTP_PROXY") and value.text:
                    yield value
