"""With which environment and which command does a service of this machine start?

systemd.unit(5): the unit file of the first folder that has one; drop-ins by file name over all
folders, of equal names the one of the folder with precedence; then the environment files. Where
nothing of systemd is found, an init script's own file of variables is read. Values are as the files
have them now; a daemon that runs keeps what it was started with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Flaw, Unit, Value, environment_file, service, specified, words
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

SYSTEM = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
"""Folders of unit files, the one with precedence first."""
_MANAGER = ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
_INIT_FILES = ("/etc/default", "/etc/conf.d", "/etc/sysconfig")
_MOST_DROP_INS = 200


@frozen
class Service:
    """What the files come to. `unit` "": no unit file of that name is there."""

    name: str
    unit: str = ""
    drop_ins: tuple[str, ...] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """The command's, without the program."""
    command: Value | None = None
    flaws: tuple[Flaw, ...] = ()
    stops: tuple[Flaw, ...] = ()
    """What keeps systemd from starting it."""
    masked: bool = False
    folder: str = "/"
    """The folder that it starts in."""
    user: str = ""

    @property
    def variables(self) -> dict[str, str]:
        return {name: value.text for name, value in self.environment.items()}

    @property
    def files(self) -> tuple[str, ...]:
        return (self.unit, *self.drop_ins) if self.unit else self.drop_ins

    @property
    def faults(self) -> tuple[ConfigFault, ...]:
        """What is wrong with the unit, as a client's fault."""
        return tuple(self._faults())

    def _faults(self) -> Iterator[ConfigFault]:
        for flaw in self.stops:
            yield ConfigFault(flaw.file, flaw.what, flaw.effect, flaw.line)
        for flaw in self.flaws:
            effect = f"systemd {flaw.effect}"
            yield ConfigFault(flaw.file, flaw.what, effect, flaw.line, stops=False)
        if self.masked:
            what = "the unit is masked (a link to /dev/null, or empty)"
            yield ConfigFault(self.unit, what, "systemd does not start the daemon", 1)

    def flags(self, known: Mapping[str, str]) -> dict[str, tuple[Value, ...]]:
        """The values of the command's flags, by the setting that each stands for in `known`."""
        found: dict[str, tuple[Value, ...]] = {}
        where = self.command or Value("", self.unit, 0)
        arguments = list(self.arguments)
        while arguments:
            name, equals, text = arguments.pop(0).partition("=")
            setting = known.get(name.lstrip("-")) if name.startswith("-") else None
            if setting is None:
                continue
            if not equals:
                text = arguments.pop(0) if arguments else ""
            found[setting] = (*found.get(setting, ()), Value(text, where.file, where.line))
        return found


def user_folders(home: str) -> tuple[str, ...]:
    """Where the units of a user's own services lie."""
    return (
        f"{home}/.config/systemd/user",
        "/etc/systemd/user",
        f"{home}/.local/share/systemd/user",
        "/usr/lib/systemd/user",
    )


def find(machine: Machine, name: str, folders: tuple[str, ...] = SYSTEM) -> Service:
    """The service as these folders have it."""
    path = next((p for f in folders if _is_there(machine, p := f"{f}/{name}.service")), "")
    if not path:
        return _by_init_script(machine, name)
    drop_ins = tuple(_drop_ins(machine, name, folders))
    texts = [(read.text, p) for p in (path, *drop_ins) if isinstance(read := machine.read(p), Text)]
    masked = machine.link(path) == "/dev/null" or not (texts and texts[0][0].strip())
    unit = service(texts)
    environment = _of_the_manager(machine) if folders == SYSTEM else {}
    environment |= unit.environment
    flaws: list[Flaw] = [*unit.flaws]
    stops: list[Flaw] = []
    for file, optional in unit.files:
        got, own, missing = _file(machine, file, optional)
        environment |= got
        flaws += own
        stops += missing
    for gone in unit.unset:
        environment.pop(gone.partition("=")[0], None)
    return Service(
        name=name,
        unit=path,
        drop_ins=drop_ins,
        environment=environment,
        arguments=_arguments(unit, environment),
        command=unit.command,
        flaws=tuple(flaws),
        stops=tuple(stops),
        masked=masked,
        folder=unit.folder if unit.folder.startswith("/") else "/",
        user=unit.user,
    )


def _is_there(machine: Machine, path: str) -> bool:
    return bool(machine.link(path)) or machine.is_file(path)


def _drop_ins(machine: Machine, name: str, folders: tuple[str, ...]) -> Iterator[str]:
    """Sorted by file name; one that is linked to /dev/null hides its namesakes."""
    chosen: dict[str, str] = {}
    for kind in (f"{name}.service.d", "service.d"):
        for folder in folders:
            for file in machine.names(f"{folder}/{kind}"):
                if file.endswith(".conf"):
                    chosen.setdefault(file, f"{folder}/{kind}/{file}")
    for file in sorted(chosen)[:_MOST_DROP_INS]:
        if machine.link(chosen[file]) != "/dev/null":
            yield chosen[file]


def _of_the_manager(machine: Machine) -> dict[str, Value]:
    """DefaultEnvironment= of system.conf, which every service gets."""
    chosen: dict[str, str] = {}
    for folder in _MANAGER:
        for file in machine.names(f"{folder}/system.conf.d"):
            if file.endswith(".conf"):
                chosen.setdefault(file, f"{folder}/system.conf.d/{file}")
    main = next((p for f in _MANAGER if machine.is_file(p := f"{f}/system.conf")), None)
    texts = [
        (read.text, p)
        for p in (*([main] if main else []), *(chosen[name] for name in sorted(chosen)))
        if isinstance(read := machine.read(p), Text)
    ]
    return dict(service(texts, "Manager").environment) if texts else {}


def _file(
    machine: Machine, file: Value, optional: bool
) -> tuple[dict[str, Value], tuple[Flaw, ...], tuple[Flaw, ...]]:
    """What an environment file sets, its flaws, and what about it keeps the service down."""
    read = machine.read(file.text)
    if isinstance(read, Text):
        found, flaws = environment_file(read.text, file.text)
        return found, flaws, ()
    if optional or read.reason not in ("missing", "directory"):
        return {}, (), ()
    what = f"EnvironmentFile={file.text}: there is no such file, and no - before it"
    return {}, (), (Flaw(file.file, file.line, what, "systemd does not start the daemon"),)


def _arguments(unit: Unit, environment: Mapping[str, Value]) -> tuple[str, ...]:
    """The command's words; `$NAME` as a word of its own is split, `${NAME}` is put in as it is."""
    if unit.command is None:
        return ()
    found: list[str] = []
    for word in words(specified(unit.command.text.lstrip("-@:+!"))[0])[0]:
        alone = word[1:] if word.startswith("$") and word[1:].isidentifier() else ""
        if alone:
            found += words(environment[alone].text)[0] if alone in environment else ()
            continue
        for name, value in environment.items():
            word = word.replace(f"${{{name}}}", value.text)
        found.append(word)
    return tuple(found[1:])


def _by_init_script(machine: Machine, name: str) -> Service:
    """Without systemd: the init script reads a file of shell variables, where `export` counts."""
    if not machine.is_file(f"/etc/init.d/{name}"):
        return Service(name)
    environment: dict[str, Value] = {}
    for folder in _INIT_FILES:
        path = f"{folder}/{name}"
        read = machine.read(path)
        if isinstance(read, Text):
            exported = "\n".join(
                line.strip().removeprefix("export ") if _is_export(line) else "#"
                for line in read.text.splitlines()
            )
            environment |= environment_file(exported, path)[0]
    return Service(name, f"/etc/init.d/{name}", environment=environment)


def _is_export(line: str) -> bool:
    return line.strip().startswith("export ")
