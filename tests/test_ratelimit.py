"""Is every dialect of rate-limit headers read, and is everything else left alone?"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.registry.ratelimit import Limit, hint, read, retry_after

DATE = "Wed, 21 Oct 2026 07:27:00 GMT"
AT = datetime(2026, 10, 21, 7, 27, tzinfo=UTC).timestamp()


def one(headers: dict[str, str]) -> Limit:
    (found,) = read(headers)
    return found


def test_docker_hub() -> None:
    found = one({
        "RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "20;w=21600",
        "Docker-RateLimit-Source": "203.0.113.7",
    })  # fmt: skip
    assert found == Limit(100, 20, 21600, None, "203.0.113.7", "docker-hub")
    assert found.share == pytest.approx(0.2)


def test_the_older_drafts_with_a_delay() -> None:
    found = one({"RateLimit-Limit": "100", "RateLimit-Remaining": "50", "RateLimit-Reset": "5",
                 "RateLimit-Policy": "100;w=60"})  # fmt: skip
    assert found == Limit(100, 50, 60, 5, "", "draft-06")


def test_the_policy_that_counts_is_the_limits_own() -> None:
    found = one({"RateLimit-Limit": "10", "RateLimit-Remaining": "9", "RateLimit-Reset": "1",
                 "RateLimit-Policy": "10;w=1, 5000;w=3600"})  # fmt: skip
    assert found.window == 1


def test_github_style_with_an_instant() -> None:
    found = one({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0",
                 "X-RateLimit-Reset": str(int(AT) + 90), "X-RateLimit-Resource": "core",
                 "Date": DATE})  # fmt: skip
    assert (found.remaining, found.reset, found.dialect, found.policy) == (
        0,
        90,
        "x-ratelimit",
        "core",
    )


def test_an_instant_needs_the_answers_own_time() -> None:
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "1",
               "X-RateLimit-Reset": str(int(AT) + 90)}  # fmt: skip
    assert one(headers).reset is None
    assert read(headers, now=AT)[0].reset == 90


def test_an_instant_in_milliseconds() -> None:
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "1",
               "X-RateLimit-Reset": str((int(AT) + 90) * 1000), "Date": DATE}  # fmt: skip
    assert one(headers).reset == 90


def test_draft_07() -> None:
    found = one({"RateLimit": "limit=100, remaining=50, reset=5"})
    assert found == Limit(100, 50, None, 5, "", "draft-07")


@pytest.mark.parametrize("name", ['"default"', "default"])
def test_draft_08_with_names_quoted_or_not(name: str) -> None:
    found = one({"RateLimit-Policy": f"{name};q=100;w=60", "RateLimit": f"{name};r=50;t=30"})
    assert found == Limit(100, 50, 60, 30, "", "draft-08", "default")


def test_several_policies_come_tightest_first() -> None:
    found = read({"RateLimit-Policy": '"burst";q=10;w=1, "day";q=1000;w=86400;pk=:YWJj:',
                  "RateLimit": '"burst";r=9;t=1, "day";r=3;t=5000'})  # fmt: skip
    assert [(f.policy, f.remaining, f.limit) for f in found] == [("day", 3, 1000), ("burst", 9, 10)]


def test_a_name_with_a_comma_in_quotes_stays_whole() -> None:
    found = one({"RateLimit-Policy": '"a, b";q=10;w=1', "RateLimit": '"a, b";r=9'})
    assert (found.policy, found.limit) == ("a, b", 10)


def test_a_header_sent_twice_is_one_list() -> None:
    found = read([("RateLimit", '"a";r=1;t=1'), ("ratelimit", '"b";r=2;t=1')])
    assert [f.policy for f in found] == ["a", "b"]


@pytest.mark.parametrize("headers", [
    {}, {"RateLimit-Limit": ""}, {"RateLimit-Limit": "many", "RateLimit-Remaining": "few"},
    {"RateLimit": "yes"}, {"RateLimit-Reset": "5"}, {"RateLimit-Policy": "100;w=60"},
    {"X-RateLimit-Remaining": "-1"}, {"RateLimit": '"x";r=-1'}, {"RateLimit": '"x";r=1e9'},
    {"Content-Length": "100"},
])  # fmt: skip
def test_what_does_not_parse_says_nothing(headers: dict[str, str]) -> None:
    assert read(headers) == ()


def test_one_field_that_does_not_parse_leaves_the_others() -> None:
    found = one({"RateLimit-Limit": "abc", "RateLimit-Remaining": "3", "RateLimit-Reset": "soon"})
    assert (found.limit, found.remaining, found.reset, found.share) == (None, 3, None, None)


@pytest.mark.parametrize(("value", "seconds"), [
    ("120", 120), (" 120 ", 120), ("0", 0),
    ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
    ("Wednesday, 21-Oct-26 07:28:00 GMT", 60),
    ("Wed Oct 21 07:28:00 2026", 60),
    ("Wed, 21 Oct 2026 07:00:00 GMT", 0),
    ("1.5", None), ("-3", None), ("abc", None), ("", None), ("1e3", None), ("Mon", None),
    ("9" * 40, None), ("999999999999999", None), ("31536000", 31536000), ("40000000", None),
    (str(int(AT) + 90), 90), (str(int(AT) - 90), 0),
    ("Wed, 99 Oct 2026 07:28:00 GMT", None), ("٣", None),
])  # fmt: skip
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after(value, DATE) == seconds


def test_without_a_date_the_given_clock_counts() -> None:
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT", now=AT - 30) == 90


@pytest.mark.parametrize(("text", "seconds", "allowed"), [
    ("toomanyrequests: retry-after: 1.16ms, allowed: 44000/minute", 0.00116, "44000/minute"),
    ("retry-after: 5m", 300, ""), ("retry-after: soon", None, ""), ("", None, ""),
])  # fmt: skip
def test_a_hint_in_a_message(text: str, seconds: float | None, allowed: str) -> None:
    found, limit = hint(text)
    assert (found, limit) == (pytest.approx(seconds) if seconds else seconds, allowed)


NAMES = st.sampled_from([
    "ratelimit", "RateLimit-Limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy",
    "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "date",
    "docker-ratelimit-source",
])  # fmt: skip
VALUES = st.text(alphabet='0123456789;=wrtq", abc-:\\\n\0é', max_size=80) | st.text(max_size=40)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_no_headers_raise_and_the_count_is_bounded(headers: list[tuple[str, str]]) -> None:
    found = read(headers)
    assert len(found) <= 8
    for each in found:
        assert each.share is None or 0 <= each.share <= 1
        assert each.reset is None or each.reset >= 0


@given(VALUES, VALUES)
def test_no_retry_after_raises(value: str, date: str) -> None:
    seconds = retry_after(value, date)
    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_a_date_and_its_delay_agree(seconds: int, made: datetime) -> None:
    made = made.replace(microsecond=0, tzinfo=UTC)
    later = datetime.fromtimestamp(made.timestamp() + seconds, UTC)
    assert (
        retry_after(format_datetime(later, usegmt=True), format_datetime(made, usegmt=True))
        == seconds
    )
    assert retry_after(str(seconds)) == seconds


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_limit_written_down_is_read_again(limit: int, left: int, window: int) -> None:
    old = one(
        {"ratelimit-limit": f"{limit};w={window}", "ratelimit-remaining": f"{left};w={window}"}
    )
    new = one({"ratelimit-policy": f'"p";q={limit};w={window}', "ratelimit": f'"p";r={left}'})
    assert (old.limit, old.remaining, old.window) == (new.limit, new.remaining, new.window)
