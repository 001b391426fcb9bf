"""What a reader sees of several clients: a line for each, each cause once, and nothing alive from
outside."""

from __future__ import annotations

import re
from typing import Any

import pytest

from doctor.command import output
from doctor.report.text import Style, render
from tests.report.samples import sample
from tests.report.test_text import HOSTILE, document, finding

LAYERS = ("proxy", "dns", "tcp", "tls", "api")


def entry(client: str, failing: str = "", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A target's entry and its line of the comparison."""
    verdict = "fail" if failing else "pass"
    causes = ["tls.unknown-ca"] if failing else []
    found = [finding()] if failing else []
    fields = {"client": client, "verdict": verdict, "root_causes": causes, "findings": found}
    target = document(**{**fields, **more})["targets"][0]
    place = LAYERS.index(failing) if failing else len(LAYERS)
    statuses = ["pass"] * place + (["fail"] if failing else []) + ["skip"] * len(LAYERS)
    row = {
        "target": target["target"],
        "client": client,
        "verdict": verdict,
        "first_failing": failing or None,
        "root_causes": causes,
        "layers": [{"name": n, "status": s} for n, s in zip(LAYERS, statuses, strict=False)],
    }
    return target, row


def shown(*entries: tuple[dict[str, Any], dict[str, Any]], style: Style = Style()) -> str:  # noqa: B008
    targets, rows = [e for e, _ in entries], [r for _, r in entries]
    return render({"verdict": "pass", "targets": targets, "clients": rows}, style)


def test_each_client_has_a_line_that_reads_aloud() -> None:
    text = shown(entry("shell"), entry("docker", "tls"), entry("podman"))
    assert "shell and podman can pull it; docker cannot, at tls." in text
    assert "+ ok         shell      ok: proxy dns tcp tls api" in text
    assert "x FAILED     docker     at tls; ok: proxy dns tcp\n" in text


def test_no_more_is_claimed_than_was_looked_at() -> None:
    text = shown(entry("shell", not_tried=["tcp"]), entry("docker", not_tried=["tcp"]))
    assert text.startswith("No fault in what was looked at: ")
    assert "No fault was seen for shell and docker." in text
    host = shown(entry("shell", repository=None), entry("docker", "tls", repository=None))
    assert "shell can use it; docker cannot, at tls." in host


def test_a_cause_of_several_is_told_once_and_names_them() -> None:
    text = shown(entry("shell"), entry("docker", "tls"), entry("podman", "tls"))
    assert text.count("(tls.unknown-ca") == 1
    assert "Cause for docker and podman: Unknown certificate authority" in text
    assert text.count("What to do: ") == 1
    everyone = shown(entry("shell", "tls"), entry("docker", "tls"))
    assert "Cause for every client: " in everyone
    assert "shell and docker cannot pull it, at tls." in everyone


def test_remedies_that_differ_are_told_for_each() -> None:
    own = {**finding()["remedies"][0], "title": "Put it into certs.d"}
    docker = entry("docker", "tls", findings=[finding(remedies=[own])])
    text = shown(entry("shell", "tls"), docker)
    assert text.count("Cause for") == 1
    assert "What to do for shell: Add the CA" in text
    assert "What to do for docker: Put it into certs.d" in text


@pytest.mark.parametrize(("command", "offered"), [
    ("doctor check --as docker --ca CA_FILE registry.corp", 1),
    ("doctor check --ca OTHER_FILE registry.corp", 2),
])  # fmt: skip
def test_a_step_that_looks_with_the_clients_own_eyes_is_the_same_step(
    command: str, offered: int
) -> None:
    def looking(command: str) -> Any:
        step = {**finding()["remedies"][0]["steps"][0], "command": command}
        return finding(remedies=[{**finding()["remedies"][0], "steps": [step]}])

    shell = entry("shell", "tls", findings=[looking("doctor check --ca CA_FILE registry.corp")])
    text = shown(shell, entry("docker", "tls", findings=[looking(command)]))
    assert text.count("What to do") == offered


def test_what_the_comparison_knows_comes_first_and_once() -> None:
    known = {
        **finding(code="tls.trust-differs", severity="warning", root_cause=False),
        "subject": "docker",
        "detail": "The stores disagree.",
        "remedies": [{**finding()["remedies"][0], "title": "Give docker the CA"}],
    }
    text = shown(entry("shell", verdict="warn", findings=[known]), entry("docker", "tls"))
    assert "What to do: Give docker the CA" in text
    assert "Add the CA to the system's" not in text
    assert "The stores disagree." not in text
    assert "The stores disagree." in shown(
        entry("shell", verdict="warn", findings=[known]), entry("docker", "tls"),
        style=Style(verbose=True),
    )  # fmt: skip


def test_a_warning_of_several_is_told_once() -> None:
    warning = finding(severity="warning", root_cause=False, detail="It expires soon.")
    text = shown(entry("shell", findings=[warning]), entry("docker", findings=[warning]))
    assert text.count("It expires soon.") == 1
    alone = shown(entry("shell"), entry("docker", findings=[warning]))
    assert "warning (docker): tls.unknown-ca" in alone


def test_without_colour_it_says_the_same_within_80_columns() -> None:
    entries = (entry("shell"), entry("docker", "tls"))
    text, coloured = shown(*entries), shown(*entries, style=Style(colour=True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_what_comes_from_outside_is_dead() -> None:
    bad = finding(title=HOSTILE, detail=HOSTILE, hop=HOSTILE)
    text = shown(
        entry("shell", target=HOSTILE, assumed=[HOSTILE], not_tried=[HOSTILE]),
        entry("docker", "tls", target=HOSTILE, findings=[bad]),
    )
    assert not set(text) & set("\x1b\x07\x9b\r\u202e")
    assert not any(line.strip() == "All is well" for line in text.splitlines())


def broken(line: int) -> dict[str, Any]:
    return finding(detail=f"Line {line} is broken.")


def at(line: int) -> dict[str, Any]:
    return {"source": {"file": "a.yaml", "line": line}, "repository": None}


@pytest.mark.parametrize("form", ["text", "markdown", "short", "html"])
def test_parts_of_a_file_that_could_not_be_read_are_called_by_their_lines(form: str) -> None:
    """And are two of them, although neither has a name."""
    unread = [
        entry(client, "tls", target="", findings=[broken(line)], **at(line))
        for line in (9, 20)
        for client in ("shell", "docker")
    ]
    whole = sample("clients")
    whole |= {"targets": [e for e, _ in unread], "clients": [r for _, r in unread]}
    told = output.render(whole, form, colour=False, verbose=False, width=80)
    assert "a.yaml:9" in told
    assert "a.yaml:20" in told
    assert told.count("shell and docker cannot use it, at tls.") == 2
    assert "Line 20 is broken." in told


def test_where_an_image_is_named_is_told_beside_it() -> None:
    text = shown(entry("shell", "tls", **at(9)), entry("docker", **at(9)))
    assert "Cannot be used: registry.example/app:1  (a.yaml:9)\n" in text
    assert "a.yaml" not in shown(entry("shell", "tls"), entry("docker"))


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("registry.example/app:1", "doctor check --as docker registry.example/app:1"),
        ("a;touch$IFS/tmp/x", "doctor check --as docker 'a;touch$IFS/tmp/x'"),
        ("$(id)/x", "doctor check --as docker '$(id)/x'"),
        ("it's", "doctor check --as docker 'it'\"'\"'s'"),
        ("--root=/x", "--verbose"),
        ("a\nb", "--verbose"),
        ("", "--verbose"),
    ],
)
def test_the_command_that_tells_more_can_be_pasted_whatever_the_file_says(
    target: str, command: str
) -> None:
    text = shown(entry("shell", target=target), entry("docker", "tls", target=target))
    assert f"  More: {command}\n" in text + "\n"
