"""The trust store: does the command read the stores that a Go client reads, say which of them lacks
what, and mend it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificates import Issued, authority, leaf
from tests.lab import cure, servers
from tests.lab.chains import OLD_ROOT
from tests.lab.programs import need
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, Way
from tests.lab.world import World

pytestmark = pytest.mark.lab

CORP = "/etc/corp"
CA = f"{CORP}/ca.crt"
NEXT = authority("Lab Root CA")
"""The CA that was made anew, under its old name."""


def pem(world: World) -> bytes:
    return world.ca.pem.encode()


def der(world: World) -> bytes:
    return world.ca.certificate.public_bytes(Encoding.DER)


def other(world: World) -> bytes:
    return authority("Other CA").pem.encode()


def inspection(world: World) -> bytes:
    return servers.inspection_ca(world).read_bytes()


def private(content: Callable[[World], bytes | None] = pem, path: str = CA, **env: str) -> Way:
    """The registry's CA is not in the system's store; that file holds it, or something else. None:
    a folder stands there."""

    def machine(world: World) -> None:
        world.trust(authority("Public CA"))
        file = world.etc / path.removeprefix("/etc/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if (data := content(world)) is None:
            file.mkdir()
        else:
            file.write_bytes(data)

    return Way(machine=machine, env=env)


def beside(path: str, content: Callable[[World], bytes | None] = pem, **env: str) -> Way:
    """As always, but variables name something besides."""
    way = private(content, path, **env)

    def machine(world: World) -> None:
        way.machine(world)
        world.trust(world.ca)

    return replace(way, machine=machine)


def bare(world: World) -> None:
    """A machine, or more often a container, without any list of CAs."""
    (world.etc / "ssl/certs/ca-certificates.crt").unlink()


def lone_intermediate(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """It is not sent; the store holds it in place of its root."""
    made = leaf(issuer, HOST)
    world.trust(issuer)
    return made, [made.certificate]


def pinned(world: World, issuer: Issued) -> tuple[Issued, Any]:
    made = leaf(None, HOST)
    world.trust(made)
    return made, None


def under_an_old_root(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """The store holds an expired root, and not its successor."""
    world.trust(OLD_ROOT)
    return leaf(authority("Old Issuing CA", OLD_ROOT), HOST), None


def across(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """A cross-signed chain, of whose roots the store holds only the one that has expired."""
    world.trust(OLD_ROOT)
    made = leaf(issuer, HOST)
    return made, [*made.chain, authority("Lab Root CA", OLD_ROOT, key=world.ca.key).certificate]


def renewed(world: World, issuer: Issued) -> tuple[Issued, Any]:
    return leaf(NEXT, HOST), None


def trusting_inspection(world: World) -> None:
    bundle = world.etc / "ssl/certs/ca-certificates.crt"
    bundle.write_bytes(bundle.read_bytes() + inspection(world))


UNUSABLE = "tls.ca-file-unusable"
UNKNOWN = Scenario("unknown", private(path="/etc/elsewhere.crt"), ("tls.unknown-ca",))
FILE_OF_ANOTHER = Scenario(
    "file-holds-another-ca", private(other, SSL_CERT_FILE=CA), ("tls.unknown-ca",)
)
MADE_ANEW = Scenario("ca-made-anew", Way(certificate=renewed), ("tls.unknown-ca",))
SELF_SIGNED = Scenario("self-signed", Way(certificate="self-signed"), ("tls.self-signed",))
FILE_MISSING = Scenario("file-missing", private(SSL_CERT_FILE="/etc/corp/gone.crt"), (UNUSABLE,))
FOLDER_MISSING = Scenario("folder-missing", private(SSL_CERT_DIR="/etc/gone"), (UNUSABLE,))
CROSS_SIGNED = Scenario(
    "cross-signed-by-an-expired-root", Way(certificate=across), ("tls.intermediate-expired",)
)
INSPECTED = Scenario("inspected", Way(inspected=True), ("tls.intercepted",))
NOT_NEEDED = Scenario(
    "file-missing-and-not-needed", beside(CA, SSL_CERT_FILE="/etc/corp/gone.crt"), also=(UNUSABLE,)
)
TAKEN = (
    Scenario("ssl-cert-file", private(SSL_CERT_FILE=CA)),
    Scenario("ssl-cert-dir", private(SSL_CERT_DIR=CORP)),
    Scenario("ssl-cert-dir-of-two", private(SSL_CERT_DIR=f"/etc/ssl/certs:{CORP}")),
    Scenario("in-the-systems-folder", private(path="/etc/ssl/certs/corp.pem")),
    Scenario("intermediate-alone-in-the-store", Way(certificate=lone_intermediate)),
    Scenario("pinned-self-signed", Way(certificate=pinned)),
    Scenario("file-of-another-ca", beside(CA, other, SSL_CERT_FILE=CA)),
    NOT_NEEDED,
    Scenario(
        "folder-missing-and-not-needed", private(SSL_CERT_DIR=f"/etc/gone:{CORP}"), also=(UNUSABLE,)
    ),
    Scenario(
        "inspected-and-trusted",
        Way(inspected=True, machine=trusting_inspection),
        also=("tls.intercepted",),
    ),
)
REFUSED = (
    UNKNOWN,
    Scenario("no-store-at-all", Way(machine=bare), ("tls.unknown-ca",)),
    FILE_MISSING,
    Scenario("file-empty", private(lambda world: b"", SSL_CERT_FILE=CA), (UNUSABLE,)),
    Scenario("file-is-a-folder", private(lambda world: None, SSL_CERT_FILE=CA), (UNUSABLE,)),
    Scenario("file-is-der", private(der, SSL_CERT_FILE=CA), (UNUSABLE,)),
    FILE_OF_ANOTHER,
    FOLDER_MISSING,
    Scenario("folder-is-a-file", private(SSL_CERT_DIR=CA), (UNUSABLE,)),
    Scenario(
        "folder-hides-the-systems",
        beside(CA, other, SSL_CERT_FILE=CA, SSL_CERT_DIR=CORP),
        ("tls.unknown-ca",),
    ),
    MADE_ANEW,
    SELF_SIGNED,
    Scenario("root-expired", Way(certificate=under_an_old_root), ("tls.intermediate-expired",)),
    CROSS_SIGNED,
    INSPECTED,
)


@pytest.mark.parametrize("scenario", (*TAKEN, *REFUSED), ids=attrgetter("name"))
def test_the_cause_is_found_and_is_real(scenario: Scenario, lab: World, store: Path) -> None:
    need("mitmdump")
    run, copied = scenario.both(lab, store)
    scenario.verify(run)
    assert (copied.exit == 0) is not bool(scenario.causes), copied


@pytest.mark.parametrize(("holds", "causes"), ((pem, ()), (other, ("tls.unknown-ca",))))
def test_a_ca_may_be_tried(
    holds: Callable[[World], bytes], causes: tuple[str, ...], lab: World, store: Path
) -> None:
    """As skopeo takes one from a folder of certificates."""
    scenario = Scenario("--ca", private(holds), causes, options=("--ca", CA))
    run, copied = scenario.both(lab, store, "--src-cert-dir", CORP)
    scenario.verify(run)
    assert (copied.exit == 0) is not bool(causes), copied


@pytest.mark.parametrize(
    ("scenario", "ca", "which"),
    (
        (UNKNOWN, pem, 0),
        (UNKNOWN, pem, 1),
        (FILE_OF_ANOTHER, pem, 0),
        (MADE_ANEW, lambda world: NEXT.pem.encode(), 0),
        (SELF_SIGNED, other, 0),
        (FILE_MISSING, pem, 0),
        (FOLDER_MISSING, pem, 0),
        (CROSS_SIGNED, pem, 0),
        (INSPECTED, inspection, 0),
        (INSPECTED, inspection, 1),
    ),
    ids=lambda value: value.name if isinstance(value, Scenario) else "",
)
def test_the_remedy_mends_it(
    scenario: Scenario, ca: Callable[[World], bytes], which: int, lab: World, store: Path
) -> None:
    need("mitmdump", "update-ca-certificates")
    env = scenario.make(lab, store)
    cure.own_trust_folder(lab, authority("Public CA"), *([lab.ca] if scenario is INSPECTED else []))
    file = lab.write("ca/ca.pem", ca(lab).decode())
    run = scenario.check(lab, env)
    cure.mends(lab, run, scenario.target, which=which, words={"CA_FILE": str(file)}, env=env)


def test_a_setting_that_is_not_needed_is_taken_away(lab: World, store: Path) -> None:
    env = NOT_NEEDED.make(lab, store)
    run = NOT_NEEDED.check(lab, env)
    (found,) = [f for f in run.findings if f["code"] == UNUSABLE]
    after = cure.carry_out(lab, found["remedies"][0], NOT_NEEDED.target, words={}, env=env)
    assert (after.exit, after.report["verdict"]) == (0, "pass"), after


def test_a_missing_intermediate_is_installed_meanwhile(lab: World, store: Path) -> None:
    """After the first remedy, which is the server owner's."""
    need("curl", "update-ca-certificates")
    scenario = Scenario("incomplete", Way(certificate="incomplete"), ("tls.incomplete-chain",))
    env = scenario.make(lab, store)
    cure.own_trust_folder(lab)
    cure.mends(lab, scenario.check(lab, env), scenario.target, which=1, env=env)
