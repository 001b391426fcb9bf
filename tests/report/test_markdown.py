"""Tickets: rendered, the text is the text, and no HTML, link or picture is in it but the folds that
are ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from doctor.redact import plain
from doctor.report.markdown import render
from doctor.report.marked import block, cell, code, code_cell, prose, tagged
from tests.report.samples import NAMES, sample

READER = MarkdownIt("gfm-like", {"linkify": True, "html": True})
OURS = re.compile(r"</?(?:details|summary|sub)>")
SIGNS = st.text(
    st.sampled_from("`*_[]()<>#|~&$!\\-+=1.@:/ \"'\n\t\u202eaA") | st.characters(codec="utf-8"),
    max_size=40,
)


def tokens(text: str) -> list[Token]:
    """All of them, those within a line too."""
    found = READER.parse(text)
    return [inner for token in found for inner in (token, *(token.children or ()))]


def read(text: str) -> str:
    """What a reader sees."""
    return "".join(t.content for t in tokens(text) if t.type in ("text", "code_inline"))


def squeezed(text: str) -> str:
    """Without blanks and the backticks that prose takes for marks."""
    return re.sub(r"[\s`]", "", text)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_html_but_the_folds(name: str) -> None:
    found = tokens(render(sample(name)))
    for token in found:
        if token.type in ("html_block", "html_inline"):
            left = OURS.sub("", token.content)
            left = re.sub(r"</?code>", "", left)
            assert "<" not in left, token.content
            assert ">" not in left, token.content
    assert not {t.type for t in found} & {"link_open", "image"}


@pytest.mark.parametrize("name", NAMES)
def test_every_fold_is_closed(name: str) -> None:
    text = "".join(t.content for t in tokens(render(sample(name))) if t.type.startswith("html"))
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<summary>") == text.count("</summary>") == text.count("<details>")


@given(SIGNS)
def test_a_sentence_stays_a_sentence(text: str) -> None:
    """One paragraph, no other kind of block, nothing alive, every sign seen."""
    written = prose(f"{text}.")
    found = READER.parse(written)
    assert [t.type for t in found] == ["paragraph_open", "inline", "paragraph_close"]
    assert {t.type for t in tokens(written)[1:]} <= {"inline", "text", "code_inline"} | {
        "paragraph_open",
        "paragraph_close",
        "text_special",
    }
    assert squeezed(read(written)) == squeezed(plain(f"{text}."))


@pytest.mark.parametrize(("text", "written"), [
    ("at [::1]:5000/a:1 here", "at `[::1]:5000/a:1` here"),
    ("at ([2001:db8::1]).", "at (`[2001:db8::1]`)."),
    ("see [a/b:1]", "see \\[`a/b:1`\\]"),
    ("a [note: this] too", "a \\[note: this\\] too"),
])  # fmt: skip
def test_the_brackets_of_an_address_are_its_own(text: str, written: str) -> None:
    assert prose(text) == written


@given(SIGNS)
def test_code_stays_code(text: str) -> None:
    (inline,) = (t for t in READER.parse(f"a {code(text)} z") if t.type == "inline")
    kinds = [t.type for t in inline.children or ()]
    assert kinds == ["text", "code_inline", "text"]


@given(SIGNS, SIGNS)
def test_a_table_keeps_its_columns(one: str, other: str) -> None:
    table = f"| a | b | c |\n| --- | --- | --- |\n| {cell(one)} | {code_cell(other)} | z |"
    found = tokens(table)
    assert sum(t.type == "td_open" for t in found) == 3
    assert not {t.type for t in found} & {"link_open", "image", "html_inline", "html_block"}
    assert found[-5].content == "z"


@given(SIGNS)
def test_a_block_ends_where_it_ends(text: str) -> None:
    lines = [plain(line) for line in text.splitlines()] or [""]
    found = READER.parse("\n".join([*block(lines, "sh"), "", "after"]))
    assert [t.type for t in found][:2] == ["fence", "paragraph_open"]
    assert found[0].content == "\n".join(lines) + "\n"


@given(SIGNS)
def test_a_summary_holds_nothing_but_code(text: str) -> None:
    assert "<" not in re.sub(r"</?code>", "", tagged(text))


def test_commands_can_be_copied_as_they_stand() -> None:
    document = sample("certificate")
    commands = [
        step["command"]
        for finding in document["targets"][0]["findings"]
        for remedy in finding["remedies"]
        for step in remedy["steps"]
        if step["command"]
    ]
    fences = [t.content.rstrip("\n") for t in tokens(render(document)) if t.type == "fence"]
    assert set(commands) <= set(fences)


def test_what_is_wrong_comes_before_the_proof() -> None:
    told = render(sample("certificate"))
    order = ["# ❌ Cannot be pulled", "## Cause", "### What to do", "Or: ", "Proof", "The path"]
    assert [told.index(each) for each in order] == sorted(told.index(each) for each in order)


def test_clients_stand_against_layers() -> None:
    told = render(sample("clients"))
    assert "| client | client | proxy | dns | tcp | tls |" in told
    assert re.search(r"\| ❌ failed docker \|.*\| ❌ failed \|", told)


def test_the_api_server_is_no_registry_and_a_proxy_before_it_is_one() -> None:
    document = sample("kubernetes")
    server = document["kubernetes"]["hops"][0]
    document["kubernetes"]["hops"].append({**server, "role": "proxy", "host": "proxy.example"})
    rows = [line.split(" | ") for line in render(document).splitlines() if ".example:" in line]
    assert [row[1] for row in rows if row[0].startswith("| ")] == ["API server", "proxy"]


def test_each_node_is_a_name_of_its_own() -> None:
    document = sample("kubernetes")
    document["kubernetes"]["pulls"][0]["nodes"] = [f"n{n}" for n in range(10)]
    assert "`n0`, `n1`, " in render(document)
    assert "`n7` and 2 more: " in render(document)
