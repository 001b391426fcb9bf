"""One world, what the user types in it, and what the command must say.

A scenario whose pull works must bring no error finding, exit 0 and a verdict of `pass` or `warn`;
one whose pull fails names its root causes in order. Every remedy's first words and every code are
compared elsewhere; here it is the whole program against real servers.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.programs import PATH
from tests.lab.way import HOST, IMAGE, PASSWORD, USER, Way, build
from tests.lab.world import Run, World


@dataclass(frozen=True)
class Scenario:
    """`causes` empty: the pull works."""

    name: str
    way: Way = field(default_factory=Way)
    causes: tuple[str, ...] = ()
    target: str = IMAGE
    options: tuple[str, ...] = ()
    stdin: str = ""
    home: Mapping[str, object] = field(default_factory=dict)
    """Files below the user's home, as text or JSON."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Shell scripts on the user's PATH."""
    env: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Codes that must be found beside the causes; of a pull that works, the only ones that may be
    warnings."""
    exit: int | None = None
    """Where it is another than the causes say."""

    def make(self, world: World, store: Path) -> dict[str, str]:
        """Start the servers; the client's environment."""
        env = build(world, self.way, store) | dict(self.env)
        for path, content in self.home.items():
            world.write(path, content)
        for name, script in self.programs.items():
            world.write(f"bin/{name}", f"#!/bin/sh\n{script}\n").chmod(0o755)
        if self.programs:
            env["PATH"] = f"{world.home}/bin:{PATH}"
        return env

    def play(self, world: World, store: Path) -> Run:
        """Make the world and run `doctor check --json` in it."""
        return self.check(world, self.make(world, store))

    def pull(self, world: World, store: Path, *options: str) -> Run:
        """Make the world and have skopeo copy the image, which takes a manifest, a configuration
        and a layer."""
        return self.copy(world, self.make(world, store), *options)

    def both(self, world: World, store: Path, *options: str) -> tuple[Run, Run]:
        """What the command says, and what skopeo does with these options, in one world."""
        env = self.make(world, store)
        return self.check(world, env), self.copy(world, env, *options)

    def check(self, world: World, env: Mapping[str, str]) -> Run:
        return world.check(*self.options, self.target, env=env, stdin=self.stdin)

    def copy(self, world: World, env: Mapping[str, str], *options: str) -> Run:
        image = f"docker://{self.target}"
        return world.skopeo("copy", *options, image, "dir:/run/copied", env=env)

    def verify(self, run: Run) -> None:
        """Is that what the command had to say?"""
        assert run.report, run
        assert "Traceback" not in run.stderr, run
        told = "\n".join([f"exit {run.exit}", *map(brief, run.findings), run.stderr])
        codes = {finding["code"]: finding["severity"] for finding in run.findings}
        expected = bool(self.causes) if self.exit is None else self.exit
        assert (tuple(run.root_causes), run.exit) == (self.causes, expected), told
        assert set(self.also) <= set(codes), told
        assert "doctor.check-crashed" not in codes, told
        if not self.causes:
            assert "error" not in codes.values(), told
            warned = {code for code, severity in codes.items() if severity == "warning"}
            assert warned <= set(self.also), told


def brief(finding: Mapping[str, Any]) -> str:
    """A finding in a line or two."""
    cause = " (cause)" if finding["root_cause"] else ""
    return (
        f"{finding['severity']} {finding['code']}{cause} at {finding['hop']}: {finding['detail']}"
    )


def auth(user: str = USER, password: str = PASSWORD) -> str:
    """The `auth` field of an entry."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def config(key: str = HOST, **entry: str) -> dict[str, object]:
    """A configuration with one entry; without fields, the lab's own login."""
    return {"auths": {key: entry or {"auth": auth()}}}
