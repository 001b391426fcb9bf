"""Do the files of registries.conf come together as containers/image has them?

Which places follow from them, and which files are unusable, is compared with skopeo itself in
test_registries_itself; here it is the order of files, what replaces what, and the lines.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from doctor.clients import pull_sources, registries_conf, short_names
from doctor.clients.machine import Machine
from doctor.clients.registries_conf import RegistriesConf
from doctor.facts.endpoint import EndpointsFact
from doctor.model import Target
from doctor.reference import read_target
from doctor.reference.grammar import Reference, scan
from tests.clients.registries import HOME, machine, put

MAIN = "/etc/containers/registries.conf"
DROP_IN = f"{MAIN}.d/50-x.conf"
OWN = f"{HOME}/.config/containers/registries.conf"
OWN_DROP_IN = f"{OWN}.d/10-x.conf"
DIGEST = f"sha256:{'a' * 64}"
MIRRORED = """# the company's

[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "mirror.example/hub"

[[registry.mirror]]
location = "near.example:5000"
insecure = true
pull-from-mirror = "digest-only"
"""


def read(root: Path, **environ: str) -> RegistriesConf:
    return registries_conf.read(machine(root, **environ))


def table(prefix: str, location: str, more: str = "") -> str:
    return f'[[registry]]\nprefix = "{prefix}"\nlocation = "{location}"\n{more}\n'


def target(text: str) -> Target:
    found = read_target(text)
    assert found.reference is not None
    return Target(text, found.reference, found.reference.hop, assumed=found.assumed)


def fact(root: Path, image: str = "nginx:1", **environ: str) -> EndpointsFact:
    return pull_sources.endpoints("podman", read(root, **environ), target(image), "a rule")


def asked(root: Path, image: str = "nginx:1", **environ: str) -> list[str]:
    places = fact(root, image, **environ).asked
    return [f"{each.domain or each.hop.authority}/{each.repository}" for each in places]


# ── which files ──────────────────────────────────────────────────────────────────────────────────


def test_without_files_the_registry_itself_is_asked(tmp_path: Path) -> None:
    assert read(tmp_path).files == ()
    assert asked(tmp_path, "r.example/a:1") == ["r.example/a"]
    assert [p.outcome for p in fact(tmp_path).places] == ["missing"]


def test_the_machines_file_then_its_drop_ins_then_the_users(tmp_path: Path) -> None:
    later = [MAIN, f"{MAIN}.d/10-a.conf", f"{MAIN}.d/20-b.conf", OWN_DROP_IN]
    for n, path in enumerate(later):
        put(tmp_path, path, table("r.example", f"n{n}.example"))
        assert asked(tmp_path, "r.example/a:1") == [f"n{n}.example/a"]
    put(tmp_path, f"{MAIN}.d/30-c.txt", "[[[")
    put(tmp_path, f"{MAIN}.d/sub/40-d.conf", "[[[")
    put(tmp_path, f"{MAIN}.d/folder.conf/x.conf", "[[[")
    assert read(tmp_path).files == tuple(later)


def test_the_users_file_hides_all_of_the_machines(tmp_path: Path) -> None:
    for path in (MAIN, DROP_IN):
        put(tmp_path, path, table("r.example", "machine.example"))
    put(tmp_path, OWN, "")
    assert asked(tmp_path, "r.example/a:1") == ["r.example/a"]
    put(tmp_path, OWN_DROP_IN, table("r.example", "user.example"))
    assert asked(tmp_path, "r.example/a:1") == ["user.example/a"]
    assert read(tmp_path).files == (OWN, OWN_DROP_IN)


@pytest.mark.parametrize("variable", ["CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"])
def test_a_variable_names_the_file_and_drop_ins_stay(tmp_path: Path, variable: str) -> None:
    put(tmp_path, OWN, table("r.example", "own.example"))
    put(tmp_path, "/named.conf", table("r.example", "named.example"))
    assert asked(tmp_path, "r.example/a:1", **{variable: "/named.conf"}) == ["named.example/a"]
    put(tmp_path, DROP_IN, table("r.example", "drop.example"))
    assert asked(tmp_path, "r.example/a:1", **{variable: "/named.conf"}) == ["drop.example/a"]
    (fault,) = read(tmp_path, **{variable: "/gone.conf"}).faults
    assert (fault.file, fault.stops) == ("/gone.conf", True)


def test_the_newer_variable_wins(tmp_path: Path) -> None:
    put(tmp_path, "/new.conf", table("r.example", "new.example"))
    put(tmp_path, "/old.conf", table("r.example", "old.example"))
    both = {
        "CONTAINERS_REGISTRIES_CONF": "/new.conf",
        "REGISTRIES_CONFIG_PATH": "/old.conf",
    }
    assert asked(tmp_path, "r.example/a:1", **both) == ["new.example/a"]


# ── what replaces what ───────────────────────────────────────────────────────────────────────────


def test_a_later_table_of_the_prefix_replaces_it_whole(tmp_path: Path) -> None:
    put(tmp_path, MAIN, MIRRORED)
    put(tmp_path, DROP_IN, table("docker.io", "docker.io"))
    assert asked(tmp_path) == ["registry-1.docker.io/library/nginx"]
    put(tmp_path, DROP_IN, table("docker.io/library", "docker.io/library"))
    assert asked(tmp_path, "team/app:1") == ["mirror.example/hub/team/app", *asked_hub("team/app")]


def asked_hub(repository: str) -> list[str]:
    return [f"registry-1.docker.io/{repository}"]


def test_a_list_replaces_the_earlier_list_and_an_empty_one_resets_it(tmp_path: Path) -> None:
    put(tmp_path, MAIN, 'unqualified-search-registries = ["a.example", "b.example"]\n')
    put(tmp_path, DROP_IN, 'unqualified-search-registries = ["c.example"]\n')
    assert [each.text for each in read(tmp_path).search] == ["c.example"]
    put(tmp_path, DROP_IN, "unqualified-search-registries = []\n")
    assert read(tmp_path).search == ()
    put(tmp_path, DROP_IN, "[aliases]\n")
    assert [each.text for each in read(tmp_path).search] == ["a.example", "b.example"]


def test_helpers_and_the_mode_are_replaced_too(tmp_path: Path) -> None:
    put(tmp_path, MAIN, 'credential-helpers = ["pass"]\nshort-name-mode = "enforcing"\n')
    put(tmp_path, DROP_IN, 'credential-helpers = ["a", "b"]\nshort-name-mode = "disabled"\n')
    conf = read(tmp_path)
    assert ([each.text for each in conf.helpers], conf.mode) == (["a", "b"], "disabled")
    assert conf.helpers[1].origin == f"{DROP_IN}:1"


# ── which places ─────────────────────────────────────────────────────────────────────────────────


def test_mirrors_come_in_order_and_the_registry_last_each_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, MAIN, MIRRORED)
    found = fact(tmp_path)
    places = [(e.hop.role, e.hop.name, e.repository, e.origin, e.skipped) for e in found.endpoints]
    assert places == [
        ("mirror", "mirror.example:443", "hub/library/nginx", f"{MAIN}:8", ""),
        ("mirror", "near.example:5000", "library/nginx", f"{MAIN}:11", "it is for digests only"),
        ("registry", "registry-1.docker.io:443", "library/nginx", "", ""),
    ]
    assert found.rule == "a rule"
    (place,) = found.places
    assert (place.where, place.note) == (MAIN, f"{MAIN}:4 counts")
    assert len(fact(tmp_path, f"nginx@{DIGEST}").asked) == 3


@pytest.mark.parametrize(("prefix", "image", "is_about"), [
    ("example.com/foo", "example.com/foobar/x:1", False),
    ("example.com/foo", "example.com/foo/x:1", True),
    ("docker.io/alpine", "alpine:1", False),
    ("docker.io/library/alpine", "alpine:1", True),
    ("*.example.com", "a.b.example.com/x:1", True),
    ("*.example.com", "example.com/x:1", False),
    ("example.com", "example.com:5000/x:1", True),
    ("example.com", "example.community/x:1", False),
])  # fmt: skip
def test_a_prefix_ends_at_a_boundary(
    tmp_path: Path, prefix: str, image: str, is_about: bool
) -> None:
    put(tmp_path, MAIN, table(prefix, prefix.removeprefix("*."), "blocked = true"))
    reference = scan(image)
    assert isinstance(reference, Reference)
    assert (pull_sources.chosen(read(tmp_path), reference.name) is not None) is is_about


def test_the_port_stays_as_it_is_written(tmp_path: Path) -> None:
    """Folders of certs.d and keys of credentials go by it."""
    put(tmp_path, MAIN, table("r.example", "n.example:443"))
    assert asked(tmp_path, "r.example/a:1") == ["n.example:443/a"]


def test_a_blocked_registry_is_told_with_the_line(tmp_path: Path) -> None:
    put(tmp_path, MAIN, table("bad.example", "bad.example", "blocked = true"))
    found = fact(tmp_path, "bad.example/a:1")
    assert (found.asked, found.blocked is not None) == ((), True)
    assert found.blocked
    assert (found.blocked.file, found.blocked.line) == (MAIN, 4)
    assert "bad.example" in found.blocked.rule
    assert fact(tmp_path, "good.example/a:1").blocked is None


def test_mirrors_of_a_blocked_registry_are_asked(tmp_path: Path) -> None:
    more = 'blocked = true\n[[registry.mirror]]\nlocation = "m.example"'
    put(tmp_path, MAIN, table("bad.example", "bad.example", more))
    found = fact(tmp_path, "bad.example/a:1")
    assert ([e.hop.host for e in found.asked], found.blocked) == (["m.example"], None)
    assert found.endpoints[1].skipped == f"it is blocked in {MAIN}:4"


def test_each_place_is_insecure_by_its_own_line(tmp_path: Path) -> None:
    put(tmp_path, MAIN, MIRRORED)
    conf, image = read(tmp_path), target(f"nginx@{DIGEST}")
    found = fact(tmp_path, f"nginx@{DIGEST}")
    lines = []
    for each in found.endpoints:
        aimed = replace(image, endpoint=each, asked=image.reference)
        lines.append([i.origin for i in pull_sources.insecure(conf, aimed, "docker.io")])
    assert lines == [[], [f"{MAIN}:12"], []]
    put(tmp_path, MAIN, table("r.example", "r.example", "insecure = true"))
    conf = read(tmp_path)
    for text in ("r.example/a:1", "r.example:5000/a:1"):
        (setting,) = pull_sources.insecure(conf, target(text), "r.example")
        assert setting.origin == f"{MAIN}:4"
    assert pull_sources.insecure(conf, target("s.example/a:1"), "s.example") == ()


def test_the_old_format_is_read(tmp_path: Path) -> None:
    put(tmp_path, MAIN, (
        '[registries.search]\nregistries = ["a.example"]\n'
        '[registries.insecure]\nregistries = [\n  "i.example",\n]\n'
        '[registries.block]\nregistries = ["b.example"]\n'
    ))  # fmt: skip
    conf = read(tmp_path)
    assert [each.text for each in conf.search] == ["a.example"]
    (setting,) = pull_sources.insecure(conf, target("i.example/a:1"), "i.example")
    assert setting.origin == f"{MAIN}:5"
    assert fact(tmp_path, "b.example/a:1").blocked
    put(tmp_path, DROP_IN, '[registries.block]\nregistries = ["c.example"]\n')
    (fault,) = read(tmp_path).faults
    assert (fault.file, fault.line) == (DROP_IN, 1)


# ── what is broken ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("text", "line", "column", "word"), [
    ('[[registry]]\nlocation = "a.example\n', 2, 22, "character"),
    ('\ufeff[[registry]]\nlocation = "a.example"\n', 1, 1, "byte order mark"),
    ('[[registry]]\n\nlocation = "https://a.example"\n', 3, 1, "scheme"),
    (table("a.example", "https://a.example"), 3, 1, "scheme"),
    (table("a.example", "a.example", 'insecure = "yes"'), 4, 1, "true or false"),
    ('[[registry]]\ninsecure = true\n', 1, 1, "neither prefix nor location"),
    (table("*.example/x", "a.example"), 2, 1, "after its *."),
    (MIRRORED + "insecure = false\n", 14, 17, "overwrite"),
    (MIRRORED.replace("digest-only", "digests"), 13, 1, "pull-from-mirror"),
    (MIRRORED.replace('location = "docker.io"', "mirror-by-digest-only = true\nlocation = 'x.io'"),
     14, 1, "mirror-by-digest-only"),
    (table("a.example", "x.example") + table("b.example", "x.example", "insecure = true"),
     8, 1, "two tables"),
    (table("a.example", "x.example", "blocked = true") + table("b.example", "x.example"),
     4, 1, "two tables"),
    ('unqualified-search-registries = [\n "a.example",\n "b.example/x"]\n', 3, 1, "b.example/x"),
    ('short-name-mode = "strict"\n', 1, 1, "strict"),
    ('[aliases]\n# x\n"x" = "library/x"\n', 3, 1, "library/x"),
    ('[registries.search]\nregistries = ["a.example"]\n' + table("b.example", "b.example"),
     1, 1, "old format"),
    ('x = """\n[[registry]]\nlocation = "q"\n"""\n[[registry]]\nlocation = "http://a.example"\n',
     6, 1, "scheme"),
    ("[" * 100_000, 1, None, ""),
])  # fmt: skip
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, text: str, line: int, column: int | None, word: str
) -> None:
    put(tmp_path, DROP_IN if "registries." not in text else MAIN, text)
    put(tmp_path, OWN_DROP_IN, table("r.example", "n.example"))
    conf = read(tmp_path)
    (fault,) = conf.faults
    assert (fault.line, fault.stops) == (line, True)
    assert word in fault.what
    assert column in (None, fault.column)
    assert (fault.effect, conf.registries) == (registries_conf.STOPS, ())


def test_the_same_location_in_two_files_may_differ(tmp_path: Path) -> None:
    put(tmp_path, MAIN, table("a.example", "x.example"))
    put(tmp_path, DROP_IN, table("b.example", "x.example", "insecure = true"))
    assert read(tmp_path).faults == ()


def test_what_is_no_file_is_not_waited_for_and_no_link_leads_out(tmp_path: Path) -> None:
    root = tmp_path / "node"
    outside = put(tmp_path, "/secret", MIRRORED)
    place = root / MAIN.lstrip("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    assert read(root).registries == ()
    place.unlink()
    os.mkfifo(place)
    (fault,) = read(root).faults
    assert not fault.stops
    place.unlink()
    place.touch()
    os.truncate(place, 100 << 20)
    (fault,) = read(root).faults
    assert not fault.stops
    place.unlink()
    place.write_bytes(b'[[registry]]\nlocation = "\xff\xfe.example"\n')
    (fault,) = read(root).faults
    assert (fault.what, fault.line, fault.stops) == ("it is not UTF-8", 2, True)
    place.write_text(table("r.example", "n.example").replace("\n", "\r\n"))
    assert asked(root, "r.example/a:1") == ["n.example/a"]


def test_long_lines_and_many_brackets_end(tmp_path: Path) -> None:
    put(tmp_path, MAIN, f"# {'[' * 200_000}{' ' * 200_000}{']' * 200_000}\n[ {' ' * 300_000}\n")
    assert len(read(tmp_path).faults) == 1
    put(tmp_path, MAIN, f"a{'.a' * 300_000} = 1\n")
    assert len(read(tmp_path).faults) == 1


# ── names without a registry ─────────────────────────────────────────────────────────────────────

SEARCH = 'unqualified-search-registries = ["quay.io"]\n'
BOTH = 'unqualified-search-registries = [\n "quay.io",\n "docker.io"]\n'
ALIAS = '[aliases]\n"nginx" = "docker.io/library/nginx"\n"team/app" = "r.example:5000/app"\n'


def meant(root: Path, text: str) -> list[str]:
    targets = short_names.meant("podman", read(root), target(text))
    return [str(each.reference) for each in targets]


@pytest.mark.parametrize(("conf", "text", "images"), [
    (SEARCH, "nginx", ["quay.io/nginx:latest"]),
    (SEARCH, "team/app:2", ["quay.io/team/app:2"]),
    (SEARCH, "localhost/app:2", ["localhost/app:2"]),
    (SEARCH, "docker.io/nginx", ["docker.io/library/nginx:latest"]),
    (SEARCH, f"nginx@{DIGEST}", [f"quay.io/nginx@{DIGEST}"]),
    (BOTH, "nginx:1", ["quay.io/nginx:1", "docker.io/library/nginx:1"]),
    (SEARCH + ALIAS, "nginx:1", ["docker.io/library/nginx:1"]),
    (SEARCH + ALIAS, "team/app", ["r.example:5000/app:latest"]),
    (SEARCH + ALIAS, f"team/app@{DIGEST}", [f"r.example:5000/app@{DIGEST}"]),
    (SEARCH + ALIAS, "other/app", ["quay.io/other/app:latest"]),
    (ALIAS, "other", ["docker.io/library/other:latest"]),
    ("", "nginx", ["docker.io/library/nginx:latest"]),
])  # fmt: skip
def test_what_a_short_name_stands_for(
    tmp_path: Path, conf: str, text: str, images: list[str]
) -> None:
    put(tmp_path, MAIN, conf)
    assert meant(tmp_path, text) == images


def test_what_was_assumed_is_said_in_place_of_dockers_rule(tmp_path: Path) -> None:
    put(tmp_path, MAIN, BOTH)
    first, second = short_names.meant("podman", read(tmp_path), target("nginx:1"))
    said = f"podman looks for nginx on quay.io, then on docker.io ({MAIN}:2)."
    assert first.assumed == second.assumed == (said,)
    assert first.registry.host == "quay.io"
    put(tmp_path, DROP_IN, ALIAS)
    (image,) = short_names.meant("podman", read(tmp_path), target("nginx"))
    assert image.assumed[0] == (
        f"podman takes nginx for docker.io/library/nginx: an alias in {DROP_IN}:2."
    )
    assert "latest" in image.assumed[1]


def test_aliases_that_podman_wrote_down_win_and_an_empty_one_takes_away(tmp_path: Path) -> None:
    put(tmp_path, MAIN, SEARCH + ALIAS)
    cache = f"{HOME}/.cache/containers/short-name-aliases.conf"
    put(tmp_path, cache, '[aliases]\n"nginx" = "mine.example/nginx"\n')
    assert meant(tmp_path, "nginx:1") == ["mine.example/nginx:1"]
    put(tmp_path, cache, '[aliases]\n"nginx" = ""\n')
    assert meant(tmp_path, "nginx:1") == ["quay.io/nginx:1"]
    put(tmp_path, cache, "[aliases\n")
    (fault,) = read(tmp_path).faults
    assert (fault.file, fault.stops) == (cache, False)
    assert meant(tmp_path, "nginx:1") == ["docker.io/library/nginx:1"]


def test_roots_own_aliases_lie_elsewhere(tmp_path: Path) -> None:
    put(tmp_path, "/var/cache/containers/short-name-aliases.conf", ALIAS)
    root = Machine(root=str(tmp_path), home="/root", uid=0)
    assert registries_conf.read(root).aliases
    assert not read(tmp_path).aliases


@pytest.mark.parametrize(("client", "conf", "text", "stops"), [
    ("podman", "", "nginx", True),
    ("podman", ALIAS, "nginx", None),
    ("podman", ALIAS, "other", True),
    ("podman", "", "docker.io/nginx", None),
    ("podman", SEARCH, "nginx", None),
    ("podman", BOTH, "nginx", None),
    ("podman", BOTH + 'short-name-mode = "enforcing"\n', "nginx", False),
    ("cri-o", BOTH + 'short-name-mode = "enforcing"\n', "nginx", True),
    ("podman", SEARCH + 'short-name-mode = "enforcing"\n', "nginx", None),
])  # fmt: skip
def test_a_name_that_nothing_stands_for_is_a_fault(
    tmp_path: Path, client: str, conf: str, text: str, stops: bool | None
) -> None:
    put(tmp_path, MAIN, conf)
    fault = short_names.fault(client, read(tmp_path), target(text))
    assert (fault.stops if fault else None) is stops
    assert fault is None or (fault.file == MAIN and text in fault.what)


# ── keys that are none ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("keys", "told"), [
    ("unsecure = true", [("unsecure", "insecure = …", True)]),
    ("mirror_by_digest_only = true",
     [("mirror_by_digest_only", "mirror-by-digest-only = …", True)]),
    ("[[registry.mirror]]\nlocation = \"m.example\"\nblocked = true", [("blocked", "", True)]),
    ("[[registry.mirror]]\nlocation = \"m.example\"\nproxy = \"http://p\"", [("proxy", "", False)]),
    ("namespace-proxy = \"r.example\"", [("namespace-proxy", "", False)]),
    ("Insecure = true\nBLOCKED = false", []),
    ("[[registry.mirror]]\nlocation = \"m.example\"\npull-from-mirror = \"all\"", []),
])  # fmt: skip
def test_a_key_that_is_passed_over_is_told_where_its_table_counts(
    tmp_path: Path, keys: str, told: list[tuple[str, str, bool]]
) -> None:
    put(tmp_path, MAIN, text := table("r.example", "r.example", keys))
    found = list(pull_sources.faults("podman", read(tmp_path), target("r.example/a:1")))
    assert [(f.what.split()[0], f.expected, f.sure) for f in found] == told
    assert all((f.kind, f.stops) == ("passed-over", False) for f in found)
    assert all(text.splitlines()[f.line - 1].startswith(f.what.split()[0]) for f in found)
    assert list(pull_sources.faults("podman", read(tmp_path), target("other.example/a:1"))) == []
