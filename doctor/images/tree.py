"""What does a YAML document hold, and in which lines, without letting it construct anything?

A tree is built from the parser's events, not by PyYAML's composer: that one is recursive, so that
nesting ends it, and no construction means no tags, no objects and no expanded aliases. An alias is
the same node again; whoever walks a tree visits each node once, so a bomb of aliases costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_DEEPEST = 100
_MOST_NODES = 1_000_000
_MOST_DOCUMENTS = 20_000
_MOST_MERGED = 64
_LOOKS_UP = 2048
"""Values between two looks at the time."""

Look = Callable[[], None]
"""Called now and then while a file is read, which may take long: what it raises ends that."""


class TreeError(Exception):
    """The document cannot be read: the line, from 1, and why in a sentence."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


@dataclass(slots=True, eq=False)
class Node:
    """A mapping (`pairs`), a sequence (`items`) or a scalar (`text`); the others are None."""

    line: int
    text: str | None = None
    quoted: bool = False
    pairs: list[tuple[str, Node]] | None = None
    items: list[Node] | None = None
    key: str | None = field(default=None, repr=False)
    """While the mapping is read: the key that waits for its value."""

    @property
    def null(self) -> bool:
        """Is it YAML's null?"""
        return not self.quoted and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def children(self) -> Iterator[Node]:
        yield from (value for _, value in self.pairs or ())
        yield from self.items or ()

    def get(self, key: str) -> Node | None:
        """The value under the key, or what merge keys (`<<`) bring along for it."""
        if self.pairs is None:
            return None
        waiting, seen = [self], set[int]()
        while waiting and len(seen) < _MOST_MERGED:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            merged: list[Node] = []
            for name, value in node.pairs or ():
                if name == key:
                    return value
                if name == "<<":
                    merged += value.items or [value]
            waiting += reversed(merged[:_MOST_MERGED])
        return None


def documents(text: str, look: Look = lambda: None) -> Iterator[Node | TreeError]:
    """The root of each document, or why it cannot be read; one that cannot does not end the
    rest."""
    for count, (first, part) in enumerate(_parts(text)):
        if count == _MOST_DOCUMENTS:
            yield TreeError(first, f"The file has more than {_MOST_DOCUMENTS:,} documents.")
            return
        look()
        try:
            yield from _roots(part, first, look)
        except TreeError as error:
            yield error


_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_NEXT_OBJECT = re.compile(r"^---(?=\s|$)|(?<=\}\n)(?=\{)", re.MULTILINE)
"""In JSON objects may also follow each other with nothing between (`jq --compact-output`)."""
_NOTHING = re.compile(r"(?:[ \t]*(?:#[^\n]*|%[^\n]*|---[ \t]*|\.\.\.[ \t]*)?(?:\n|\Z))*")
_NO_BREAKS = {0x85: " ", 0x2028: " ", 0x2029: " "}
"""Line ends of YAML 1.1 that no editor counts as such."""
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_NO_ANCHOR = "an alias has no anchor (text that begins with * stands in quotes)"
_WORD = re.compile(r" (?:'(?!<)[^']{3,}'|\"(?!<)[^\"]{3,}\")")
"""A word of the document in the parser's complaint; it may be a password."""
_NOTES = re.compile(r"^NOTES:[ \t]*$", re.MULTILINE)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of each document: at the start of a line `---` always begins one, also
    within a block scalar (YAML 1.2, 9.1.2)."""
    start = _NEXT_OBJECT if text.lstrip()[:1] == "{" else _START
    starts = [match.start() for match in start.finditer(text)]
    begin, line, done = 0, 1, 0
    for end in [*starts, len(text)]:
        part = text[begin:end]
        nothing = _NOTHING.fullmatch(part)
        if nothing and _DIRECTIVE.search(part) and end < len(text):
            continue
        line += text.count("\n", done, begin)
        done = begin
        if not nothing:
            notes = _NOTES.search(part)
            yield line, part[: notes.start()] if notes else part
        begin = end


def _roots(text: str, first: int, look: Look) -> Iterator[Node]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events = yaml.parse(text.translate(_NO_BREAKS), Loader=loader)
        yield from _Builder(first, look).build(events)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line if mark else 0, text.rstrip().count("\n"))
        what = error.problem or error.context or "it cannot be parsed"
        if re.match(r" *\t", "".join(text.split("\n")[line : line + 1])):
            what = "a tab stands where only blanks may indent"
        raise _unreadable(first + line, what) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        at = getattr(error, "position", 0)
        line = text.count("\n", 0, at) if isinstance(at, int) else 0
        raise _unreadable(first + line, str(getattr(error, "reason", "") or "no text")) from None


def _unreadable(line: int, what: str) -> TreeError:
    from doctor.redact import plain

    what = _WORD.sub("", what)
    return TreeError(line, f"This document is no YAML: {plain(what, 160)}.")


class _Builder:
    """Events of one part -> the roots of its documents."""

    def __init__(self, first: int, look: Look) -> None:
        self.first = first
        self.look = look
        self.open: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def build(self, events: Any) -> Iterator[Node]:
        import yaml

        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                node = self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                node = self._collection(event, Node(self._line(event), pairs=[]))
            elif kind is yaml.SequenceStartEvent:
                node = self._collection(event, Node(self._line(event), items=[]))
            elif kind is yaml.AliasEvent:
                node = self._alias(event)
            elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
                node = self.open.pop()
                if not self.open:
                    yield node
                continue
            else:
                self.anchors = {}
                continue
            if not self.open:
                yield node

    def _line(self, event: Any) -> int:
        line: int = self.first + event.start_mark.line
        return line

    def _scalar(self, event: Any) -> Node:
        parent = self.open[-1] if self.open else None
        if parent and parent.pairs is not None and parent.key is None and not event.anchor:
            parent.key = event.value
            return parent
        node = Node(self._line(event), event.value, event.style in ('"', "'", "|", ">"))
        return self._hung(self._named(event, node))

    def _collection(self, event: Any, node: Node) -> Node:
        if len(self.open) >= _DEEPEST:
            raise TreeError(node.line, f"The document is nested deeper than {_DEEPEST} levels.")
        self._hung(self._named(event, node))
        self.open.append(node)
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            raise _unreadable(self._line(event), _NO_ANCHOR)
        return self._hung(self.anchors[event.anchor])

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _hung(self, node: Node) -> Node:
        """The node, put where it belongs: into the innermost open collection."""
        self.count += 1
        if self.count > _MOST_NODES:
            raise TreeError(node.line, f"The document has more than {_MOST_NODES:,} values.")
        if self.count % _LOOKS_UP == 0:
            self.look()
        parent = self.open[-1] if self.open else None
        if parent is None:
            return node
        if parent.items is not None:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node.text or ""
        elif parent.pairs is not None:
            parent.pairs.append((parent.key, node))
            parent.key = None
        return node
