"""What if the file that `-f` names is noise, a bomb, nested without end, or has one bad line?

What can be read of it is diagnosed, what cannot is an entry with its line; nothing is lost, nothing
waits, nothing is run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended
from tests.test_bad_input import EVIL, refused, typed

POD = "spec:\n  containers:\n  - image: {}\n"
BOMB = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
)


def named(home: Path, content: str | bytes, name: str = "images") -> tuple[Ended, list[Any]]:
    """What the command says of a file that holds this; (text, line) of its targets."""
    file = home / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = typed(home, "check", "--offline", "--json", "-f", str(file))
    targets = json.loads(ended.stdout)["targets"] if ended.stdout else []
    return ended, [(t["target"], t["source"]["line"]) for t in targets]


ONE, TWO = ("x.example/a", 1), ("x.example/b", 2)
READ: dict[str, tuple[str, str | bytes, list[tuple[str, int]]]] = {
    # the file's name, what it holds, and what is read
    "a list": ("images", "x.example/a\nx.example/b\n", [ONE, TWO]),
    "what PowerShell writes": (
        "images",
        "x.example/a\r\nx.example/b\r\n".encode("utf-16"),
        [ONE, TWO],
    ),
    "a list with gaps": ("images", "# ours\n\n\nx.example/a\n", [("x.example/a", 4)]),
    "CRLF": ("images", "x.example/a\r\nx.example/b\r\n", [ONE, TWO]),
    "CR": ("images", "x.example/a\rx.example/b\r", [ONE, TWO]),
    "a byte order mark": ("images", b"\xef\xbb\xbfx.example/a\n", [ONE]),
    "no line end": ("images", "x.example/a", [ONE]),
    "an alias bomb": ("a.yaml", BOMB + POD.format("x.example/a"), [("x.example/a", 17)]),
    "an anchor in itself": ("a.yaml", "a: &a [*a]\nimage: x.example/b\n", [TWO]),
    "a merge of itself": ("a.yaml", "a: &a\n  <<: *a\nimage: x.example/a\n", [("x.example/a", 3)]),
    "a key twice": ("a.yaml", "image: x.example/a\nimage: x.example/b\n", [ONE]),
}


@pytest.mark.parametrize("kind", READ)
def test_what_can_be_read_is_read(tmp_path: Path, kind: str) -> None:
    name, content, targets = READ[kind]
    ended, found = named(tmp_path, content, name)
    assert (found, ended.stderr) == (targets, ""), ended
    assert ended.mebibytes < 150
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["home", name])


NO_TEXT = "The file is no text: it holds NUL characters"
RUNS = '!!python/object/apply:os.system ["touch run"]\n'
FIRST = POD.format("x.example/a")
PARTS: dict[str, tuple[str, str | bytes, list[tuple[str, int]], str]] = {
    # and what the finding says
    "a bad line": ("images", f"x.example/a\n{EVIL}\n", [ONE, (EVIL, 2)], ""),
    "a bad line first": ("images", f"{EVIL} b\nx.example/b\n", [(f"{EVIL} b", 1), TWO], ""),
    "no text in it": (
        "images",
        b"x.example/\xff\nx.example/b\n",
        [("x.example/\ufffd", 1), TWO],
        "",
    ),
    "a bad document": (
        "a.yaml",
        f"{FIRST}---\n\t- bad: [\n---\n{POD.format('x.example/b')}",
        [("x.example/a", 3), ("", 5), ("x.example/b", 9)],
        "a.yaml:5: This document is no YAML",
    ),
    "a document nested deep": (
        "a.yaml",
        f"{FIRST}---\n{'[' * 50_000}\n",
        [("x.example/a", 3), ("", 5)],
        "a.yaml:5: The document is nested deeper than 100 levels",
    ),
    "an alias to nothing": ("a.yaml", "image: *no\n", [("", 1)], "an alias has no anchor"),
    "two bad documents": (
        "a.yaml",
        f"a: [\n---\n{POD.format('x.example/b')}---\nb: ]\n",
        [("", 1), ("x.example/b", 5), ("", 7)],
        "a.yaml:1: This document is no YAML",
    ),
    "a tag that would run": ("a.yaml", RUNS, [("touch run", 1)], ""),
    "noise": ("images", b"\x93\0\xff" * 3000, [("", 1)], NO_TEXT),
    "UTF-16 without its mark": ("images", "x.example/a\n".encode("utf-16-le"), [("", 1)], NO_TEXT),
    "an image of noise": ("a.yaml", 'image: "x/\\e[2J\\u202e"\n', [("x/\x1b[2J\u202e", 1)], ""),
}


@pytest.mark.parametrize("kind", PARTS)
def test_what_cannot_be_read_is_an_entry_with_its_line(tmp_path: Path, kind: str) -> None:
    name, content, targets, says = PARTS[kind]
    ended, found = named(tmp_path, content, name)
    assert (found, ended.exit, ended.stderr) == (targets, 1, ""), ended
    (source, *_) = [t for t in json.loads(ended.stdout)["targets"] if t["verdict"] == "fail"]
    told = f"{Path(source['source']['file']).name}:{source['source']['line']}: {source['summary']}"
    assert says in told
    todo = next(r["title"] for f in source["findings"] for r in f["remedies"])
    assert (todo == f"Mend {source['source']['file']}:{source['source']['line']}") is bool(says)
    assert ended.mebibytes < 150
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["home", name])


def test_a_line_of_8_mb_is_a_finding(tmp_path: Path) -> None:
    ended, ((text, line),) = named(tmp_path, "a" * 8_000_000)
    assert (ended.exit, ended.stderr, line) == (1, "", 1)
    assert set(text) == {"a"}
    assert len(ended.stdout) < 100_000


def holds(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (holds(b""), "no image is named there"),
        (holds(b"# nothing\n\n"), "no image is named there"),
        (holds(b"a: {}\n---\n"), "no image is named there"),
        (holds(b"a" * 9_437_184), "is larger than 8 MiB"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.symlink_to("/dev/zero"), "is larger than 8 MiB"),
        (lambda file: file.symlink_to("/dev/null"), "no image is named there"),
        (lambda file: file.symlink_to("/proc/self/mem"), "cannot be read"),
        (lambda file: file.symlink_to(file.name), "cannot be read"),
        (lambda file: None, "No such file or directory"),
    ],
)
def test_a_file_without_an_image(tmp_path: Path, make: Callable[[Path], object], says: str) -> None:
    file = tmp_path / "images.yaml"
    make(file)
    refused(typed(tmp_path, "check", "--offline", "-f", str(file)), says)


def test_a_pipe_without_a_writer_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    asked = ("check", "--offline", "--timeout", "0.5", "-f", str(pipe))
    refused(typed(tmp_path, *asked), "nothing came from it within 0.5 seconds")
    writer = os.open(pipe, os.O_RDWR)
    try:
        os.write(writer, b"x.example/a\n")
        refused(typed(tmp_path, *asked), "its end did not come within 0.5 seconds")
    finally:
        os.close(writer)


def test_a_pipe_with_a_writer_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        pool.submit(pipe.write_bytes, b"x.example/a\n" * 9_000)
        ended = typed(tmp_path, "check", "--offline", "--json", "-f", str(pipe))
    assert [t["target"] for t in json.loads(ended.stdout)["targets"]] == ["x.example/a"]
    ended = typed(tmp_path, "check", "--offline", "-f", "/dev/stdin", stdin=b"x.example/a\n")
    assert "x.example/a" in ended.text


def test_standard_input_is_such_a_file(tmp_path: Path) -> None:
    given = f"x.example/a\n{EVIL}\n".encode()
    ended = typed(tmp_path, "check", "--offline", "-f", "-", stdin=given)
    assert (ended.exit, ended.stderr) == (1, "")
    refused(typed(tmp_path, "check", "--offline", "-f", "-", stdin=b"a" * 9_437_184), "8 MiB")


def test_hundreds_of_images_are_diagnosed(tmp_path: Path) -> None:
    listed = "".join(f"registry.example/app:{n}\n" for n in range(400))
    ended, found = named(tmp_path, listed)
    assert (ended.exit, len(found)) == (0, 400)


def test_a_file_that_takes_too_long_to_read_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    item = "- {apiVersion: v1, kind: Pod, spec: {containers: [{image: x.example/a:1}]}}\n"
    file.write_text("kind: List\napiVersion: v1\nitems:\n" + item * 20_000)
    words = ("check", "--offline", "--timeout", "0.01", "-f", str(file))
    refused(typed(tmp_path, *words), "is not read to its end within 0.01 seconds")
