"""What a diagnosis must not depend on: names, the order of lists, which of several places tells
the cause, what else is in the cluster, and rights that do not decide."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kube import mutations
from tests.kube.api import Recorded
from tests.kube.inside import causes, look
from tests.kube.test_recordings import EXPECTED, FILES

Mutation = Callable[[Recorded, random.Random], Recorded]
CALLED = "{0.parent.name}-{0.stem}"
ONLY_IN_EVENTS = {"sandbox-image"}
"""Causes that nothing but an event tells."""


def right(stem: str, found: set[str]) -> bool:
    """Do the causes keep to what the recording allows?"""
    expected = EXPECTED[stem]
    if expected.get("none"):
        return found <= set(expected.get("bonus", ()))
    return set(expected.get("all_of", ())) <= found and bool(found & set(expected["any_of"]))


def mutated(file: Path, *how: Mutation) -> dict[str, Any]:
    there, to = Recorded.of(file), random.Random(file.stem)
    for each in how:
        there = each(there, to)
    return look(there)


@pytest.mark.parametrize(
    "how",
    [
        mutations.without_messages,
        mutations.without_events,
        mutations.with_one_api_of_events,
        mutations.rewrapped,
        mutations.cut,
    ],
)
def test_names_order_and_the_place_of_the_words_do_not_matter(how: Mutation) -> None:
    """In every way a third of the recordings, another one each time."""
    pick = random.Random(how.__name__)
    chosen = [f for f in FILES if pick.random() < 0.35]
    assert len(chosen) > 30
    for file in chosen:
        found = causes(mutated(file, mutations.renamed, mutations.shuffled, how))
        lost = how is mutations.without_events and file.stem in ONLY_IN_EVENTS
        assert right(file.stem, found) or (lost and not found), (CALLED.format(file), found)


def test_two_clusters_in_one_are_told_apart() -> None:
    pick = random.Random("together")
    files = pick.sample(FILES, 40)
    for one, other in zip(files[:20], files[20:], strict=True):
        if one.stem == other.stem:
            continue
        part = look(mutations.together(Recorded.of(one), Recorded.of(other)))
        for each in (one, other):
            mine = {
                code
                for pull in part["pulls"]
                if f"s-{each.stem}" in pull["namespaces"]
                for code in pull["root_causes"]
            }
            assert right(each.stem, mine), (CALLED.format(one), CALLED.format(other), mine)


LOGIN = {"auth.no-credentials", "auth.rejected", "auth.denied-or-missing"}
"""What the words alone allow, where the Secrets that decide may not be read."""


@pytest.mark.parametrize("kind", ["secrets", "events", "nodes", "serviceaccounts"])
def test_a_right_that_is_missing_costs_what_it_decides_and_nothing_else(kind: str) -> None:
    generation = "c16" if kind in ("secrets", "nodes") else "c24"
    for file in [f for f in FILES if f.parent.name == generation][
        :: 2 if kind in ("events", "nodes") else 1
    ]:
        part = look(mutations.refused(Recorded.of(file), kind))
        found = causes(part)
        if right(file.stem, found):
            continue
        assert kind != "nodes", (CALLED.format(file), found)
        if kind == "secrets":
            assert found, CALLED.format(file)
            assert found <= LOGIN, (CALLED.format(file), found)
        elif kind == "events":
            assert (file.stem in ONLY_IN_EVENTS, part["verdict"]) == (True, "incomplete")
        else:
            assert file.stem == "sa-secret-added-later"
            (finding,) = (f for p in part["pulls"] for f in p["findings"] if f["root_cause"])
            assert finding["code"] == "k8s.secret-not-referenced"
            assert finding["confidence"] == "possible"
            assert "was not read" in finding["detail"]
