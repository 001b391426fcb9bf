"""What does a client's error say? The words of kubelet, containerd, CRI-O, docker, podman, skopeo
and crane -> finding codes, image, host, method and status. Offline and pure.

`error` reads one message, `errors` finds every distinct one in a log, in `kubectl describe` output
or in the JSON of pods and events. What the words cannot decide is said, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from doctor.frozen import frozen
from doctor.model import Confidence
from doctor.redact import plain
from doctor.said import ambiguous, classes, wrapping
from doctor.said.answer import Answer

_LONGEST = 16384
"""Characters of one message that are read: errors of clients are shorter."""
_USER = re.compile(r"(?<=://)[^\s\"/@]{1,500}@")
_VALUE = re.compile(r"([?&](?!(?:ns|scope|service)=)[\w.%-]{1,100}=)[^\s\"&]+")
"""A parameter of a URL: a signed link's is a credential."""
_BLANK = re.compile(r"\s+")


@frozen
class Said:
    """One error, and what can be read from it."""

    text: str
    """The error itself without its wrappers, one line, safe to show."""
    codes: tuple[str, ...]
    """Candidates from the catalogue, the likeliest first; empty: the words are not known."""
    confidence: Confidence = "possible"
    image: str | None = None
    """As the text names it."""
    host: str | None = None
    """What was spoken to: `host` or `host:port`."""
    method: str | None = None
    status: int | None = None
    client: str | None = None
    """Whose words these are, where the wrapper tells."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What placeholders of the codes' words can be filled from the text."""
    cannot_tell: tuple[str, ...] = ()
    """What the text cannot decide, in sentences."""
    beneath: tuple[str, ...] = ()
    """Where the first code names a station (token service, layer storage, proxy, sandbox image):
    what fails there."""


def error(message: str, image: str = "") -> Said:
    """What one message says: a container's waiting message, an event's, a client's own. `image`:
    where the message names none."""
    whole = _BLANK.sub(" ", message[:_LONGEST]).strip()
    context = wrapping.unwrapped(whole)
    answer = classes.classify(context)
    if not answer.codes and whole in ("ImagePullBackOff", "ErrImagePull"):
        answer = Answer((), "possible", (ambiguous.REASON,))
    elif not answer.codes and context.says("Back-off pulling image"):
        answer = Answer((), "possible", (ambiguous.BACK_OFF,))
    found = wrapping.image_of(context, image)
    method = context.fields.get("method")
    return Said(
        text=plain(_VALUE.sub(r"\1…", _USER.sub("", context.text)), 1000),
        codes=answer.codes,
        confidence=answer.confidence,
        image=_shown(found),
        host=_shown(wrapping.host_of(context)),
        method=method and method.upper(),
        status=context.status,
        client=context.client,
        params={name: plain(value, 300) for name, value in wrapping.params_of(context).items()},
        cannot_tell=_cannot_tell(answer, context),
        beneath=answer.beneath,
    )


def _shown(name: str | None) -> str | None:
    return plain(name, 600) if name else None


def _cannot_tell(answer: Answer, context: wrapping.Context) -> tuple[str, ...]:
    notes = list(answer.cannot_tell)
    if context.says("Mirrors also failed"):
        notes.append(ambiguous.OTHER_MIRRORS)
    elif answer.codes and context.says("failed to resolve image", "failed to resolve reference"):
        notes.append(ambiguous.MIRRORS)
    return tuple(notes)


def errors(text: str) -> tuple[Said, ...]:
    """Every distinct error of a text, once each, in the order of appearance."""
    return counted(text)[0]


def counted(*texts: str) -> tuple[tuple[Said, ...], int]:
    """The same of several texts, one after another, and how many distinct messages were not looked
    at because there are so many."""
    from doctor.said import statements

    found = [statements.errors(text) for text in texts]
    said = [each for errors, _ in found for each in errors]
    return statements.distinct(said) if len(found) > 1 else tuple(said), sum(n for _, n in found)
