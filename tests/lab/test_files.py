"""Images of a file, diagnosed together: each once, what they share looked at once, a bad line
beside good ones, in the formats that CI reads."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, TOKEN_HOST, Way
from tests.lab.wire import tap
from tests.lab.world import REGISTRY, TOKENS, World

pytestmark = pytest.mark.lab

IMAGE = f"{HOST}/{REPOSITORY}"
MANIFEST = f"""\
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - {{name: a, image: {IMAGE}:1.0}}
            - {{name: b, image: {IMAGE}:1.1}}
            - {{name: again, image: {IMAGE}:1.0}}
---
broken: [
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    spec:
      containers:
        - {{name: c, image: {IMAGE}:latest}}
        - {{name: d, image: {IMAGE}:no-such}}
"""
LINES = {
    f"{IMAGE}:1.0": 10,
    f"{IMAGE}:1.1": 11,
    "": 14,
    f"{IMAGE}:latest": 23,
    f"{IMAGE}:no-such": 24,
}
WAY = Way(login="token")


def test_each_image_is_diagnosed_once_and_what_they_share_is_looked_at_once(
    lab: World, store: Path
) -> None:
    env = Scenario("x", WAY).make(lab, store)
    wire = tap(lab)
    run = lab.check("-f", "-", env=env, stdin=MANIFEST)
    assert run.exit == 1, run
    assert run.stderr == ""
    targets = {t["target"]: t for t in run.report["targets"]}
    assert {name: t["source"]["line"] for name, t in targets.items()} == LINES
    assert {name: t["verdict"] for name, t in targets.items()} == {
        name: "fail" if name in ("", f"{IMAGE}:no-such") else "pass" for name in LINES
    }
    assert "This document is no YAML" in targets[""]["summary"]
    asked = Counter(row.target for row in servers.seen(lab, REGISTRY) if row.method == "HEAD")
    assert asked[f"/v2/{REPOSITORY}/manifests/1.0"] == 1
    asked_names = wire.questions()  # once by the system, once of its name server, to compare
    assert asked_names[HOST, "A"] == asked_names[TOKEN_HOST, "A"] == 2
    opened = wire.connections()  # those of the ladder are used by the first that asks
    images = len(LINES) - 1
    assert opened[REGISTRY, 443] <= images
    assert opened[TOKENS, 443] <= images


def test_the_platform_that_the_file_names_is_what_must_be_there(lab: World, store: Path) -> None:
    """And not this machine's, or that of --platform: no client would pull that."""
    env = Scenario("x", WAY).make(lab, store)
    lines = [
        f"  s{number}: {{image: {IMAGE}:latest, platform: {name}}}\n"
        for number, name in enumerate(("linux/amd64", "linux/arm64", "linux/s390x"))
    ]
    given = f"services:\n{''.join(lines)}"
    run = lab.check("-f", "-", "--platform", "linux/s390x", env=env, stdin=given)
    found = [(t["source"]["line"], t["verdict"], t["root_causes"]) for t in run.report["targets"]]
    assert found == [
        (2, "pass", []),
        (3, "pass", []),
        (4, "fail", ["registry.platform-missing"]),
    ], run


def test_one_run_leaves_every_format_in_its_place(lab: World, store: Path) -> None:
    """What the pipelines of docs/ci do, `-f -` included."""
    env = Scenario("x", WAY).make(lab, store)
    out = lab.folder / "out"
    out.mkdir()
    formats = {"junit": "xml", "sarif": "json", "markdown": "md", "html": "html", "json": "json"}
    options = [word for form in formats for word in ("--format", form)]
    options += [word for form, end in formats.items() for word in ("-o", f"{out}/{form}.{end}")]
    run = lab.doctor("check", "-f", "-", *options, "--format", "github", env=env, stdin=MANIFEST)
    assert run.exit == 1, run
    assert "no-such" in run.stdout
    assert all(line[:2] == "::" for line in run.stdout.splitlines()[:-1])
    suites = list(ET.fromstring((out / "junit.xml").read_bytes()))
    assert len(suites) == len(LINES)
    results = json.loads((out / "sarif.json").read_text())["runs"][0]["results"]
    assert {r["ruleId"] for r in results if r["level"] == "error"} == {
        "registry.invalid-reference",
        "registry.manifest-unknown",
    }
    assert json.loads((out / "json.json").read_text())["verdict"] == "fail"
    assert "no-such" in (out / "markdown.md").read_text()
    assert "no-such" in (out / "html.html").read_text()
