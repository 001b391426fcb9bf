"""What is answered to an error's words: which findings they may stand for, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.frozen import frozen
from doctor.model import Confidence
from doctor.said.wrapping import Context


@frozen
class Answer:
    """Candidates from the catalogue, the likeliest first; none: the words are not known."""

    codes: tuple[str, ...] = ()
    confidence: Confidence = "likely"
    cannot_tell: tuple[str, ...] = ()
    beneath: tuple[str, ...] = ()
    """Where the first code names a station (token service, layer storage, proxy, sandbox image):
    what fails there."""


Rule = tuple[re.Pattern[str], "Answer | Callable[[Context], Answer | None]"]


def sure(*codes: str, tell: tuple[str, ...] = ()) -> Answer:
    return Answer(codes, "certain", tell)


def likely(*codes: str, tell: tuple[str, ...] = ()) -> Answer:
    return Answer(codes, "likely" if len(codes) == 1 else "possible", tell)


def rule(pattern: str, answer: Answer | Callable[[Context], Answer | None]) -> Rule:
    return re.compile(pattern), answer


def status(low: int, high: int, answer: Callable[[Context], Answer | None]) -> Rule:
    def of(context: Context) -> Answer | None:
        status = context.status
        return answer(context) if status is not None and low <= status <= high else None

    return re.compile(""), of
