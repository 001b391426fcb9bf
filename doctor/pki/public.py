"""Does a chain reach a root that the public trusts, as Mozilla's list in certifi has it?

No container client here uses certifi: its verdict is evidence, of a private CA or, for a well-known
public registry, of interception. The list's own date is also a time before which no right clock can
be.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from doctor.facts.trust import TrustStore

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from doctor.pki.store import Roots


def store() -> TrustStore:
    """Where the list lies. certifi is not loaded to say so: that brings the reading of packages in
    archives along, some milliseconds of every diagnosis."""
    from importlib.util import find_spec

    spec = find_spec("certifi")
    beside = os.path.join(os.path.dirname(spec.origin or "") if spec else "", "cacert.pem")
    if os.path.isfile(beside):
        return TrustStore("certifi", beside)
    import certifi

    return TrustStore("certifi", certifi.where())


def holds(certificate: x509.Certificate) -> bool:
    """Is this very certificate in the list? A search in its text: a fraction of a millisecond, and
    nothing is parsed.
    """
    from doctor.pki.certificate import pem

    try:
        with open(store().source, "rb") as file:
            return pem(certificate) in file.read()
    except OSError:
        return False


def reaches(chain: Sequence[x509.Certificate], at: datetime, roots: Roots | None = None) -> bool:
    """Does the chain lead to a public root, dates aside?"""
    from doctor.pki.store import Roots
    from doctor.pki.verify import build

    return bool(chain) and build(chain, roots or Roots((store(),)), at).anchored


def released() -> datetime | None:
    """The day of the list's release: no right clock shows less."""
    from datetime import UTC, datetime

    import certifi

    try:
        year, month, day = (int(part) for part in certifi.__version__.split(".")[:3])
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
