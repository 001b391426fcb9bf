"""Which words does `doctor` understand, and what does it exit with?

Standard output is data, standard error is talk. Exit codes are the contract's: 0 and 1 follow the
verdict, 2 is a usage error found before anything was contacted, 3 an incomplete diagnosis or one
that could not be written, 130 and 141 an interruption and a closed output. Heavy rooms are imported
by the command that needs them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from doctor import __version__
from doctor.streams import UndeliveredError, say, talk
from doctor.usage import UsageError

COMMANDS = ("check", "explain", "checks")
PLANNED = ("k8s", "bundle", "open", "demo")
"""Words of the contract that this version does not have yet: never taken for an image."""
FORMATS = ("text", "json")
DEFAULT_TARGET = "registry.cleanstart.com"
_DUMB = "doctor: this terminal (TERM=dumb) cannot show the interactive view; here is the text."


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises for what a user can cause."""
    try:
        return _dispatch(list(argv))
    except (UsageError, UndeliveredError) as error:
        from doctor.redact import plain, scrub

        talk(f"doctor: {plain(scrub(str(error)), 600)}")
        return error.exit
    except KeyboardInterrupt:
        from doctor import interruption

        talk("doctor: interrupted")
        return interruption.exit_code()
    except BrokenPipeError:
        return 141
    except SystemExit:  # `--help` has been printed
        return 0
    except Exception as bug:
        from doctor.crash import report

        talk(f"doctor: a fault of registry-doctor itself: {report(bug, argv)}")
        return 3


def _dispatch(argv: list[str]) -> int:
    command = argv[0] if argv else ""
    if command in PLANNED:
        raise UsageError(
            f"`doctor {command}` is not in this version ({__version__}); {_known()} are"
        )
    if not argv:
        return _start()
    if command in ("-h", "--help", "help"):
        _parser().print_help()
        return 0
    if command in ("-V", "--version"):
        say(f"registry-doctor {__version__}\n")
        return 0
    if command == "explain":
        from doctor.explain import explain

        return explain(_explain_parser().parse_args(argv[1:]))
    if command == "checks":
        from doctor.explain import list_checks

        _checks_parser().parse_args(argv[1:])
        return list_checks()
    explicit = command == "check"
    words, targets = _parted(argv[1:] if explicit else argv)
    args = _check_parser().parse_intermixed_args(words)
    args.targets += targets
    if not explicit:
        if args.targets:
            _first_word(args.targets[0])
        return _look(args)
    from doctor.checkup import check

    return check(args)


def _start() -> int:
    """`doctor` alone: the start screen on a terminal, else the help."""
    from doctor import terminal

    if not terminal.attended() or terminal.dumb():
        if terminal.attended():
            talk(_DUMB)
        _parser().print_help()
        return 2
    return _sit(_check_parser().parse_args([]))


def _look(args: argparse.Namespace) -> int:
    """`doctor TARGET…`: the interactive view on a terminal, else `doctor check`."""
    from doctor import terminal

    if terminal.attended(args):
        if not terminal.dumb():
            return _sit(args)
        talk(_DUMB)
    from doctor.checkup import check

    return check(args)


def _sit(args: argparse.Namespace) -> int:
    from doctor.tui.launch import look

    return look(args)


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before `--`, and behind it: targets alone, whatever they look like. (argparse
    forgets a `--` where options and targets may be mixed.)"""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def _known() -> str:
    return ", ".join(COMMANDS)


def _first_word(word: str) -> None:
    """`doctor WORD`: a bare word is meant as a command, since an image would have one of `/ . :
    @`."""
    if any(mark in word for mark in "/.:@"):
        return
    import difflib

    near = difflib.get_close_matches(word, [*COMMANDS, *PLANNED], 1, 0.5)
    hint = f"did you mean `doctor {near[0]}`?" if near else f"the commands are {_known()}."
    raise UsageError(
        f"{word!r} is no command; {hint} For an image of that name: doctor check {word[:80]}"
    )


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


class _Parser(argparse.ArgumentParser):
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="doctor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Find out why a container image cannot be pulled, prove it, and say how to "
        "mend it.",
        epilog="""commands:
  doctor TARGET…            diagnose images or registries; the same as `doctor check`
  doctor check TARGET…      diagnose; text, or --json (options: doctor check --help)
  doctor explain CODE       what a finding code means and what to do
  doctor checks             the checks and their codes, plug-ins included

a TARGET is an image (registry.cleanstart.com/library/base:latest) or a registry host.
exit codes: 0 pass or warnings, 1 fail, 2 usage, 3 incomplete, 130 interrupted.
""",
        usage="doctor [COMMAND] [TARGET …] [options]",
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    return parser


def _explain_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="doctor explain", description="What a finding code means and what to do.")
    parser.add_argument(
        "text", nargs="*", metavar="CODE", help="a finding code, such as tls.unknown-ca"
    )
    return parser


def _checks_parser() -> argparse.ArgumentParser:
    return _Parser(
        prog="doctor checks", description="The checks and their codes, plug-ins included."
    )


def _check_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="doctor check",
        description="Diagnose the way to each TARGET: an image reference or a registry host.",
    )
    add = parser.add_argument
    add("targets", nargs="*", metavar="TARGET", help=f"default: {DEFAULT_TARGET}")
    add(
        "-f",
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="every image that FILE names; - is standard input",
    )
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
        help="write there; the n-th belongs to the n-th --format",
    )
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
    add("--skip", default="", metavar="CHECK,…", help="leave these checks out")
    add(
        "--timeout",
        metavar="SECONDS",
        help="the whole run's budget (default 20, one more for each further target)",
    )
    add("--ca", metavar="FILE", help="trust these certificates too (PEM)")
    add("--proxy", metavar="URL", help="use this proxy for every host")
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
    add("--offline", action="store_true", help="read local configuration only; no packet leaves")
    add("--strict", action="store_true", help="warnings count as problems")
    add(
        "--no-color",
        "--no-colour",
        dest="no_color",
        action="store_true",
        help="no colour (also: NO_COLOR)",
    )
    add("-q", "--quiet", action="store_true", help="print nothing; the exit code tells")
    add("-v", "--verbose", action="store_true", help="all evidence, all remedies")
    return parser
