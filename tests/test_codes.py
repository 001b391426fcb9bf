"""The words: the catalogue's codes, commands that are sound and safe, each for the right client."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor import codes
from doctor.codes import Book, explanation, load, template
from doctor.codes.explanation import folded
from doctor.codes.template import command, text
from doctor.codes.words import RemedyWords, StepWords, Words
from doctor.model import Case, Check, Finding, Hop, System, Target
from doctor.redact import plain

HERE = Path(__file__).parent
CHECKS = HERE.parent / "checks"
BOOK = load(folder=CHECKS)
CATALOGUE = {
    f["code"]: f for f in tomllib.loads((HERE / "catalogue.toml").read_text("utf-8"))["finding"]
}
ALL = tuple(w for w in map(BOOK.get, BOOK.codes()) if w)
NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
ENVIRONMENT = {
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "DOCKER_CONTENT_TRUST"),
    *("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "REQUEST_METHOD"),
}


class Samples(dict[str, str]):
    """Every param, with a value that looks the part."""

    def __missing__(self, name: str) -> str:
        return {"line": "3", "port": "5000", "file": "/etc/client/config"}.get(name, f"a-{name}")

    def get(self, name: str, default: object = None) -> str:
        return self[name]


def target(client: str = "shell", system: System = "debian") -> Target:
    hop = Hop("registry", "registry.corp", 5000)
    return Target("registry.corp:5000", None, hop, client=client, system=system)


def remedies() -> Iterator[tuple[Words, RemedyWords]]:
    return ((words, remedy) for words in ALL for remedy in words.remedies)


def commands() -> Iterator[tuple[str, StepWords, RemedyWords, str]]:
    for words, remedy in remedies():
        for step in remedy.steps:
            if step.command:
                filled = command(step.command, Samples())
                assert filled, (words.code, step.command)
                yield words.code, step, remedy, filled


def sentences(words: Words) -> Iterator[str]:
    yield from (words.title, words.means, words.proof, words.detail)
    for remedy in words.remedies:
        yield from (remedy.title, remedy.verify or "", *(step.text for step in remedy.steps))


def book(**files: str) -> Book:
    return Book((f"{name}.toml", source) for name, source in files.items())


def one(body: str, code: str = "x.y") -> str:
    return f'["{code}"]\ntitle = "T"\nseverity = "error"\nmeans = "M"\n{body}\n'


def remedy(body: str) -> str:
    return one(f'[["x.y".remedy]]\ntitle = "Do it"\n{body}')


# The words of every check


def test_no_file_of_words_has_a_flaw() -> None:
    assert [str(p) for p in load(folder=CHECKS).proofread()] == []


def test_every_code_of_the_catalogue_has_words() -> None:
    missing = sorted(set(CATALOGUE) - set(BOOK.codes()))
    assert not missing, f"{len(missing)} codes without words: {', '.join(missing)}"


def test_severity_and_consequences_are_the_catalogues() -> None:
    ours = {w.code: (w.severity, sorted(w.explains)) for w in ALL if w.code in CATALOGUE}
    theirs = {c: (CATALOGUE[c]["severity"], sorted(CATALOGUE[c].get("explains", ()))) for c in ours}
    assert ours == theirs


def test_every_code_explains_itself_whole() -> None:
    lacking = [
        w.code for w in ALL if not (w.proof and w.detail) or (not w.remedies and not w.retired)
    ]
    assert lacking == []


def test_stations_are_named_by_their_codes() -> None:
    stations = {
        "auth.realm-unreachable": "token",
        "registry.blob-unreachable": "storage",
        "client.mirror-unreachable": "mirror",
        "proxy.unreachable": "proxy",
        "proxy.unresolvable": "proxy",
        "proxy.tls-failed": "proxy",
    }
    assert {w.code: w.station for w in ALL if w.station} == stations


def test_every_placeholder_and_condition_is_a_param_that_some_check_gives() -> None:
    rooms = (CHECKS, *(CHECKS.parent / "doctor" / room for room in ("facts", "pki", "pods")))
    sources = [p.read_text("utf-8") for room in rooms for p in sorted(room.glob("*.py"))]
    listed = tomllib.loads((HERE / "words" / "params.toml").read_text("utf-8"))
    offered = {*explanation.PARAMS, *listed["later"], *listed["made"]}.union(*map(_names, sources))
    made = tuple(re.findall(r"\[f\"([a-z_]+)\{", "".join(sources)))
    unknown: dict[str, list[str]] = {}
    for words in ALL:
        used = {
            n for s in sentences(words) for n in NAME.findall(s.replace("{{", "").replace("}}", ""))
        }
        for part in words.remedies:
            used |= {*part.needs, *part.unless}
            for step in part.steps:
                used |= {*step.needs, *step.unless}
                used |= {name for _, name, _ in template.pieces(step.command or "", True) if name}
        area = words.code.partition(".")[0]
        known = set(listed[area]) | set(explanation.PARAMS) if area in listed else offered
        odd = sorted(n for n in used - known if not (made and n.startswith(made)))
        if odd:
            unknown[words.code] = odd
    assert unknown == {}


def _names(source: str) -> Iterator[str]:
    """What may be the name of a param: a string by itself, or the name of an argument. No word of
    prose, and no name in the code."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and id(node) not in prose:
            yield str(node.value)


def test_every_remedy_says_how_to_see_that_it_worked() -> None:
    blind = [
        f"{words.code}: {part.title}"
        for words, part in remedies()
        if not part.verify and not (part.steps[-1].command and part.steps[-1].changes is None)
    ]
    assert blind == []


def test_a_command_in_a_remedys_verify_is_marked_as_one() -> None:
    marked = [part.verify for _, part in remedies() if "{diagnose}" in (part.verify or "")]
    assert marked
    assert [text for text in marked if "`{diagnose}" not in (text or "")] == []


def test_every_command_parses_as_posix_shell() -> None:
    broken = []
    script = "\n".join(filled for *_, filled in commands())
    if subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True).returncode:
        for code, _, _, filled in commands():
            done = subprocess.run(["sh", "-n"], input=filled, text=True, capture_output=True)
            if done.returncode:
                broken.append(f"{code}: {filled}\n{done.stderr}")
    assert broken == []


def test_every_command_survives_folding() -> None:
    for code, _, _, filled in commands():
        joined = " ".join(
            line.strip(" ").removesuffix(" \\") for line in folded(filled, 80, "    ")
        )
        assert shlex.split(joined) == shlex.split(filled), code


SECRET_ON_COMMAND_LINE = re.compile(
    r"--password[ =](?!stdin)|--docker-password|--from-literal|--token[ =]|\s-p[ =]?[\"'$]"
    r"|(-u|--user|--creds|--proxy-user)[ =]\S+:\S|\$\((cat|<)\s*API_KEY_FILE|Bearer |://[^/\s'\"]+:[^/\s'\"]+@"
)


def test_no_command_carries_or_prints_a_secret() -> None:
    built_in = re.compile(r"printf [^|;&]*")  # no process of its own, so no command line
    carriers = [
        f"{c}: {f}" for c, *_, f in commands() if SECRET_ON_COMMAND_LINE.search(built_in.sub("", f))
    ]
    printers = [
        f"{code}: {filled}"
        for code, _, _, filled in commands()
        if re.search(r"(^|[;|&] *)(cat|echo|head|tail|less) [^|;&]*(API_KEY_FILE|KEY_FILE)", filled)
    ]
    assert carriers + printers == []


@pytest.mark.parametrize(
    "leaky",
    [
        "docker login --password hunter2 r.corp",
        "kubectl create secret docker-registry x --docker-password=hunter2",
        'docker login -p "$(cat API_KEY_FILE)" r.corp',
        "curl --user ann:hunter2 https://r.corp/v2/",
        "curl -x http://ann:hunter2@proxy:3128 https://r.corp/v2/",
    ],
)
def test_a_secret_on_a_command_line_would_be_found(leaky: str) -> None:
    assert SECRET_ON_COMMAND_LINE.search(leaky)


def test_what_only_the_user_knows_has_a_name_of_the_contract_and_is_explained() -> None:
    wrong = []
    for code, step, part, filled in commands():
        bare = re.sub(r"\$\{?[A-Z_]+|://\S+", "", filled)
        for word in re.findall(r"(?<![\w.-])[A-Z]{2,}(?:_[A-Z]+)+(?![\w-])", bare):
            if word in ENVIRONMENT:
                continue
            if word not in explanation.ASKED:
                wrong.append(f"{code}: {word} in {filled}")
            elif not any(word in other.text for other in part.steps[: part.steps.index(step) + 1]):
                wrong.append(f"{code}: {word} is not explained beside {filled}")
    assert wrong == []


def test_the_words_keep_the_house_style() -> None:
    wrong = [
        f"{w.code}: {s}" for w in ALL for s in sentences(w) if re.search(r"[Ff]ailed to|Error:", s)
    ]
    wrong += [
        f"{w.code}: {w.title}" for w in ALL if w.title.endswith((".", "!")) or len(w.title) > 70
    ]
    wrong += [f"{w.code}: {part.title}" for w, part in remedies() if not part.title[:1].isupper()]
    assert wrong == []


def test_every_code_is_explained_in_80_columns() -> None:
    wide = []
    for words in ALL:
        said = BOOK.explain(words.code, 80) or ""
        for line in said.splitlines():
            atom = len(line.split()) <= 2 or re.search(r"'.{30,}|^ {3}See |--\S{40,}|\S{50,}", line)
            if len(line) > 80 and not atom:
                wide.append(f"{words.code}: {line}")
        assert not re.search(r"(?<![%$])\{[a-z][a-z0-9_]*\}", said), words.code
    assert wide == []


# Remedies that are run


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """Stand-ins: sudo runs what it is given, kubectl gives `secret.json`, keeps what it is sent."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    kubectl = """case "$*" in
      get*) cat "$HOME/secret.json";;
      *) echo "$*" > "$HOME/args"; cat > "$HOME/sent";;
    esac"""
    for name, body in {"sudo": '"$@"', "kubectl": kubectl}.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)
    (tmp_path / "API_KEY_FILE").write_text("pä$s'w\"ord\n")
    return tmp_path


def run(shell: Path, code: str, titled: str, params: dict[str, str]) -> None:
    """Run what changes something in the first remedy with that in its title; services apart."""
    words = BOOK.get(code)
    assert words
    done = next(
        filter(None, (codes._filled(r, params) for r in words.remedies if titled in r.title)), None
    )
    assert done, f"{code}: {titled} is not offered"
    environ = {**os.environ, "HOME": str(shell), "PATH": f"{shell}/bin:{os.environ['PATH']}"}
    for step in done.steps:
        if step.command and step.changes and "systemctl" not in step.command:
            subprocess.run(["sh", "-ec", step.command], cwd=shell, env=environ, check=True)


def entry(config: str) -> dict[str, str]:
    auths = json.loads(config)["auths"]
    return {key: b64decode(value["auth"]).decode() for key, value in auths.items()}


SECRET = {
    "namespace": "shop",
    "secret": "pull",
    "key": "registry.corp:5000",
    "registry": "registry.corp:5000",
}


def test_the_created_secret_is_a_docker_configuration(shell: Path) -> None:
    run(shell, "k8s.secret-missing", "Create", SECRET)
    assert entry((shell / "sent").read_text()) == {"registry.corp:5000": "USER_NAME:pä$s'w\"ord"}
    said = (shell / "args").read_text()
    assert "--type=kubernetes.io/dockerconfigjson" in said
    assert "ord" not in said.replace("--from-file=.dockerconfigjson", "")


@pytest.mark.parametrize(
    ("code", "titled", "extra", "after"),
    [
        (
            "k8s.secret-rejected",
            "fresh",
            {"repository": "app"},
            {"registry.corp:5000": "USER_NAME:pä$s'w\"ord"},
        ),
        ("k8s.secret-wrong-host", "Add", {}, {"registry.corp:5000": "USER_NAME:pä$s'w\"ord"}),
        (
            "k8s.secret-wrong-host",
            "Write the credential",
            {"wrong_key": "other.corp"},
            {"registry.corp:5000": "ann:old"},
        ),
    ],
)
def test_a_mended_secret_keeps_its_other_entries(
    shell: Path, code: str, titled: str, extra: dict[str, str], after: dict[str, str]
) -> None:
    config = json.dumps({"auths": {"other.corp": {"auth": b64encode(b"ann:old").decode()}}})
    secret = {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": b64encode(config.encode()).decode()},
        "metadata": {"name": "pull", "namespace": "shop", "annotations": {"a": "b"}},
    }
    (shell / "secret.json").write_text(json.dumps(secret))
    run(shell, code, titled, {**SECRET, **extra})
    sent = json.loads((shell / "sent").read_text())
    assert sent["metadata"] == secret["metadata"]
    mended = b64decode(sent["data"][".dockerconfigjson"]).decode()
    assert entry(mended) == {"other.corp": "ann:old", **after}


def test_the_copied_secret_leaves_its_namespace_behind(shell: Path) -> None:
    secret = {
        "type": "t",
        "data": {"k": "dg=="},
        "metadata": {"name": "pull", "namespace": "a", "uid": "1"},
    }
    (shell / "secret.json").write_text(json.dumps(secret))
    run(shell, "k8s.secret-missing", "Copy", {**SECRET, "found_in": "a"})
    assert json.loads((shell / "sent").read_text())["metadata"] == {"name": "pull"}


def test_one_mirror_leaves_daemon_json_and_the_rest_stays(shell: Path) -> None:
    file = shell / "daemon.json"
    file.write_text('{"registry-mirrors": ["https://a.corp/", "https://b.corp"], "debug": true}')
    params = {"file": str(file), "mirror": "https://a.corp", "image": "docker.io/library/a"}
    run(shell, "client.mirror-unreachable", "Take", params)
    assert json.loads(file.read_text()) == {"registry-mirrors": ["https://b.corp"], "debug": True}


def test_hosts_toml_is_written_whole(shell: Path) -> None:
    file = shell / "hosts.toml"
    file.write_text("server = [\n")
    params = {
        "file": str(file),
        "hosts_toml": "yes",
        "registry": "r",
        "endpoint": "https://[fd00::1]:5000",
    }
    run(shell, "client.config-invalid", "hosts.toml", params)
    assert tomllib.loads(file.read_text()) == {
        "server": "https://[fd00::1]:5000",
        "host": {"https://[fd00::1]:5000": {"capabilities": ["pull", "resolve"]}},
    }


def test_a_fixed_header_goes_into_a_file_for_root_alone(shell: Path) -> None:
    file = shell / "hosts.toml"
    file.write_text("")
    urls = {"mirror": "https://m.corp", "endpoint": "https://registry.corp:5000"}
    run(
        shell,
        "client.mirror-auth",
        "fixed",
        {**urls, "file": str(file), "basic": "yes", "hosts_toml": "yes"},
    )
    assert file.stat().st_mode & 0o777 == 0o600
    header = tomllib.loads(file.read_text())["host"]["https://m.corp"]["header"]["Authorization"]
    assert b64decode(header.removeprefix("Basic ")).decode() == "USER_NAME:pä$s'w\"ord"


def test_one_line_is_corrected(shell: Path) -> None:
    file = shell / "daemon.json"
    file.write_text('{\n  "debug": true,,\n  "x": 1\n}\n')
    params = {"file": str(file), "line": "2", "corrected": '  "debug": true,'}
    run(shell, "client.config-invalid", "Write line", params)
    assert json.loads(file.read_text()) == {"debug": True, "x": 1}


# Templates and hostile values

HOSTILE = [
    "a b",
    "a;id",
    "$(id)",
    "`id`",
    "a'b",
    "'; id; '",
    'a"b',
    "a\\",
    "*",
    "~root",
    "#x",
    "a&b|c>d",
    "ü",
    "!!",
    "{x}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_the_shell_gets_a_hostile_value_as_one_word(value: str) -> None:
    filled = command("printf '<%s>' {value} x{value}y --flag={value}", {"value": value})
    assert filled
    done = subprocess.run(["sh", "-c", filled], capture_output=True, text=True, check=True)
    assert done.stdout == f"<{value}><x{value}y><--flag={value}>"


@pytest.mark.parametrize(
    "value", ["-rf", "--privileged", "a\nb", "a\x1b[201~b", "a\u202eb", "", "x" * 3000]
)
def test_what_no_command_could_name_is_not_put_in_one(value: str) -> None:
    assert command("rm {value}", {"value": value}) is None


def test_a_leading_dash_is_no_option_behind_an_equals_sign() -> None:
    assert command("rm --name={value}", {"value": "-x"}) == "rm --name=-x"


@given(
    st.text(max_size=30), st.sampled_from(["{v}", "a {v} b", "x/{v}/y", "--o={v}", "a | b > {v}"])
)
def test_no_value_leaves_its_word(value: str, template: str) -> None:
    filled = command(template, {"v": value})
    if filled is None:
        assert not value or plain(value) != value or value.startswith("-")
    else:
        assert shlex.split(filled) == [word.replace("{v}", value) for word in template.split(" ")]


@given(st.text(max_size=30))
def test_inside_quotes_only_harmless_values_stand(value: str) -> None:
    filled = command("printf '%s' 'ca = \"{v}\"'", {"v": value})
    if filled is not None:
        assert not set(value) & set("\"'\\$`;&|<>(){}\n #%!")
        assert shlex.split(filled)[2] == f'ca = "{value}"'


def test_ordinary_values_stay_readable() -> None:
    params = {"host": "registry.corp", "port": "5000", "file": "/etc/a b"}
    template = "curl https://{host}:{port}/v2/ -o {file} '{{}}'"
    assert command(template, params) == "curl https://registry.corp:5000/v2/ -o '/etc/a b' '{}'"


@pytest.mark.parametrize(
    "typed",
    [
        'sh -c "echo {v}"',
        "echo `{v}`",
        "cat <<X\n{v}\nX",
        "echo ${v}",
        "echo $'{v}'",
        "echo \\{v}",
        "echo 'open {v}",
        "echo # it's\n{v}",
        "echo {V}",
        'echo "$(echo \'"\')" {v}',
    ],
)
def test_a_template_in_which_no_value_is_safe_is_refused(typed: str) -> None:
    with pytest.raises(template.WordsError):
        command(typed, {"v": "x"})
    flaws = book(a=remedy(f"steps = [{{text = 's', command = {json.dumps(typed)}}}]")).proofread()
    assert len(flaws) == 1
    assert "remedy 1 is left out" in str(flaws[0])


def test_text_makes_foreign_values_safe() -> None:
    assert text("{host} sent {what}.", {"host": "r", "what": "a\x1b[2Jb"}) == "r sent a<ESC>[2Jb."
    assert text("{host} sent {what}.", {"host": "r"}) is None
    assert text("a {{b}}", {}) == "a {b}"


# Files of words


def test_a_code_in_two_files_names_both_and_keeps_the_first() -> None:
    both = book(first=one("proof = 'p1'"), second=one("proof = 'p2'"))
    words = both.get("x.y")
    assert words
    assert words.proof == "p1"
    assert "first.toml" in str(both.problems[0])
    assert "second.toml" in str(both.problems[0])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (one("titel = 'x'"), "titel is no key here"),
        (one("").replace('"error"', '"fatal"'), "severity is one of error, warning, info"),
        (one("explains = 'a.b'"), "explains is a list of texts"),
        (one("station = 'moon'"), "station is one of"),
        (one("detail = 'a { b'"), "a lone {"),
        ('["x.y"]\ntitle = "T"', "says what it means"),
        ('["x.y"]\ntitle = ', "not TOML"),
        ("[x.y]\ntitle = 'T'", "in quotes"),
        ("[" * 3000, "not TOML"),
        (remedy("steps = []"), "at least one step"),
        (remedy("steps = [{text = 's'}]\nfor = ['dcoker']"), "for is a list of"),
        (remedy("steps = [{text = 's'}]\nsystem = ['beos']"), "system is a list of"),
        (remedy("steps = [{text = 's'}]\nfro = ['docker']"), "fro is no key here"),
        (remedy("steps = [{text = 's', changes = 'all'}]"), "changes is one of"),
        (remedy("steps = [{command = 'ls'}]"), "a step has a text"),
        (remedy("steps = 3"), "steps is a list of tables"),
    ],
)
def test_a_flaw_is_told_and_ends_nothing(source: str, said: str) -> None:
    flaws = book(a=source).proofread()
    assert [f.file for f in flaws] == ["a.toml"] * len(flaws)
    assert any(said in str(flaw) for flaw in flaws), flaws


def test_a_remedy_with_a_flaw_is_not_offered_to_everyone() -> None:
    words = book(a=remedy("steps = [{text = 's'}]\nfor = ['dcoker']")).get("x.y")
    assert words
    assert words.remedies == ()


def test_a_broken_table_leaves_the_other_codes_alone() -> None:
    half = book(a='["a.b"]\ntitle = \n' + one(""))
    assert half.get("a.b") is None
    assert half.get("x.y")


def test_a_header_inside_a_text_does_not_cut_it() -> None:
    words = book(a=one("proof = '''\n[\"not.one\"]\n'''")).get("x.y")
    assert words
    assert words.proof == '["not.one"]\n'


@given(st.text(max_size=200))
def test_no_file_raises(source: str) -> None:
    book(a=source, b='["x.y"]\n' + source).proofread()


def test_plug_ins_bring_words_and_broken_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(one("", "own.code"))
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    extra = [
        ("own", tmp_path / "own.toml"),
        ("bad", tmp_path / "bad.toml"),
        ("gone", tmp_path / "gone"),
    ]
    found = load(extra, folder=CHECKS)
    assert found.get("own.code")
    assert [p.file.split()[0] for p in found.problems] == ["bad", "gone"]


def test_a_typo_finds_its_code() -> None:
    assert BOOK.near("k8s.secret-mising")[0] == "k8s.secret-missing"
    assert BOOK.near("secret-missing")[0] == "k8s.secret-missing"
    assert BOOK.near("K8S.secret_missing")[0] == "k8s.secret-missing"
    assert BOOK.near("weather") == ()
    assert BOOK.explain("weather") is None


def test_the_packages_own_folder_is_the_default() -> None:
    assert set(load().codes()) == set(BOOK.codes())


def test_a_check_finds_the_codes_of_its_own_file() -> None:
    def judge(case: Case) -> tuple[Finding, ...]:
        return ()

    check = Check("any", "target", judge)
    judge.__module__ = "doctor.checks.doctor"
    assert BOOK.of(check) == ("doctor.check-crashed", "doctor.check-timeout")
    judge.__module__ = "plugin.doctor"
    assert BOOK.of(check) == ()


def test_a_plug_ins_check_finds_its_codes(tmp_path: Path) -> None:
    def judge(case: Case) -> tuple[Finding, ...]:
        return ()

    (tmp_path / "tls.toml").write_text(one("", "own.code"))
    judge.__module__ = "plugin.tls"
    found = load([("own", tmp_path / "tls.toml")], folder=CHECKS)
    assert found.of(Check("own", "target", judge)) == ("own.code",)


def test_reading_no_words_parses_none() -> None:
    program = (
        "import sys; from pathlib import Path; from doctor.codes import load; "
        "book = load(folder=Path(sys.argv[1])); book.codes(); book.near('x'); "
        "assert 'tomllib' not in sys.modules; book.get('k8s.forbidden'); "
        "assert 'tomllib' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(CHECKS)], check=True, cwd=HERE.parent)


def test_rules_come_from_the_words() -> None:
    rules = BOOK.rules
    assert "auth.rejected" in rules.explains["k8s.secret-rejected"]
    assert rules.explains.get("no.code", frozenset()) == frozenset()
    assert "client.mirror-unreachable" in rules.stations


# Dressing a finding

SHELF = book(
    a=one(
        """
detail = "{host} sent {count} of 2."
[["x.y".remedy]]
title = "Docker on Debian"
for = ["docker"]
system = ["debian"]
steps = [{text = "s", command = "ls {file}"}]
[["x.y".remedy]]
title = "Any Linux"
system = ["linux"]
steps = [{text = "with {ca}", if = ["ca"]}, {text = "without", unless = ["ca"]}]
[["x.y".remedy]]
title = "containerd"
for = ["containerd"]
steps = [{text = "s"}]
[["x.y".remedy]]
title = "CRI-O"
for = ["cri-o"]
steps = [{text = "s"}]
[["x.y".remedy]]
title = "With {ca}"
if = ["ca"]
steps = [{text = "s"}]
[["x.y".remedy]]
title = "Everywhere, for {target}"
steps = [{text = "s"}]
"""
    )
)


def titles(client: str = "shell", system: System = "debian", **params: str) -> list[str]:
    dressed = SHELF.dress(Finding("x.y", params=params), target(client, system))
    return [r.title for r in dressed.remedies]


LAST = "Everywhere, for registry.corp:5000"


def test_a_finding_gets_its_words() -> None:
    dressed = SHELF.dress(Finding("x.y", params={"count": "1"}), target())
    assert (dressed.title, dressed.detail) == ("T", "registry.corp sent 1 of 2.")
    assert dressed.severity == "error"
    assert SHELF.dress(Finding("x.y", severity="info"), target()).severity == "info"


def test_a_detail_whose_params_are_absent_falls_back_to_the_meaning() -> None:
    assert SHELF.dress(Finding("x.y"), target()).detail == "M"


def test_the_hop_of_the_finding_is_the_host_in_question() -> None:
    hop = Hop("token", "auth.corp", 443)
    dressed = SHELF.dress(Finding("x.y", hop=hop, params={"count": "1"}), target())
    assert dressed.detail == "auth.corp sent 1 of 2."


def test_remedies_fit_client_and_system() -> None:
    assert titles("docker", file="/a") == ["Docker on Debian", "Any Linux", LAST]
    assert titles("docker", "rhel", file="/a") == ["Any Linux", LAST]
    assert titles("docker", "macos", file="/a") == [LAST]
    assert titles("podman", file="/a") == ["Any Linux", LAST]


def test_a_remedy_that_needs_what_is_absent_is_left_out() -> None:
    assert titles("docker") == ["Any Linux", LAST]
    assert titles("docker", file="-rf") == ["Any Linux", LAST]
    assert titles(ca="/ca.pem") == ["Any Linux", "With /ca.pem", LAST]


def test_an_empty_param_is_as_good_as_none() -> None:
    """It asks for no remedy, leaves no hole in a sentence, and hides nothing that is known."""
    assert titles("docker", file="", ca="", target="") == ["Any Linux", LAST]
    dressed = SHELF.dress(Finding("x.y", params={"count": "", "host": ""}), target())
    assert dressed.detail == "M"


def test_steps_have_conditions_of_their_own() -> None:
    def steps(**params: str) -> list[str]:
        dressed = SHELF.dress(Finding("x.y", params=params), target())
        return [s.text for s in dressed.remedies[0].steps]

    assert steps() == ["without"]
    assert steps(ca="/c") == ["with /c"]


def test_the_kubelet_is_offered_what_helps_its_runtime() -> None:
    assert titles("kubelet") == ["Any Linux", "containerd", "CRI-O", LAST]
    assert titles("kubelet", runtime="cri-o") == ["Any Linux", "CRI-O", LAST]


def test_the_kubelets_credentials_are_not_its_runtimes() -> None:
    own = 'for = ["kubelet"]\nsteps = [{text = "s"}]'
    theirs = 'for = ["cri-o"]\nsteps = [{text = "t"}]'
    body = '[["{0}".remedy]]\ntitle = "Own"\n{1}\n[["{0}".remedy]]\ntitle = "Theirs"\n{2}'
    for code, expected in (("auth.y", ["Own"]), ("tls.y", ["Own", "Theirs"])):
        shelf = book(x=one(body.format(code, own, theirs), code))
        dressed = shelf.dress(Finding(code), target("kubelet"))
        assert [each.title for each in dressed.remedies] == expected


@pytest.mark.parametrize(("client", "verify"), [
    ("podman", "`doctor check --as podman registry.corp:5000` passes its auth check."),
    ("shell", "`doctor check registry.corp:5000` passes its auth check."),
])  # fmt: skip
def test_a_remedy_is_seen_to_work_with_the_eyes_that_saw_the_fault(
    client: str, verify: str
) -> None:
    params = {"login_at": "registry.corp:5000"}
    dressed = BOOK.dress(Finding("auth.no-credentials", params=params), target(client))
    assert dressed.remedies[0].verify == verify


@pytest.mark.parametrize(("check", "named"), [("blob", "blob"), ("image", "image"), ("api", "api")])
def test_an_answer_that_breaks_the_protocol_is_seen_mended_at_its_own_check(
    check: str, named: str
) -> None:
    dressed = BOOK.dress(Finding("registry.bad-response", check=check), target("shell"))
    assert {(r.verify or "").endswith(f"passes its {named} check.") for r in dressed.remedies} == {
        True
    }


def test_a_command_looks_with_the_same_eyes_and_quotes_what_is_foreign() -> None:
    finding = Finding(
        "registry.manifest-unknown", params={"nearest": "1.2", "corrected": "r.corp/a b"}
    )
    looks = [
        step.command
        for client in ("cri-o", "shell")
        for step in BOOK.dress(finding, target(client)).remedies[0].steps
    ]
    assert looks == ["doctor check --as cri-o 'r.corp/a b'", "doctor check 'r.corp/a b'"]


def test_no_words_name_the_command_without_the_eyes() -> None:
    bare = re.compile(r"doctor check(?! --as )")
    templates = [
        (words.code, each)
        for words, remedy in remedies()
        for each in (remedy.verify, *(t for s in remedy.steps for t in (s.text, s.command)))
    ]
    assert [(code, each) for code, each in templates if bare.search(each or "")] == []


def test_a_judge_cannot_put_several_words_in_a_command() -> None:
    params = {"diagnose": template.Typed("doctor check; reboot"), "corrected": "x", "nearest": "y"}
    finding = Finding("registry.manifest-unknown", params=params)
    step = BOOK.dress(finding, target()).remedies[0].steps[0]
    assert step.command == "'doctor check; reboot' x"


def test_a_code_without_words_is_still_a_finding() -> None:
    dressed = SHELF.dress(Finding("no.words"), target())
    assert (dressed.title, dressed.severity, dressed.remedies) == ("no.words", "error", ())


def test_what_a_judge_said_itself_stays() -> None:
    dressed = SHELF.dress(Finding("x.y", detail="Mine.", title="Own"), target())
    assert (dressed.title, dressed.detail) == ("Own", "Mine.")


@pytest.mark.parametrize(("text", "named", "key"), [
    ("docker.io", "docker.io", "https://index.docker.io/v1/"),
    ("registry-1.docker.io", "docker.io", "https://index.docker.io/v1/"),
    ("index.docker.io/team/app", "docker.io", "https://index.docker.io/v1/"),
    # Served by Docker Hub too; no client looks its login up under Docker Hub's key.
    ("registry-1.docker.io/team/app", "registry-1.docker.io", "registry-1.docker.io"),
    ("registry.corp:5000", "registry.corp:5000", "registry.corp:5000"),
])  # fmt: skip
def test_a_registry_is_named_as_its_login_is_kept(text: str, named: str, key: str) -> None:
    from doctor.reference import read_target

    read = read_target(text)
    assert read.registry is not None
    params = codes.params_of(Target(text, read.reference, read.registry))
    assert (params["registry"], params["key"]) == (named, key)


@pytest.mark.parametrize(("client", "runtime", "told"), [
    ("cri-o", "", True), ("kubelet", "cri-o", True), ("kubelet", "containerd", False),
    ("podman", "", False),
])  # fmt: skip
def test_whoever_has_cri_o_pull_is_told_to_have_it_read_its_files_again(
    client: str, runtime: str, told: bool
) -> None:
    target = Target("x", None, Hop("registry", "reg.corp", 443), client=client, runtime=runtime)
    assert (codes.params_of(target).get("crio") == "yes") is told


@pytest.mark.parametrize("code", ["auth.no-credentials", "auth.rejected"])
@pytest.mark.parametrize("client", ["shell", "docker", "podman", "kubelet"])
@pytest.mark.parametrize(
    "host",
    [
        "shop.azurecr.io",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "europe-docker.pkg.dev",
        "ghcr.io",
        "quay.io",
        "registry.cleanstart.com",
    ],
)
def test_every_registry_has_the_remedies_that_any_registry_has(
    host: str, client: str, code: str
) -> None:
    """Also where keys are made nowhere by hand, or on a page without steps."""

    from doctor.reference import read_target

    params = {
        **{"user": "ann", "pod": "web", "namespace": "shop", "new_secret": "pull"},
        **{"service_account": "default"},
    }

    def titles(name: str) -> list[str]:
        text = f"{name}/app:1"
        read = read_target(text)
        assert read.registry is not None
        asked = Target(text, read.reference, read.registry, client=client)
        told = Finding(code, hop=asked.registry, params={**params, "login_at": name})
        found = BOOK.dress(told, asked)
        return [r.title.replace(name, "HOST") for r in found.remedies]

    assert titles("registry.corp")
    assert titles(host) == titles("registry.corp")


@pytest.mark.parametrize(
    ("host", "command"),
    [
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "aws ecr get-login-password --region eu-west-1 | {} --username AWS --password-stdin",
        ),
        ("registry.corp", "{} --username USER_NAME --password-stdin < API_KEY_FILE"),
    ],
)
@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_login_is_made_with_a_token_where_the_registrys_cloud_prints_one(
    program: str, host: str, command: str
) -> None:
    here = Target(f"{host}/a:1", None, Hop("registry", host, 443), client=program)
    found = Finding("auth.no-credentials", params={"because": "x", "places": "y", "login_at": host})
    steps = load().dress(found, here).remedies[0].steps
    assert [s.command for s in steps if s.command] == [command.format(f"{program} login {host}")]
