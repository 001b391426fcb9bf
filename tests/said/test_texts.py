"""What is made of a whole text: a log, something hostile, something large?"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.said import alone, error, errors, statements, wrapping
from tests.said import MESSAGES

IMAGE = "registry.corp:5000/team/app"


def _line(tag: str, text: str) -> str:
    return f'Failed to pull image "{IMAGE}:{tag}": rpc error: code = Unknown desc = {text}'


def test_a_log_of_100_kb_gives_each_error_once_in_order() -> None:
    kinds = [
        ("a", "no such host", "dial tcp: lookup registry.corp on 10.0.0.2:53: no such host"),
        ("b", "refused", "dial tcp 10.0.0.1:5000: connect: connection refused"),
        ("c", "unknown", "x509: certificate signed by unknown authority"),
    ]
    lines = []
    for second in range(400):
        tag, _, said = kinds[second % 3]
        stamp = f"2026-11-23T21:{second // 60:02}:{second % 60:02}.123Z"
        url = f"https://registry.corp:5000/v2/team/app/manifests/{tag}"
        request = f'failed to do request: Head "{url}": {said}'
        lines.append(f"{stamp} stderr F {_line(tag, request)}")
        lines.append(f"{stamp} stdout F GET /healthz 404 not found")
    text = "\n".join(lines)
    assert len(text) > 100_000
    found = errors(text)
    assert [(s.codes[0], s.image) for s in found] == [
        ("dns.nxdomain", f"{IMAGE}:a"),
        ("tcp.refused", f"{IMAGE}:b"),
        ("tls.unknown-ca", f"{IMAGE}:c"),
    ]


def test_what_is_repeated_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work grows with the distinct errors, not with the log."""
    read: list[str] = []
    unwrapped = wrapping.unwrapped

    def counted(message: str) -> wrapping.Context:
        read.append(message)
        return unwrapped(message)

    monkeypatch.setattr(wrapping, "unwrapped", counted)
    line = _line("1", "manifest unknown")
    errors("\n".join(f"2026-11-23T21:20:{n % 60:02}Z {line}" for n in range(2000)))
    assert len(read) <= 3


def test_no_more_messages_are_read_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST", 20)
    found = errors("\n".join(_line(str(n), "name unknown: x") for n in range(50)))
    assert len(found) == 20


def test_the_same_cause_of_two_images_is_two_errors_and_of_two_spellings_one() -> None:
    two = errors(f"{_line('1', 'manifest unknown')}\n{_line('2', 'manifest unknown')}")
    assert [s.image for s in two] == [f"{IMAGE}:1", f"{IMAGE}:2"]
    short = 'Failed to pull image "nginx": toomanyrequests: x'
    long = 'Failed to pull image "docker.io/library/nginx:latest": toomanyrequests: x'
    assert len(errors(f"{short}\n{long}")) == 1


def test_a_mirrors_error_stands_beside_the_registrys() -> None:
    """containerd's log names each host; only one of them comes out."""
    log = (
        'time="2026-11-23T21:20:59Z" level=info msg="trying next host" '
        'error="failed to do request: '
        f'Head \\"https://mirror.corp/v2/team/app/manifests/1?ns=registry.corp%3A5000\\": '
        "dial tcp: "
        'lookup mirror.corp: no such host" host=mirror.corp\n'
        f'ctr: failed to resolve reference "{IMAGE}:1": {IMAGE}:1: not found\n'
    )
    first, second = errors(log)
    assert (first.codes, first.beneath) == (("client.mirror-unreachable",), ("dns.nxdomain",))
    assert (first.host, first.image) == ("mirror.corp", f"{IMAGE}:1")
    assert first.text.endswith("no such host")
    assert second.codes[0] == "registry.manifest-unknown"
    assert any("mirrors" in each for each in second.cannot_tell)


ASKED = "https://mirror.corp/v2/team/app/manifests/1"
REFUSED = "dial tcp 10.0.0.1:443: connect: connection refused"


@pytest.mark.parametrize(
    ("asked", "said", "codes"),
    [
        (f"{ASKED}?ns=registry.corp%3A5000", REFUSED, ("client.mirror-unreachable",)),
        (f"{ASKED}?ns=mirror.corp", REFUSED, ("tcp.refused",)),
        (ASKED, REFUSED, ("tcp.refused",)),
    ],
)
def test_containerd_tells_a_mirror_by_whose_image_it_asks_for(
    asked: str, said: str, codes: tuple[str, ...]
) -> None:
    assert error(f'failed to do request: Head "{asked}": {said}').codes == codes


@pytest.mark.parametrize(
    ("image", "host", "code"),
    [
        ("registry.corp/app:1", "mirror.corp:8443", "client.mirror-auth"),
        ("registry.corp/app:1", "registry.corp", "auth.no-credentials"),
        ("docker.io/library/app:1", "registry-1.docker.io", "auth.no-credentials"),
    ],
)
def test_containerd_1_6_names_the_host_that_was_asked(image: str, host: str, code: str) -> None:
    said = error(
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '
        f"pulling from host {host} failed with status code [manifests 1]: 401 Unauthorized"
    )
    assert said.codes[0] == code
    assert said.host == host


@pytest.mark.parametrize(
    ("asked", "code"),
    [(f"{ASKED}?ns=docker.io", "client.mirror-auth"), (ASKED, "auth.rejected")],
)
def test_a_mirror_that_wants_a_login_is_not_the_registry(asked: str, code: str) -> None:
    said = error(f"unexpected status from HEAD request to {asked}: 401 Unauthorized")
    assert said.codes == (code,)
    assert said.host == "mirror.corp"


def test_the_back_off_without_a_cause_is_left_out_where_the_cause_is_told() -> None:
    back_off = f'Back-off pulling image "{IMAGE}:1"'
    assert [s.codes for s in errors(back_off)] == [()]
    both = errors(f"{back_off}\n{_line('1', 'toomanyrequests: x')}\n{back_off}\n")
    assert [s.codes for s in both] == [("rate.limited",)]


@pytest.mark.parametrize("before", ["", "2026-11-23T21:20:59Z "])
def test_a_log_of_json_lines_is_read_line_by_line(before: str) -> None:
    """Escaped quotes are the JSON's."""
    said = [_line("1", "toomanyrequests: x"), "started", _line("2", "manifest unknown")]
    log = "\n".join(before + json.dumps({"level": "error", "msg": each}) for each in said)
    found = errors(log)
    assert [(s.codes[0], s.image) for s in found] == [
        ("rate.limited", f"{IMAGE}:1"),
        ("registry.manifest-unknown", f"{IMAGE}:2"),
    ]
    assert found[1].text == "manifest unknown"


def test_a_policys_words_say_whose_rule_it_is() -> None:
    where = "/etc/containers/registries.conf"
    said = error(f"Error: registry registry.corp is blocked in {where} or {where}.d")
    assert said.client == "podman"
    assert said.params["blocked_prefix"] == "registry.corp"
    assert said.params["file"] == where
    image = f"{IMAGE}:1"
    said = error(
        f"image pull failed for {image} because the signature validation failed: Source image "
        "rejected: A signature was required, but no signature exists"
    )
    assert (said.client, said.params["runtime"], said.params["policy"]) == (
        "kubelet", "cri-o", "yes",
    )  # fmt: skip
    assert "policy" not in error(f'Failed to pull image "{image}": toomanyrequests: x').params


def test_the_log_that_gh_prints_is_read_line_by_line() -> None:
    """`gh run view --log`: job, step and time before each line."""
    log = (
        "build (arm64)\tPull it\t2026-11-23T21:20:59.1Z Error response from daemon: no matching "
        "manifest for linux/arm64/v8 in the manifest list entries\n"
        "build (amd64)\tPull it\t2026-11-23T21:20:59.2Z Error response from daemon: Head "
        '"https://registry.corp/v2/app/manifests/1": denied: no right\n'
    )
    found = errors(log)
    assert [(s.codes[0], s.image) for s in found] == [
        ("registry.platform-missing", None),
        ("auth.forbidden", "registry.corp/app:1"),
    ]


DENIED = (
    "Error response from daemon: pull access denied for registry.corp/ci/base, repository does not "
    "exist or may require 'docker login': denied: requested access to the resource is denied"
)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("registry.corp/ci/base:1", ["registry.corp/ci/base:1"]),
        ("registry.corp/ci/base2:1", ["registry.corp/ci/base", "registry.corp/ci/base2:1"]),
    ],
)
def test_dockers_name_without_a_tag_is_the_image_that_was_pulled(
    image: str, found: list[str]
) -> None:
    """As a GitLab runner tells it twice."""
    log = (
        f'WARNING: Failed to pull image with policy "always": {DENIED} (manager.go:250:0s)\n'
        f'ERROR: Job failed: failed to pull image "{image}" with specified policies [always]: '
        f"{DENIED} (manager.go:250:0s)\n"
    )
    assert [said.image for said in errors(log)] == found
    other = errors(f'{DENIED}\nFailed to pull image "{image}": toomanyrequests: x\n')
    assert len(other) == 2, "another cause is another error"


def test_each_registry_that_podman_tried_has_its_own_error() -> None:
    log = (
        "Error: 2 errors occurred while pulling:\n"
        " * initializing source docker://registry.corp/app:latest: reading manifest latest in "
        "registry.corp/app: manifest unknown\n"
        " * initializing source docker://app:latest: reading manifest latest in "
        "docker.io/library/app: requested access to the resource is denied\n"
    )
    assert [(s.codes[0], s.image) for s in errors(log)] == [
        ("registry.manifest-unknown", "registry.corp/app:latest"),
        ("auth.forbidden", "app:latest"),
    ]


PODS = """\
NAMESPACE   NAME        READY   STATUS                  RESTARTS   AGE
shop        web-1       0/1     ImagePullBackOff        0          5m
shop        web-2       0/1     ImagePullBackOff        0          5m
shop        api-1       1/1     Running                 0          9d
shop        db-0        0/1     Init:ErrImagePull       0          12s
"""
DESCRIBED = """\
Containers:
  app:
    Image:          registry.corp/app:1
    Image ID:
    State:          Waiting
      Reason:       ImagePullBackOff
    Ready:          False
Events:             <none>
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ImagePullBackOff", [((), None)]),
        ("InvalidImageName\n", [(("registry.invalid-reference",), None)]),
        ("ImageInspectError", [(("k8s.inspect-error",), None)]),
        ("ErrImageNeverPull", [(("k8s.never-pull",), None)]),
        ("SignatureValidationFailed", [(("client.blocked",), None)]),
        (PODS, [((), None)]),
        (DESCRIBED, [((), "registry.corp/app:1")]),
        (PODS + _line("1", "toomanyrequests: x"), [(("rate.limited",), f"{IMAGE}:1")]),
        (PODS.replace("ImagePullBackOff", "Running").replace("Init:ErrImagePull", "Pending"), []),
        ("alert ImagePullBackOffHigh is silenced", []),
    ],
)
def test_a_reason_alone_is_known_for_what_it_tells(
    text: str, found: list[tuple[tuple[str, ...], str | None]]
) -> None:
    said = errors(text)
    assert [(s.codes, s.image) for s in said] == found
    assert all(s.codes or "and not why" in s.cannot_tell[0] for s in said)


def test_two_unprefixed_errors_in_a_row_are_two() -> None:
    text = (
        "Error response from daemon: manifest for team/a:1 not found: manifest unknown: manifest "
        'unknown\nError response from daemon: Get "https://registry.corp/v2/": unauthorized: '
        "incorrect username or password\n"
    )
    assert [s.codes[0] for s in errors(text)] == ["registry.manifest-unknown", "auth.rejected"]


def test_a_signed_links_query_is_not_repeated() -> None:
    said = error(
        'Get "https://alice:hunter2@cdn.corp/blob?X-Amz-Signature=deadbeefcafe&sig=hunter2": dial '
        "tcp 10.0.0.1:443: connect: connection refused"
    )
    assert "hunter2" not in repr(said)
    assert "deadbeef" not in repr(said)
    assert said.host == "cdn.corp"


HOSTILE = [
    '\x00\x1b[2J\u202e Failed to pull image "a\x07/b": not found',
    'Failed to pull image "' + "a" * 200_000,
    'Get "https://' + "x/v2/" * 40_000,
    '"' * 100_000,
    "\\" * 100_000 + '"',
    "{" * 100_000,
    '{"waiting":' * 3000,
    json.dumps({"waiting": {"reason": {"a": 1}, "message": 7}, "image": ["x"]}),
    json.dumps([{"waiting": {"reason": "ErrImagePull", "message": None}}]),
    'failed to pull image "x": ' * 5000,
    "(Mirrors also failed: [" * 5000,
    "certificate is valid for " + "a, " * 50_000,
    "lookup " * 50_000 + "no such host",
    'Failed to pull image "<script>alert(1)</script>": [red]x509: certificate signed by unknown '
    "authority[/red]",
    '\ud800\udfff Back-off pulling image "x"',
    "message: '\n" + "  x\n" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_and_made_safe(text: str) -> None:
    for said in errors(text):
        shown = " ".join([said.text, said.image or "", said.host or "", *said.params.values()])
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)
        assert len(said.text) < 1100
        assert len(said.image or "") < 700
    error(text)


words = st.sampled_from(
    [
        *(w for case in MESSAGES[::7] for w in case["text"].split()[:12]),
        *('"', "\\", "\n", "\t", "{", "}", ": ", "https://", "/v2/", "\x1b[", "message: '", "  "),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(words | st.text(max_size=6), max_size=60), st.sampled_from(["", " ", "\n"]))
def test_no_text_breaks_the_reader(parts: list[str], between: str) -> None:
    text = between.join(parts)
    for said in (*errors(text), error(text)):
        assert said.confidence in ("certain", "likely", "possible")
        assert "\n" not in said.text


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.text(max_size=20) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["waiting", "message", "reason", "image", "status", "items"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_reader(value: object) -> None:
    errors(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("unauthorized", ("auth.no-credentials", "auth.rejected")),
        ("401 Unauthorized", ("auth.no-credentials", "auth.rejected")),
        ("Error: Unauthorized\n", ("auth.no-credentials", "auth.rejected")),
        ("403 Forbidden", ("auth.forbidden", "auth.denied-or-missing", "registry.blocked")),
        ("connection refused", ("tcp.refused", "proxy.unreachable")),
        ("Connection refused.", ("tcp.refused", "proxy.unreachable")),
        ("toomanyrequests", ("rate.limited",)),
        ("HTTP/1.1 429 Too Many Requests", ("rate.limited",)),
        ("Client.Timeout exceeded while awaiting headers", ("registry.timeout", "tcp.timeout")),
        ("(Client.Timeout exceeded while awaiting headers)", ("registry.timeout", "tcp.timeout")),
        ("502 Bad Gateway", ("registry.server-error",)),
    ],
)
def test_a_few_words_are_known_as_the_whole_text_and_never_for_certain(
    text: str, codes: tuple[str, ...]
) -> None:
    """In a log they are anybody's."""
    (said,) = errors(text)
    assert (said.codes, said.confidence) == (codes, "possible")
    assert "alone" in said.cannot_tell[-1]
    assert errors(f"starting\n{text}\ndone\n") == ()
    assert errors(f"the database says {text}") == ()
    assert errors(f"{text} for user 12") == ()


def test_every_phrase_that_is_known_alone_has_a_meaning() -> None:
    phrases = alone._SPELT
    assert all(errors(phrase) for phrase in phrases)
    assert all(errors(phrase.upper()) for phrase in phrases)
