"""Which messages does a pasted text hold?

A log, `kubectl describe`, YAML: lines with timestamps, units and levels in front, quotes escaped,
and long messages wrapped by a terminal or an editor. JSON: pods, events, lists of them, and one
object a line. What comes out is one message a time, in the order of the text, its prefix taken off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from doctor.frozen import frozen

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)|\r")
_PREFIX = re.compile(
    r"""
      \ufeff
    | \s+
    | [^\t\n]{1,200}\t[^\t\n]{1,200}\t(?=\d{4}-\d\d-\d\dT)
    | \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?
      \ ?(?:Z|[+-]\d\d:?\d\d|UTC)?(?:\ (?:stdout|stderr)\ [FP])?
    | [A-Z][a-z]{2}\ [\s\d]\d\ (?:\d{4}\ )?\d\d:\d\d:\d\d(?:\.\d+)?\ \S+\ [\w.@/-]+(?:\[\d+\])?:[ ]
    | [\[(]?\d\d:\d\d:\d\d(?:[.,]\d+)?[\])]?(?=\s)
    | [IWEF]\d{4}\ \d\d:\d\d:\d\d\.\d+\ +\d+\ [\w./-]+:\d+\][ ]
    | \[[^\]\n]{1,60}\](?=\s)
    | \d\d[OE]\+?(?=\ )
    | (?:\#\#\[\w+\]|::(?:error|warning)[^:\n]{0,200}::)
    | section_(?:start|end):\d+:\w+
    | [\w.-]{1,60}\s+\|[ ]
    | (?:Normal|Warning)\s+\w+\s+\S+(?:\s\(x\d+\sover\s\S+\))?\s+[\w./-]+(?:,\s\S+)?\s\s+
    | \S+\s+(?:Normal|Warning)\s+\w+\s+\S+/\S+\s+
    | \#\d+\s(?:\d+\.\d+\s|ERROR:\s|\[[^\]\n]{1,80}\]\s)?
    | (?:level|lvl)=\w+[ ]
    | (?:msg|error|err)="
    | time=(?:"[^"]{8,40}"|\S{8,40})[ ]
    | (?:(?:INFO|WARN|WARNING|ERROR|FATAL|DEBUG):?|(?:error|fatal|warning):)\s(?=\S)
    | (?:-\ )?message:\s+['"]?
    """,
    re.VERBOSE,
)
_QUOTE = re.compile(r'(?<!\\)\\+"')
_NEWLINE = re.compile(r"(?<!\\)\\+[nrt](?=[\s\"\\]|[a-z]+:|$)")
_YAML_KEY = re.compile(
    r"\s*(?:- )?(?:(?:reason|phase|ready|restartCount|started|name|type|imageID|hostIP|kind|Reason|"
    r"Ready|State|Image ID|Host Port|Restart Count): |(?:\w+|Last State):\s*$)"
)
_YAML_MESSAGE = re.compile(r"(\s*(?:- )?)message: (?![|>]\s*$)")
_FRESH = re.compile(
    r"\s*(?:Error response from |Error: |Failed to |Back-off |Unable to |Cannot connect |\* |"
    r"(?:ctr|crictl|skopeo|docker|podman|crane|curl|make): |\$ |\+ )"
)
"""How the message of another begins."""
_HEALTHY = {
    *("ContainerCreating", "PodInitializing", "CrashLoopBackOff", "CreateContainerConfigError"),
    *("CreateContainerError", "RunContainerError", "PostStartHookError", "Completed"),
}
_LONGEST = 16384
"""Characters of one line that are read."""
_LEAST = 12
_FIRST = 100
"""After that many lines, one of fewer characters is no error: only a short text is."""
_LONGEST_JOINED = 6000
_DEEPEST = 60


@frozen
class Message:
    """One message of the text."""

    text: str
    image: str = ""
    """The image, where the structure around the message names it."""
    waiting: bool = False
    """Is it what a container waits for, so that it is an error whatever its words?"""
    lines: Sequence[str] = ()
    """The lines of the text that it stands in."""
    number: int = -1
    """In which of them it begins; -1 where it is no line of its own."""

    @property
    def more(self) -> tuple[str, ...]:
        """Its line and those that follow and may belong to it, as they stand."""
        return tuple(self.lines[max(self.number, 0) : max(self.number, 0) + 40])


def messages(text: str) -> Iterator[Message]:
    """Every message, in order."""
    text = _ESCAPES.sub("", text) if "\x1b" in text or "\r" in text else text
    start = text.lstrip()[:1]
    if start and start in "{[":
        found = _json(text)
        if found is not None:
            yield from _walk(found)
            return
    lines = text.split("\n")
    read_to = 0
    for number, line in enumerate(lines):
        if number < read_to or not line.strip() or (len(line) < _LEAST and number > _FIRST):
            continue
        if folded := _folded(lines, number):
            read_to = number + len(folded)
            yield Message(stripped(" ".join(part.strip() for part in folded)))
            continue
        bare = _unprefixed(line).strip()
        inner = _json(bare) if bare[:1] == "{" and bare[-1:] == "}" else None
        if inner is not None:
            yield from _walk(inner)
        else:
            yield Message(stripped(line), lines=lines, number=number)


def _folded(lines: list[str], number: int) -> list[str]:
    """The lines of a message that YAML folds (1.2, 6.5): those indented deeper than its key."""
    key = _YAML_MESSAGE.match(lines[number])
    if key is None:
        return []
    depth, end = len(key[1]), number + 1
    while end < min(len(lines), number + 200):
        line = lines[end]
        if len(line) - len(line.lstrip()) <= depth or not line.strip():
            break
        end += 1
    return lines[number:end] if end > number + 1 else []


def stripped(line: str) -> str:
    """The line without what a log, a CI system or kubectl puts in front, quotes unescaped."""
    line = _unprefixed(line)
    if "\\" in line:
        line = _NEWLINE.sub(" ", _QUOTE.sub('"', line))
    return line.strip().rstrip("'")


def _unprefixed(line: str) -> str:
    line = line[:_LONGEST]
    for _ in range(8):
        found = _PREFIX.match(line)
        if not found or not found.end():
            break
        line = line[found.end() :]
    return line


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _walk(top: Any) -> Iterator[Message]:
    """The texts in a JSON value: what containers wait for and what events say, with their image,
    and the lines of logs."""
    stack: list[tuple[Any, str, int]] = [(top, "", 0)]
    while stack:
        value, image, depth = stack.pop()
        if isinstance(value, str):
            yield from _lines_of(value, image)
        elif depth > _DEEPEST:
            continue
        elif isinstance(value, list):
            stack += [(item, image, depth + 1) for item in reversed(value)]
        elif isinstance(value, Mapping):
            own = value.get("image")
            image = own if isinstance(own, str) and own else image
            waiting = value.get("waiting")
            if isinstance(waiting, Mapping):
                yield from _waiting(waiting, image)
            rest = [
                (inner, image, depth + 1)
                for key, inner in value.items()
                if key not in ("waiting", "managedFields", "annotations")
            ]
            stack += reversed(rest)


def _lines_of(value: str, image: str) -> Iterator[Message]:
    if "\n" in value.strip():
        lines = value.split("\n")
        for number, line in enumerate(lines):
            if line.strip():
                yield Message(stripped(line), image, lines=lines[number : number + 40])
    elif len(value) > 15:
        yield Message(stripped(value), image)


def _waiting(waiting: Mapping[str, Any], image: str) -> Iterator[Message]:
    reason, said = waiting.get("reason"), waiting.get("message")
    if isinstance(reason, str) and reason and reason not in _HEALTHY:
        text = said if isinstance(said, str) and said.strip() else reason
        yield Message(" ".join(text.split()), image, waiting=True)


def joined(message: Message) -> tuple[tuple[str, ...], int]:
    """The message with the lines that a wrap cut off from it, as far as they look like that: how it
    may have read, the likelier first, and how many lines that are."""
    block = _block(message.more)
    if len(block) < 2:
        return (message.text,), 1
    even = len({len(line) for line in block[:-1]}) == 1 and len(block[-1]) <= len(block[0])
    ways = (True, False) if even else (False,)
    return tuple(dict.fromkeys(_put_together(block, cut) for cut in ways)), len(block)


def _put_together(block: list[str], cut: bool) -> str:
    """The lines as one: `cut` at a fixed width, else broken where a blank was."""
    text = block[0]
    for before, line in pairwise(block):
        text += line if cut else _between(text, line, before) + line.lstrip()
    return stripped(text)[:_LONGEST_JOINED]


def wraps(message: Message) -> bool:
    """Is the line full, so that the next one may go on with it?"""
    block = _block(message.more)
    return len(block) > 1 and len(block[0]) >= 40 and _full(block[:2], min(_width(block), 250))


def whole(text: str, most: int) -> Message | None:
    """A text of several lines as one message, where a wrap alone explains its lines."""
    lines = text.strip("\n").split("\n", most)
    block = _block(tuple(lines))
    if not 1 < len(block) == len(lines) <= most or not 50 <= _width(block) <= 250:
        return None
    full = _full(block, _width(block))
    return Message(stripped(block[0]), lines=lines) if full else None


def _width(block: list[str]) -> int:
    return max(map(len, block))


def _full(block: list[str], width: int) -> bool:
    """Would the first word of each line not have fitted on the line before?"""
    return all(
        len(line) + 1 + len(after.split(None, 1)[0]) > width for line, after in pairwise(block)
    )


def _block(lines: tuple[str, ...]) -> list[str]:
    """The line, and those after it that begin nothing of their own."""
    block: list[str] = []
    size = 0
    for line in lines:
        line = line.rstrip("\n")
        size += len(line)
        if block and (not line.strip() or _begins(line) or size > _LONGEST_JOINED):
            break
        block.append(line)
    return block


def _begins(line: str) -> bool:
    """Does something new begin here: a log's prefix (not a mere indent), or a key of YAML?"""
    found = _PREFIX.match(line.lstrip())
    return bool(found and found.end()) or bool(_YAML_KEY.match(line) or _FRESH.match(line))


def _between(text: str, line: str, before: str) -> str:
    """What stood between two lines before they were wrapped: nothing where the wrap cut a word,
    else a blank. A word is cut if it is longer than a line, and then fills what is left of
    the line before."""
    last, first = text.rpartition(" ")[2], line.split(None, 1)[0]
    if "http" in last and len(last) + len(first) > len(before) and last != before.strip():
        return ""
    if text.endswith(" ") or (re.search(r"[A-Za-z0-9]-$", text) and line[:1].isalnum()):
        return ""
    quoted = text.rpartition('"')[2] if text.count('"') % 2 else " "
    return "" if len(quoted) > 20 and " " not in quoted else " "
