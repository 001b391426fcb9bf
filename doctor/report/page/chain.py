"""Which certificates were sent, and what is missing above them? The chain of a finding's evidence,
the server's own first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.report.page.markup import Markup, el

_MOST = 12
Entry = Mapping[str, Any]


def chain(evidence: Entry, now: str) -> Markup:
    """The chain as a list, where the evidence holds one. `now`: the report's own time, as a
    stamp."""
    sent = _certificates(evidence.get("chain")) or _certificates([evidence.get("certificate")])
    if not sent:
        return Markup("")
    missing = _certificates(evidence.get("missing"))
    boxes = [_box(each, i, now, sent=True) for i, each in enumerate(sent)]
    boxes += [_box(each, len(sent) + i, now, sent=False) for i, each in enumerate(missing)]
    last = (missing or sent)[-1]
    if last.get("issuer") and last.get("issuer") != last.get("subject"):
        above = el("span", "issued by", class_="role")
        boxes.append(el("li", above, el("b", _name(last["issuer"])), class_="cert absent"))
    return el("ol", *boxes, class_="chain")


def _certificates(value: Any) -> list[Entry]:
    found = value if isinstance(value, list) else []
    return [each for each in found[:_MOST] if isinstance(each, Mapping) and "subject" in each]


def _box(certificate: Entry, index: int, now: str, sent: bool) -> Markup:
    role = "the server's own" if index == 0 else "intermediate"
    if certificate.get("subject") == certificate.get("issuer"):
        role = "the server's own, self-signed" if index == 0 else "root"
    state = "sent" if sent else "missing"
    return el(
        "li",
        el("span", role if sent else f"{role}, not sent", class_="role"),
        el("b", _name(certificate.get("subject"))),
        el("span", *_dates(certificate, now), class_="how"),
        el("dl", *_facts(certificate)),
        class_=f"cert {state}",
    )


def _dates(certificate: Entry, now: str) -> Iterator[str]:
    begins, ends = str(certificate.get("not_before", "")), str(certificate.get("not_after", ""))
    yield f"valid {begins[:10]} to {ends[:10]}"
    if begins[:4].isdigit() and begins > now:
        yield el("strong", " not valid yet", class_="bad")
    elif ends[:4].isdigit() and ends < now:
        yield el("strong", " expired", class_="bad")


def _facts(certificate: Entry) -> Iterator[Markup]:
    names = {"issuer": "issuer", "key": "key", "signature": "signature", "sha256": "SHA-256"}
    for key, label in names.items():
        if certificate.get(key):
            yield el("div", el("dt", label), el("dd", str(certificate[key])))


def _name(subject: Any) -> str:
    """The common name where the text is one, else the whole."""
    text = str(subject or "(no name)")
    return text.removeprefix("CN=") if text.count("=") == 1 else text
