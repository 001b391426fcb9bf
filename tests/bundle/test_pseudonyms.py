"""Other names, the same in every file: what depends on names stays as it is, nobody is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.bundle.named import learn, learn_file
from doctor.bundle.pseudonyms import Pseudonyms
from doctor.facts.credential import CredentialFact
from doctor.facts.proxy import RouteFact
from doctor.facts.resolvers import ResolverConfiguration
from doctor.facts.tls import Certificate, TlsFact
from doctor.model import Hop
from doctor.reference import parse

OWN = "registry docker fail image config latest app token"


@pytest.fixture
def names() -> Pseudonyms:
    made = Pseudonyms(OWN)
    made.add_host("registry.corp.acme.de")
    made.add_host("auth.acme.de:8443")
    made.add_host("hub.lab")
    made.add_host("registry")
    made.add_user("jane.doe")
    made.add("ns", "payments")
    made.add_repository("shop/checkout")
    made.add_repository("library/app")
    return made


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("registry.corp.acme.de", "h1.h2.h3.de"),
        ("REGISTRY.corp.Acme.de:443", "h1.h2.h3.de:443"),
        ("https://auth.acme.de:8443/token?service=registry.corp.acme.de", None),
        ("*.corp.acme.de", "*.h2.h3.de"),
        (".acme.de,10.0.0.0/8", ".h3.de,10.0.0.0/8"),
        ("other.acme.de", "h7.h3.de"),
        ("CN=registry.corp.acme.de,O=Acme GmbH", "CN=h1.h2.h3.de,O=h3 GmbH"),
        ("registry:5000/app:1", "h1:5000/app:1"),
        ("the registry answered", "the registry answered"),
        ("hub.lab has no address", "h5.h6 has no address"),
        ("jane.doe", "user1"),
        ("user jane.doe from /home/jane.doe/.docker/config.json", None),
        ("/home/jim/.docker/config.json", "/home/user2/.docker/config.json"),
        ("/root/.docker/config.json", "/root/.docker/config.json"),
        ("/srv/home/.docker/config.json", "/srv/home/.docker/config.json"),
        ("/srv/home/jim/.config", "/srv/home/user2/.config"),
        ("shop/checkout", "image1/image2"),
        ("repository:shop/checkout:pull", "repository:image1/image2:pull"),
        ("checkout is missing", "image2 is missing"),
        ("library/app", "library/image3"),
        ("the app at 192.0.2.1", "the app at 192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("in payments", "in ns1"),
        ("acmetastic, shopping", "acmetastic, shopping"),
        ("registry-1.docker.io", "registry-1.docker.io"),
        ("docs.docker.com/x", "docs.docker.com/x"),
    ],
)
def test_a_text_with_other_names(text: str, becomes: str | None, names: Pseudonyms) -> None:
    said = names(text)
    if becomes is not None:
        assert said == becomes
    for name in ("acme.de", "jane", "checkout"):
        assert name not in said.lower()


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "h1.dkr.ecr.eu-west-1.amazonaws.com"),
        ("acme.azurecr.io", "h1.azurecr.io"),
        ("registry.acme.co.uk", "h1.h2.co.uk"),
        ("registry.corp", "h1.corp"),
        ("eu-docker.pkg.dev", "eu-docker.pkg.dev"),
        ("registry-1.docker.io", "registry-1.docker.io"),
        ("192.0.2.7", "192.0.2.7"),
        ("localhost", "localhost"),
    ],
)
def test_what_tells_nothing_about_whose_it_is_stays(host: str, kept: str) -> None:
    names = Pseudonyms(OWN)
    names.add_host(host)
    assert names(f"https://{host}/v2/") == f"https://{kept}/v2/"


def test_they_are_the_same_whenever_they_are_asked_for(names: Pseudonyms) -> None:
    first = names("new.acme.de")
    names.add_host("another.example.org")
    assert names("new.acme.de") == first
    labels = names.known["host labels"]
    assert [labels[label] for label in first.split(".")[:2]] == ["new", "acme"]


def test_names_are_found_where_facts_hold_them() -> None:
    names = Pseudonyms(OWN)
    learn(names, Hop("registry", "registry.one.de", 443))
    learn(names, parse("registry.two.de/team/thing:1"))
    learn(names, TlsFact(chain=(Certificate(dns_names=("*.three.de",), subject="CN=x.four.de"),)))
    learn(names, CredentialFact(user="carol", keys=("five.intern",)))
    learn(names, ResolverConfiguration(search=("six.local",)))
    text = "registry.one.de two.de/team/thing three.de four.de carol five.intern six.local"
    said = names(text)
    for name in ("one", "two", "team", "thing", "three", "four", "carol", "five", "six"):
        assert name not in said.split()
        assert f"{name}." not in said


@pytest.mark.parametrize(
    ("path", "text", "gone"),
    [
        ("/etc/hosts", "10.0.0.7 ledger ledger.dale\n", "ledger dale"),
        ("/etc/resolv.conf", "search moor.corp\nnameserver 10.0.0.1\n", "moor"),
        ("/etc/docker/daemon.json", '{"insecure-registries": ["attic:5000"]}', "attic"),
        ("/root/.docker/config.json", '{"auths": {"hub.dale.de": {}}}', "hub dale"),
        (
            "/etc/docker/daemon.json",
            '{"proxies": {"no-proxy": ".dale.de,ATTIC,10.0.0.1"}}',
            "ATTIC",
        ),
        ("/etc/x.service", 'Environment="NO_PROXY=attic,*.dale.corp" X=1', "attic dale"),
        ("/etc/docker/daemon.json", '{"registry-mirrors": ["https://bücher.de"]}', "bücher"),
        ("/etc/c.toml", 'sandbox_image = "hub.dale.corp/infra-x/pause-x:3"', "infra-x pause-x"),
    ],
)
def test_names_are_found_in_files(path: str, text: str, gone: str) -> None:
    names = Pseudonyms(OWN)
    learn_file(names, path, text)
    said = names(text)
    assert said.count("\n") == text.count("\n")
    for name in gone.split():
        assert name not in said


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("/etc/os-release", 'HOME_URL="https://www.distribution.org/"\n'),
        ("/etc/docker/daemon.json", '{"max-size": "10m", "mtu": 1400, "debug": true}'),
        (
            "/etc/c.toml",
            'runtime_type = "io.containerd.runc.v2"\nimage = "registry.k8s.io/pause:3"',
        ),
        ("/etc/c.json", '{"digest": "sha256:12345678"}'),
        ("/etc/docker/daemon.json", '{"no-proxy": "localhost,127.0.0.1,10.0.0.0/8,::1,*"}'),
    ],
)
def test_files_that_name_nobody_stay_as_they_are(path: str, text: str) -> None:
    names = Pseudonyms(f"{OWN} sha256")
    learn_file(names, path, text)
    assert names(text) == text


def test_a_host_of_another_alphabet_has_one_name_in_both_its_spellings() -> None:
    """Whichever was seen first."""
    for seen in ("bücher.acme.de", "xn--bcher-kva.acme.de"):
        names = Pseudonyms(OWN)
        learn(names, f"https://{seen}:5000/v2/")
        assert names("Bücher.acme.de:5000/x") == "h1.h2.de:5000/x"
        assert names("xn--bcher-kva.acme.de") == "h1.h2.de"
    assert names("ein Büchergeschäft") == "ein Büchergeschäft"


def test_hosts_that_are_asked_without_a_proxy_have_other_names() -> None:
    names = Pseudonyms(OWN)
    learn(names, RouteFact(no_proxy=".acme.de, LEDGER, registry", no_proxy_variable="NO_PROXY"))
    assert names("NO_PROXY=.acme.de,LEDGER") == "NO_PROXY=.h1.de,h2"
    assert names("the registry answered") == "the registry answered"


def test_numbers_by_which_a_public_log_finds_a_certificate_are_replaced() -> None:
    leaf = Certificate(sha256="ab" * 32, serial="4f" * 16, common_name="hub.dale.de")
    names = Pseudonyms(OWN)
    learn(names, TlsFact(chain=(leaf,)))
    other = names(f"{leaf.sha256} {leaf.serial}").split()
    assert [len(each) for each in other] == [64, 32]
    assert all(int(each, 16) < 1 << 32 for each in other)
    digest = "sha256:" + "cd" * 32
    assert names(digest) == digest


def test_users_that_everybody_has_stay() -> None:
    names = Pseudonyms(OWN)
    for user in ("root", "AWS", "oauth2accesstoken", "_json_key", ""):
        names.add_user(user)
        assert names(f"user {user}") == f"user {user}"
    assert not names.known


@given(st.text(max_size=60), st.from_regex(r"[a-z]{3,12}\.[a-z]{3,12}\.org", fullmatch=True))
def test_any_text_and_any_host(text: str, host: str) -> None:
    names = Pseudonyms(OWN)
    names.add_host(host)
    said = names(f"{text} {host} {text}")
    assert host not in said
    assert names(text) == names(text)


def test_names_that_begin_alike_are_each_their_own() -> None:
    names = Pseudonyms(OWN)
    for name in ("lark", "lark-bird", "lark-bird-nest", "larkspur", "dew/lark"):
        names.add("pod", name)
    said = names("lark lark-bird lark-bird-nest larkspur larks lark-birds dew/lark dew/larks")
    assert said == "pod1 pod2 pod3 pod4 larks pod1-birds pod5 dew/larks"


def test_names_each_of_which_is_another_and_a_letter_more_are_replaced_all_the_same() -> None:
    names = Pseudonyms(OWN)
    every = ["z" * count for count in range(3, 253)]
    for name in every:
        names.add("pod", name)
    assert names(" ".join(every)).split() == [f"pod{n}" for n in range(1, 251)]


@given(st.lists(st.from_regex(r"[a-c]{3,6}(-[a-c]{1,3})?", fullmatch=True), max_size=12))
def test_each_of_any_names_is_replaced_whole(given_names: list[str]) -> None:
    names = Pseudonyms(OWN)
    for name in given_names:
        names.add("pod", name)
    for name in given_names:
        assert names(f"so {name}, said") == f"so {names(name)}, said"
        assert name not in names(f"so {name}, said").replace(",", "").split()


def test_a_text_of_dots_costs_no_time(names: Pseudonyms) -> None:
    learn(names, "a." * 300_000 + " b.corp.example.com")
    assert names("b.corp.example.com") != "b.corp.example.com"
