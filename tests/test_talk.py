"""Whoever writes to standard error, in whatever pieces: no secret comes out, and nothing else is
lost."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.process.talk import Talk
from doctor.redact import MASK, Secret

WORD = "5tand-by & wa1t"
OTHER = "t0 follow it"
"""It begins as the other one ends."""
Secret(WORD)
Secret(OTHER)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(*pieces: str, flush: bool = False) -> str:
    Secret(WORD)  # known whatever other tests made of the gate
    stream = io.StringIO()
    talk = Talk(stream)
    for piece in pieces:
        talk.write(piece)
        if flush:
            talk.flush()
    talk.end()
    return stream.getvalue()


def parts(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([WORD, OTHER, WORD[:4], "a line\n", "5", "t", "\r", "\x1b[K", " and "]),
        max_size=8,
    ),
    st.lists(st.integers(0, 80), max_size=8),
    st.booleans(),
)
def test_a_secret_in_pieces_is_masked_and_the_rest_arrives(
    words: list[str], cuts: list[int], flush: bool
) -> None:
    text = "".join(words)
    assert one_mask(said(*parts(text, cuts), flush=flush)) == one_mask(
        text.replace(WORD, MASK).replace(OTHER, MASK)
    )


def one_mask(text: str) -> str:
    """However many secrets follow one another."""
    return re.sub(rf"(?:{re.escape(MASK)})+", MASK, text)


def test_a_line_goes_out_when_it_ends_and_the_rest_with_a_flush() -> None:
    stream = io.StringIO()
    talk = Talk(stream)
    talk.write("one\ntwo ↦")
    assert stream.getvalue() == "one\n"
    talk.flush()
    assert stream.getvalue() == "one\ntwo ↦"


def test_the_beginning_of_a_secret_waits() -> None:
    stream = io.StringIO()
    talk = Talk(stream)
    talk.write(f"it said {WORD[:9]}")
    talk.flush()
    assert stream.getvalue() == "it said "
    talk.write(f"{WORD[9:]}\n")
    assert stream.getvalue() == f"it said {MASK}\n"


def test_half_a_secret_at_the_end_stays_inside() -> None:
    assert said(f"it said {WORD[:9]}") == f"it said {MASK}"


def test_it_is_the_terminal_that_it_stands_for() -> None:
    assert Talk(Terminal()).isatty()
    assert not Talk(io.StringIO()).isatty()


NOISE = {
    "print": "print(secret, file=sys.stderr)",
    "without a line end": "sys.stderr.write('it is ' + secret)",
    "in pieces": "[sys.stderr.write(c) for c in secret]",
    "print to standard output": "print(secret)",
    "log": "import logging; logging.getLogger('x').warning('it is %s', secret)",
    "warn": "import warnings; warnings.warn(secret)",
    "thread": """
import threading
def die(): raise RuntimeError(secret)
t = threading.Thread(target=die); t.start(); t.join()""",
    "task": """
import asyncio, gc
async def die(): raise RuntimeError(secret)
async def forget():
    asyncio.create_task(die()); await asyncio.sleep(0.01)
asyncio.run(forget()); gc.collect()""",
    "finaliser": """
class Bad:
    def __del__(self): raise RuntimeError(secret)
Bad()""",
    "exit": "raise SystemExit(secret)",
    "bug": "raise RuntimeError(secret)",
    "interrupt": "raise KeyboardInterrupt(secret)",
}


@pytest.mark.parametrize("noise", NOISE)
def test_whatever_happens_inside(noise: str) -> None:
    """A whole process, in which a command makes that noise."""
    lines = "\n".join(f"    {line}" for line in NOISE[noise].strip().splitlines())
    program = f"""
import sys
from doctor import cli
from doctor.__main__ import entry
from doctor.redact import Secret
def _dispatch(argv):
    secret = Secret("s3cret-w0rd & more").reveal()
{lines}
    return 7
cli._dispatch = _dispatch
entry()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "s3cret" not in done.stderr
    if noise != "print to standard output":
        assert "s3cret" not in done.stdout
    if noise not in ("interrupt", "bug", "exit", "print to standard output"):
        assert MASK in done.stderr, done.stderr
