"""What mends an error whose text names neither the image nor the client? The code's remedies that
need no host, for each client that they differ for, and where all of them stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from doctor.codes import Book
from doctor.model import Finding, Remedy, Step, Target
from doctor.redact import plain
from doctor.said import Said

_CLIENTS = ("docker", "podman", "containerd")
"""Whose remedies are shown where any may have said it."""
_HELPER = re.compile(r"docker-credential-([\w.-]{1,60})")


def remedies(finding: Finding, target: Target, book: Book) -> tuple[Remedy, ...]:
    """For a finding whose words hold no remedy for this target."""
    if book.get(finding.code) is None:
        return ()
    found = tuple(_of_each_client(finding, target, book)) if target.client == "shell" else ()
    what = "What else mends it" if found else "What mends it"
    step = Step(
        "It is told for every client; words in capitals stand for what this text does not name.",
        f"doctor explain {finding.code}",
    )
    return *found, Remedy(f"{what}: `doctor explain {finding.code}`", (step,))


def _of_each_client(finding: Finding, target: Target, book: Book) -> Iterator[Remedy]:
    seen: set[tuple[Step, ...]] = set()
    for client in _CLIENTS:
        for remedy in book.dress(finding, replace(target, client=client)).remedies:
            if remedy.steps not in seen:
                seen.add(remedy.steps)
                yield replace(remedy, title=f"With {client}: {remedy.title}")


def params(code: str, said: Said) -> dict[str, str]:
    """What the words of the code say in general, where the text names nothing of it."""
    if code == "rate.limited":
        return {"when": "later; how long the limit lasts, these words do not tell"}
    helper = _HELPER.search(said.text) if code.startswith("auth.helper-") else None
    if helper is None:
        return {}
    name = plain(helper[1])
    setting = f'the line of credsStore or credHelpers that names "{name}" in ~/.docker/config.json'
    return {"helper": f"docker-credential-{name}", "setting": setting}
