"""Is a `@frozen` class to its users what a frozen dataclass with slots would be?"""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.frozen import frozen


@frozen
class Place:
    role: str = field(compare=False)
    host: str
    port: int = 443
    notes: list[str] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    role: str = field(compare=False)
    host: str
    port: int = 443
    notes: list[str] = field(default_factory=list, repr=False)


@frozen(kw_only=True)
class Seen:
    ms: float = 0.0


@frozen(kw_only=True)
class More(Seen):
    """Inherits a field and adds one without a default."""

    host: str

    def __repr__(self) -> str:
        return "its own words"


@given(st.lists(st.sampled_from([1, "a", ""]), max_size=5), st.sets(st.sampled_from(
    ("role", "host", "port", "notes", "other")
)))  # fmt: skip
def test_it_takes_and_refuses_what_a_dataclass_does(args: list[Any], names: set[str]) -> None:
    given: dict[str, Any] = dict.fromkeys(names, "x")
    try:
        wanted = Model(*args, **given)
    except TypeError:
        with pytest.raises(TypeError):
            Place(*args, **given)
        return
    made = Place(*args, **given)
    assert dataclasses.asdict(made) == dataclasses.asdict(wanted)
    assert repr(made) == repr(wanted).replace("Model", "Place")


def test_fields_that_are_not_compared_do_not_tell_two_apart() -> None:
    one, other = Place("registry", "a", notes=[]), Place("token", "a", notes=[])
    assert one == other
    assert one != Place("registry", "b")
    assert one != _any(Model("registry", "a"))
    assert hash(Seen(ms=1.0)) == hash(Seen(ms=1.0)) != hash(Seen(ms=2.0))
    assert len({Seen(), Seen(), More(host="a"), More(host="b")}) == 3


def _any(value: Any) -> Any:
    return value


def test_a_default_is_made_for_each() -> None:
    assert Place("a", "b").notes is not Place("a", "b").notes


def test_nothing_changes_and_nothing_is_added() -> None:
    made: Any = Place("registry", "a")
    for name in ("host", "new"):
        with pytest.raises(FrozenInstanceError):
            setattr(made, name, 1)
    with pytest.raises(FrozenInstanceError):
        del made.host
    assert not hasattr(made, "__dict__")


def test_another_is_made_by_replace() -> None:
    assert replace(Place("registry", "a"), port=5000).name == "a:5000"
    assert replace(More(host="a"), ms=2.0).ms == 2.0


def test_what_it_inherits_and_what_it_says_itself_stays() -> None:
    assert [f.name for f in dataclasses.fields(More)] == ["ms", "host"]
    assert repr(More(host="a")) == "its own words"
    assert More.__doc__ == "Inherits a field and adds one without a default."
    with pytest.raises(TypeError, match="host"):
        More()  # type: ignore[call-arg]


def test_a_class_is_matched_by_its_fields() -> None:
    match Place("registry", "a", 80):
        case Place(role, host=host, port=80):
            assert (role, host) == ("registry", "a")
        case _:
            pytest.fail("no match")


def test_copies_and_pickles_are_equal_and_their_own() -> None:
    made = Place("registry", "a", notes=["one"])
    assert (copy.copy(made), copy.copy(made).notes is made.notes) == (made, True)
    apart: Any
    for apart in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert (apart, apart.role, apart.notes) == (made, "registry", ["one"])
        assert apart.notes is not made.notes
        with pytest.raises(FrozenInstanceError):
            apart.host = "b"
    assert pickle.loads(pickle.dumps(More(host="a", ms=2.0))) == More(host="a", ms=2.0)


class Checked:
    def __post_init__(self) -> None:
        raise AssertionError("nobody calls this")


class Counted:
    total: ClassVar[int] = 0


class Shared:
    notes: list[str] = []  # noqa: RUF012 - what is refused


@pytest.mark.parametrize(
    ("what", "error"), [(Checked, TypeError), (Counted, TypeError), (Shared, ValueError)]
)
def test_what_it_would_pass_over_is_refused(what: type[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        frozen(what)


def test_a_plain_dataclass_does_not_inherit_from_it() -> None:
    with pytest.raises(TypeError, match="frozen"):
        dataclasses.dataclass(type("Loose", (Place,), {"__annotations__": {"more": int}}))
