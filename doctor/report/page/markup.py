"""How does text become markup that can hold nothing alive? An element is made of texts, which are
escaped, and of other elements, which are not: there is no third kind.

Foreign text passes `plain` first, so that neither a control nor a turn of the reading is left in
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from doctor.redact import MASK, plain
from doctor.report.marked import parts

_VOID = frozenset(("link", "meta", "wbr"))
_LONGEST = 4000
Attribute = str | int | float | bool | None


class Markup(str):
    """Text that is markup already. Made here alone."""

    __slots__ = ()


def el(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """An element. `class_` is `class`, `aria_label` is `aria-label`; None and False leave an
    attribute out, True gives it no value."""
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    inside = "".join(map(_child, children))
    end = "" if name in _VOID else f"{inside}</{name}>"
    return Markup(f"<{name}{told}>{end}")


def many(children: Iterable[str]) -> Markup:
    """Several beside each other."""
    return Markup("".join(map(_child, children)))


def raw(name: str, content: str) -> Markup:
    """A `style` or `script` of our own, whose content is not parsed as markup."""
    if f"</{name}" in content:
        raise ValueError(f"the page's own {name} ends itself")
    return Markup(f"<{name}>{content}</{name}>")


def prose(text: str, limit: int = 2000) -> Markup:
    """A sentence, machine words in `code`."""
    said = parts(plain(text, limit))
    return many(el("code", each) if machine else each for each, machine in said if each)


def breakable(text: str) -> Markup:
    """A long name, which may be broken behind its slashes and colons rather than anywhere; not in
    front of a mask, which is known by what stands before it."""
    parts = re.split(rf"(?<=[/:@])(?!/|{re.escape(MASK)})", plain(text, _LONGEST))
    return many(many([part, el("wbr")]) for part in parts)


def lines(text: str) -> Markup:
    """Several lines as they stand, each made safe."""
    return Markup("\n".join(escape(plain(line, _LONGEST)) for line in text.splitlines()))


def _child(child: str) -> str:
    return child if isinstance(child, Markup) else escape(plain(child, _LONGEST))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(plain(str(value), _LONGEST))}"'
