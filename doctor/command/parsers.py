"""Which options has each command? What several have in common is written once.

Every command's result has all attributes that `command.options.read` looks for: what a command does
not take stands at the default of `doctor check`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, NoReturn

from doctor.process.streams import say
from doctor.usage import UsageError

FORMATS = ("text", "json", "markdown", "html", "junit", "sarif", "github", "short")
DEFAULT_TARGET = "registry.cleanstart.com"
_EPILOG = """commands:
  doctor TARGET…            diagnose images or registries: on a terminal the
                            interactive view, else the same as `doctor check`
  doctor check TARGET…      diagnose; text, or --json (options: doctor check --help)
  doctor k8s [POD | KIND/NAME]…
                            a cluster's failing pulls (options: doctor k8s --help)
  doctor explain CODE|TEXT  what a finding code or a pasted error means (- reads a log)
  doctor bundle TARGET…     diagnose, and write the evidence into one file without secrets
  doctor open FILE          judge such a file again, or show a report
  doctor checks             the checks and their codes, plug-ins included
  doctor demo [FAULT]       a fault of your choice on loopback, diagnosed; none: which there are

a TARGET is an image (registry.cleanstart.com/library/base:latest) or a registry host.
exit codes: 0 pass or warnings, 1 fail, 2 usage, 3 incomplete, 130 interrupted.
"""

Add = Callable[..., Any]


def _option(word: str) -> str:
    """The option's name without what it was given: `--long` up to `=`, else its one letter."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _help(prog: str) -> argparse.HelpFormatter:
    """As wide as the terminal. argparse makes one for every option that is added, and by itself
    would load shutil to find the width."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return argparse.HelpFormatter(prog, width=columns - 2)


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of exiting with an error, takes no abbreviations, and repeats no
    values: after a mistyped `--password` comes a password."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_abbrev=False, **{"formatter_class": _help} | more)

    def _print_message(self, message: str, file: Any = None) -> None:
        say(message)  # help: argparse itself would pass over an output that cannot be written

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments:"):
            named = [_option(word) for word in message.split()[2:] if word.startswith("-")]
            what = f"no option {' or '.join(named[:3])}" if named else "nothing to name here"
            message = f"there is {what}"
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def main() -> argparse.ArgumentParser:
    """`doctor --help`."""
    parser = Parser(
        prog="doctor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Find out why a container image cannot be pulled, prove it, and say how to "
        "mend it.",
        epilog=_EPILOG,
        usage="doctor [COMMAND] [TARGET …] [options]",
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    return parser


def check() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor check",
        description="Diagnose the way to each TARGET: an image reference or a registry host.",
    )
    add = parser.add_argument
    _targets(add)
    _forms(add)
    _eyes(add)
    _conditions(add, "the whole run's budget (default 20, one more for each further target)")
    _manner(add)
    return parser


def bundle() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor bundle",
        description="Diagnose each TARGET, and write what was seen into one .tar.gz: the report, "
        "the facts, the configuration that was read, without secrets. Its path is printed.",
    )
    add = parser.add_argument
    _targets(add)
    add(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="write it there (default: doctor-UTCTIME.tar.gz in this folder)",
    )
    add("--list", action="store_true", help="show what would go in; write nothing")
    _pseudonyms(add)
    _eyes(add)
    _conditions(add, "the whole run's budget (default 20, one more for each further target)")
    _manner(add)
    return parser


def k8s() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor k8s",
        description="Diagnose the failing image pulls of a cluster: of the namespace, of pods, or "
        "of workloads. Nothing but the API server is contacted, unless --probe is given.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="POD | KIND/NAME", help="deploy/web, sts/db, job/sync, …")
    add("-n", "--namespace", metavar="NS", help="this namespace (default: the context's)")
    add("-A", "--all-namespaces", action="store_true", help="every namespace")
    add("-l", "--selector", metavar="SELECTOR", help="only pods with these labels, as in kubectl")
    add("--context", metavar="NAME", help="the kubeconfig's context")
    add("--kubeconfig", metavar="FILE", help="this kubeconfig (default: as kubectl finds it)")
    add(
        "--probe",
        action="store_true",
        help="try the images from here, with the pods' own pull Secrets",
    )
    add(
        "--bundle", metavar="FILE", help="write what was read into one .tar.gz too, without secrets"
    )
    _pseudonyms(add)
    _forms(add)
    _conditions(add, "the whole run's budget (default 60)")
    _manner(add)
    parser.set_defaults(client="kubelet")
    return parser


def explain() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor explain",
        description="What a finding code means and what to do; or what an error says that kubelet, "
        "containerd, CRI-O, docker, podman, skopeo or crane printed. Offline.",
    )
    add = parser.add_argument
    add(
        "text",
        nargs="*",
        metavar="CODE|TEXT|FILE|-",
        help="a finding code, such as tls.unknown-ca; or any text: an event, a log, the JSON of a "
        "pod; - is standard input",
    )
    _forms(add)
    _style(add)
    return parser


def open_() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor open",
        description="Judge the facts of a bundle again by today's checks, or show a --json report.",
    )
    add = parser.add_argument
    add("bundle", metavar="FILE", help="a bundle (.tar.gz), or a report of --json")
    add("--as-recorded", action="store_true", help="show what was said when it was made")
    _forms(add)
    _manner(add)
    return parser


def demo() -> argparse.ArgumentParser:
    parser = Parser(
        prog="doctor demo",
        description="A registry on this machine's loopback with a fault of your choice, diagnosed "
        "live: no account, no network, and nothing of this machine's settings is read.",
    )
    add = parser.add_argument
    add("fault", nargs="?", metavar="FAULT", help="which; without it they are listed")
    _forms(add)
    _manner(add)
    return parser


def checks() -> argparse.ArgumentParser:
    return Parser(
        prog="doctor checks", description="The checks and their codes, plug-ins included."
    )


def completed(args: argparse.Namespace) -> argparse.Namespace:
    """The same with the defaults of `doctor check` for all that the command does not take."""
    return argparse.Namespace(**{**vars(check().parse_args([])), **vars(args)})


def _targets(add: Add) -> None:
    add("targets", nargs="*", metavar="TARGET", help=f"default: {DEFAULT_TARGET}")
    add(
        "-f",
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="every image that FILE names; - is standard input",
    )


def _forms(add: Add) -> None:
    """In which form the report is wanted, and where."""
    add(
        "--json", action="append_const", dest="format", const="json", help="short for --format json"
    )
    add("--format", action="append", dest="format", metavar="FORMAT", help=", ".join(FORMATS))
    add(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="write there (-: standard output); the n-th belongs to the n-th --format",
    )


def _pseudonyms(add: Add) -> None:
    add(
        "--pseudonyms",
        action="store_true",
        help="a bundle with other names for hosts, users, images and a cluster's objects; who is "
        "who is written beside it",
    )


def _eyes(add: Add) -> None:
    """Whose view it is, what of it is looked at, and with which login."""
    add(
        "--as",
        dest="client",
        default="shell",
        metavar="CLIENT",
        help="whose eyes: shell (default), crane, docker, podman, containerd, cri-o, kubelet; all: "
        "every client that is found here, side by side",
    )
    add(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="what must be pullable (default: this machine's)",
    )
    add("--only", default="", metavar="CHECK,…", help="only these checks and what they need")
    add(
        "--skip",
        default="",
        metavar="CHECK,…",
        help="leave these checks out, unless another one needs them (which is said)",
    )
    add("--username", metavar="U", help="log in as U; with --password-stdin")
    add(
        "--password-stdin",
        action="store_true",
        help="read the password or API key from standard input",
    )
    add(
        "--root",
        default="/",
        metavar="DIR",
        help="read the configuration below DIR in place of this machine's",
    )
    add("--offline", action="store_true", help="read local configuration only; no packet leaves")


def _conditions(add: Add, budget: str) -> None:
    """What bears on whatever is asked of a host."""
    add("--timeout", metavar="SECONDS", help=budget)
    add("--ca", metavar="FILE", help="trust these certificates too (PEM)")
    add("--proxy", metavar="URL", help="use this proxy for every host")
    add(
        "--allow-realm",
        action="append",
        default=[],
        metavar="HOST",
        help="credentials may also go to this token service",
    )
    add("--warn-days", metavar="N", help="warn of what expires within N days (default 21)")
    add("--no-fetch-issuers", action="store_true", help="do not fetch missing intermediates")
    add("--no-history", action="store_true", help="keep no list of recent targets")


def _manner(add: Add) -> None:
    """How it is judged and shown."""
    add("--strict", action="store_true", help="warnings count as problems")
    _style(add)


def _style(add: Add) -> None:
    add(
        "--no-color",
        "--no-colour",
        dest="no_color",
        action="store_true",
        help="no colour (also: NO_COLOR)",
    )
    add("-q", "--quiet", action="store_true", help="print nothing; the exit code tells")
    add("-v", "--verbose", action="store_true", help="all evidence, all remedies")
