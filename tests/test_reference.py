"""What a text means as an image or a registry, and where it stops meaning one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doctor.model import Hop
from doctor.redact import GATE
from doctor.reference import Reference, Unparsable, parse, read_target

HEX = "0123456789abcdef" * 4
SHA = f"sha256:{HEX}"


def hub(repository: str) -> str:
    return f"docker.io/{repository}"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        (f"ubuntu@{SHA}", f"docker.io/library/ubuntu@{SHA}"),
        (f"ubuntu:22.04@{SHA}", f"docker.io/library/ubuntu:22.04@{SHA}"),
        ("team/app:1", "docker.io/team/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost", "docker.io/library/localhost:latest"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
        ("example.com", "docker.io/library/example.com:latest"),
        ("myhost:5000", "docker.io/library/myhost:5000"),
        ("myhost:5000/app", "myhost:5000/app:latest"),
        ("myhost/app", "docker.io/myhost/app:latest"),
        ("MyHost/app", "MyHost/app:latest"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("index.docker.io/team/app", "docker.io/team/app:latest"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("registry-1.docker.io/ubuntu", "registry-1.docker.io/ubuntu:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:db8::1]/app:1", "[2001:db8::1]/app:1"),
        ("app__x", "docker.io/library/app__x:latest"),
        ("app---x", "docker.io/library/app---x:latest"),
        ("app.x", "docker.io/library/app.x:latest"),
        ("a/b/c/d", "docker.io/a/b/c/d:latest"),
        ("reg.example:1/a:" + "t" * 128, "reg.example:1/a:" + "t" * 128),
        ("reg.example/" + "a" * 255, "reg.example/" + "a" * 255 + ":latest"),
        ("a" * 247, "docker.io/library/" + "a" * 247 + ":latest"),
        (HEX + "0", f"docker.io/library/{HEX}0:latest"),
        ("reg.example/a:Tag_1.x-y", "reg.example/a:Tag_1.x-y"),
        ("a@sha512:" + HEX * 2, "docker.io/library/a@sha512:" + HEX * 2),
    ],
)
def test_a_reference_is_normalised_as_docker_does(text: str, canonical: str) -> None:
    found = parse(text)
    assert isinstance(found, Reference), found
    assert str(found) == canonical


@pytest.mark.parametrize(
    ("text", "position", "kind"),
    [
        ("", 0, "empty"),
        (HEX, 0, "image-id"),
        ("example.com/App", 12, "upper-case"),
        ("Ubuntu", 0, "upper-case"),
        ("reg.example/team/aPp:1", 18, "upper-case"),
        (f"app@SHA256:{HEX}", 4, "upper-case"),
        ("docker.io/library/ubuntu/", 24, "component"),
        ("a//b", 2, "component"),
        ("/a/b", 0, "component"),
        ("-a/b", 0, "component"),
        ("a/-b", 2, "component"),
        ("a-/b", 1, "component"),
        ("app___x", 5, "component"),
        ("app..x", 4, "component"),
        ("app._x", 4, "component"),
        ("app_-x", 4, "component"),
        ("team/app ", 8, "component"),
        ("team/a b", 6, "component"),
        ("team/ünicode", 5, "component"),
        (":1", 0, "component"),
        ("a/b:", 3, "tag"),
        ("a/b:-x", 4, "tag"),
        ("a/b:.x", 4, "tag"),
        ("a/b:1+2", 5, "tag"),
        ("a/b:1:2", 5, "tag-colon"),
        ("a:" + "t" * 129, 130, "tag-length"),
        ("reg.example/" + "a" * 256, 12 + 255, "path-length"),
        ("a" * 248, 247, "path-length"),
        ("a@", 1, "digest-empty"),
        ("a@sha256:", 8, "digest-empty"),
        ("a@sha256", 7, "digest-empty"),
        ("a@latest", 2, "not-a-digest"),
        (f"a@md5:{HEX}", 2, "digest-algorithm"),
        (f"a@{SHA}0", 2 + 7 + 64, "digest-length"),
        (f"a@{SHA[:-1]}", 2 + 7 + 62, "digest-length"),
        (f"a@{SHA[:-1]}F", 2 + 7 + 63, "digest-case"),
        (f"a@{SHA[:-1]}g", 2 + 7 + 63, "digest"),
        ("https://reg.example/app", 5, "port"),
        ("reg.example:/app", 11, "port"),
        ("reg.example:65536/app", 12, "port"),
        ("reg.example:0/app", 12, "port"),
        ("reg.example:" + "9" * 5000 + "/app", 12, "port"),
        ("reg..example/app", 4, "host"),
        ("reg.example./app", 11, "host"),
        (".example/app", 0, "host"),
        ("-reg.example/app", 0, "host"),
        ("reg-.example/app", 3, "host"),
        ("my_reg.example/app", 2, "host"),
        ("Bücher.example/app", 1, "host-letter"),
        ("a" * 64 + ".example/app", 63, "host-length"),
        ("a." * 127 + "ab/app", 253, "host-length"),
        ("::1/app", 0, "address"),
        ("[::1/app", 1, "address"),
        ("[fe80::1%eth0]/app", 1, "address"),
        ("[::ffff:1.2.3.4]/app", 1, "address"),
        ("user:hunter22@reg.example/app", 0, "login"),
    ],
)
def test_a_flaw_is_told_with_its_place_and_rule(text: str, position: int, kind: str) -> None:
    found = parse(text)
    assert isinstance(found, Unparsable), found
    assert (found.position, found.kind) == (position, kind)
    assert found.rule
    assert found.says


def test_the_port_range_ends_at_65535() -> None:
    found = parse("reg.example:65535/app")
    assert isinstance(found, Reference)
    assert found.hop.port == 65535


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("https://reg.example/app:1", "reg.example/app:1"),
        ("http://reg.example:5000/app", "reg.example:5000/app"),
        ("docker://reg.example/app", "reg.example/app"),
        ("oci://reg.example/charts/app", "reg.example/charts/app"),
        ("https://myhost/app", "myhost:443/app"),
        ("https://hub.docker.com/r/team/app", "docker.io/team/app"),
        ("https://hub.docker.com/r/team/app/tags?page=1", "docker.io/team/app"),
        ("https://hub.docker.com/_/redis", "docker.io/library/redis"),
        ("https://quay.io/repository/team/app?tab=tags", "quay.io/team/app"),
        ("https://github.com/owner/repo/pkgs/container/app", "ghcr.io/owner/app"),
        ("https://reg.example/v2/team/app/manifests/1.0", "reg.example/team/app:1.0"),
        ("docker pull reg.example/app:1", "reg.example/app:1"),
        ("$ sudo docker pull -q --platform linux/arm64 reg.example/app", "reg.example/app"),
        ("podman pull docker.io/team/app", "docker.io/team/app"),
        ("skopeo inspect docker://reg.example/app", "reg.example/app"),
        ("crane manifest reg.example/app", "reg.example/app"),
        ("image: reg.example/app:1", "reg.example/app:1"),
        ('"image": "reg.example/app:1",', "reg.example/app:1"),
        ("FROM reg.example/app AS build", "reg.example/app"),
        ("reg.example/Team/App:V1", "reg.example/team/app:V1"),
        ("Redis:7", "redis:7"),
        ("docker pull reg.example/App", "reg.example/app"),
        (' "reg.example/app" ', "reg.example/app"),
        ("“reg.example/app”", "reg.example/app"),
        ("reg.example/app/", "reg.example/app"),
        ("reg.example//app", "reg.example/app"),
        ("/team/app", "team/app"),
        ("reg.example/app: 1", "reg.example/app:1"),
        ("reg.example\\app", "reg.example/app"),
        ("app@sha256:", "app"),
        ("app:1@sha256:12ab", "app:1"),
        ("app@latest", "app:latest"),
        (f"app:{SHA}", f"app@{SHA}"),
        (f"app@{SHA.upper().replace('SHA', 'sha')}", f"app@{SHA}"),
        ("app:1:2", "app:2"),
        ("app:", "app"),
        ("app:1.0+build5", "app:1.0_build5"),
        ("reg.example/a\u200bpp", "reg.example/app"),
        ("\ufeffreg.example/app", "reg.example/app"),
        ("reg.example/my–app", "reg.example/my-app"),  # noqa: RUF001
        ("user:hunter22@reg.example/app", "reg.example/app"),
        ("https://user:p@ss/word@reg.example/app", "reg.example/app"),
        ("reg.example:99999/app", "reg.example/app"),
        ("myhost:99999/app", "myhost:443/app"),
        ("reg.example./app", "reg.example/app"),
        ("Bücher.example/app", "xn--bcher-kva.example/app"),
        ("registry.сleanstart.com/app", "registry.cleanstart.com/app"),  # noqa: RUF001
        ("::1/app", "[::1]/app"),
        ("https://reg.example/App:1:2", "reg.example/app:2"),
    ],
)
def test_what_was_meant_is_offered(text: str, suggestion: str) -> None:
    found = parse(text)
    assert isinstance(found, Unparsable), found
    assert found.suggestion == suggestion


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        HEX,
        "app___x",
        "my_reg.example/app",
        "${REGISTRY}/app:1",
        "{{ .Values.image }}",
        "a b c",
        "docker pull a b",
        "docker run -it reg.example/app",
        "https://reg.example",
        "x" * 10_000 + "/y",
        "\x00\x1b[2J/\u202e",
        "\udcff/x",
        "./deploy.yaml",
    ],
)
def test_nothing_is_offered_where_the_meaning_is_unclear(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Unparsable), found
    assert found.suggestion is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reg.example/App", "must be lowercase"),
        ("a" * 248, "must not be more than 255"),
        (HEX, "64-byte hexadecimal"),
        (f"a@{SHA}0", "invalid checksum digest length"),
        (f"a@md5:{HEX[:32]}", "unsupported digest algorithm"),
        ("a@sha256:12", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("reg.example:99999/app", "invalid port"),
    ],
)
def test_what_the_client_says_is_told(text: str, words: str) -> None:
    found = parse(text)
    assert isinstance(found, Unparsable)
    assert words in found.says


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("registry.example.com", "registry.example.com", 443),
        ("registry.example.com:5000", "registry.example.com", 5000),
        ("registry.example.com/", "registry.example.com", 443),
        ("registry.example.com:5000/", "registry.example.com", 5000),
        ("registry.example.com:", "registry.example.com", 443),
        ("Registry.Example.COM", "registry.example.com", 443),
        ("my.app:8080", "my.app", 8080),
        ("localhost", "localhost", 443),
        ("localhost:5000", "localhost", 5000),
        ("LOCALHOST", "localhost", 443),
        ("127.0.0.1", "127.0.0.1", 443),
        ("127.0.0.1:5000", "127.0.0.1", 5000),
        ("::1", "::1", 443),
        ("[::1]", "::1", 443),
        ("[2001:DB8::1]:5000", "2001:db8::1", 5000),
        ("myhost/", "myhost", 443),
        ("myhost:5000/", "myhost", 5000),
        ("redis:7/", "redis", 7),
        ("docker.io", "registry-1.docker.io", 443),
        ("index.docker.io", "registry-1.docker.io", 443),
        ("https://registry.example.com", "registry.example.com", 443),
        ("https://registry.example.com:8443/v2/", "registry.example.com", 8443),
        ("https://myhost", "myhost", 443),
        ("docker login registry.example.com", "registry.example.com", 443),
        (" registry.example.com\n", "registry.example.com", 443),
    ],
)
def test_a_bare_host_is_a_host_and_that_is_said(text: str, host: str, port: int) -> None:
    found = read_target(text)
    assert (found.reference, found.problem) == (None, None)
    assert found.registry == Hop("registry", host, port)
    assert any("registry host" in said for said in found.assumed)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("redis:7", hub("library/redis:7")),
        ("my-app:latest", hub("library/my-app:latest")),
        ("nginx", hub("library/nginx:latest")),
        ("my.app:1.2", hub("library/my.app:1.2")),
        ("registry.example.com:latest", hub("library/registry.example.com:latest")),
        ("registry.example.com:65536", hub("library/registry.example.com:65536")),
        ("registry.example.com:0", hub("library/registry.example.com:0")),
        ("localhost:latest", hub("library/localhost:latest")),
        ("myhost:5000", hub("library/myhost:5000")),
        (f"my.app@{SHA}", hub(f"library/my.app@{SHA}")),
        ("localhost/app", "localhost/app:latest"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("myhost/app", hub("myhost/app:latest")),
        ("https://reg.example/app:1", "reg.example/app:1"),
        ("docker pull redis:7", hub("library/redis:7")),
        ("docker://redis", hub("library/redis:latest")),
        ("'reg.example/app'", "reg.example/app:latest"),
    ],
)
def test_everything_else_is_an_image(text: str, canonical: str) -> None:
    found = read_target(text)
    assert found.problem is None
    assert str(found.reference) == canonical
    assert found.reference is not None
    assert found.registry == found.reference.hop


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reg.example/App",
        "reg.example/app/",
        "myhost//",
        "reg.example\\app",
        "my_host.example",
        "registry.example.com.",
        "bücher.example",
        "redis:latest/",
        "reg.example:x/",
        "[::1]:x",
        "app:",
        "docker pull a b",
        "https://reg.example/App",
    ],
)
def test_a_flaw_that_changes_the_meaning_is_not_mended_in_silence(text: str) -> None:
    found = read_target(text)
    assert found.problem is not None
    assert (found.reference, found.registry) == (None, None)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("registry.example.com.", "registry.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("registry.сleanstart.com", "registry.cleanstart.com"),  # noqa: RUF001
        ("reg.example/app/", "reg.example/app"),
        ("https://reg.example/App", "reg.example/app"),
        ("my_host.example", None),
    ],
)
def test_a_problem_of_a_target_says_what_was_meant(text: str, suggestion: str | None) -> None:
    problem = read_target(text).problem
    assert problem is not None
    assert problem.suggestion == suggestion


def said(text: str) -> str:
    return " ".join(read_target(text).assumed)


def test_what_was_read_into_a_short_name_is_said() -> None:
    assert "docker.io/team/app:latest" in said("team/app")
    assert "library/" in said("redis:7")
    assert "latest" in said("reg.example/app")
    assert "index.docker.io stands for docker.io" in said("index.docker.io/app:1")
    assert "`https://` in front was left out" in said("https://reg.example/app:1")
    assert "`docker pull` in front was left out" in said("docker pull reg.example/app:1")
    assert "only a label" in said(f"reg.example/app:1@{SHA}")
    assert "docker.io/library/registry.example.com" in said("registry.example.com")


def test_a_full_reference_needs_no_words() -> None:
    assert read_target("reg.example/app:1").assumed == ()
    assert read_target(f"reg.example/app@{SHA}").assumed == ()


@pytest.mark.parametrize(
    ("text", "kind", "suggestion"),
    [
        ("myhost/app", "missing-host", "myhost:443/app"),
        ("registry/app:1", "missing-host", "registry:443/app:1"),
        ("docker-registry/team/app", "missing-host", "docker-registry:443/team/app"),
        ("harbor/app", "missing-host", "harbor:443/app"),
        ("one/two/three", "missing-host", "one:443/two/three"),
        ("cleanstart/app:1", "missing-host", "registry.cleanstart.com/app:1"),
        ("ghcr/owner/app", "missing-host", "ghcr.io/owner/app"),
        ("Team/app", "upper-case-host", "team/app"),
        ("hub.docker.com/r/team/app", "web-page", "docker.io/team/app"),
        ("registry.example.com:latest", "missing-repository", "registry.example.com"),
        ("deploy.yaml", "file", "deploy.yaml"),
    ],
)
def test_a_reference_that_misleads_is_hinted_at(text: str, kind: str, suggestion: str) -> None:
    found = read_target(text)
    assert found.problem is None
    assert [(hint.kind, hint.suggestion) for hint in found.hints] == [(kind, suggestion)]


@pytest.mark.parametrize(
    "text",
    [
        "redis:7",
        "team/app",
        "linuxserver/app",
        "ghost/app",
        "docker.io/myhost/app",
        "docker.io/one/two/three",
        "myhost:5000/app",
        "localhost/app",
        "my.app:1.2",
        "Reg.example/app",
        "hub.docker.com",
        "registry.example.com",
        "grafana/grafana",
    ],
)
def test_ordinary_names_are_not_suspected(text: str) -> None:
    assert read_target(text).hints == ()


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("user:canary-one@reg.example/app", "canary-one"),
        ("user:canary@two@reg.example/app:1", "canary@two"),
        ("user:canary/three@reg.example/app", "canary/three"),
        ("https://user:canary-four@reg.example", "canary-four"),
        ("docker pull user:canary-five@reg.example/app", "canary-five"),
        ("user:canary-six@myhost", "canary-six"),
        ("https://canary-seven-token-0123@reg.example/app", "canary-seven-token-0123"),
        ("skopeo inspect --creds user:canary-eight docker://reg.example/app", "canary-eight"),
        (f"user:canary-nine@reg.example/app@{SHA}", "canary-nine"),
        ("'user:canary-ten@reg.example/app'", "canary-ten"),
    ],
)
def test_a_password_in_the_text_is_a_secret_and_never_echoed(text: str, password: str) -> None:
    found, strict = read_target(text), parse(text)
    assert password not in repr(found) + repr(strict)
    assert password not in GATE.scrub(f"said: {password}")


@pytest.mark.parametrize(
    "text",
    [f"redis:7@{SHA}", "https://reg.example/app@latest", "app:1@latest", "reg.example:5000/a@v1"],
)
def test_a_digest_or_tag_is_no_password(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Reference) or found.kind != "login"


def test_the_masked_text_gives_the_same_problem_again() -> None:
    first = read_target("user:canary-again@reg.example/app")
    again = read_target(first.text)
    assert again.problem == first.problem
    assert GATE.scrub("[hidden] stays") == "[hidden] stays"


def test_docker_hub_is_contacted_at_its_own_host() -> None:
    found = parse("redis")
    assert isinstance(found, Reference)
    assert (found.domain, found.host, found.port) == ("docker.io", "registry-1.docker.io", None)
    assert found.hop == Hop("registry", "registry-1.docker.io", 443)


def test_the_host_is_contacted_in_lower_case_and_without_brackets() -> None:
    named, literal = parse("MyHost:5000/app"), parse("[2001:DB8::1]/app")
    assert isinstance(named, Reference)
    assert isinstance(literal, Reference)
    assert (named.host, named.port, named.domain) == ("myhost", 5000, "MyHost:5000")
    assert (literal.host, literal.port) == ("2001:db8::1", None)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.one_of(
    st.lists(LABEL, min_size=2, max_size=4).map(".".join),
    st.just("localhost"),
    LABEL.map(lambda label: f"{label}:5000"),
    st.just("[::1]:5000"),
    st.from_regex(r"[a-z]{1,5}[A-Z][a-z]{1,5}", fullmatch=True),
)
COMPONENT = st.from_regex(r"[a-z0-9]{1,5}((\.|__?|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
PATH = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)
TAG = st.from_regex(r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20})?", fullmatch=True)
DIGEST = st.sampled_from(["", f"@{SHA}"])


@given(st.one_of(st.just("docker.io/"), HOST.map(lambda host: f"{host}/")), PATH, TAG, DIGEST)
def test_the_canonical_text_parses_to_the_same(host: str, path: str, tag: str, digest: str) -> None:
    found = parse(f"{host}{path}{tag}{digest}")
    assert isinstance(found, Reference), found
    assert parse(str(found)) == found
    assert read_target(str(found)).reference == found


NASTY = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.text(alphabet="aA0.:/@-_[]% \t\n\"'$\\é\u200b\x00", max_size=60),
    st.text(alphabet="a:/@", min_size=1, max_size=20).map(lambda text: f"https://{text}"),
    st.tuples(st.text(max_size=5), st.integers(1, 3000)).map(lambda two: two[0] * two[1]),
)


@given(NASTY)
@example("a" * 10_000)
@example("a." * 5_000)
@example("@sha256:" * 1_250)
@example("\u202e" * 10_000)
@example("user:" + "p" * 10_000 + "@reg.example/app")
@example("[" * 10_000)
@example("docker pull " * 800)
@example('"' * 10_000)
def test_any_text_is_read_and_what_is_said_of_it_is_short_and_safe(text: str) -> None:
    found, target = parse(text), read_target(text)
    for problem in (found if isinstance(found, Unparsable) else None, target.problem):
        if problem is None:
            continue
        assert len(problem.text) <= 80
        assert problem.text.isprintable() or not problem.text.isascii()
        assert not any(ord(sign) < 32 for sign in problem.text)
        assert len(problem.rule) + len(problem.hint) + len(problem.says) < 500
        assert problem.position <= len(text)
        if problem.suggestion is not None:
            meant = read_target(problem.suggestion)
            assert meant.problem is None
            assert len(problem.suggestion) < 1000
    assert (target.problem is None) == (target.registry is not None)
    assert all(len(sentence) < 2500 for sentence in target.assumed)
