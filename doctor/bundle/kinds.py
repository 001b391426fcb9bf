"""Which kinds of facts may a bundle hold? A closed list: the built-in ones, and those of installed
plug-ins.

A built-in one is known by its class's name alone, a plug-in's by `package.module:Class`. Nothing is
imported because a file names it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

from doctor.model import Fact

_MODULES = (
    *("client", "clients", "cluster", "credential", "dns", "endpoint", "helper", "login", "proxy"),
    *("pull", "rate", "reference", "registry", "resolvers", "tcp", "tls", "trust"),
)
"""Those of `doctor.facts` that define facts; a test looks whether one is missing."""


def known() -> dict[str, type[Fact]]:
    """Every kind by its name. Plug-ins must have been loaded."""
    for name in _MODULES:
        importlib.import_module(f"doctor.facts.{name}")
    found = {name_of(kind): kind for kind in _below(Fact)}
    return {name: kind for name, kind in found.items() if not name.startswith("doctor.")}


def name_of(kind: type[Fact]) -> str:
    """How a bundle names it."""
    if kind.__module__.startswith("doctor.facts."):
        return kind.__qualname__
    return f"{kind.__module__}:{kind.__qualname__}"


def _below(kind: type[Fact]) -> Iterator[type[Fact]]:
    """What `@frozen` made a class from is one still, for a while, and none that facts are of."""
    for each in kind.__subclasses__():
        named = getattr(sys.modules.get(each.__module__), each.__qualname__, None)
        if "__dataclass_fields__" in vars(each) or named is each:
            yield each
        yield from _below(each)
