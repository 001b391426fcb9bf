"""What follows from a pasted text? Its errors -> a report: nothing was looked at, so that a finding
is what the words say, and no more.

What the words cannot decide is in the evidence (`cannot_tell`), and a remedy says which command
would decide it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from doctor.codes import Book
from doctor.codes.area import check_of
from doctor.codes.template import command
from doctor.command import unnamed
from doctor.model import Diagnosis, Facts, Finding, Hop, Remedy, Report, Step, Target
from doctor.redact import plain
from doctor.reference import Reference, parse, read_target
from doctor.registry import hub
from doctor.said import Said, counted

UNKNOWN = "k8s.cause-unknown"
_EYES = {
    **{name: name for name in ("kubelet", "containerd", "cri-o", "docker", "podman", "crane")},
    **{"skopeo": "podman", "buildah": "podman"},
}
"""Whose remedies and whose `--as` fit the words of a program: skopeo and buildah read what podman
reads."""
_STATIONS = ("registry.blob-", "auth.realm-", "proxy.", "client.mirror-")
"""Codes of what fails elsewhere than at the registry."""
_ANSWERS = {
    "dns.nxdomain": "no such host",
    "dns.servfail": "server misbehaving",
    "dns.refused": "server misbehaving",
}
_OF_WORDS = {
    *("runtime", "named", "then", "ping", "policy", "mirror_image", "mirror_host"),
    *("statement", "suggestion", "rule", "denied", "reason"),
}
"""Params that only fill in a remedy's words, and prove nothing."""
_LONGEST = 220


_EVENTS = Step(
    "Without the right to that: whoever may read the events has them explained.",
    "kubectl get events --all-namespaces | doctor explain -",
)


def report(texts: Sequence[str], book: Book) -> Report:
    """One entry for each distinct error of the texts; where there is none, one that says so; and
    one for what was left out of a text with too many."""
    started, clock = datetime.now().astimezone(), time.perf_counter()
    found, left = counted(*texts)
    diagnoses = [_diagnosis(said, book) for said in found] or [_nothing("\n".join(texts), book)]
    if left:
        diagnoses.append(_left_out(left, book))
    return Report(
        diagnoses=tuple(diagnoses),
        started=started,
        ms=(time.perf_counter() - clock) * 1000,
        verdict="fail",
    )


def _diagnosis(said: Said, book: Book) -> Diagnosis:
    target = target_of(said)
    if not said.codes:
        return _settled(target, [_unknown(said, target, book)])
    found = [_finding(code, said, target, book) for code in said.codes]
    decide = tuple(_deciding(said, target))
    first = decide if said.confidence == "possible" else ()
    found[0] = replace(
        found[0],
        remedies=(*first, *found[0].remedies, *(decide if not first else ())),
        evidence=_evidence(said),
    )
    below = [replace(_finding(c, said, target, book), root_cause=False) for c in said.beneath]
    return _settled(target, [*found, *(b for b in below if b.code not in said.codes)])


def _settled(target: Target, findings: list[Finding]) -> Diagnosis:
    return Diagnosis(
        target=target,
        facts=Facts(),
        checks=(),
        findings=tuple(findings),
        verdict="fail",
        root_causes=tuple(dict.fromkeys(f.code for f in findings if f.root_cause)),
        not_tried=(),
    )


def target_of(said: Said) -> Target:
    """The image as seen through the client whose words they are."""
    image = parse(said.image) if said.image else None
    reference = image if isinstance(image, Reference) else None
    elsewhere = bool(said.codes) and said.codes[0].startswith(_STATIONS)
    hop = reference.hop if reference else None if elsewhere else _hop(said.host)
    eyes = _EYES.get(said.client or "", "shell")
    return Target(
        text=said.image or said.host or "",
        reference=reference,
        registry=hop or Hop("registry", "", 443),
        client=eyes,
        runtime=said.params.get("runtime", "") if eyes == "kubelet" else "",
        vantage="text",
    )


def _hop(host: str | None) -> Hop | None:
    return read_target(f"{host}/").registry if host else None


def _finding(code: str, said: Said, target: Target, book: Book) -> Finding:
    hop = None if code.startswith(("k8s.", "client.")) else _hop(said.host)
    if hop is not None and hop.host == target.registry.host and hop.port == target.registry.port:
        hop = target.registry
    bare = Finding(
        code,
        check=check_of(code),
        severity="error",
        confidence=said.confidence,
        hop=hop,
        evidence={"said": said.text},
        params=_params(code, said, target, hop),
        root_cause=True,
        title=_title(code, said),
    )
    words = book.get(code)
    dressed = book.dress(bare, target)
    if words is not None and "{" not in dressed.detail and dressed.detail == words.means:
        dressed = replace(dressed, detail=f"{_quoted(said)} {words.means}")
    if not dressed.remedies:
        dressed = replace(dressed, remedies=unnamed.remedies(bare, target, book))
    return dressed


def _title(code: str, said: Said) -> str:
    """A title of its own, as the check gives it; else the code's."""
    from doctor.checks.client import NOT_ALLOWED

    return NOT_ALLOWED if code == "client.not-running" and "denied" in said.params else ""


def _quoted(said: Said) -> str:
    """Who says it, and the words."""
    who = said.client or "The text"
    who = "The kubelet" if who == "kubelet" else who
    text = said.text.rstrip(". ")
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"{who} says: {text}."


def _evidence(said: Said) -> Mapping[str, object]:
    """What was read, and what it does not tell."""
    found: dict[str, object] = {
        "said": said.text,
        "client": said.client,
        "image": said.image,
        "host": said.host,
        "method": said.method,
        "status": said.status,
        **{name: value for name, value in said.params.items() if name not in _OF_WORDS},
        "beneath": list(said.beneath),
        "cannot_tell": list(said.cannot_tell),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _params(code: str, said: Said, target: Target, hop: Hop | None) -> dict[str, str]:
    """What the words of the code may have filled in, as far as a text holds it."""
    params = unnamed.params(code, said) | dict(said.params)
    params.pop("runtime", None)
    on_hub = target.named in hub.DOMAINS
    address, _, port = params.get("address", "").rpartition(":")
    if target.registry.host:
        params["login_at"] = hub.NAME if on_hub else target.named
    if hop is target.registry and hop.host and not on_hub:
        params |= {"own_host": target.named, "certs": "/etc/containerd/certs.d"}
    if address:
        params |= {"addresses": address, "address": address, "port": port}
    if code in _ANSWERS and "resolver" in params:
        params["answer"] = f'"{_ANSWERS[code]}"'
    if code == "registry.invalid-reference" and said.image:
        found = parse(said.image)
        if not isinstance(found, Reference):
            params |= {"statement": found.statement, "suggestion": found.suggestion or ""}
    if target.reference is not None:
        params["wanted"] = _wanted(target.reference)
        params["reference"] = str(target.reference)
    if said.status and said.client != "curl":
        params["what"] = f"status {said.status}"
        if said.method:
            params["request"] = f"the {said.method} request"
    params["because"] = said.text[:_LONGEST]
    if said.beneath:
        words = said.text[:_LONGEST]
        how = words if code == "client.mirror-unreachable" else "the connection fails"
        params |= {"how": how, "said": words}
    return {name: plain(value, 400) for name, value in params.items() if value}


def _wanted(reference: Reference) -> str:
    return f"digest {reference.digest}" if reference.digest else f"tag {reference.tag}"


def _deciding(said: Said, target: Target) -> Iterator[Remedy]:
    """Which command would decide what the words leave open."""
    eyes = f" --as {target.client}" if target.client != "shell" else ""
    where = "a node that fails" if target.client == "kubelet" else "the machine that fails"
    name = said.image if target.reference else said.host
    typed = name and command("{what}", {"what": name})
    told = " ".join(said.cannot_tell[:2])
    text = f"{told} This walks the same way and shows each layer.".strip()
    in_cluster = Step("With access to the cluster, this reads its objects too.", "doctor k8s -A")
    untold = not said.codes and target.client == "kubelet"
    of_cluster = untold or (said.codes[:1] != () and said.codes[0].startswith("k8s."))
    cluster = (in_cluster,) if of_cluster or target.client == "kubelet" else ()
    if of_cluster and not typed:
        step = Step(f"{told} The cluster's own objects decide.".strip(), "doctor k8s -A")
        steps = (step, _EVENTS) if untold else (step,)
        yield Remedy("Have it proved by the cluster's objects: `doctor k8s -A`", steps)
        return
    if not typed:
        step = Step(
            f"{text} The text names no image: name the one that fails to `doctor check{eyes}`."
        )
        yield Remedy(f"Have it proved on {where}: `doctor check{eyes}`", (step, *cluster))
        return
    yield Remedy(
        f"Have it proved on {where}: `doctor check{eyes} {plain(str(name), 200)}`",
        (Step(text, f"doctor check{eyes} {typed}"), *cluster),
        verify="The report names the cause with its proof.",
    )


def _unknown(said: Said, target: Target, book: Book) -> Finding:
    return _no_cause(
        target,
        book,
        "No cause is told, or none that is known",
        f"{_quoted(said)} {' '.join(said.cannot_tell) or 'No known cause stands in it.'}",
        _evidence(said),
        tuple(_deciding(said, target)),
    )


def _nothing(text: str, book: Book) -> Diagnosis:
    """The text holds no error of a pull that is known."""
    shown = plain(" ".join(text[:4000].split()), 600)
    what = "The text is empty." if not shown else "It holds no error of a pull that is known here."
    said = Said(shown, ())
    target = target_of(said)
    finding = _no_cause(
        target,
        book,
        "No known error in the text",
        f"{what} Nothing is guessed from it.",
        {"text": shown} if shown else {},
        tuple(_deciding(said, target)),
    )
    return _settled(target, [finding])


def _left_out(count: int, book: Book) -> Diagnosis:
    """That there are more messages than are looked at."""
    target = target_of(Said("", ()))
    many = f"{count:,} more distinct message{'' if count == 1 else 's'}"
    step = Step(
        "Give the rest to `doctor explain -` by itself: the later half of the log, or what one "
        "node, one namespace or one hour of it says."
    )
    finding = _no_cause(
        target,
        book,
        f"{many} left out",
        f"The text holds {many} that look like errors of pulls and were not read.",
        {"left_out": count},
        (Remedy("Explain the text in parts", (step,)),),
    )
    return _settled(target, [finding])


def _no_cause(
    target: Target,
    book: Book,
    title: str,
    detail: str,
    evidence: Mapping[str, object],
    remedies: tuple[Remedy, ...],
) -> Finding:
    finding = Finding(
        UNKNOWN,
        check="k8s",
        confidence="possible",
        evidence=evidence,
        title=title,
        detail=detail,
        remedies=remedies,
        root_cause=True,
    )
    return book.dress(finding, target)
