"""Which words does `doctor` understand, and what does it exit with?

Standard output is data, standard error is talk. Exit codes are the contract's: 0 and 1 follow the
verdict, 2 is a usage error found before anything was contacted, 3 an incomplete diagnosis or one
that could not be written, 130 and 141 an interruption and a closed output. Heavy rooms are imported
by the command that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from doctor import __version__
from doctor.process.streams import UndeliveredError, remark, say, talk
from doctor.usage import UsageError

if TYPE_CHECKING:
    from argparse import Namespace


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises for what a user can cause."""
    try:
        return _dispatch(list(argv))
    except (UsageError, UndeliveredError) as error:
        from doctor.redact import plain, scrub

        remark(f"doctor: {plain(scrub(str(error)), 600)}")
        return error.exit
    except KeyboardInterrupt:
        from doctor.process import interruption

        talk("doctor: interrupted")
        return interruption.exit_code()
    except BrokenPipeError:
        return 141
    except SystemExit:  # `--help` has been printed
        return 0
    except Exception as bug:
        from doctor.process.crash import report

        talk(f"doctor: a fault of registry-doctor itself: {report(bug, argv)}")
        return 3


def _dispatch(argv: list[str]) -> int:
    command = argv[0] if argv else ""
    if command in ("-V", "--version"):
        say(f"registry-doctor {__version__}\n")
        return 0
    from doctor.command import parsers

    if command in ("-h", "--help", "help"):
        parsers.main().print_help()
        return 0
    if command in _RUN:
        return _RUN[command](argv[1:])
    words, targets = _parted(argv)
    args = parsers.check().parse_intermixed_args(words)
    args.targets += targets
    if argv and args.targets:
        _first_word(args.targets)
    return _look(args, alone=not argv)


def _look(args: Namespace, *, alone: bool) -> int:
    """`doctor` and `doctor TARGET…`: the interactive view on a terminal, else `doctor check`; the
    help where nothing was said at all."""
    from doctor.process import terminal

    if terminal.interactive(args):
        from doctor.tui.launch import look

        return look(args)
    if alone:
        from doctor.command import parsers

        parsers.main().print_help()
        return 2
    from doctor.command.checkup import check

    return check(args)


def _check(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.checkup import check

    options, targets = _parted(words)
    args = parsers.check().parse_intermixed_args(options)
    args.targets += targets
    return check(args)


def _k8s(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.k8s import k8s

    options, names = _parted(words)
    args = parsers.k8s().parse_intermixed_args(options)
    args.names += names
    return k8s(parsers.completed(args))


def _explain(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.explain import explain

    options, text = _parted(words)
    args = parsers.explain().parse_intermixed_args(options)
    args.text += text
    return explain(parsers.completed(args))


def _bundle(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.handover import bundle

    options, targets = _parted(words)
    args = parsers.bundle().parse_intermixed_args(options)
    args.targets += targets
    return bundle(args)


def _open(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.opinion import open_file

    return open_file(parsers.completed(parsers.open_().parse_args(words)))


def _demo(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.process import terminal

    args = parsers.completed(parsers.demo().parse_intermixed_args(words))
    if terminal.interactive(args):
        from doctor.tui.launch import demo as seen

        return seen(args)
    from doctor.demo.command import demo

    return demo(args)


def _checks(words: list[str]) -> int:
    from doctor.command import parsers
    from doctor.command.explain import list_checks

    parsers.checks().parse_args(words)
    return list_checks()


_RUN: dict[str, Callable[[list[str]], int]] = {
    "check": _check,
    "k8s": _k8s,
    "explain": _explain,
    "bundle": _bundle,
    "open": _open,
    "checks": _checks,
    "demo": _demo,
}


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before `--`, and behind it: targets alone, whatever they look like. (argparse
    forgets a `--` where options and targets may be mixed.)"""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def _known() -> str:
    return ", ".join(_RUN)


def _first_word(targets: Sequence[str]) -> None:
    """`doctor WORD`: a bare word is meant as a command, since an image would have one of `/ . :
    @`."""
    word = targets[0]
    if any(mark in word for mark in "/.:@"):
        return
    import difflib
    import shlex

    from doctor.reference.pasted import whole
    from doctor.reference.userinfo import hidden

    if len(targets) > len(whole(targets)):
        given = shlex.join(map(hidden, targets))
        raise UsageError(f"{word!r} is no command; to see why that one fails: doctor check {given}")
    near = difflib.get_close_matches(word, [*_RUN], 1, 0.5)
    hint = f"did you mean `doctor {near[0]}`?" if near else f"the commands are {_known()}."
    raise UsageError(
        f"{word!r} is no command; {hint} For an image of that name: doctor check {word[:80]}"
    )
