"""The page as it is written: well formed, nothing foreign alive, and a policy that fits it. What a
browser makes of it is in test_page.py."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.redact import plain
from doctor.report.html import render
from doctor.report.page.markup import Markup, el, lines, many, prose, raw
from tests.report.samples import NAMES, sample

ELEMENTS = {
    *("html", "head", "meta", "link", "title", "style", "script", "body"),
    *("header", "main", "footer", "section", "article", "h1", "h2", "h3", "h4", "h5"),
    *("p", "span", "a", "b", "strong", "code", "pre", "blockquote", "button", "wbr"),
    *("ul", "ol", "li", "dl", "dt", "dd", "div", "details", "summary"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "text", "line", "rect"),
}
VOID = {"meta", "link", "wbr"}


class Page(HTMLParser):
    """Elements, attributes and text, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", NAMES)
def test_it_is_well_formed_and_made_of_known_elements(name: str) -> None:
    page = Page(render(sample(name)))
    assert page.open == []
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert sum(tag == "h1" for tag, _ in page.elements) == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_attribute_runs_styles_or_fetches(name: str) -> None:
    for tag, attributes in Page(render(sample(name))).elements:
        assert not {a for a in attributes if a.startswith("on") or a in ("style", "src", "srcset")}
        href = attributes.get("href")
        if href is None:
            continue
        assert href.startswith(("https://", "#")) or (tag, href) == ("link", "data:,")
        if href.startswith("https://"):
            assert (tag, attributes["rel"]) == ("a", "noopener noreferrer")


@pytest.mark.parametrize("name", ["healthy", "hostile"])
def test_the_policy_allows_this_style_and_this_script_and_nothing_else(name: str) -> None:
    text = render(sample(name))
    policy = Page(text).elements[3][1]["content"] or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for directive, tag in (("style-src", "style"), ("script-src", "script")):
        (own,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert rules[directive] == f"'sha256-{digest}'"
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_hostile_texts_are_all_there_as_text() -> None:
    page = Page(render(sample("hostile")))
    assert "<script>alert(1)</script>" in page.text
    assert "</style><svg onload=alert(4)>" in page.text


def test_only_https_is_a_link() -> None:
    document = sample("certificate")
    remedy = document["targets"][0]["findings"][0]["remedies"][0]
    for address in ("javascript:alert(1)", "http://a.example/", "data:text/html,x", "//a"):
        remedy["docs"] = address
        assert not [
            a for t, a in Page(render(document)).elements if t == "a" and address in str(a["href"])
        ]


@given(st.text())
def test_text_stays_text(text: str) -> None:
    made = str(many([el("p", text, title=text), prose(text), el("pre", lines(text))]))
    page = Page(made)
    assert {tag for tag, _ in page.elements} <= {"p", "code", "pre"}
    assert page.elements[0][1] == {"title": plain(text)}
    assert page.text.startswith(plain(text))


def test_what_ends_its_own_element_is_refused() -> None:
    with pytest.raises(ValueError, match="ends itself"):
        raw("style", "a{}</style><script>")


def test_markup_is_not_escaped_twice() -> None:
    assert el("p", el("b", "<")) == Markup("<p><b>&lt;</b></p>")


def test_an_expired_certificate_is_called_so() -> None:
    document = sample("certificate")
    chain = document["targets"][0]["findings"][0]["evidence"]["chain"]
    assert " expired" not in Page(render(document)).text
    chain[0]["not_after"] = "2026-11-01T00:00:00Z"
    assert " expired" in Page(render(document)).text


def test_of_several_targets_each_comparison_says_whose_it_is() -> None:
    one = sample("clients")
    name = one["targets"][0]["target"]
    alone = Page(render(one)).text
    assert f"{name}, client by client" in alone
    other = sample("clients")
    for each in (*other["targets"], *other["clients"]):
        each["target"] = "other.example/app:2"
    both = {**one, **{part: [*one[part], *other[part]] for part in ("targets", "clients")}}
    page = Page(render(both))
    assert "2 targets, client by client" in page.text
    assert f"{name}, client by client" not in page.text
    assert headed(one, name) == 1  # the part of the default client
    assert [headed(both, each) for each in (name, "other.example/app:2")] == [2, 2]


def headed(document: dict[str, Any], name: str) -> int:
    """How many headings are that name."""
    heads = re.findall(r"<h2[^>]*>([^<]*(?:<wbr>[^<]*)*)</h2>", render(document))
    return [each.replace("<wbr>", "") for each in heads].count(name)
