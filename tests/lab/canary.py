"""One set-up with its secrets, looked at from every side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.lab.bystanders import DOCKER, docker, furnish
from tests.lab.scenario import Scenario, auth
from tests.lab.surfaces import Looked, look
from tests.lab.way import HOST, Way
from tests.lab.world import World
from tests.leaks import leaks, password

BASIC = Way(login="basic", key="none")
BEARER = Way(login="token", key="none")

NO_GATE = """
import doctor.redact as r
r.scrub = r.scrub_data = lambda value: value
r.clip = lambda text, limit, cut=False: text[:limit]
r.Gate.scrub = lambda self, text: text
r.Gate.clip = lambda self, text, limit, cut=False: text[:limit]
r.shapes.masked = lambda text: text
"""
"""The program without its gate."""


def entry(**fields: str) -> dict[str, object]:
    """The file with this entry for the registry."""
    return {DOCKER: docker({HOST: fields})}


def wrong(place: str) -> dict[str, object]:
    return entry(auth=auth(password=password(place)))


def keeps(scenario: Scenario, lab: World, store: Path) -> Looked:
    """Look at everything that leaves, and see that it went as it should."""
    looked = see(scenario, lab, store)
    said = [t["summary"] for t in looked.report["targets"]]
    assert looked.root_causes == scenario.causes, said
    assert not leaks(looked.surfaces), shown(looked.surfaces)
    assert "doctor.check-crashed" not in looked.codes
    return looked


def shown(surfaces: Mapping[str, bytes]) -> str:
    """The lines in which something leaks."""
    return "\n".join(
        f"{name}: {line.decode('utf-8', 'replace')[:400]} ({', '.join(found[''])})"
        for name, data in surfaces.items()
        for line in data.splitlines()
        if (found := leaks({"": line}))
    )


def see(scenario: Scenario, lab: World, store: Path) -> Looked:
    env = scenario.make(lab, store)
    typed = (*scenario.options, scenario.target)
    looked = look(lab, *typed, env=furnish(lab) | env, stdin=scenario.stdin)
    if leaks({"": "\0".join(typed).encode()}):
        del looked.surfaces["command line"]  # the user put it there
    return looked


def startup(lab: World, code: str) -> dict[str, str]:
    """Run this in the program before anything else."""
    file = lab.place("startup") / "sitecustomize.py"
    file.write_text(code)
    return {"PYTHONPATH": str(file.parent)}
