"""Every kind of fact is written and read back as it was; what is of another type is refused, and
nothing else happens."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import pkgutil
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import doctor.facts
from doctor.bundle import kinds
from doctor.bundle.codec import GIVEN_UP, MisfitError, Reader, encode, fields_of
from doctor.facts.registry import TagList
from doctor.frozen import frozen
from doctor.model import Fact, Finding, Hop, Target
from doctor.redact import Secret

BUILT_IN = {name: kind for name, kind in kinds.known().items() if ":" not in name}
KINDS = {**BUILT_IN, "Target": Target, "Finding": Finding}
_PLAIN: dict[Any, Any] = {
    str: st.text(max_size=6),
    int: st.integers(-(2**40), 2**40),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    datetime: st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of that type."""
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(of)
    if origin is tuple and of[1:] == (...,):
        return st.lists(st.deferred(lambda: values(of[0])), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, of))
    if origin is not None and issubclass(origin if isinstance(origin, type) else object, Mapping):
        return st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
    if origin is not None:
        return st.one_of(*map(values, of))
    if kind is type(None):
        return st.none()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        fields = {name: values(each) for name, each in fields_of(kind).items()}
        return st.builds(kind, **fields)
    return typing.cast("st.SearchStrategy[Any]", _PLAIN[kind])


def same(text: str) -> str:
    return text


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_is_written_is_read(name: str, data: st.DataObject) -> None:
    value = data.draw(values(KINDS[name]))
    written = json.loads(json.dumps(encode(value, KINDS[name], same), allow_nan=False))
    reader = Reader()
    assert reader.decode(written, KINDS[name]) == value
    assert not reader.passed_over


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_any_json_in_a_fact_is_read_or_refused(data: st.DataObject) -> None:
    kind = KINDS[data.draw(st.sampled_from(sorted(BUILT_IN)))]
    fields = fields_of(kind)
    changed = {data.draw(st.sampled_from(sorted(fields))): data.draw(_JSON)}
    whole = encode(data.draw(values(kind)), kind, same)
    with contextlib.suppress(MisfitError):
        assert isinstance(Reader().decode({**whole, **changed}, kind), kind)


def test_every_module_of_facts_is_looked_through() -> None:
    """A kind whose module is not in the list would be known only by chance."""
    for module in pkgutil.iter_modules(doctor.facts.__path__):
        __import__(f"doctor.facts.{module.name}")
    everywhere = {name for name in kinds.known() if ":" not in name}
    assert everywhere == set(BUILT_IN)
    assert len(BUILT_IN) > 20


HOP = {"role": "registry", "host": "r.example", "port": 443, "scheme": "https"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"port": "443"}, r"port: str, not int"),
        ({"port": True}, r"port: bool, not int"),
        ({"port": 2**70}, r"port: int, not int"),
        ({"port": 443.0}, r"port: float, not int"),
        ({"port": None}, r"port: NoneType"),
        ({"host": 1}, r"host: int, not str"),
        ({"role": "admin"}, r"role: str, not"),
        ({"role": ["registry"]}, r"role: list"),
        ({"scheme": {}}, r"scheme: dict"),
    ],
)
def test_a_value_of_another_type_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(MisfitError, match=why):
        Reader().decode({**HOP, **changed}, Hop)


def test_what_is_missing_has_its_default_and_what_is_not_known_is_named() -> None:
    reader = Reader()
    found = reader.decode({"role": "token", "host": "r", "port": 1, "colour": "red"}, Hop)
    assert found == Hop("token", "r", 1, "https")
    assert reader.passed_over == {"Hop.colour"}
    with pytest.raises(MisfitError, match="lacks a value for 'port'"):
        Reader().decode({"role": "token", "host": "r"}, Hop)


@pytest.mark.parametrize("text", ["yesterday", "2026-11-28T19:00:00", "0001-01-01T00:00:00+00:00"])
def test_a_time_without_its_offset_is_none(text: str) -> None:
    with pytest.raises(MisfitError, match="no time"):
        Reader().decode(text, datetime)


@frozen(kw_only=True)
class Odd(Fact):
    """What a plug-in might do."""

    anything: Any = None
    ratio: float = 0.0


@pytest.mark.parametrize("value", [Secret("not-to-be-seen", learn=False), object(), b"bytes", {1}])
def test_what_has_no_form_in_a_file_is_not_written(value: Any) -> None:
    """A set has one: its members in an order that is always the same."""
    if isinstance(value, set):
        assert encode(Odd(anything=value), Odd, same)["anything"] == [1]
        return
    with pytest.raises(MisfitError) as refused:
        encode(Odd(anything=value), Odd, same)
    assert "not-to-be-seen" not in str(refused.value)


def test_odd_numbers_keep() -> None:
    written = encode(Odd(ratio=math.inf), Odd, same)
    assert json.dumps(written, allow_nan=False)
    assert Reader().decode(written, Odd).ratio == math.inf


def test_words_of_a_closed_vocabulary_are_not_touched() -> None:
    """A password that is "https" must not bend what the fact says."""
    written = encode(Hop("registry", "https.example", 443), Hop, lambda text: "[hidden]")
    assert written == {"role": "registry", "host": "[hidden]", "port": 443, "scheme": "https"}


def test_a_plug_in_s_kind_is_known_by_its_module() -> None:
    assert kinds.known()[f"{__name__}:Odd"] is Odd
    assert "Odd" not in kinds.known()


@pytest.mark.parametrize("field", sorted(GIVEN_UP))
def test_what_was_given_up_is_a_field_no_more(field: str) -> None:
    """Of a kind that is known: else it would hide nothing, or a field that is needed."""
    kind, _, name = field.partition(".")
    assert name not in fields_of({**KINDS, "TagList": TagList}[kind])
