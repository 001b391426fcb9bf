"""A chain that one client was shown, judged by another's store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from doctor.facts.tls import TlsFact, Verdict
from doctor.facts.trust import TrustFact, TrustStore
from doctor.pki.certificate import der
from doctor.pki.shown import judged_by
from tests.certificates import authority, leaf

ROOT, OTHER = authority(), authority("Another Root CA")
CHAIN = (der(leaf(ROOT, "reg.test").certificate),)
WENT_WELL = TlsFact(verdicts=(Verdict(ok=True, store="theirs"), Verdict(rules="openssl", ok=True)))


def trusting(folder: Path, *roots: str) -> TrustFact:
    file = folder / "own.pem"
    file.write_text("".join(roots))
    return TrustFact(stores=(TrustStore("own", str(file)),))


@pytest.mark.parametrize(("roots", "host", "accepts"), [
    ((ROOT.pem,), "reg.test", True),
    ((OTHER.pem, ROOT.pem), "reg.test", True),
    ((OTHER.pem,), "reg.test", False),
    ((ROOT.pem,), "other.test", False),
])  # fmt: skip
def test_the_verdict_is_the_stores_own(
    tmp_path: Path, roots: tuple[str, ...], host: str, accepts: bool
) -> None:
    fact = judged_by(trusting(tmp_path, *roots), WENT_WELL, CHAIN, host)
    assert (fact.ok, fact.verdict and fact.verdict.ok) == (accepts, accepts)
    assert fact.verdict is not None
    assert (fact.verdict.store, fact.verdict.paths) == ("own", (str(tmp_path / "own.pem"),))
    assert fact.verdicts[1] == WENT_WELL.verdicts[1]


@pytest.mark.parametrize("ders", [(), (b"\0",), (b"\0", *CHAIN)])
def test_what_cannot_be_read_is_accepted_by_nobody(tmp_path: Path, ders: tuple[bytes, ...]) -> None:
    fact = judged_by(trusting(tmp_path, ROOT.pem), replace(WENT_WELL), ders, "reg.test")
    assert not fact.ok
