"""Are systemd's unit files read as systemd reads them?"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from doctor.clients.unit import Value, environment_file, lines, service, words

FILE = "/etc/systemd/system/docker.service"


def environment(*texts: str) -> dict[str, str]:
    unit = service([(f"[Service]\n{text}", f"{n}.conf") for n, text in enumerate(texts)])
    return {name: value.text for name, value in unit.environment.items()}


@pytest.mark.parametrize(("written", "expected"), [
    ("Environment=A=1", {"A": "1"}),
    ('Environment="A=1 2" B=3', {"A": "1 2", "B": "3"}),
    ("Environment='A=1 2' \"B=3\"", {"A": "1 2", "B": "3"}),
    ('Environment=A="1 2"', {"A": "1 2"}),
    ("Environment=A=1 B=2\nEnvironment=A=3", {"A": "3", "B": "2"}),
    ("Environment=A=1\nEnvironment=\nEnvironment=B=2", {"B": "2"}),
    ("Environment=A=1 \\\n  B=2", {"A": "1", "B": "2"}),
    ("Environment=A=1 \\\n# between\n  B=2", {"A": "1", "B": "2"}),
    ("# Environment=A=1\n;Environment=A=2\n  Environment = A=3", {"A": "3"}),
    ("environment=A=1", {}),
    ("Environment=A=p%%40q", {"A": "p%40q"}),
    ("Environment=A=p%40q", {"A": "p%40q"}),
    (r'Environment="A=say \"x\" \x41\n"', {"A": 'say "x" A\n'}),
    ("Environment=A=", {"A": ""}),
    ("Environment=A=1\r\nEnvironment=B=2\r", {"A": "1", "B": "2"}),
    ('Environment="A=1', {}),
    ("Environment=A=1 1B=2 C=3", {"A": "1", "C": "3"}),
])  # fmt: skip
def test_environment_is_read_as_systemd_does(written: str, expected: dict[str, str]) -> None:
    assert environment(written) == expected


def test_drop_ins_come_after_the_unit_in_their_order() -> None:
    assert environment("Environment=A=1 B=1", "Environment=A=2") == {"A": "2", "B": "1"}
    assert environment("Environment=A=1 B=1", "Environment=", "Environment=C=3") == {"C": "3"}


def test_a_value_knows_its_file_and_line() -> None:
    unit = service([("[Unit]\nX=y\n\n[Service]\n# c\nEnvironment=A=1 \\\n B=2\n", FILE)])
    assert unit.environment["A"] == Value("1", FILE, 7)
    assert unit.environment["A"].origin == f"{FILE}:7"


def test_only_the_services_section_counts() -> None:
    unit = service([("Environment=A=0\n[Unit]\nEnvironment=A=1\n[Install]\nA=B", FILE)])
    assert (unit.environment, [f.line for f in unit.flaws]) == ({}, [1])


@pytest.mark.parametrize(("written", "line", "what"), [
    ("Environment=HTTP PROXY=x", 2, "NAME=VALUE"),
    ('Environment="A=1', 2, "quote"),
    (r"Environment=A=\q", 2, "escape"),
    ("Environment=A=p%C3%A9", 2, "%"),
    ("junk", 2, "KEY="),
    ("EnvironmentFile=relative", 2, "absolute"),
    ("[Service", 2, "]"),
])  # fmt: skip
def test_what_systemd_passes_over_is_a_flaw(written: str, line: int, what: str) -> None:
    (flaw,) = service([(f"[Service]\n{written}", FILE)]).flaws[:1]
    assert (flaw.file, flaw.line) == (FILE, line)
    assert what in flaw.what


def test_a_well_formed_unit_has_no_flaw() -> None:
    text = "\ufeff[Unit]\nDescription=Docker\n\n[Service]\nType=notify\nEnvironment=A=p%%20q\n"
    assert service([(text, FILE)]).flaws == ()


def test_environment_files_are_listed_and_taken_back() -> None:
    text = (
        "[Service]\nEnvironmentFile=/gone\nEnvironmentFile=\nEnvironmentFile=-/etc/default/docker\n"
    )
    unit = service([(text, FILE), ("[Service]\nEnvironmentFile=/etc/sysconfig/docker", "x.conf")])
    assert [(v.text, optional) for v, optional in unit.files] == [
        ("/etc/default/docker", True), ("/etc/sysconfig/docker", False),
    ]  # fmt: skip


def test_the_command_is_the_last_one_left() -> None:
    first = ("[Service]\nExecStart=/usr/bin/dockerd -H fd://", FILE)
    other = ("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd", "x.conf")
    one, two = service([first]).command, service([first, other]).command
    assert (one.text if one else "") == "/usr/bin/dockerd -H fd://"
    assert (two.text if two else "") == "/usr/bin/dockerd"


def test_lines_keep_their_numbers_through_continuations() -> None:
    found, _ = lines("[Service]\nA=1\\\n2\\\n3\nB=4\\", FILE)
    assert [(each.key, each.value, each.line) for each in found] == [
        ("A", "1 2 3", 4), ("B", "4", 6),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [
    ("", ()),
    ("a  b\tc", ("a", "b", "c")),
    ("a'b c'd", ("ab cd",)),
    ("''", ("",)),
    (r"\x2f\057", ("//",)),
])  # fmt: skip
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == (expected, "")


@pytest.mark.parametrize(("text", "expected"), [
    ("A=1\nB=2", {"A": "1", "B": "2"}),
    ("# A=1\n; A=2\n\n  A=3  ", {"A": "3"}),
    ('A="1 2"', {"A": "1 2"}),
    ("A='1 \\ 2'", {"A": "1 \\ 2"}),
    (r'A="say \"x\" \$y \z"', {"A": r'say "x" $y \z'}),
    ("A=1 \\\n2\nB=3", {"A": "1 2", "B": "3"}),
    ("A=it's", {"A": "it's"}),
    ("A=1 # not a comment", {"A": "1 # not a comment"}),
    ("A=x y", {"A": "x y"}),
    ("export A=1\nB=2", {"B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ('A="two\nlines"\nB=2', {"A": "two\nlines", "B": "2"}),
    ("A=\nB=2", {"A": "", "B": "2"}),
    ("junk\nB=2", {"B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("A='1'\"2\"3", {"A": "123"}),
    ("# a \\\nA=1\nB=2", {"B": "2"}),
])  # fmt: skip
def test_environment_files(text: str, expected: dict[str, str]) -> None:
    found, _ = environment_file(text, "/etc/default/docker")
    assert {name: value.text for name, value in found.items()} == expected


def test_the_shells_export_is_a_flaw() -> None:
    found, flaws = environment_file("A=1\nexport B=2\n", "/etc/default/docker")
    assert (list(found), [(f.line, f.effect) for f in flaws]) == (
        ["A"], [(2, "passes over the line")],
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a\\\n" * 200_000, "A=1\n" * 200_000, "[" * 1_000_000, "A='" * 300_000]
)
def test_a_megabyte_of_anything_is_read_at_once(text: str) -> None:
    """What would take time that grows with the square of the size never ends here."""
    service([(f"[Service]\n{text}", FILE)])
    environment_file(text, FILE)
    words(text)


GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")


@pytest.mark.skipif(not GENERATOR.exists(), reason="systemd's generator is not installed")
@pytest.mark.parametrize("text", [
    "A=1\nB=2", "# A=1\n; A=2\n\n  A=3  ", 'A="1 2"', "A='1 \\ 2'", 'A="say \\"x\\" \\z"',
    "A=1 \\\n2\nB=3", "A=it's", "A=1 # not a comment", "A=1\r\nB=2\r\n", "A='1'\"2\"3",
    "junk\nB=2", "A =1\nB= 2", "A=a\\ b\\ \nB=1", "A=\"x\\\ny\"", "A= 'x' 'y'",
    "A=x'y z'", "A=x\\\\y", "\\A=1\nB=2", "A==1", "A=1 ;B=2", "A=\t1\t",
])  # fmt: skip
def test_an_environment_file_is_read_as_systemds_own_reader_does(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "environment.d"
    folder.mkdir()
    (folder / "x.conf").write_bytes(text.encode())
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": os.defpath}
    said = subprocess.run([GENERATOR], capture_output=True, text=True, check=True, env=environ)
    theirs = dict(_unquoted(line) for line in said.stdout.splitlines() if line[:2] in ("A=", "B="))
    found, _ = environment_file(text, FILE)
    assert {name: value.text for name, value in found.items()} == theirs


def _unquoted(line: str) -> tuple[str, str]:
    """The generator prints what it has as a shell would write it: $'...' where need be."""
    done = subprocess.run(
        ["bash", "-c", f'{line}; printf %s "${line[0]}"'], capture_output=True, text=True
    )
    return line[0], done.stdout
