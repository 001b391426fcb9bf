"""Would the image be pulled without the credential?

Asked beside the image itself, on connections of its own, and only by `HEAD`: a credential that is
not needed can be dropped from clusters and pipelines, and where a right is refused, the comparison
tells a real login from one that was never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from doctor.facts.registry import AnonymousFact, AuthFact, ImageFact
from doctor.model import Case, Check, Fact, Finding

if TYPE_CHECKING:
    from doctor.net import Net


async def probe(case: Case, net: Net) -> Fact | None:
    return await net.anonymous(case)


def judge(case: Case) -> Iterator[Finding]:
    auth, image = case.facts.get(AuthFact), case.facts.get(ImageFact)
    beside = case.facts.get(AnonymousFact)
    if auth is None or not auth.has_credential:
        return
    answer = None
    if beside is not None and beside.public:
        answer = beside.head
    elif image is not None and image.found and auth.who == image.who == "anonymous":
        answer = image.answers[0]
    if answer is not None:
        evidence = {"anonymous": answer.proof, "credential": auth.origin}
        yield Finding(
            "auth.not-needed", hop=case.at, evidence=evidence, params={"origin": auth.origin}
        )


CHECK = Check(
    name="auth",
    part="anonymous",
    scope="target",
    of_image=True,
    needs=("auth",),
    probe=probe,
    judge=judge,
    question="Would the image be pulled without the credential?",
)
