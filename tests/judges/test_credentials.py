"""Does each fault of the local look-up get its code, weighed by what the network then said?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doctor.checks import credentials, stored
from doctor.checks.credentials import read
from doctor.clients.shell import Shell
from doctor.codes import load
from doctor.condition import white_space
from doctor.credential import Credential
from doctor.facts.credential import (
    CredentialFact,
    Fault,
    NearMiss,
    Source,
    StoredFile,
    TokenLife,
    WhiteSpace,
)
from doctor.facts.helper import Ending, HelperFact
from doctor.facts.registry import AuthFact, ImageFact, TokenOutcome, TokenTry
from doctor.model import Case, Facts, Finding, Hop, Target
from doctor.net import Net
from doctor.redact import Secret
from doctor.reference import Reference, parse
from tests.clients.registries import auth

REGISTRY = Hop("registry", "reg.example.com", 443)
CONFIG = "/home/u/.docker/config.json"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REFERENCE = parse("reg.example.com/team/app:1")
assert isinstance(REFERENCE, Reference)
TARGET = Target("reg.example.com/team/app:1", REFERENCE, REGISTRY, now=NOW)
FACT = CredentialFact(registry="reg.example.com", config=CONFIG)
FOUND = replace(FACT, found=True, origin=CONFIG, user="u", kind="password")
REFUSED = AuthFact(has_credential=True, scheme="bearer")
PUBLIC = ImageFact(kind="manifest", blob="sha256:x")


def tried(outcome: TokenOutcome, *more: TokenTry) -> AuthFact:
    return replace(REFUSED, tries=(TokenTry(who="credential", outcome=outcome), *more))


def findings(*facts: Any, target: Target = TARGET) -> tuple[Finding, ...]:
    case = Case(target, Facts((None, fact) for fact in facts))
    return (*credentials.judge(case), *stored.judge(case))


def codes(*facts: Any, target: Target = TARGET) -> dict[str, str]:
    """Code -> severity as the words have it."""
    book = load()
    return {f.code: book.dress(f, target).level for f in findings(*facts, target=target)}


def test_nothing_found_and_nothing_wrong_is_for_others_to_judge() -> None:
    assert codes(FACT) == {}
    assert codes(FOUND, tried("granted"), PUBLIC) == {}


BROKEN = Fault("syntax", CONFIG, "a comma", 3, 1, effect="stops with an error")


def test_a_broken_file_ends_the_pull_of_a_public_image_too() -> None:
    assert codes(replace(FACT, faults=(BROKEN,))) == {"auth.config-unreadable": "error"}
    assert codes(replace(FACT, faults=(BROKEN,)), PUBLIC) == {"auth.config-unreadable": "error"}


def test_the_proof_is_path_line_and_column() -> None:
    (finding,) = findings(replace(FACT, faults=(BROKEN,)))
    assert (finding.evidence["path"], finding.evidence["line"], finding.evidence["column"]) == (
        CONFIG, 3, 1)  # fmt: skip
    assert load().dress(finding, TARGET).detail == (
        f"{CONFIG}:3:1 cannot be used: a comma. A Go client such as crane stops with an error."
    )


def test_the_entry_for_the_registry_is_told_from_one_for_another() -> None:
    ours = Fault("entry", CONFIG, "no colon", 2, 5, "reg.example.com", ours=True)
    other = replace(ours, key="quay.io", ours=False)
    assert list(codes(replace(FACT, faults=(ours,)))) == ["auth.entry-malformed"]
    assert list(codes(replace(FACT, faults=(other,)))) == ["auth.config-unreadable"]


def test_one_finding_a_place_and_the_registrys_own_entry_first() -> None:
    other = Fault("entry", CONFIG, "no colon", 2, 5, "quay.io")
    ours = replace(other, key="reg.example.com", ours=True)
    found = findings(replace(FACT, faults=(other, ours)))
    assert [(f.code, f.evidence["more"]) for f in found] == [("auth.entry-malformed", ["no colon"])]


def test_an_ignored_variable_beside_a_login_that_is_found_is_a_warning() -> None:
    fault = Fault("type", "DOCKER_AUTH_CONFIG", "a field", effect="ignores it", stops=False)
    assert codes(replace(FOUND, faults=(fault,))) == {"auth.config-unreadable": "warning"}
    assert codes(replace(FACT, faults=(fault,)), REFUSED) == {"auth.config-unreadable": "error"}


UNKNOWN = replace(BROKEN, stops=False)
PASSED_OVER = replace(UNKNOWN, kind="entry", key="other.example")
OWN = replace(PASSED_OVER, key="reg.example.com", ours=True)


@pytest.mark.parametrize(("fault", "asked", "severity"), [
    (PASSED_OVER, (), "warning"),
    (PASSED_OVER, (PUBLIC,), "warning"),
    (PASSED_OVER, (REFUSED,), "error"),
    (UNKNOWN, (), "error"),
    (UNKNOWN, (PUBLIC,), "warning"),
    (OWN, (), "error"),
    (OWN, (PUBLIC,), "warning"),
    (BROKEN, (), "error"),
    (BROKEN, (PUBLIC,), "error"),
])  # fmt: skip
def test_what_the_client_passes_over_stops_no_pull_until_a_login_is_seen_to_be_needed(
    fault: Fault, asked: tuple[Any, ...], severity: str
) -> None:
    assert list(codes(replace(FACT, faults=(fault,)), *asked).values()) == [severity]


@pytest.mark.parametrize(("asked", "severity"), [((), "warning"), ((REFUSED,), "error")])
def test_a_wrong_key_is_the_fault_where_a_login_is_needed(
    asked: tuple[Any, ...], severity: str
) -> None:
    assert codes(near(), *asked) == {"auth.wrong-key": severity}


def near(**change: Any) -> CredentialFact:
    base = NearMiss(CONFIG, "reg.example.com:443", "reg.example.com", "port", 3)
    return replace(FACT, near_misses=(replace(base, **change),))


def test_a_key_that_is_not_looked_up() -> None:
    (finding,) = findings(near())
    assert (finding.code, finding.confidence) == ("auth.wrong-key", "certain")
    assert finding.evidence["key_found"] == "reg.example.com:443"
    assert finding.evidence["key_looked_up"] == "reg.example.com"


def test_another_port_may_be_another_registry() -> None:
    assert [f.confidence for f in findings(near(key="reg.example.com:5000"))] == ["likely"]
    assert codes(near(key="reg.example.com:5000"), PUBLIC) == {}


def test_a_wrong_key_beside_one_that_is_found_or_a_broken_file_is_not_the_fault() -> None:
    assert codes(replace(near(), found=True)) == {}
    assert list(codes(replace(near(), faults=(BROKEN,)))) == ["auth.config-unreadable"]


def test_a_wrong_key_for_a_public_image_is_a_warning() -> None:
    fact = near(key="docker.io", wanted="https://index.docker.io/v1/", why="docker-hub")
    assert codes(fact, PUBLIC) == {"auth.wrong-key": "warning"}


@pytest.mark.parametrize(("ending", "code"), [
    ("missing", "auth.helper-missing"), ("not-executable", "auth.helper-missing"),
    ("failed", "auth.helper-failed"), ("malformed", "auth.helper-failed"),
    ("too-large", "auth.helper-failed"), ("timeout", "auth.helper-timeout"),
])  # fmt: skip
def test_how_a_helper_ends_decides_the_code(ending: Ending, code: str) -> None:
    helper = HelperFact(program="docker-credential-x", ending=ending, setting="credsStore in f")
    assert codes(replace(FACT, helpers=(helper,))) == {code: "error"}


@pytest.mark.parametrize("ending", ["not-found", "credential"])
def test_a_helper_that_answers_is_no_fault(ending: Ending) -> None:
    helper = HelperFact(program="docker-credential-x", ending=ending)
    assert codes(replace(FACT, helpers=(helper,))) == {}


NEWLINE = replace(FOUND, white_space=(WhiteSpace("secret", "end", "a newline"),))


def test_white_space_is_the_fault_only_where_the_login_is_rejected() -> None:
    assert codes(NEWLINE) == {"auth.whitespace": "warning"}
    assert codes(NEWLINE, tried("refused"))["auth.whitespace"] == "error"
    assert codes(NEWLINE, tried("granted"), PUBLIC) == {}


@pytest.mark.parametrize(
    ("secret", "said", "unseen"),
    [
        ("\ufeffkey", "secret starts with a byte order mark", True),
        ("key\u200b", "secret ends with a zero-width space", True),
        ("key\r\n", "secret ends with a Windows line end", False),
        (" \n", "secret starts with white space", False),
        ("k e\ufeffy", "", False),
        ("", "", False),
    ],
)
def test_what_strayed_to_an_end_is_named(secret: str, said: str, *, unseen: bool) -> None:
    found = white_space(Credential("me", Secret(secret)))
    assert [w.said for w in found] == ([said] if said else [])
    assert any(w.unseen for w in found) is unseen


def test_a_trimmed_login_that_is_taken_makes_it_certain_and_is_what_the_rest_was_seen_with() -> (
    None
):
    trimmed = TokenTry(who="trimmed", outcome="granted")
    (as_it_is,) = findings(NEWLINE, tried("refused"))
    (without,) = findings(NEWLINE, tried("refused", trimmed))
    assert (as_it_is.confidence, without.confidence) == ("likely", "certain")
    assert as_it_is.params["what"] == "secret ends with a newline"
    assert "without that it is accepted" in without.params["what"]


def ends(seconds: float, read_from: Any = "token", kind: str = "JWT") -> CredentialFact:
    return replace(FOUND, life=TokenLife(kind, NOW.timestamp() + seconds, read_from))


@pytest.mark.parametrize(("seconds", "told"), [(-301, True), (-300, False), (60, False)])
def test_a_token_past_its_end_by_more_than_clocks_differ(seconds: float, told: bool) -> None:
    assert ("auth.token-expired" in codes(ends(seconds))) is told


def test_an_expired_token_weighs_as_the_answer_to_it() -> None:
    assert codes(ends(-3600), tried("refused"))["auth.token-expired"] == "error"
    assert codes(ends(-3600), tried("granted"), PUBLIC) == {}


def test_an_end_drawn_from_the_files_age_is_likely_and_offline_a_warning() -> None:
    fact = ends(-3600, "age", "ECR token")
    assert codes(fact) == {"auth.token-expired": "warning"}
    (finding,) = findings(fact, tried("refused"))
    assert (finding.confidence, load().dress(finding, TARGET).level) == ("likely", "error")


@pytest.mark.parametrize(("user", "registry", "command"), [
    ("AWS", "1.dkr.ecr.eu-west-1.amazonaws.com",
     "aws ecr get-login-password --region eu-west-1 | docker login "
     "1.dkr.ecr.eu-west-1.amazonaws.com --username AWS --password-stdin"),
    ("oauth2accesstoken", "eu-docker.pkg.dev",
     "gcloud auth print-access-token | docker login eu-docker.pkg.dev"
     " --username oauth2accesstoken --password-stdin"),
    ("00000000-0000-0000-0000-000000000000", "team.azurecr.io", "az acr login --name team"),
    ("me", "reg.example.com",
     "docker login reg.example.com --username USER_NAME --password-stdin < API_KEY_FILE"),
])  # fmt: skip
def test_a_token_is_renewed_by_the_login_of_its_kind(
    user: str, registry: str, command: str
) -> None:
    reference = parse(f"{registry}/app:1")
    assert isinstance(reference, Reference)
    target = replace(TARGET, text=str(reference), reference=reference, registry=reference.hop)
    (finding,) = findings(replace(ends(-7200), user=user, registry=registry), target=target)
    assert load().dress(finding, target).remedies[0].steps[0].command == command


@pytest.mark.parametrize(("user", "registry", "command"), [
    ("AWS", "1.dkr.ecr.eu-west-1.amazonaws.com",
     "aws ecr get-login-password --region eu-west-1 | podman login "
     "1.dkr.ecr.eu-west-1.amazonaws.com --username AWS --password-stdin"),
    ("oauth2accesstoken", "eu-docker.pkg.dev",
     "gcloud auth print-access-token | podman login eu-docker.pkg.dev"
     " --username oauth2accesstoken --password-stdin"),
    ("00000000-0000-0000-0000-000000000000", "team.azurecr.io",
     "az acr login --name team --expose-token --output tsv --query accessToken | podman login "
     "team.azurecr.io --username 00000000-0000-0000-0000-000000000000 --password-stdin"),
    ("me", "reg.example.com",
     "podman login reg.example.com --username USER_NAME --password-stdin < API_KEY_FILE"),
])  # fmt: skip
def test_podmans_token_is_renewed_where_podman_reads_it_first(
    user: str, registry: str, command: str
) -> None:
    """What docker writes comes after the old token in auth.json."""
    reference = parse(f"{registry}/app:1")
    assert isinstance(reference, Reference)
    target = replace(
        TARGET, text=str(reference), reference=reference, registry=reference.hop, client="podman"
    )
    (finding,) = findings(replace(ends(-7200), user=user, registry=registry), target=target)
    remedies = load().dress(finding, target).remedies
    assert [step.command for each in remedies for step in each.steps] == [command]


FILE = StoredFile(CONFIG, 0o644, 1000, ("reg.example.com",))


def test_secrets_in_the_clear_matter_where_a_store_is_installed() -> None:
    assert codes(replace(FOUND, files=(FILE,))) == {}
    assert codes(replace(FOUND, files=(FILE,), store="pass")) == {"auth.plaintext": "warning"}


def test_a_file_that_others_can_read() -> None:
    opened = replace(FILE, open_to="others")
    (finding,) = findings(replace(FOUND, files=(opened,)))
    assert finding.code == "auth.permissions"
    assert (finding.evidence["mode"], finding.evidence["owner"]) == ("0644", 1000)


def sources(same: int, modified: float | None = 1.0) -> CredentialFact:
    winner = Source(CONFIG, "reg.example.com", "u", 0, wins=True, modified=2.0)
    return replace(FOUND, sources=(winner, Source("auth.json", "reg", "v", same, False, modified)))


def test_several_logins_matter_if_the_wrong_one_wins() -> None:
    assert codes(sources(1)) == {}
    assert codes(sources(1, modified=3.0)) == {"auth.shadowed": "warning"}
    assert codes(sources(0, modified=3.0), tried("refused")) == {}
    assert codes(sources(1), tried("refused")) == {"auth.shadowed": "warning"}
    assert codes(sources(1, modified=None), tried("granted"), PUBLIC) == {}


@pytest.mark.parametrize(("client", "keys", "same", "told"), [
    ("docker", ("https://reg.example.com/v2/", "reg.example.com/team"), 1, True),
    ("crane", ("https://reg.example.com/v2/", "reg.example.com/team"), 1, True),
    ("docker", ("reg.example.com", "https://reg.example.com/v2/"), 1, False),
    ("docker", ("https://reg.example.com/v2/", "reg.example.com/team"), 0, False),
    ("podman", ("https://reg.example.com/v2/", "reg.example.com/team"), 1, False),
])  # fmt: skip
def test_a_login_that_wins_by_chance_is_told(
    client: str, keys: tuple[str, str], same: int, told: bool
) -> None:
    both = (
        Source(CONFIG, keys[0], "u", 0, wins=True, modified=2.0),
        Source(CONFIG, keys[1], "v", same, modified=2.0),
    )
    fact = replace(FOUND, client=client, keys=("reg.example.com",), sources=both)
    found = [f for f in findings(fact, tried("granted")) if f.code == "auth.shadowed"]
    assert [f.params["rival_key"] for f in found] == [keys[1]] * told


def test_one_that_is_refused_before_another_serves_is_told() -> None:
    first = Source("/var/lib/kubelet/config.json", "reg.example.com/team", "old", 0)
    fact = replace(sources(0), client="kubelet", refused=(first,))
    (finding,) = findings(fact, tried("granted"), PUBLIC)
    assert finding.code == "auth.shadowed"
    assert (finding.params["held_in"], finding.params["held_key"]) == (first.where, first.key)
    assert codes(fact, tried("refused")) == {}, "all are refused: that is auth.rejected"


def test_a_file_that_only_the_client_may_read_is_a_warning() -> None:
    hidden = Fault("access", CONFIG, "this user may not read it", effect="may read it", stops=False)
    assert codes(replace(FACT, faults=(hidden,)), REFUSED) == {"auth.config-unreadable": "error"}
    unseen = replace(FACT, faults=(hidden,), unasked="it was not read")
    assert codes(unseen) == {"auth.config-unreadable": "warning"}


def test_the_kubelets_plug_in_is_its_store() -> None:
    fact = replace(FOUND, files=(FILE,), store="ecr-credential-provider", client="kubelet")
    (finding,) = findings(fact)
    assert (finding.code, finding.params["helper"]) == ("auth.plaintext", "ecr-credential-provider")
    assert not finding.params["store"]
    (finding,) = findings(replace(fact, store="pass", client="shell"))
    assert finding.params["helper"] == "docker-credential-pass"


def everything() -> tuple[Finding, ...]:
    helper = HelperFact(program="docker-credential-ecr-login", setting="credsStore in f", key="k")
    fact = replace(
        FACT,
        faults=(BROKEN, replace(BROKEN, kind="entry", ours=True, key="reg.example.com", where="f")),
        helpers=tuple(replace(helper, ending=e) for e in ("missing", "failed", "timeout")),
    )
    spoilt = replace(
        NEWLINE,
        life=TokenLife("ECR token", 1.0, "token"),
        files=(replace(FILE, open_to="others"),),
        store="pass",
        sources=sources(1).sources,
    )
    return (*findings(fact), *findings(near()), *findings(spoilt, tried("refused")))


def test_every_code_has_words_whose_placeholders_are_filled() -> None:
    book = load()
    seen = {f.code for f in everything()}
    beside = {*book.of(credentials.CHECK), *book.of(stored.CHECK)}
    assert seen == beside - {"auth.rotation-due", "auth.too-broad"}
    for finding in everything():
        dressed = book.dress(finding, TARGET)
        assert dressed.detail != book.get(finding.code).means  # type: ignore[union-attr]
        assert dressed.remedies
        assert dressed.remedies[0].steps[0].text


# The look-up itself, on a machine in a folder and with helpers that run.


def look(
    environ: dict[str, str], given: Credential | None = None, root: str = "/", offline: bool = False
) -> tuple[CredentialFact | None, Net]:
    net = Net(environ=environ, root=root, credential=given, offline=offline)
    client = Shell.here(environ, root=root)
    fact = asyncio.run(read(Case(TARGET, Facts()), client, net))
    assert isinstance(fact, CredentialFact | None)
    return fact, net


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".docker").mkdir()
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}


def configure(home: dict[str, str], config: Any) -> str:
    path = Path(home["HOME"]) / ".docker" / "config.json"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return str(path)


def install(home: dict[str, str], body: str) -> None:
    path = Path(home["PATH"]) / "docker-credential-test"
    path.write_text(f"#!{sys.executable}\nimport json, sys\nkey = sys.stdin.read()\n{body}\n")
    path.chmod(0o755)


GIVES = 'print(json.dumps({"Username": "from-helper", "Secret": "canary-9876"}))'
NONE = 'print("credentials not found in native keychain"); sys.exit(1)'


def test_a_stored_login_ends_up_with_the_net_and_not_in_the_fact(home: dict[str, str]) -> None:
    path = configure(home, {"auths": {"reg.example.com": auth("me", "canary-1234\n")}})
    fact, net = look(home)
    assert fact is not None
    assert net.credential is not None
    assert net.credential.secret.reveal() == "canary-1234\n"
    assert (fact.found, fact.user, fact.key) == (True, "me", "reg.example.com")
    assert fact.origin == f'{path} ("reg.example.com")'
    assert fact.white_space == (WhiteSpace("secret", "end", "a newline"),)
    assert "canary" not in repr(fact)


def test_a_helpers_login_is_asked_for_and_its_answer_is_in_the_trace(home: dict[str, str]) -> None:
    path = configure(home, {"credsStore": "test"})
    install(home, f"if '/' in key:\n    {NONE}\n{GIVES}")
    fact, net = look(home)
    assert fact is not None
    assert net.credential is not None
    assert net.credential.user == "from-helper"
    assert [(h.key, h.ending) for h in fact.helpers] == [
        ("reg.example.com/team/app", "not-found"), ("reg.example.com", "credential")]  # fmt: skip
    assert {p.where: p.outcome for p in fact.places}[path] == "used"
    assert "canary" not in repr(fact)


def test_a_helper_that_fails_ends_the_look_up(home: dict[str, str]) -> None:
    configure(home, {"credsStore": "test"})
    install(home, 'print("locked"); sys.exit(2)')
    fact, net = look(home)
    assert fact is not None
    assert [(h.ending, h.message) for h in fact.helpers] == [("failed", "locked")]
    assert net.credential is None


def test_offline_no_helper_is_started(home: dict[str, str]) -> None:
    configure(home, {"credsStore": "test"})
    mark = Path(home["HOME"]) / "started"
    install(home, f"open({str(mark)!r}, 'w').close()\n{GIVES}")
    fact, net = look(home, offline=True)
    assert fact is not None
    assert (fact.helpers, net.credential, mark.exists()) == ((), None, False)
    assert "--offline" in fact.unasked
    assert codes(fact) == {}


def test_another_machines_helper_is_not_run_here(home: dict[str, str], tmp_path: Path) -> None:
    configure(home, {"credsStore": "test"})
    mark = Path(home["HOME"]) / "started"
    install(home, f"open({str(mark)!r}, 'w').close()\n{GIVES}")
    fact, _ = look({"HOME": "/", "PATH": "/bin"}, root=home["HOME"])
    assert fact is not None
    assert (fact.helpers, mark.exists()) == ((), False)
    assert "another machine" in fact.unasked


def test_a_given_credential_is_used_and_the_broken_file_is_not_told(home: dict[str, str]) -> None:
    configure(home, "not an object")
    given = Credential("me", Secret("canary-5555 "), origin="--username")
    fact, net = look(home, given)
    assert fact is not None
    assert net.credential is given
    assert (fact.origin, fact.user, fact.faults) == ("--username", "me", ())
    assert fact.white_space == (WhiteSpace("secret", "end", "a space"),)


def test_an_unusable_target_is_not_looked_up(home: dict[str, str]) -> None:
    target = replace(TARGET, registry=Hop("registry", "", 443), reference=None)
    net = Net(environ=home)
    assert asyncio.run(read(Case(target, Facts()), Shell.here(home), net)) is None


def test_an_old_google_token_is_told_by_the_files_age(home: dict[str, str]) -> None:
    path = configure(home, {"auths": {"reg.example.com": auth("oauth2accesstoken", "ya29.token")}})
    os.utime(path, (NOW.timestamp() - 7200,) * 2)
    fact, _ = look(home)
    assert fact is not None
    assert fact.life == TokenLife("Google access token", NOW.timestamp() - 3600, "age")
    assert codes(fact) == {"auth.token-expired": "warning"}


def test_a_fresh_one_is_not(home: dict[str, str]) -> None:
    path = configure(home, {"auths": {"reg.example.com": auth("oauth2accesstoken", "ya29.token")}})
    os.utime(path, (NOW.timestamp() - 600,) * 2)
    fact, _ = look(home)
    assert fact is not None
    assert codes(fact) == {}


def test_equal_logins_in_two_files_are_one_credential(home: dict[str, str]) -> None:
    configure(home, {"auths": {"reg.example.com": auth("me", "same-secret")}})
    other = Path(home["HOME"]) / ".config" / "containers" / "auth.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"auths": {"reg.example.com": auth("me", "same-secret")}}))
    named = {**home, "REGISTRY_AUTH_FILE": str(other)}
    fact, _ = look(named)
    assert fact is not None
    assert [s.same for s in fact.sources] == [0, 0]
    other.write_text(json.dumps({"auths": {"reg.example.com": auth("me", "other-secret")}}))
    fact, _ = look(named)
    assert fact is not None
    assert [(s.same, s.wins) for s in fact.sources] == [(0, True), (1, False)]


def test_a_login_that_a_bare_host_accepts_is_no_fault() -> None:
    host = replace(TARGET, text="reg.example.com", reference=None)
    assert codes(NEWLINE, tried("granted"), target=host) == {}
    assert codes(NEWLINE, tried("granted")) == {"auth.whitespace": "warning"}
