"""Are the reports that every surface is looked at with reports at all, and do they show what they
are there for?"""

from __future__ import annotations

import pytest

from doctor.redact import MASK, scrub_data
from tests.lab.world import validator
from tests.report.samples import NAMES, sample

AREAS = ("dns", "tcp", "proxy", "tls", "registry", "auth", "rate", "k8s", "client", "doctor")


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_the_schema(name: str) -> None:
    validator().validate(sample(name))


def test_every_area_and_every_shape_is_there() -> None:
    reports = [sample(name) for name in NAMES]
    codes = {f["code"] for r in reports for t in r["targets"] for f in t["findings"]}
    pulls = [p for r in reports if r["kubernetes"] for p in r["kubernetes"]["pulls"]]
    codes |= {f["code"] for pull in pulls for f in pull["findings"]}
    assert {code.partition(".")[0] for code in codes} >= set(AREAS)
    assert {r["verdict"] for r in reports} == {"pass", "warn", "fail", "incomplete"}
    assert max(len(r["targets"]) for r in reports if not r["clients"]) > 1
    assert any(t["source"] for r in reports for t in r["targets"])
    assert {f["role"] for r in reports for t in r["targets"] for f in t["hops"]} >= {
        *("registry", "token", "storage"),
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("nothing_known")
def test_the_gate_has_nothing_to_mask_in_it(name: str) -> None:
    """What left through it once passes it again as it is: no command of a remedy is broken."""
    assert scrub_data(sample(name)) == sample(name)
    assert MASK not in str(sample(name))
