"""Do containers/image's programs ask where we say that they ask, and stop at the files that we say?
Seen with skopeo 1.9.3 (containers/image 5.22).

`skopeo --debug inspect` tells each place that it tries; nothing listens at any of them. What came
after that version (nothing of what is here) is not compared.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from doctor.clients import pull_sources, registries_conf
from doctor.clients.machine import Machine
from doctor.clients.registries_conf import RegistriesConf
from doctor.reference.grammar import Reference, scan

pytestmark = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
DIGEST = f"sha256:{'a' * 64}"
H, M = "127.0.0.1:9", "127.0.0.2:9"
"""Nothing listens there."""


def table(**settings: object) -> str:
    lines = [f"{key.replace('_', '-')} = {_toml(value)}" for key, value in settings.items()]
    return "\n".join(["[[registry]]", *lines, ""])


def mirror(**settings: object) -> str:
    return table(**settings).replace("[[registry]]", "[[registry.mirror]]")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def skopeo(home: Path, file: Path, image: str) -> str:
    """All that it says."""
    command = ["skopeo", "--debug", "--registries-conf", str(file), "inspect", f"docker://{image}"]
    own = {"PATH": os.environ["PATH"], "HOME": str(home)}
    own |= {k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=own, check=False
    ).stderr


def ours(home: Path, file: Path) -> RegistriesConf:
    environ = {"CONTAINERS_REGISTRIES_CONF": str(file)}
    return registries_conf.read(Machine(environ=environ, home=str(home), uid=os.getuid()))


def reference(image: str) -> Reference:
    found = scan(image)
    assert isinstance(found, Reference)
    return found


TWO = mirror(location=M) + mirror(location="127.0.0.3:9/m", insecure=True)
PLACES = [
    ("", f"{H}/x/y:1"),
    (table(location=H), f"{H}/x/y:1"),
    (table(location=H) + TWO, f"{H}/x/y:1"),
    (table(location=H) + TWO, f"{H}/x/y@{DIGEST}"),
    (table(location=H, mirror_by_digest_only=True) + TWO, f"{H}/x/y:1"),
    (table(location=H, mirror_by_digest_only=True) + TWO, f"{H}/x/y@{DIGEST}"),
    (table(location=H) + mirror(location=M, pull_from_mirror="digest-only"), f"{H}/x/y:1"),
    (table(location=H) + mirror(location=M, pull_from_mirror="tag-only"), f"{H}/x/y:1"),
    (table(location=H) + mirror(location=M, pull_from_mirror="tag-only"), f"{H}/x/y@{DIGEST}"),
    (table(location=H) + mirror(location=M, pull_from_mirror="all"), f"{H}/x/y@{DIGEST}"),
    (table(prefix=H, location=f"{M}/deep/er"), f"{H}/x/y:1"),
    (table(prefix=f"{H}/x", location=M), f"{H}/x/y:1"),
    (table(prefix=f"{H}/x", location=M), f"{H}/xx/y:1"),
    (table(prefix=f"{H}/x/y", location=f"{M}/z"), f"{H}/x/y:1"),
    (table(prefix=f"{H}/x/y:1", location=f"{M}/z"), f"{H}/x/y:1"),
    (table(prefix=H, location=M) + table(prefix=f"{H}/x", location="127.0.0.3:9"), f"{H}/x/y:1"),
    (table(prefix=H, location=M) + table(prefix=H, location="127.0.0.3:9"), f"{H}/x/y:1"),
    (table(prefix="127.0.0.1", location="127.0.0.2"), f"{H}/x/y:1"),
    (table(prefix="example.invalid/foo", location=M), "example.invalid/foobar/x:1"),
    (table(prefix="*.example.invalid", location=M), "a.b.example.invalid/x:1"),
    (table(prefix="*.example.invalid", location=M), "example.invalid/x:1"),
    (table(prefix="*.example.invalid", location="127.0.0.2"), "a.example.invalid:9/x:1"),
    (table(prefix="*.example.invalid", location=M), "aexample.invalid/x:1"),
    (table(prefix="*.example.invalid", location=M), f"{H}/a.example.invalid/x:1"),
    (table(prefix="*.example.invalid") + mirror(location=M), "a.example.invalid/x:1"),
    (table(prefix="docker.io/alpine", location=M), "docker.io/library/alpine:1"),
    (table(prefix="docker.io/library/alpine", location=f"{M}/alpine"), "alpine:1"),
    (table(prefix="docker.io", location=M), "docker.io/library/alpine:1"),
    (table(prefix=f"{H}/", location=f"{M}//"), f"{H}/x/y:1"),
    (table(location=H, blocked=True), f"{H}/x/y:1"),
    (table(location=H, blocked=True) + mirror(location=M), f"{H}/x/y:1"),
    (table(prefix=H, location=M, blocked=True), f"{H}/x/y:1"),
    (table(prefix=H, location=M) + table(location=M, prefix=M, blocked=False), f"{H}/x/y:1"),
    (table(location=H) + mirror(location=M) + table(location=M, blocked=True), f"{H}/x/y:1"),
    (table(Location=H) + "[[registry.MIRROR]]\nLOCATION = '127.0.0.2:9'\n", f"{H}/x/y:1"),
    (table(location=H, unsecure=True, proxy="http://127.0.0.9:1") + TWO, f"{H}/x/y:1"),
    (table(location=H) + mirror(location=M, blocked=True, namespace_proxy=H), f"{H}/x/y:1"),
    (f'[registries.block]\nregistries = ["{H}"]\n', f"{H}/x/y:1"),
    (f'[registries.insecure]\nregistries = ["{H}/"]\n', f"{H}/x/y:1"),
    ('[registries.search]\nregistries = ["docker.io"]\n', f"{H}/x/y:1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "image"), PLACES)
def test_skopeo_tries_the_places_that_are_named_here(tmp_path: Path, text: str, image: str) -> None:
    file = tmp_path / "r.conf"
    file.write_text(text)
    said = skopeo(tmp_path, file, image)
    conf = ours(tmp_path, file)
    assert not conf.faults
    found, odd = pull_sources.sources(conf, reference(image))
    assert odd is None
    tried = re.findall(r'Trying to access \\"(.*?)\\"', said)
    by_us = [s for s in found if not s.endpoint.skipped or s.blocked]
    assert tried == [_name(each, image) for each in by_us], said
    for each in by_us:
        blocked = f'Accessing \\"{_name(each, image)}\\" failed: registry' in said
        assert blocked is (each.blocked is not None), said


def _name(source: pull_sources.Source, image: str) -> str:
    there = source.endpoint
    named = reference(image)
    domain = there.domain or named.domain
    return f"{domain}/{there.repository}{str(named)[len(named.name) :]}"


MAIN = [
    "", "# nothing\r\n", "[[registry]]\r\nlocation = 'a.example'\r\n",
    "unqualified-search-registries = []\n",
    "\ufeff[[registry]]\nlocation = 'a.example'\n", "[[registry]\n", "[[registry]]\nlocation = 5\n",
    "[[registry]]\n", "[registry]\nlocation = 'a.example'\n", "registry = 'a'\n",
    table(prefix="a.example"), table(location=""), table(location="/"),
    table(location="http://a.example"), table(location="https://a.example/x"),
    table(location="ftp://a.example"), table(location="a.example", prefix="https://b.example"),
    table(location="a.example", insecure="true"), table(location="a.example", blocked="no"),
    table(location="a.example") + mirror(location="http://m.example"),
    table(location="a.example") + mirror(insecure=True),
    table(location="a.example", pull_from_mirror="all"),
    table(location="a.example") + mirror(location="m.example", pull_from_mirror="never"),
    table(location="a.example", mirror_by_digest_only=True)
    + mirror(location="m.example", pull_from_mirror="all"),
    table(location="a.example", mirror_by_digest_only=False)
    + mirror(location="m.example", pull_from_mirror="all"),
    table(location="a.example", prefix="b.example", insecure=True) + table(location="a.example"),
    table(location="a.example", prefix="b.example", insecure=True)
    + table(location="a.example", insecure=True),
    table(location="a.example", prefix="b.example", blocked=True) + table(location="a.example"),
    table(location="a.example", prefix="b.example") + table(location="a.example"),
    table(location="b.example", prefix="*.example", insecure=True) + table(location="b.example"),
    table(prefix="*.example/x", location="a.example"), table(prefix="*.example:1"),
    table(prefix="*.example"), table(prefix="a.*.example", location="a.example"),
    "unqualified-search-registries = ['docker.io/library']\n",
    "unqualified-search-registries = ['http://docker.io']\n",
    "unqualified-search-registries = ['docker.io/', 'quay.io:5000']\n",
    "unqualified-search-registries = ['']\n", "unqualified-search-registries = 'docker.io'\n",
    "unqualified-search-registries = [1]\n",
    "short-name-mode = 'strict'\n", "short-name-mode = 'disabled'\n", "short-name-mode = ''\n",
    "credential-helpers = ['containers-auth.json']\n", "credential-helpers = 'pass'\n",
    "[aliases]\nx = 'docker.io/x'\n", "[aliases]\nx = ''\n", "[aliases]\nx = 'library/x'\n",
    "[aliases]\nx = 'docker.io/x:1'\n", "[aliases]\n'a.example/x' = 'docker.io/x'\n",
    "[aliases]\n'x:1' = 'docker.io/x'\n", "[aliases]\nx = 1\n", "[aliases]\nx = 'localhost/x'\n",
    "[aliases]\n'team/x' = 'quay.io/x'\n", "[aliases]\n'localhost/x' = 'quay.io/x'\n",
    "[registries.search]\nregistries = ['a.example']\n[[registry]]\nlocation = 'b.example'\n",
    "[registries.search]\nregistries = []\n[[registry]]\nlocation = 'b.example'\n",
    "[registries.search]\n[[registry]]\nlocation = 'b.example'\n",
    "[registries.search]\nregistries = ['http://a.example']\n",
    "[registries.insecure]\nregistries = ['http://a.example']\n",
    "registries = 1\n", "of-a-newer-version = 1\n",
]  # fmt: skip


@pytest.mark.parametrize("text", MAIN)
def test_a_file_stops_skopeo_exactly_when_it_does_here(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.conf"
    file.write_text(text)
    said = skopeo(tmp_path, file, f"{H}/x/y:1")
    conf = ours(tmp_path, file)
    assert any(fault.stops for fault in conf.faults) is ("loading registries" in said), said


@pytest.mark.parametrize("text", [
    table(prefix=H, location=M), table(location=H, blocked=True),
    "[registries.search]\nregistries = ['a.example']\n", "[registries.search]\n", "x = [\n",
    "unqualified-search-registries = []\n",
])  # fmt: skip
def test_drop_ins_of_the_user_count_beside_a_named_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.conf"
    file.write_text(table(prefix=H, location="127.0.0.3:9") + mirror(location="127.0.0.4:9"))
    drop_in = tmp_path / ".config/containers/registries.conf.d/a.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(text)
    (drop_in.parent / "b.txt").write_text("[[[")
    (drop_in.parent / "c.conf").mkdir()
    said = skopeo(tmp_path, file, f"{H}/x/y:1")
    conf = ours(tmp_path, file)
    assert any(fault.stops for fault in conf.faults) is ("loading drop-in" in said), said
    if not conf.faults:
        found, _ = pull_sources.sources(conf, reference(f"{H}/x/y:1"))
        tried = re.findall(r'Trying to access \\"(.*?)\\"', said)
        assert tried == [_name(each, f"{H}/x/y:1") for each in found], said


@pytest.mark.parametrize("location", ["nodots", "a.example/UPPER", "docker.io", "a:b"])
def test_a_location_that_makes_no_name_ends_the_pull(tmp_path: Path, location: str) -> None:
    file = tmp_path / "r.conf"
    file.write_text(table(prefix=H, location=location) + mirror(location=M))
    said = skopeo(tmp_path, file, f"{H}/y:1")
    odd = pull_sources.sources(ours(tmp_path, file), reference(f"{H}/y:1"))[1]
    assert (odd is not None) is ("rewriting reference" in said), said
