"""What does `doctor bundle` do? A diagnosis -> one file that can be sent, and an exit code."""

from __future__ import annotations

import json
import os
import platform
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from doctor import __version__
from doctor.bundle import evidence, write
from doctor.bundle.configuration import LeftOut, chosen
from doctor.bundle.contents import Contents, Surroundings, contents
from doctor.bundle.masking import Mask
from doctor.bundle.ownwords import own_words
from doctor.bundle.settings import VARIABLES, readable
from doctor.command.checkup import diagnosed
from doctor.command.output import exit_code
from doctor.frozen import frozen
from doctor.model import Report
from doctor.process.streams import UndeliveredError, say, talk
from doctor.redact import MASK, plain, scrub
from doctor.root import READ
from doctor.stamp import stamp
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.bundle.pseudonyms import Pseudonyms
    from doctor.codes import Book
    from doctor.model import Check, Diagnosis
_FORMS = ("json", "markdown", "html")
"""The report, for programs and for people."""
_PACKAGES = (
    "certifi",
    "cryptography",
    "dnspython",
    "h11",
    "httpx",
    "kubernetes",
    "publicsuffixlist",
    "pyopenssl",
    "PyYAML",
    "textual",
)


@frozen
class Bundle:
    """A finished bundle: what is in it, its bytes, and who stands behind which pseudonym."""

    contents: Contents
    data: bytes
    names: Mapping[str, Mapping[str, str]] | None = None


def bundle(args: Namespace) -> int:
    """`doctor bundle`: diagnose, write what was seen into one file, print its path, and return the
    diagnosis's exit code."""
    if len(args.output) > 1:
        raise UsageError("a bundle is one file; give -o once")
    files, args.output, args.format = args.output, [], None
    for file in files:
        write.check(file, names=args.pseudonyms)
    if not files and not args.list:
        write.check_here()
    options, report, checks, book = diagnosed(args)
    around = surroundings(report, options.root)
    made = finished(report, around, checks, book, pseudonyms=args.pseudonyms)
    code = exit_code(report.verdict, options.strict)
    if args.list:
        say(listing(made.contents))
        return code
    file = put(made, files[0] if files else report.started, code)
    if not options.quiet:
        tell_of(file, made)
    say(f"{file}\n")
    return code


def put(made: Bundle, where: str | datetime, code: int) -> str:
    """Put the bundle into that file, or into a new one of this folder that is named after the
    moment, and who is who beside it; the file's name. Raises UndeliveredError whose code is the
    diagnosis's, if that is no good news: then neither is there."""
    names = None if made.names is None else f"{json.dumps(made.names, indent=1)}\n".encode()
    try:
        if isinstance(where, str):
            write.put(where, made.data, names=names)
            return where
        return write.put_anew(where.astimezone(UTC), made.data, names=names)
    except UndeliveredError as error:
        error.exit = code or error.exit
        raise


def tell_of(file: str, made: Bundle) -> None:
    """What was written, for whoever asked for it."""
    count, size = len(made.contents.files), len(made.data)
    talk(f"doctor: {count} files, {-(-size // 1024)} KiB, searched for secrets; none was found")
    for each in made.contents.left_out:
        talk(f"doctor: left out: {plain(scrub(f'{each.what}: {each.why}'))}")
    if made.names is not None:
        talk(f"doctor: {plain(file)}{write.NAMES} says who is who; keep it, and do not send it")


def finished(
    report: Report,
    around: Surroundings,
    checks: Sequence[Check],
    book: Book,
    *,
    pseudonyms: bool = False,
) -> Bundle:
    """The bundle of that report, ready to be written (`doctor.bundle.write.put`). Raises
    WithheldError where a secret was found in it."""

    def ours() -> str:
        return own_words(_render, _FORMS, checks)

    names = None
    if pseudonyms:
        names = _names(report, around, ours())
        report = renamed(report, names, checks, book)
    made = contents(report, around, _render, _FORMS, pseudonyms=names)
    data = write.packed(made, report.started, ours)
    return Bundle(made, data, names.known if names is not None else None)


def _render(document: Mapping[str, Any], form: str) -> str:
    from doctor.command.output import render

    return render(document, form, colour=False, verbose=True, width=80)


def _names(report: Report, around: Surroundings, own: str) -> Pseudonyms:
    """Other names for all that the report and what goes with it speak of."""
    from doctor.bundle import configuration, named, pseudonyms

    names = pseudonyms.Pseudonyms(own)
    for found in _all(report):
        named.learn(names, found.target)
        named.learn(names, found.hops)
        for at, fact in found.facts:
            named.learn(names, (at, fact))
    names.add_user(os.environ.get("USER", ""))
    names.add_host(platform.node())
    named.learn(names, around.environment)
    for path, data in sorted(around.read.items()):
        text = configuration.masked(path, data, Mask())
        if isinstance(text, str):
            named.learn_file(names, path, text)
    for thing in around.objects:
        named.learn_object(names, thing)
    if report.kubernetes is not None:
        named.learn(names, replace(report.kubernetes, server=None))
    return names


def _all(report: Report) -> Sequence[Diagnosis]:
    server = report.kubernetes.server if report.kubernetes else None
    return (*report.diagnoses, *([server] if server else []))


def renamed(report: Report, names: Pseudonyms, checks: Sequence[Check], book: Book) -> Report:
    """The report that the same checks make of the renamed facts."""
    from doctor.bundle import cluster
    from doctor.run import row

    mask = Mask()

    def text(original: str) -> str:
        return names(mask.text(original))

    def again(found: Diagnosis) -> Diagnosis:
        record, _ = evidence.record(found, text)
        return evidence.restore(record, checks).judged(checks, book)

    diagnoses = tuple(again(each) for each in report.diagnoses)
    kept = report.kubernetes
    if kept is not None:
        record, _ = cluster.record(kept, report.started, text)
        kept = cluster.restore(record, checks).judged(checks, book)
    return replace(
        report,
        diagnoses=diagnoses,
        clients=None if report.clients is None else tuple(map(row, diagnoses)),
        kubernetes=kept,
    )


def surroundings(
    report: Report,
    root: str = "/",
    objects: Sequence[Mapping[str, Any]] = (),
    left_out: Sequence[LeftOut] = (),
) -> Surroundings:
    """The machine in a few words, the configuration that was read below `root`, and the cluster's
    objects. No environment but the variables that bear on a pull, and of those no user
    information."""
    from doctor.clients.eyes import found
    from doctor.clients.machine import Machine, shells

    machine = Machine.here(shells(os.environ, root), root)
    zone = report.started.strftime("%z")
    environment = {
        "system": {**_release(machine), "kernel": " ".join(platform.uname()[0:3:2])}
        | {"machine": platform.machine(), "root": root, "uid": machine.uid},
        "versions": {"registry-doctor": __version__, "python": platform.python_version()}
        | _versions(),
        "clients": [{"name": each.name, "shown_by": each.trace} for each in found(machine)],
        "variables": {
            name: _read_of(name, value)
            for name, value in sorted(os.environ.items())
            if name.lower() in VARIABLES and name.lower() != "path"
        },
        "clock": {"started": stamp(report.started), "offset": f"{zone[:3]}:{zone[3:5]}"},
    }
    return Surroundings(environment, chosen(READ, root), tuple(objects), tuple(left_out))


def _read_of(name: str, value: str) -> str:
    """What of a variable may be read: of an address no user information, and nothing of what is
    none where one is meant."""
    shown = readable([name], value)
    return MASK if shown is None else shown.replace(f"{MASK}@", "")


def _release(machine: Any) -> dict[str, str]:
    """What os-release(5) says of the system."""
    from doctor.clients.machine import Text

    read = [machine.read(path, 16384) for path in ("/etc/os-release", "/usr/lib/os-release")]
    text = next((each.text for each in read if isinstance(each, Text)), "")
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    names = {"id": "ID", "version": "VERSION_ID", "name": "PRETTY_NAME"}
    return {ours: fields.get(theirs, "").strip("\"'") for ours, theirs in names.items()}


def _versions() -> dict[str, str]:
    import ssl
    from importlib.metadata import PackageNotFoundError, version

    found = {"openssl": ssl.OPENSSL_VERSION}
    for name in _PACKAGES:
        try:
            found[name.lower()] = version(name)
        except PackageNotFoundError:
            continue
    return found


def listing(made: Contents) -> str:
    """What would go into the bundle, for people."""
    lines = [f"{'bytes':>9}  file"]
    for name, size, what, masked in _rows(made):
        lines.append(f"{size:>9}  {name}")
        lines.append(f"{'':11}{what}" + (f"; {masked} masked" if masked else ""))
    for each in made.left_out:
        lines.append(f"{'left out':>9}  {each.what}: {each.why}")
    return "\n".join(plain(scrub(line), 400) for line in lines) + "\n"


def _rows(made: Contents) -> list[tuple[str, int, str, int]]:
    manifest = ("MANIFEST.json", len(made.manifest), "what each file is, and its hash", 0)
    entries = sorted(made.entries, key=lambda each: each.name)
    return [manifest, *((e.name, len(e.data), e.what, sum(e.masked.values())) for e in entries)]
