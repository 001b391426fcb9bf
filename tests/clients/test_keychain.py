"""Where does go-containerregistry's keychain look, in which order, and what does it find?"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from doctor.clients.keychain import resolve
from doctor.clients.keyring import Ask, Held, Lookup, Wanted
from tests.clients.registries import DOCKER, HOME, auth, machine, outcomes, put, user

WANT = Wanted("reg.example.com", "team/app")
HUB = Wanted("docker.io", "library/nginx")
RUNTIME = "/run/user/1000/containers/auth.json"
CONFIG = f"{HOME}/.config/containers/auth.json"


def file(**users: str) -> dict[str, Any]:
    return {"auths": {key.replace("_", "."): auth(user) for key, user in users.items()}}


def asks(lookup: Lookup) -> list[tuple[str, str]]:
    return [(t.program, t.key) for t in lookup.tries if isinstance(t, Ask)]


def test_nothing_anywhere_is_told_place_by_place(tmp_path: Path) -> None:
    found = resolve(machine(tmp_path, XDG_RUNTIME_DIR="/run/user/1000"), WANT)
    assert found.tries == ()
    assert outcomes(found) == {
        "DOCKER_AUTH_CONFIG": "unset",
        DOCKER: "missing",
        RUNTIME: "missing",
        CONFIG: "missing",
    }


def test_docker_login_wins_over_podman_login(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="docker"))
    put(tmp_path, CONFIG, file(reg_example_com="podman"))
    found = resolve(machine(tmp_path), WANT)
    assert user(found) == "docker"
    assert outcomes(found)[CONFIG] == "not-read"


def test_a_docker_file_without_the_registry_hides_podmans(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {}})
    put(tmp_path, CONFIG, file(reg_example_com="podman"))
    found = resolve(machine(tmp_path), WANT)
    assert user(found) is None
    assert [(o.client, "podman" in o.says or CONFIG in o.says) for o in found.otherwise] == [
        ("podman", True)
    ]


def test_podmans_files_in_order(tmp_path: Path) -> None:
    here = machine(tmp_path, XDG_RUNTIME_DIR="/run/user/1000")
    put(tmp_path, CONFIG, file(reg_example_com="config"))
    assert user(resolve(here, WANT)) == "config"
    put(tmp_path, RUNTIME, file(reg_example_com="runtime"))
    assert user(resolve(here, WANT)) == "runtime"
    named = machine(tmp_path, XDG_RUNTIME_DIR="/run/user/1000", REGISTRY_AUTH_FILE="/named.json")
    assert user(resolve(named, WANT)) == "runtime"
    put(tmp_path, "/named.json", file(reg_example_com="named"))
    assert user(resolve(named, WANT)) == "named"


def test_xdg_config_home_is_followed(tmp_path: Path) -> None:
    put(tmp_path, "/cfg/containers/auth.json", file(reg_example_com="xdg"))
    assert user(resolve(machine(tmp_path, XDG_CONFIG_HOME="/cfg"), WANT)) == "xdg"


def test_podmans_file_is_read_by_dockers_rules(tmp_path: Path) -> None:
    put(tmp_path, CONFIG, {"auths": {"reg.example.com": {"username": "plain", "password": "p"}}})
    assert user(resolve(machine(tmp_path), WANT)) == "plain"


def test_docker_config_names_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "/other/config.json", file(reg_example_com="other"))
    assert user(resolve(machine(tmp_path, DOCKER_CONFIG="/other"), WANT)) == "other"
    assert user(resolve(machine(tmp_path), WANT)) is None


def test_a_folder_without_a_file_is_an_empty_configuration_beside_one_at_home(
    tmp_path: Path,
) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="home"))
    put(tmp_path, CONFIG, file(reg_example_com="podman"))
    found = resolve(machine(tmp_path, DOCKER_CONFIG="/empty"), WANT)
    assert user(found) is None
    assert outcomes(found)["/empty/config.json"] == "missing"


def test_the_repository_is_looked_up_before_the_registry(tmp_path: Path) -> None:
    entries = {"reg.example.com": auth("host"), "reg.example.com/team/app": auth("repository")}
    put(tmp_path, DOCKER, {"auths": entries})
    assert user(resolve(machine(tmp_path), WANT)) == "repository"
    assert user(resolve(machine(tmp_path), Wanted("reg.example.com", "team/b"))) == "host"


def test_a_store_is_asked_for_both_keys_and_the_file_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {**file(reg_example_com="file"), "credsStore": "desktop"})
    found = resolve(machine(tmp_path), WANT)
    assert user(found) is None
    assert asks(found) == [
        ("docker-credential-desktop", "reg.example.com/team/app"),
        ("docker-credential-desktop", "reg.example.com"),
    ]
    assert [(h.where, h.credential.user) for h in found.also] == [(DOCKER, "file")]


def test_the_hubs_key_for_a_store(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"credsStore": "desktop"})
    assert asks(resolve(machine(tmp_path), HUB))[-1][1] == "https://index.docker.io/v1/"


def test_a_helper_for_the_registry_beats_the_store(tmp_path: Path) -> None:
    put(
        tmp_path, DOCKER, {"credsStore": "desktop", "credHelpers": {"reg.example.com": "ecr-login"}}
    )
    assert asks(resolve(machine(tmp_path), WANT))[-1] == (
        "docker-credential-ecr-login", "reg.example.com")  # fmt: skip


def test_a_helper_for_another_registry_is_not_asked(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {**file(reg_example_com="file"), "credHelpers": {"other": "x"}})
    assert user(resolve(machine(tmp_path), WANT)) == "file"
    assert asks(resolve(machine(tmp_path), WANT)) == []


def test_an_empty_helper_name_turns_the_store_off(tmp_path: Path) -> None:
    config = {
        **file(reg_example_com="file"),
        "credsStore": "x",
        "credHelpers": {"reg.example.com": ""},
    }
    put(tmp_path, DOCKER, config)
    found = resolve(machine(tmp_path), Wanted("reg.example.com"))
    assert (user(found), asks(found)) == ("file", [])


def test_an_empty_entry_is_a_marker_not_a_fault(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": {}}})
    found = resolve(machine(tmp_path), WANT)
    assert outcomes(found)[DOCKER] == "marker"
    assert (found.tries, found.faults) == ((), ())


VARIABLE = json.dumps({"auths": {"reg.example.com": auth("variable")}})


def test_the_variable_wins_beside_a_file(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {**file(reg_example_com="file"), "credsStore": "x"})
    found = resolve(machine(tmp_path, DOCKER_AUTH_CONFIG=VARIABLE), Wanted("reg.example.com"))
    assert user(found) == "variable"
    assert outcomes(found) == {"DOCKER_AUTH_CONFIG": "used", DOCKER: "not-read"}
    assert [h.credential.user for h in found.also] == ["file"]


def test_the_variable_alone_is_not_consulted(tmp_path: Path) -> None:
    found = resolve(machine(tmp_path, DOCKER_AUTH_CONFIG=VARIABLE), WANT)
    assert found.tries == ()
    assert outcomes(found)["DOCKER_AUTH_CONFIG"] == "not-read"
    assert [o.client for o in found.otherwise] == ["docker"]


def test_keys_of_the_variable_count_exactly(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="file"))
    value = json.dumps({"auths": {"https://reg.example.com/v1/": auth("variable")}})
    assert user(resolve(machine(tmp_path, DOCKER_AUTH_CONFIG=value), WANT)) == "file"


@pytest.mark.parametrize("value", [
    '{"auths": {"reg.example.com": {"username": "u", "password": "p"}}}',
    '{"auths": {}, "credHelpers": {}}',
    '{"auths": {"reg.example.com": {}}}',
    VARIABLE + " {}",
    "{",
    "[]",
])  # fmt: skip
def test_a_variable_with_anything_else_in_it_is_ignored_and_named(
    tmp_path: Path, value: str
) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="file"))
    found = resolve(machine(tmp_path, DOCKER_AUTH_CONFIG=value), WANT)
    assert user(found) == "file"
    assert [(f.where, f.stops) for f in found.faults] == [("DOCKER_AUTH_CONFIG", False)]
    assert outcomes(found)["DOCKER_AUTH_CONFIG"] == "ignored"


def test_identity_and_registry_tokens_come_before_the_password(tmp_path: Path) -> None:
    put(
        tmp_path,
        DOCKER,
        {"auths": {"reg.example.com": {**auth("u"), "identitytoken": "id-secret"}}},
    )
    first = resolve(machine(tmp_path), WANT).tries[0]
    assert isinstance(first, Held)
    assert (first.credential.kind, first.credential.secret.reveal()) == (
        "identity-token", "id-secret")  # fmt: skip


def test_crane_is_the_same_under_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="file"))
    found = resolve(machine(tmp_path), WANT, "crane")
    assert (found.client, user(found)) == ("crane", "file")


@pytest.mark.parametrize(("content", "place"), [
    ('{"auths": {\n  "reg.example.com": {"auth": "x"},\n}}', (3, 1)),
    ("{", (1, 2)),
    ("not json", (1, 1)),
    ('{"auths": []}', (1, 2)),
    ('{\n "auths": {},\n "experimental": true}', (3, 2)),
    ('{"credHelpers": {"reg": 1}}', (1, 18)),
    ("[]", (1, 1)),
    ('{"auths": {"reg.example.com": "dXNlcjpw"}}', (1, 12)),
    ("\ufeff{}", (1, 1)),
    ("[" * 60000, (1, 1)),
    ('{"auths": NaN}', (1, 1)),
])  # fmt: skip
def test_a_file_that_does_not_parse_stops_the_client_at_line_and_column(
    tmp_path: Path, content: str, place: tuple[int, int]
) -> None:
    put(tmp_path, DOCKER, content)
    found = resolve(machine(tmp_path), WANT)
    assert found.stopped
    assert found.tries == ()
    assert (found.faults[0].where, found.faults[0].line, found.faults[0].column) == (DOCKER, *place)


@pytest.mark.parametrize(
    "content", ["", " \n", "null", "{}", '{"auths": null}', '{"auths":{}} tail']
)
def test_what_docker_reads_as_empty_is_no_fault(tmp_path: Path, content: str) -> None:
    put(tmp_path, DOCKER, content)
    assert resolve(machine(tmp_path), WANT).faults == ()


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(("value", "word"), [
    ("u:p-canary", "colon"),
    (b64("nocolon-canary"), "without a colon"),
    (b64(":p-canary"), "empty user name"),
    (b64("user:p-canary1").rstrip("="), "padding"),
    ("%%%%", "not standard base64"),
    ("dXNlcjpw_-==", "URL alphabet"),
])  # fmt: skip
def test_an_entry_that_does_not_decode_spoils_the_file(
    tmp_path: Path, value: str, word: str
) -> None:
    put(tmp_path, DOCKER, {"auths": {"other.example": {"auth": value}, "reg.example.com": auth()}})
    found = resolve(machine(tmp_path), WANT)
    assert found.stopped
    fault = found.faults[0]
    assert (fault.key, fault.ours) == ("other.example", False)
    assert word in fault.what
    assert "canary" not in repr(found)


def test_base64_with_line_ends_and_a_password_with_colons_decode(tmp_path: Path) -> None:
    value = b64("user:a:b:c" + "\0")
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": {"auth": value[:6] + "\n" + value[6:]}}})
    first = resolve(machine(tmp_path), WANT).tries[0]
    assert isinstance(first, Held)
    assert first.credential.secret.reveal() == "a:b:c"


def test_field_names_match_in_any_case_as_in_go(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"Auths": {"reg.example.com": {"Auth": b64("u:p")}}, "CREDSSTORE": ""})
    assert user(resolve(machine(tmp_path), WANT)) == "u"


def test_a_half_filled_entry_is_told_and_still_sent(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": {"auth": b64("user:")}}})
    found = resolve(machine(tmp_path), WANT)
    assert [(f.kind, f.ours, f.stops) for f in found.faults] == [("incomplete", True, False)]
    assert user(found) == "user"


def test_several_keys_for_one_host_are_left_to_chance_and_said_so(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {
        "https://reg.example.com/v1/": auth("one"), "reg.example.com/x": auth("two")}})  # fmt: skip
    found = resolve(machine(tmp_path), WANT)
    assert any("left to chance" in place.note for place in found.places)
    assert [h.credential.user for h in found.also] == ["two"]


def test_a_fifo_for_a_configuration_is_named_and_not_waited_for(tmp_path: Path) -> None:
    import os

    (tmp_path / "home/u/.docker").mkdir(parents=True)
    os.mkfifo(tmp_path / DOCKER.lstrip("/"))
    found = resolve(machine(tmp_path), WANT)
    assert [f.kind for f in found.faults] == ["access"]


def test_what_docker_and_podman_agree_on_needs_no_note(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="same"))
    assert resolve(machine(tmp_path), WANT).otherwise == ()


def test_podman_passes_a_store_over(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {**file(reg_example_com="file"), "credsStore": "desktop"})
    notes = {o.client: o.says for o in resolve(machine(tmp_path), WANT).otherwise}
    assert list(notes) == ["podman"]
    assert DOCKER in notes["podman"]


def test_podman_stops_at_an_empty_file(tmp_path: Path) -> None:
    put(tmp_path, CONFIG, "")
    notes = {o.client: o.says for o in resolve(machine(tmp_path), WANT).otherwise}
    assert "stops at" in notes["podman"]


def test_podmans_parent_namespaces_are_noted(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {
        "reg.example.com": auth("host"), "reg.example.com/team": auth("team")}})  # fmt: skip
    found = resolve(machine(tmp_path), WANT)
    assert user(found) == "host"
    assert [o.client for o in found.otherwise] == ["podman"]


def test_registry_auth_file_stands_alone_for_podman(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, file(reg_example_com="docker"))
    put(tmp_path, "/named.json", file(reg_example_com="named"))
    found = resolve(machine(tmp_path, REGISTRY_AUTH_FILE="/named.json"), WANT)
    assert user(found) == "docker"
    assert ["/named.json" in o.says for o in found.otherwise] == [True]


def test_no_secret_is_in_what_is_printed_of_a_lookup(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": auth("u", "canary-0123456789")}})
    found = resolve(machine(tmp_path), WANT)
    first = found.tries[0]
    assert isinstance(first, Held)
    assert first.credential.secret.reveal() == "canary-0123456789"
    assert "canary" not in repr(found)
    assert b64("u:canary-0123456789") not in repr(found)


def test_files_with_secrets_are_listed_with_mode_and_keys(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": auth(), "marker": {}}}, mode=0o640)
    (stored,) = resolve(machine(tmp_path), WANT).files
    assert (stored.path, stored.keys, stored.mode) == (DOCKER, ("reg.example.com",), 0o640)


def test_a_file_without_secrets_is_not_listed(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": {}}, "credsStore": "x"}, mode=0o644)
    assert resolve(machine(tmp_path), WANT).files == ()
