"""No secret leaves in a crash: of a plug-in, whatever it does with what it read, or of the program
itself. And without the gate the search does find secrets here (CONTRACT, promise 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.bystanders import furnish
from tests.lab.canary import BASIC, NO_GATE, see, shown, startup, wrong
from tests.lab.scenario import Scenario
from tests.lab.surfaces import Looked, look
from tests.lab.way import HOST, IMAGE
from tests.lab.world import World
from tests.leaks import leaks, plainly, token

pytestmark = pytest.mark.lab

PLUGIN = """
import asyncio, logging, sys, threading, warnings
from doctor.model import Check

async def probe(case, net):
    secret = net.credential.secret.reveal()
    {noise}

def judge(case):
    return ()

CHECK = Check(name="noisy", scope="target", needs=("auth",), probe=probe, judge=judge,
              question="What does it do with a secret?")
"""
NOISE = {
    "raises": "raise RuntimeError(f'it held {secret}')",
    "raises-a-chain": "raise KeyError(secret) from ValueError([secret.encode()])",
    "raises-oddly": "raise type(secret, (Exception,), {})(secret)",
    "exits": "raise SystemExit(f'it held {secret}')",
    "prints": "print(secret); print(repr(secret), file=sys.stderr)",
    "writes-in-pieces": "[sys.stderr.write(c) for c in secret]; sys.stderr.flush()",
    "logs": "logging.getLogger('noisy').error('it held %s', secret)",
    "warns": "warnings.simplefilter('always'); warnings.warn(secret)",
    "dies-in-a-thread": """
    def die(): raise RuntimeError(secret)
    thread = threading.Thread(target=die); thread.start(); thread.join()""",
    "forgets-a-task": """
    async def die(): raise RuntimeError(secret)
    asyncio.ensure_future(die()); await asyncio.sleep(0.01); import gc; gc.collect()""",
    "dies-in-the-loop": """
    def die(): raise RuntimeError(secret)
    asyncio.get_running_loop().call_soon(die); await asyncio.sleep(0.01)""",
}
BROKEN = """
import doctor.net.token as t, doctor.report.document as d
read, basic = [], t.basic
def remember(credential):
    read.append(credential.secret.reveal())
    return basic(credential)
def document(report):
    local = read[0]
    raise RuntimeError(f"{local} and {local.encode().hex()}") from ValueError(local)
t.basic, d.document = remember, document
"""


def plug_in(lab: World, noise: str) -> dict[str, str]:
    """An installed plug-in whose check makes that noise."""
    place = lab.place("plugins")
    module = place / "noisy.py"
    module.write_text(PLUGIN.replace("{noise}", noise))
    module.with_suffix(".toml").write_text("")
    info = place / "noisy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[doctor.checks]\nnoisy = noisy\n")
    return {"PYTHONPATH": str(place)}


def run(lab: World, store: Path, env: dict[str, str]) -> Looked:
    return see(Scenario("crash", BASIC, home=wrong("read by a check"), env=env), lab, store)


@pytest.mark.parametrize("noise", NOISE)
def test_a_plug_in_that_lets_a_secret_out(noise: str, lab: World, store: Path) -> None:
    looked = run(lab, store, plug_in(lab, NOISE[noise]))
    assert not leaks(looked.surfaces), shown(looked.surfaces)
    assert "auth.rejected" in looked.root_causes
    assert "noisy" in {c["name"] for c in looked.report["targets"][0]["checks"]}
    crashed = noise.startswith(("raises", "exits"))
    assert ("doctor.check-crashed" in looked.codes) is crashed


def test_a_crash_of_the_program(lab: World, store: Path) -> None:
    looked = run(lab, store, startup(lab, BROKEN))
    assert not leaks(looked.surfaces), shown(looked.surfaces)
    assert looked.exits == [3, 3]
    reports = [data for name, data in looked.surfaces.items() if "doctor-crash-" in name]
    assert len(reports) == 2
    assert all(b"RuntimeError: [hidden] and [hidden]" in report for report in reports)


def test_what_is_typed_for_an_explanation(lab: World) -> None:
    text = f"password: {plainly('typed')}1 and TOKEN={token('typed too')}"
    for words in ((text,), ("Bearer", f"https://u:{plainly('typed URL')}@{HOST}/")):
        looked = look(lab, *words, env=furnish(lab), command=("explain",))
        assert not leaks(looked.surfaces), shown(looked.surfaces)
        assert looked.exits == [1]
        assert b"Told by the text" in looked.surfaces["terminal"]


@pytest.mark.parametrize(
    "words", [("explain",), ("explain", "auth.rejected"), ("checks",), ("--help",)]
)
def test_commands_that_read_nothing(words: tuple[str, ...], lab: World) -> None:
    looked = look(lab, env=furnish(lab), command=words)
    assert not leaks(looked.surfaces), shown(looked.surfaces)
    assert looked.exits == [0]


@pytest.mark.parametrize(
    "word",
    [
        f"--timeout={plainly('a timeout')}x",
        f"--password={plainly('an option that does not exist')}",
        f"--passwort {plainly('misspelt')}",
    ],
)
def test_a_usage_error(word: str, lab: World) -> None:
    looked = look(lab, *word.split(), IMAGE, env=furnish(lab))
    del looked.surfaces["command line"]
    assert looked.exits == [2, 2]
    assert b"doctor: " in looked.surfaces["standard error"]
    if "timeout" not in word:
        assert not leaks(looked.surfaces), shown(looked.surfaces)


def test_without_the_gate_secrets_are_found_here(lab: World, store: Path) -> None:
    """The near miss of all these tests."""
    env = startup(lab, NO_GATE)
    env["PYTHONPATH"] += ":" + plug_in(lab, NOISE["logs"])["PYTHONPATH"]
    found = leaks(run(lab, store, env).surfaces)
    assert found == {name: ["read by a check"] for name in ("standard error", "terminal")}
