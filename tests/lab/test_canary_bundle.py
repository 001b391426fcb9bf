"""No secret is in a bundle: those that stand in every place where a secret can stand are looked for
in every file of it, in every encoding and in part; and it is written all the same, for what is
withheld helps nobody.

The scenarios are those of the report's canary. That the search finds something here is shown by the
last tests, in which a secret is planted past the gate.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from doctor.bundle.archive import unpack
from tests.encodings import ENCODINGS
from tests.lab.bystanders import furnish
from tests.lab.canary import NO_GATE, shown, startup, wrong
from tests.lab.scenario import Scenario
from tests.lab.test_canary import FILES, LOGIN, PASTED, PROXIES
from tests.lab.test_canary_answers import (
    GIVEN,
    LINKS,
    Odd,
    _json,
    _page,
    issuing,
    registry,
    repeating,
)
from tests.lab.world import World
from tests.leaks import SECRETS, leaks

pytestmark = pytest.mark.lab


def bundle(
    lab: World, scenario: Scenario, env: Mapping[str, str], *more: str
) -> subprocess.CompletedProcess[bytes]:
    """`doctor bundle` in that world, its file in the home."""
    words = ["bundle", "-o", f"{lab.home}/b.tar.gz", *more, *scenario.options, scenario.target]
    return subprocess.run(
        [*lab.near.entering, sys.executable, "-P", "-m", "doctor", *words],
        input=scenario.stdin.encode(),
        capture_output=True,
        timeout=90,
        env={**lab.environ, **env},
    )


def surfaces(lab: World, done: subprocess.CompletedProcess[bytes]) -> dict[str, bytes]:
    """What was said, and every file of the bundle with its name."""
    files = unpack((lab.home / "b.tar.gz").read_bytes())
    found = {name: name.encode() + b"\n" + data for name, data in files.items()}
    return {**found, "standard output": done.stdout, "standard error": done.stderr}


LIKE_OTHERS = {
    *("white-space", "at-token-service", "registry-token", "podman", "helper-hangs", "helper"),
    *("helper-breaks-off", "helper-says-no-JSON", "not-a-login", "option-rejected", "excluded"),
}
"""What differs from another one only in what the report says."""
SERVED = {
    "repeated-in-json": (repeating(registry(_json)), "auth.forbidden"),
    "repeated-on-a-page": (repeating(registry(_page)), "auth.forbidden"),
    "tokens": (issuing(Odd(says=GIVEN["tokens"])), "auth.forbidden"),
    "in-a-cookie": (issuing(Odd(says=GIVEN["in-a-cookie"])), "auth.realm-error"),
}
SCENARIOS = [
    *(each for each in (*LOGIN, *PROXIES, *LINKS) if each.name not in LIKE_OTHERS),
    *(
        Scenario(name, way, (cause,), home=wrong("repeated") if "repeated" in name else {})
        for name, (way, cause) in SERVED.items()
    ),
]


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=[s.name for s in SCENARIOS])
def test_no_secret_is_in_a_bundle(number: int, lab: World, store: Path) -> None:
    """Every other one with pseudonyms."""
    scenario = SCENARIOS[number]
    env = scenario.make(lab, store)
    more = ("--pseudonyms",) if number % 2 else ()
    done = bundle(lab, scenario, env | furnish(lab), *more)
    assert done.returncode == 1, done.stderr.decode()
    found = surfaces(lab, done)
    told = json.loads(found["report.json"].partition(b"\n")[2])
    causes = tuple(code for t in told["targets"] for code in t["root_causes"])
    assert causes == scenario.causes
    assert not leaks(found), shown(found)


def test_nothing_pasted_or_near_an_image_is_in_it(lab: World, store: Path) -> None:
    for name, text in FILES.items():
        lab.write(name, text)
    options = [word for name in FILES for word in ("-f", f"{lab.home}/{name}")]
    scenario = Scenario("all", options=(*options, *PASTED))
    env = scenario.make(lab, store)
    done = bundle(lab, scenario, env | furnish(lab))
    assert done.returncode == 1, done.stderr.decode()
    found = surfaces(lab, done)
    assert len([name for name in found if name.startswith("facts/")]) > len(PASTED)
    assert not leaks(found), shown(found)


def test_there_are_enough_kinds_of_secrets() -> None:
    assert len(SECRETS) > 40


def test_what_gets_past_the_gate_keeps_the_bundle_from_being_written(
    lab: World, store: Path
) -> None:
    """And says where it stands. Nothing is left of it."""
    scenario = SCENARIOS[0]
    env = scenario.make(lab, store) | startup(lab, NO_GATE)
    done = bundle(lab, scenario, env | furnish(lab))
    assert done.returncode == 3
    assert done.stdout == b""
    assert b"no bundle was written, for a secret was found in it: " in done.stderr
    assert b"facts/0001.json, line " in done.stderr
    assert not [
        file for file in lab.home.iterdir() if "b.tar.gz" in file.name or ".doctor-" in file.name
    ]


PLANT = """
from doctor.bundle import contents
made = contents.contents
def planted(*given, **more):
    import dataclasses
    found = made(*given, **more)
    entry = contents.Entry("config/etc/planted", {text!r}.encode(), {{}})
    return dataclasses.replace(found, entries=(*found.entries, entry))
contents.contents = planted
"""


@pytest.mark.parametrize(
    "how", ["as it is", "base64", "URL-encoded", "JSON", "hexadecimal", "lines", "shape", "nothing"]
)
def test_a_planted_secret_is_found(how: str, lab: World, store: Path) -> None:
    """One that the run has read, in the ways in which others write one; one that it never saw, by
    its shape; and the near miss, in which nothing is planted that is one."""
    secret = SECRETS["auth"]
    text = {
        "lines": "\n".join(textwrap.wrap(base64.b64encode(secret.encode()).decode(), 9)),
        "shape": "key: ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "nothing": "no secret at all",
    }.get(how) or ENCODINGS[how](secret)
    scenario = next(each for each in LOGIN if each.name == "auth")
    env = scenario.make(lab, store) | startup(lab, PLANT.format(text=f"a line\n{text}\n"))
    done = bundle(lab, scenario, env)
    said = done.stderr.decode()
    if how == "nothing":
        assert done.returncode == 1, said
        return
    assert done.returncode == 3, said
    assert "config/etc/planted, line" in said
    assert not (lab.home / "b.tar.gz").exists()
    assert not leaks({"": done.stdout + done.stderr})
