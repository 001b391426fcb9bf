"""Is every line that clients print recognised, whatever stands around it?"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from doctor.said import Said, error, errors
from tests.said import HERE, MESSAGES, PRINTED

FAULTS: dict[str, set[str]] = {
    "blob-garbage": {"registry.bad-response"},
    "blob-redirect-refused": {"registry.blob-unreachable", "tcp.refused"},
    "http-403-denied": {"auth.forbidden", "auth.denied-or-missing", "registry.blocked"},
    "http-404-html": {
        "registry.not-a-registry",
        "registry.manifest-unknown",
        "registry.name-unknown",
    },
    "http-429": {"rate.limited"},
    "http-500": {"registry.server-error"},
    "http-503": {"registry.server-error"},
    "invalid-name-scheme": {"registry.invalid-reference"},
    "net-dns-refused": {"dns.refused", "dns.servfail"},
    "net-nxdomain": {"dns.nxdomain"},
    "net-reset": {"tcp.reset", "tls.handshake-reset"},
    "no-credentials": {"auth.no-credentials", "auth.rejected"},
    "repo-not-found": {"registry.name-unknown", "registry.manifest-unknown"},
    "schema1-manifest": {"registry.old-schema"},
    "short-name-airgapped": {"dns.nxdomain", "registry.invalid-reference"},
    "tag-not-found": {"registry.manifest-unknown", "registry.name-unknown"},
    "tls-expired": {"tls.expired"},
    "tls-hostname-mismatch": {"tls.hostname-mismatch"},
    "tls-no-san": {"tls.hostname-mismatch"},
    "tls-self-signed": {"tls.unknown-ca", "tls.self-signed"},
    "tls-unknown-ca": {"tls.unknown-ca"},
    "token-no-rights": {"auth.forbidden", "auth.denied-or-missing"},
    "token-wrong-password": {"auth.rejected"},
    "wrong-password": {"auth.rejected"},
}
"""What each fault of the recordings truly is."""
ELSEWHERE = {"blob-garbage", "blob-redirect-refused"}
"""Faults of which `docker manifest inspect` sees nothing: it fails on an OCI manifest before."""


def only(text: str) -> Said:
    found = errors(text)
    assert len(found) == 1, [(s.codes, s.text) for s in found]
    return found[0]


def named(said: Said) -> dict[str, Any]:
    fields = {n: getattr(said, n) for n in ("host", "image", "method", "status")}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize("case", MESSAGES, ids=lambda c: c["text"][:60])
def test_every_line_is_known_with_all_that_it_names(case: dict[str, Any]) -> None:
    said = only(case["text"])
    assert list(said.codes) == case["codes"]
    assert named(said) == {k: v for k, v in case.items() if k not in ("text", "codes")}
    assert error(case["text"]).codes == said.codes
    if len(said.codes) > 1:
        assert said.confidence == "possible"
        assert said.cannot_tell


@pytest.mark.parametrize(
    "entry", [e for e in PRINTED if e["stderr"]], ids=lambda e: f"{e['fault']}, {e['client']}"
)
def test_what_real_clients_print_is_recognised(entry: dict[str, Any]) -> None:
    said = only(entry["stderr"])
    if "Cannot connect to the Docker daemon" in entry["stderr"]:
        assert said.codes == ("client.not-running",)
    elif entry["client"] == "docker manifest inspect" and entry["fault"] in ELSEWHERE:
        assert said.codes == ()
        assert "OCI" in said.cannot_tell[0]
    else:
        assert set(said.codes) & FAULTS[entry["fault"]], said.codes
        assert (said.image or entry["ref"]) == entry["ref"] or "latest" in entry["ref"]


MOVED = {
    "another host": ("registry.example.net", "/"),
    "another port": ("registry.corp:8443", "/"),
    "an IPv4 address": ("192.0.2.7:5000", "/"),
    "an IPv6 address": ("[2001:db8::7]:5000", "/"),
    "a host that is a word of errors": ("denied.unauthorized:5000", "/"),
    "a repository of error words": ("registry.corp:5000", "/not-found/x509/no-such-host/429/"),
}


@pytest.mark.parametrize("place", MOVED)
@pytest.mark.parametrize("case", MESSAGES, ids=lambda c: c["text"][:60])
def test_names_do_not_matter(case: dict[str, Any], place: str) -> None:
    host, path = MOVED[place]

    def moved(text: str) -> str:
        return text.replace("registry.corp:5000/", f"{host}{path}").replace(
            "registry.corp:5000", host
        )

    said = only(moved(case["text"]))
    assert list(said.codes) == case["codes"]
    if case.get("host") == "registry.corp:5000":
        assert said.host == host


def _describe(text: str) -> str:
    return (
        "Events:\n  Type     Reason     Age                From               Message\n"
        "  ----     ------     ----               ----               -------\n"
        '  Normal   Pulling    12s (x2 over 30s)  kubelet            Pulling image "a/b:1"\n'
        f"  Warning  Failed     12s (x2 over 30s)  kubelet            {text}\n"
        "  Warning  Failed     12s (x2 over 30s)  kubelet            Error: ErrImagePull\n"
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


AROUND: dict[str, Callable[[str], str]] = {
    "containerd's log": lambda t: (
        'time="2026-11-23T21:29:02.746025861Z" level=error '
        f'msg="PullImage \\"x.example/a:1\\" failed" error="{_quoted(t)}"\n'
    ),
    "journald": lambda t: f"Nov 23 21:20:59 node-1 containerd[812]: {t}\n",
    "CRI-O's log": lambda t: (
        f'Nov 23 21:20:59 node-1 crio[812]: time="2026-11-23 21:20:59.1Z" level=error msg="{t}"\n'
    ),
    "a container's log": lambda t: f"2026-11-23T21:20:59.308360929Z stderr F {t}\n",
    "klog": lambda t: f"E1123 21:20:59.123456    1234 remote_image.go:171] {t}\n",
    "GitHub Actions": lambda t: f"2026-11-23T21:20:59.3083609Z ##[error]{t}\n",
    "GitLab": lambda t: f"2026-11-23T21:20:59.308360Z 01E {t}\n",
    "colours": lambda t: f"\x1b[0K\x1b[31;1m{t}\x1b[0;m\r\n",
    "kubectl describe": _describe,
    "kubectl get events": lambda t: f"28s         Warning   Failed     pod/web-1   {t}\n",
    "an event's JSON": lambda t: json.dumps(
        {"kind": "Event", "reason": "Failed", "message": t, "involvedObject": {"kind": "Pod"}}
    ),
    "Docker's JSON log": lambda t: json.dumps({"log": t + "\n", "stream": "stderr"}) + "\n",
    "journald's JSON": lambda t: json.dumps({"PRIORITY": "3", "MESSAGE": t}) + "\n",
    "escaped quotes": _quoted,
}


TOLD = [case for case in MESSAGES if case["text"] not in ("EOF", "unexpected EOF")]
"""All but two words that anything may print."""


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("case", TOLD, ids=lambda c: c["text"][:60])
def test_what_stands_around_does_not_matter(case: dict[str, Any], around: str) -> None:
    text = " ".join(case["text"].split())
    said = only(AROUND[around](text))
    assert list(said.codes) == case["codes"]
    for name in ("host", "status", "method"):
        assert getattr(said, name) == case.get(name)


WRAPS: dict[str, Callable[[str], str]] = {
    "a terminal": lambda t: "\n".join(t[n : n + 80] for n in range(0, len(t), 80)),
    "an editor": lambda t: textwrap.fill(t, 80),
    "a chat": lambda t: textwrap.fill(t, 80, break_long_words=False, break_on_hyphens=False),
    "YAML": lambda t: (
        "      waiting:\n        message: '"
        + textwrap.fill(t, 72, subsequent_indent=" " * 10, break_long_words=False)
        + "'\n        reason: ErrImagePull\n"
    ),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("case", MESSAGES, ids=lambda c: c["text"][:60])
def test_wrapped_lines_are_one_message(case: dict[str, Any], wrap: str) -> None:
    text = " ".join(case["text"].split())
    said = only(WRAPS[wrap](text))
    assert list(said.codes) == case["codes"]
    assert said.status == case.get("status")


NO_ERRORS = [
    "GET /api/users 404 not found",
    'level=info msg="connection refused, retrying" component=redis',
    "2026-11-23T21:20:59Z ERROR failed to connect to `host=db user=x`: dial tcp 10.0.0.5:5432: "
    "connect: connection refused",
    "user 7 unauthorized: permission denied for table images",
    "npm ERR! 404 Not Found - GET https://npm.example/left-pad - not found",
    'Successfully pulled image "registry.corp:5000/team/app:1.0" in 1.2s (3.4s).',
    'Pulling image "registry.corp:5000/denied:unauthorized"',
    'Container image "registry.corp/app:1" already present on machine',
    "Back-off restarting failed container app in pod web_shop(6aa4e1d7)",
    "Error response from daemon: No such container: denied",
    "Error response from daemon: Conflict. The container name is already in use",
    "MountVolume.SetUp failed for volume: timed out waiting for the condition",
    "0/3 nodes are available: 3 Insufficient cpu.",
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
    'Liveness probe failed: Get "http://10.1.2.3:8080/healthz": context deadline exceeded',
    "the certificate has expired in our test; x509 is hard",
    "too many requests from user 12",
    "write /data/db: no space left on device",
    "manifest.json not found in bundle",
    'level=info msg="PullImage \\"registry.corp:5000/team/app:1.0\\""',
    'level=info msg="PullImage \\"registry.corp:5000/team/app:1.0\\" returns image reference '
    '\\"sha256:4c1d20cdee96111c8acf1858b62655a37ce81ae48648993542b7ac363ac5c0e5\\""',
    "http: TLS handshake error from 10.1.2.3:51234: remote error: tls: bad certificate",
    "fatal: repository 'https://git.corp/team/app.git/' not found",
    'Error: chart "app" version "1.2.3" not found in https://charts.corp repository',
    "Error: release: not found",
    "Error response from daemon: open /var/lib/docker/x: permission denied",
    "go: module git.corp/team/app@v1.2.3: not found",
    "WARNING: the access token is expired, refreshing it",
    "[DEPRECATION NOTICE] Docker Image Format v1 is deprecated",
]


@pytest.mark.parametrize("line", NO_ERRORS)
def test_ordinary_lines_with_the_same_words_are_no_failed_pull(line: str) -> None:
    log = f"starting\n{line}\ndone\n"
    assert errors(log) == ()
    assert errors(line) == ()


@pytest.mark.parametrize("kind", ["pods", "events"])
@pytest.mark.parametrize(
    ("scenario", "codes"),
    [
        ("wrong-password", {"auth.rejected", "auth.no-credentials"}),
        ("mixed", {"dns.nxdomain", "rate.limited", "auth.no-credentials"}),
        ("secret-auth-bad-base64", {"k8s.secret-malformed"}),
        ("healthy", set()),
        ("arch-manifest", set()),
        ("pending-unscheduled", set()),
    ],
)
def test_objects_of_a_real_cluster(kind: str, scenario: str, codes: set[str]) -> None:
    found = [f for f in sorted((HERE / "recorded").iterdir()) if f"-{scenario}-{kind}" in f.name]
    assert found
    for file in found:
        said = {code for each in errors(file.read_text()) for code in each.codes}
        assert said & codes if codes else not said, (file.name, said)


def test_what_fails_beneath_a_station_is_kept() -> None:
    said = only((HERE / "recorded" / "c24-sandbox-image-events.json").read_text())
    assert (said.codes, said.beneath) == (("k8s.sandbox-image",), ("dns.nxdomain",))
    assert said.image == "registry.k8s.io/pause:3.10"


def test_a_message_without_words_of_its_own_is_no_guess() -> None:
    said = only('Failed to pull image "a/b:1": the moon is full')
    assert (said.codes, said.image) == ((), "a/b:1")
