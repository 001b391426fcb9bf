"""Does a credential helper get exactly the key, and can none of them hang, flood or prompt?"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

import pytest

from doctor.facts.helper import HelperAnswer
from doctor.net import Net
from doctor.net.helper import CAP, NOT_FOUND

KEY = "https://index.docker.io/v1/"
PROGRAM = "docker-credential-test"


def helper(folder: Path, body: str, name: str = PROGRAM, mode: int = 0o755) -> Path:
    """A helper in Python, which is there wherever the tests run."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(mode)
    return path


def ask(
    folder: Path, seconds: float = 20.0, name: str = PROGRAM, path: str | None = None
) -> HelperAnswer:
    net = Net(environ={"PATH": path or str(folder), "HOME": "/nonexistent"})
    return asyncio.run(net.helper(name, KEY, seconds=seconds))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_gets_get_and_the_key_and_nothing_else(tmp_path: Path) -> None:
    helper(tmp_path, """
said = sys.stdin.read()
print(json.dumps({"ServerURL": said, "Username": f"{sys.argv[1:]} {said}", "Secret": "s-canary"}))
""")  # fmt: skip
    answer = ask(tmp_path)
    assert answer.fact.ending == "credential"
    assert answer.credential is not None
    assert answer.credential.user == f"['get'] {KEY}"
    assert answer.credential.secret.reveal() == "s-canary"
    assert answer.credential.kind == "password"
    assert "canary" not in repr(answer)


def test_the_user_token_means_an_identity_token(tmp_path: Path) -> None:
    helper(tmp_path, 'print(json.dumps({"Username": "<token>", "Secret": "refresh-me"}))')
    answer = ask(tmp_path)
    assert answer.credential is not None
    assert (answer.credential.kind, answer.credential.user) == ("identity-token", "")


def test_not_found_is_one_exact_sentence_on_standard_output(tmp_path: Path) -> None:
    helper(tmp_path, f"print({NOT_FOUND!r}); sys.exit(1)")
    answer = ask(tmp_path)
    assert (answer.fact.ending, answer.fact.ok, answer.credential) == ("not-found", True, None)


@pytest.mark.parametrize("body", [
    'print("Credentials not found"); sys.exit(1)',
    f"print({NOT_FOUND!r}, file=sys.stderr); sys.exit(1)",
    'print("credentials not found in native keychain!"); sys.exit(1)',
])  # fmt: skip
def test_any_other_word_for_it_is_a_failure(tmp_path: Path, body: str) -> None:
    helper(tmp_path, body)
    answer = ask(tmp_path)
    assert (answer.fact.ending, answer.fact.exit_code) == ("failed", 1)
    assert "not found" in answer.fact.message.lower()


def test_not_found_with_status_zero_is_no_credential(tmp_path: Path) -> None:
    helper(tmp_path, f"print({NOT_FOUND!r})")
    assert ask(tmp_path).fact.ending == "malformed"


def test_a_failure_keeps_the_message_and_makes_it_safe(tmp_path: Path) -> None:
    helper(tmp_path, 'print("gpg: decryption failed\\x1b[2J"); sys.exit(2)')
    fact = ask(tmp_path).fact
    assert (fact.ending, fact.exit_code) == ("failed", 2)
    assert fact.message == "gpg: decryption failed<ESC>[2J"


def test_a_failure_that_prints_the_secret_is_not_repeated(tmp_path: Path) -> None:
    helper(tmp_path, 'print(json.dumps({"Username": "u", "Secret": "s-canary"})); sys.exit(3)')
    fact = ask(tmp_path).fact
    assert (fact.ending, fact.message) == ("failed", "")


@pytest.mark.parametrize("body", [
    'print("s-canary")',
    'print(json.dumps(["s-canary"]))',
    'print(json.dumps({"Username": 1, "Secret": "s-canary"}))',
    'print(json.dumps({"Username": "u", "Secret": None}))',
    "pass",
])  # fmt: skip
def test_an_answer_that_is_no_credential_is_told_without_its_text(
    tmp_path: Path, body: str
) -> None:
    helper(tmp_path, body)
    answer = ask(tmp_path)
    assert (answer.fact.ending, answer.credential) == ("malformed", None)
    assert "canary" not in answer.fact.message


def test_an_empty_credential_is_none_at_all(tmp_path: Path) -> None:
    helper(tmp_path, 'print(json.dumps({"Username": "", "Secret": ""}))')
    assert ask(tmp_path).fact.ending == "not-found"


def test_a_missing_helper_names_the_folders_searched(tmp_path: Path) -> None:
    fact = ask(tmp_path, path=f"{tmp_path}:/bin-that-is-not:relative").fact
    assert fact.ending == "missing"
    assert fact.searched == (str(tmp_path), "/bin-that-is-not")


def test_a_file_without_execute_permission_is_told_apart(tmp_path: Path) -> None:
    helper(tmp_path, "pass", mode=0o644)
    assert ask(tmp_path).fact.ending == "not-executable"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "-x", "docker-credential-\n"])
def test_a_name_that_is_a_path_is_not_run(tmp_path: Path, name: str) -> None:
    assert ask(tmp_path, name=name).fact.ending == "missing"


def test_a_helper_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / PROGRAM
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    fact = ask(tmp_path).fact
    assert (fact.ending, fact.exit_code) == ("failed", None)
    assert "interpreter" in fact.message


def test_a_helper_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    helper(tmp_path, f"""
child = os.fork()
if child == 0:
    time.sleep(600)
with open({str(note)!r} + ".part", "w") as file:
    file.write(f"{{os.getpid()}} {{child}}")
os.rename({str(note)!r} + ".part", {str(note)!r})
time.sleep(600)
""")  # fmt: skip
    fact = ask(tmp_path, seconds=6.0).fact
    assert fact.ending == "timeout"
    assert fact.exit_code is None
    assert note.exists()
    pids = [int(pid) for pid in note.read_text().split()]
    deadline = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "they were killed and do not end"
        time.sleep(0.01)


def test_one_that_is_cancelled_while_it_starts_is_killed_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    helper(tmp_path, f"""
child = os.fork()
if child == 0:
    time.sleep(600)
with open({str(note)!r} + ".part", "w") as file:
    file.write(f"{{os.getpid()}} {{child}}")
os.rename({str(note)!r} + ".part", {str(note)!r})
time.sleep(600)
""")  # fmt: skip

    async def interrupted() -> None:
        net = Net(environ={"PATH": str(tmp_path)})
        asking = asyncio.create_task(net.helper(PROGRAM, KEY))
        for _ in range(2):  # who asks, and what starts the program for all who do
            await asyncio.sleep(0)
        while not note.exists():
            time.sleep(0.01)  # noqa: ASYNC251 - the loop has other things to do
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking

    asyncio.run(interrupted())
    deadline = time.monotonic() + 10
    while any(alive(int(pid)) for pid in note.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_run_once_however_many_ask_and_ends_with_the_last_of_them(tmp_path: Path) -> None:
    note = tmp_path / "runs"
    helper(tmp_path, f"""
with open({str(note)!r}, "a") as file:
    file.write("run\\n")
time.sleep(0.3)
print('{{"Username": "u", "Secret": "s3cret-of-test"}}')
""")  # fmt: skip

    async def several() -> None:
        net = Net(environ={"PATH": str(tmp_path)})
        first, *others = (asyncio.create_task(net.helper(PROGRAM, KEY)) for _ in range(3))
        await asyncio.sleep(0.1)
        first.cancel()
        answers = await asyncio.gather(*others, net.helper(PROGRAM, KEY))
        assert [a.credential.user for a in answers if a.credential] == ["u", "u", "u"]
        assert note.read_text() == "run\n"
        await net.helper(PROGRAM, f"{KEY}.other")
        assert note.read_text() == "run\nrun\n"

    asyncio.run(several())


def test_a_prompt_finds_no_terminal(tmp_path: Path) -> None:
    helper(tmp_path, """
try:
    os.open("/dev/tty", os.O_RDWR)
    print("a terminal")
except OSError:
    print("none")
print(os.getsid(0) == os.getpid(), sys.stdin.isatty())
sys.exit(1)
""")  # fmt: skip
    assert ask(tmp_path).fact.message == "none<LF>True False"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_is_cut_off(tmp_path: Path, stream: str) -> None:
    helper(tmp_path, f"""
while True:
    sys.{stream}.write("x" * 65536)
""")  # fmt: skip
    assert ask(tmp_path).fact.ending == "too-large"


def test_an_answer_just_within_the_cap_is_read(tmp_path: Path) -> None:
    helper(tmp_path, f"""
text = json.dumps({{"Username": "u", "Secret": "s"}})
sys.stdout.write(text + " " * ({CAP} - len(text)))
""")  # fmt: skip
    assert ask(tmp_path).fact.ending == "credential"


def test_a_helper_that_does_not_read_its_input_is_no_fault(tmp_path: Path) -> None:
    helper(tmp_path, 'os.close(0); print(json.dumps({"Username": "u", "Secret": "s"}))')
    assert ask(tmp_path).fact.ending == "credential"


def test_a_daemon_that_keeps_the_outputs_open_holds_it_up_as_it_does_go_clients(
    tmp_path: Path,
) -> None:
    helper(tmp_path, """
print(json.dumps({"Username": "u", "Secret": "s-canary"}), flush=True)
if os.fork() == 0:
    os.setsid()
    time.sleep(30)
os._exit(0)
""")  # fmt: skip
    answer = ask(tmp_path, seconds=4.0)
    assert (answer.fact.ending, answer.credential, answer.fact.message) == ("timeout", None, "")


def test_it_sees_the_environment_of_the_net_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_IN_THE_TEST", "1")
    helper(tmp_path, 'print("ONLY_IN_THE_TEST" in os.environ, os.environ["HOME"]); sys.exit(1)')
    assert ask(tmp_path).fact.message == "False /nonexistent"


def test_one_signal_is_named(tmp_path: Path) -> None:
    helper(tmp_path, "os.kill(os.getpid(), 15); time.sleep(600)")
    fact = ask(tmp_path).fact
    assert (fact.ending, fact.signal, fact.ended) == ("failed", 15, "was ended by signal 15")


def test_the_usual_folders_are_looked_in_when_path_lacks_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    helper(home / ".docker" / "bin", "pass")
    net = Net(environ={"PATH": str(tmp_path), "HOME": str(home)})
    fact = asyncio.run(net.helper(PROGRAM, KEY)).fact
    assert (fact.ending, fact.elsewhere) == ("missing", f"{home}/.docker/bin")
