"""Several clients' views in, codes out: where they part, and whose store holds the CA."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor import codes, comparison
from doctor.checks import differences, stores
from doctor.facts.clients import ClientsFact, Eye
from doctor.facts.credential import CredentialFact
from doctor.facts.proxy import ProxySetting, RouteFact
from doctor.facts.tls import Certificate, ChainError, TlsFact, Verdict
from doctor.facts.trust import TrustFact, TrustStore
from doctor.model import Case, CheckResult, Diagnosis, Facts, Finding, Hop, Target
from doctor.reference import Reference, parse

IMAGE = "registry.corp/app:1"
REGISTRY = Hop("registry", "registry.corp", 443)
BOOK = codes.load()
LEAF = Certificate(sha256="aa", subject="CN=registry.corp", issuer="CN=Corp CA")
SYSTEM = TrustStore("system", "/etc/ssl/certs/ca-certificates.crt")
CERTS_D = TrustStore("certs.d", "/etc/docker/certs.d/registry.corp/ca.crt")
CORP = TrustStore("SSL_CERT_FILE", "/home/me/corp.pem")
ACCEPTED = TlsFact(chain=(LEAF,), verdicts=(Verdict(ok=True),))
UNKNOWN = TlsFact(chain=(LEAF,), verdicts=(Verdict(errors=(ChainError(20, 0, "unknown"),)),))
EXPIRED = TlsFact(chain=(LEAF,), verdicts=(Verdict(errors=(ChainError(10, 0, "expired"),)),))
PROXY = ProxySetting(host="proxy.corp", port=3128, origin="HTTPS_PROXY")
CAN = Eye(client="shell", layers=(("tls", "pass"), ("image", "pass")))
CANNOT = Eye(
    client="docker",
    verdict="fail",
    layers=(("tls", "fail"), ("image", "skip")),
    first_failing="tls",
    root_causes=("tls.unknown-ca",),
    reason="It is not trusted.",
)


def judged(*eyes: Eye, hop: Hop | None = None) -> list[Finding]:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    target = Target(IMAGE, reference, REGISTRY, system="debian")
    facts = Facts([(None, ClientsFact(eyes=eyes))] if eyes else [])
    judge = stores.judge if hop else differences.judge
    found = [BOOK.dress(each, target) for each in judge(Case(target, facts, hop))]
    for each in found:
        words = BOOK.get(each.code)
        assert words is not None
        assert each.detail != words.means, "a param of its detail is missing"
        assert (each.severity, bool(each.remedies), bool(each.evidence)) == ("warning", True, True)
    return found


def commands(finding: Finding) -> str:
    return "\n".join(step.command or "" for step in finding.remedies[0].steps)


def test_one_that_fails_is_told_beside_those_that_do_not() -> None:
    (found,) = judged(CAN, CANNOT, replace(CAN, client="podman"))
    assert (
        found.detail
        == "shell and podman can pull registry.corp/app:1; docker cannot, first at tls."
    )
    assert found.evidence["clients"]["docker"]["tls"] == "fail"
    assert found.evidence["clients"]["podman"]["tls"] == "pass"
    assert commands(found) == "doctor check --as docker registry.corp/app:1"


@pytest.mark.parametrize(
    "eyes",
    [
        (),
        (CAN,),
        (CAN, replace(CAN, client="docker", verdict="warn")),
        (CANNOT, replace(CANNOT, client="podman")),
        (CAN, replace(CAN, client="docker", verdict="incomplete")),
        (replace(CAN, verdict="incomplete"), CANNOT),
        (replace(CAN, whole=False), CANNOT),
    ],
    ids=["none", "one", "all-can", "none-can", "who-knows", "nobody-can", "left-out"],
)
def test_where_nobody_parts_nothing_is_told(eyes: tuple[Eye, ...]) -> None:
    assert judged(*eyes) == []


def test_a_pull_is_seen_to_work_where_image_and_blob_were_tried() -> None:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    names = ("tls", "api", "image", "blob", "rate")

    def whole(reference: Reference | None, *left_out: str) -> bool:
        checks = tuple(
            CheckResult(name, "skip" if name in left_out else "pass", blocked_by="--offline")
            for name in names
        )
        target = Target(IMAGE, reference, REGISTRY)
        own = Diagnosis(target, Facts(), checks, (), "warn", (), left_out)
        return comparison.tried(own)

    assert whole(reference)
    assert whole(reference, "rate")
    assert not whole(reference, "blob")
    assert not whole(reference, "image", "blob")
    assert whole(None, "image", "blob")
    assert not whole(None, *names)


def test_those_that_fail_alike_are_told_of_together() -> None:
    alike = replace(CANNOT, client="podman")
    other = replace(CANNOT, client="crane", first_failing="auth", root_causes=("auth.denied",))
    together, alone = judged(CAN, CANNOT, alike, other)
    assert (together.subject, alone.subject) == ("docker and podman", "crane")


def test_the_one_without_the_proxy_is_given_it() -> None:
    able = replace(CAN, route=RouteFact(proxy=PROXY, reason="variable", no_proxy=".corp"))
    stuck = replace(CANNOT, first_failing="tcp", root_causes=("tcp.timeout",), route=RouteFact())
    (found,) = judged(able, stuck)
    assert 'HTTPS_PROXY=http://proxy.corp:3128"' in commands(found)
    assert 'NO_PROXY=.corp"' in commands(found)
    secret = replace(PROXY, user="me")
    able = replace(CAN, route=RouteFact(proxy=secret, reason="variable"))
    assert "--as docker" in commands(judged(able, stuck)[0])
    own = replace(stuck, route=RouteFact(proxy=replace(PROXY, host="other.corp")))
    assert "--as docker" in commands(judged(able, own)[0])


def test_the_one_without_the_login_is_given_it() -> None:
    able = replace(CAN, credential=CredentialFact(found=True))
    without = replace(
        CANNOT, client="podman", first_failing="auth", root_causes=("auth.no-credentials",),
        credential=CredentialFact(),
    )  # fmt: skip
    assert commands(judged(able, without)[0]).startswith("podman login")
    wrong = replace(without, credential=CredentialFact(found=True))
    assert "--as podman" in commands(judged(able, wrong)[0])
    neither = replace(able, credential=CredentialFact())
    assert "--as podman" in commands(judged(neither, without)[0])


def seen(eye: Eye, tls: TlsFact, *trusted: TrustStore) -> Eye:
    return replace(eye, tls=((REGISTRY, tls, TrustFact(stores=trusted)),))


def test_the_file_that_one_client_has_is_offered_to_the_other() -> None:
    (found,) = judged(
        seen(CAN, ACCEPTED, SYSTEM, CORP), seen(CANNOT, UNKNOWN, SYSTEM), hop=REGISTRY
    )
    assert found.subject == "docker"
    assert f"{CORP.path} /etc/docker/certs.d/registry.corp/ca.crt" in commands(found)
    (found,) = judged(
        seen(replace(CANNOT, client="shell"), UNKNOWN, SYSTEM),
        seen(replace(CAN, client="docker"), ACCEPTED, SYSTEM, CERTS_D),
        hop=REGISTRY,
    )
    assert f"{CERTS_D.path} /usr/local/share/ca-certificates/registry.corp.crt" in commands(found)
    (found,) = judged(
        seen(replace(CANNOT, client="shell"), UNKNOWN, CORP),
        seen(replace(CAN, client="docker"), ACCEPTED, CORP, CERTS_D),
        hop=REGISTRY,
    )
    assert commands(found) == f"cat {CERTS_D.path} >> {CORP.path}"


@pytest.mark.parametrize(
    "extra", [(), (CORP, CERTS_D), (replace(SYSTEM, path="/certs", kind="directory"),)]
)
def test_where_the_file_is_not_known_none_is_named(extra: tuple[TrustStore, ...]) -> None:
    able = seen(CAN, ACCEPTED, SYSTEM, *extra)
    (found,) = judged(able, seen(CANNOT, UNKNOWN, SYSTEM), hop=REGISTRY)
    assert commands(found) == "doctor check --as docker registry.corp/app:1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ACCEPTED, ACCEPTED),
        (UNKNOWN, UNKNOWN),
        (ACCEPTED, EXPIRED),
        (ACCEPTED, replace(UNKNOWN, chain=(replace(LEAF, sha256="bb"),))),
        (ACCEPTED, TlsFact(outcome="reset")),
    ],
    ids=["both", "neither", "dates", "another-chain", "no-chain"],
)
def test_stores_that_do_not_decide_it_are_not_blamed(one: TlsFact, other: TlsFact) -> None:
    assert judged(seen(CAN, one, SYSTEM), seen(CANNOT, other, SYSTEM), hop=REGISTRY) == []
