"""Is a check's one entry true, whatever became of its parts and of the hosts that it looked at?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doctor.model import CheckResult, Diagnosis, Facts, Hop, Report, Status, Target, Verdict
from doctor.report.document import document
from tests.command import doctor
from tests.lab.test_haste import no_handshake

REGISTRY = Hop("registry", "registry.example", 443)
TOKEN = Hop("token", "auth.example", 443)


def reported(*checks: CheckResult, verdict: Verdict = "pass") -> dict[str, Any]:
    """The only target of a report with these results."""
    target = Target("registry.example", None, REGISTRY)
    found = Diagnosis(target, Facts(), checks, (), verdict, (), ())
    (made,) = document(Report((found,), datetime.now(UTC), 1.0, verdict))["targets"]
    return dict(made)


def result(status: Status = "pass", part: str = "", **more: Any) -> CheckResult:
    given = {"name": "auth", "summary": f"{part} {status}".strip(), **more}
    return CheckResult(status=status, part=part, **given)


LATE = result("skip", "local", summary="not started in time")
NO_LAYER = result("skip", "local", summary="does not apply", applies=False)


@pytest.mark.parametrize(
    ("parts", "status", "summary", "blocked_by"),
    [
        ((result(), result("pass", "local")), "pass", "pass", None),
        ((result(), NO_LAYER), "pass", "pass", None),
        ((result(), LATE), "skip", "not started in time", None),
        ((result("warn"), LATE), "skip", "not started in time", None),
        ((result(), result("skip", "local", blocked_by="tls")), "skip", "local skip", "tls"),
        ((result(), result("skip", "local")), "skip", "local skip", None),
        ((result("fail"), LATE), "fail", "fail", None),
        ((result(), result("error", "local")), "error", "local error", None),
        ((result(), result("skip", "local", blocked_by="--offline")), "pass", "pass", None),
        (
            (result("skip", blocked_by="--offline"), NO_LAYER),
            "skip", "skip", "--offline",
        ),
        ((NO_LAYER,), "skip", "does not apply", None),
        (
            (result(hop=REGISTRY), result("skip", hop=TOKEN, summary="not started in time")),
            "skip", "not started in time (auth.example:443)", None,
        ),
    ],
)  # fmt: skip
def test_a_part_that_did_not_run_is_not_lost(
    parts: tuple[CheckResult, ...], status: str, summary: str, blocked_by: str | None
) -> None:
    for order in (parts, parts[::-1]):
        (check,) = reported(*order)["checks"]
        said = (check["status"], check["summary"], check["blocked_by"])
        assert said == (status, summary, blocked_by)


def test_what_the_target_has_not_is_no_gap() -> None:
    checks = (
        result(name="tls", status="skip", blocked_by="tcp"),
        result(name="blob", status="skip", applies=False),
    )
    said = reported(*checks, verdict="incomplete")["summary"]
    assert said.endswith("not everything could be tried: tls.")


def test_a_login_that_was_never_tried_has_not_passed(tmp_path: Path) -> None:
    with no_handshake(tmp_path) as arguments:
        ended = doctor("check", "--json", "--timeout", "0.1", *arguments, home=tmp_path)
    (target,) = json.loads(ended.stdout)["targets"]
    status = {check["name"]: check["status"] for check in target["checks"]}
    assert (ended.exit, status["auth"], status["image"]) == (3, "skip", "skip"), ended


def test_a_bare_host_has_no_image_to_be_left_untried(tmp_path: Path) -> None:
    with no_handshake(tmp_path) as arguments:
        host = arguments[0].partition("/")[0]
        ended = doctor("check", "--json", "--timeout", "2", host, home=tmp_path)
    (target,) = json.loads(ended.stdout)["targets"]
    assert target["summary"].endswith("not everything could be tried: api, auth, tls."), ended
    blocked = {check["name"] for check in target["checks"] if check["blocked_by"]}
    assert not blocked & {"image", "blob"}
    offline = json.loads(doctor("check", "--json", "--offline", host, home=tmp_path).stdout)
    untried = {"dns", "proxy", "tcp", "tls", "api", "auth"}
    assert set(offline["targets"][0]["not_tried"]) == untried


def test_what_is_not_on_this_machine_has_neither_passed_nor_is_it_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = ("check", "--json", "--offline", "--root", str(tmp_path / "empty"), "--as", "podman")
    ended = doctor(*words, "registry.example", home=tmp_path)
    (target,) = json.loads(ended.stdout)["targets"]
    told = {c["name"]: (c["status"], c["blocked_by"], c["summary"]) for c in target["checks"]}
    assert told["client"] == ("skip", None, "podman is not installed here"), ended
    assert told["image"] == ("skip", None, "no image is named"), ended
    assert (ended.exit, target["verdict"]) == (0, "pass"), ended
    assert not {"client", "image"} & set(target["not_tried"]), ended
