"""Does the real program behave in a real terminal? tmux is the terminal; nothing but loopback is
contacted."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command import environment
from tests.lab.programs import need, program

WAIT = 40.0
FIRST = Path(__file__).parents[1] / "bundle/first.tar.gz"
DOCTOR = f"{sys.executable} -P -m doctor"


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, folder: Path, size: tuple[int, int] = (80, 24), **environ: str) -> None:
        need("tmux")
        self.home = folder / "home-of-terminal"
        self.home.mkdir(exist_ok=True)
        self._tmux = (program("tmux"), "-S", str(folder / "tmux"), "-f", "/dev/null")
        self._command = folder / "command-of-terminal"
        env = environment(self.home, TERM="xterm-256color", COMMAND=str(self._command), **environ)
        env.pop("PYTHONWARNINGS")
        words = ("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "sh")
        subprocess.run([*self._tmux, *words], env=env, check=True, cwd=folder)
        self.say("set-option", "-g", "set-clipboard", "on")
        self.keys("PS1='$ '", "Enter")
        self.until("$")

    def say(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        self.say("send-keys", *keys)

    def type(self, text: str) -> None:
        self.say("send-keys", "-l", text)

    def screen(self) -> str:
        return self.say("capture-pane", "-p")

    def until(self, text: str | Callable[[str], bool]) -> str:
        """The screen, once it shows that."""
        true = text if callable(text) else lambda shown: text in shown
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if true(shown := self.screen()):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"never seen: {text}\n{self.screen()}")

    def run(self, command: str) -> None:
        """What is typed reads the command from a file: what the screen shows, the command wrote."""
        self.keys("clear", "Enter")
        self.until(lambda shown: "exit=" not in shown)
        self._command.write_text(f"{command}; echo exit=$?\n")
        self.type('. "$COMMAND"')
        self.keys("Enter")

    def close(self) -> None:
        self.say("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture
def closed() -> Iterator[str]:
    """A port of loopback that refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def sane(terminal: Terminal) -> None:
    """Typed characters are shown, lines are edited, so is the cursor, nothing of the view is
    left."""
    terminal.run("stty -a | tr ';' '\\n' | tr ' ' '\\n' | grep -xE 'echo|icanon|isig|-echo' | sort")
    shown = terminal.until("exit=0")
    assert re.findall(r"^(-?echo|icanon|isig)$", shown, re.M) == ["echo", "icanon", "isig"]
    modes = "#{alternate_on} #{mouse_any_flag} #{cursor_flag} #{keypad_cursor_flag}"
    assert terminal.say("display-message", "-p", modes).split() == ["0", "0", "1", "0"]


def left(terminal: Terminal) -> list[str]:
    """The programs that were started in this terminal and are still there."""
    mark = f"HOME={terminal.home}".encode()
    shell = terminal.say("display-message", "-p", "#{pane_pid}").strip()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if mark in (folder / "environ").read_bytes().split(b"\0") and folder.name != shell:
                found.append(words)
        except OSError:  # it has ended meanwhile
            continue
    return [each for each in found if not each.startswith(program("tmux"))]


def test_what_is_left_in_a_terminal_would_be_seen(terminal: Terminal) -> None:
    terminal.run("sleep 60 & true")
    terminal.until("exit=0")
    assert left(terminal) == ["sleep 60 "]


def test_from_the_start_through_a_demo_to_a_command_a_report_and_out_again(tmp_path: Path) -> None:
    """What a newcomer does who has no account and no network."""
    temporary, file = tmp_path / "temporary", tmp_path / "report.json"
    temporary.mkdir()
    terminal = Terminal(tmp_path, TMPDIR=str(temporary))
    try:
        before = _settings(terminal)
        terminal.run(DOCTOR)
        terminal.until("registry-doctor")
        terminal.keys("Down", "Down", "Down", "Enter")
        terminal.until("Which fault")
        terminal.until("unknown-ca")
        terminal.keys("Down", "Down", "Down", "Down", "Down", "Enter")
        terminal.until("Cannot be pulled")
        terminal.until("Unknown certificate authority")
        terminal.until("Add the CA to the trust store")
        assert list(temporary.iterdir()), "its servers are up"
        terminal.keys("c")
        terminal.until("Copied step 1")
        assert terminal.say("show-buffer").startswith("doctor check --ca CA_FILE registry.demo.")
        terminal.keys("e")
        terminal.until("Export the report")
        terminal.keys("Down")
        terminal.until("doctor-report.json")
        terminal.keys("C-u")  # a binding: it takes its way, letters that follow at once are faster
        terminal.until(lambda shown: "doctor-report.json" not in shown)
        terminal.type(str(file))
        terminal.keys("Enter")
        terminal.until("Wrote")
        (target,) = json.loads(file.read_text())["targets"]
        assert target["root_causes"] == ["tls.unknown-ca"]
        terminal.keys("q")
        shown = terminal.until("exit=1")
        assert "copied last: doctor check --ca CA_FILE registry.demo.test" in shown
        assert left(terminal) == []
        assert list(temporary.iterdir()) == []
        assert list(terminal.home.iterdir()) == [], "nothing was written but what was asked for"
        assert _settings(terminal) == before
        sane(terminal)
    finally:
        terminal.close()


def _settings(terminal: Terminal) -> str:
    """All modes of the terminal, which stand in two lines of it."""
    terminal.run("stty -g")
    found = "".join(re.findall(r"^[0-9a-f:]+$", terminal.until("exit=0"), re.M))
    assert found.count(":") > 30
    return found


def test_a_demo_on_a_terminal_is_seen_in_the_view(terminal: Terminal) -> None:
    """With the fault's name at once, without one by the list of them; else it is text."""
    terminal.run(f"{DOCTOR} demo expired")
    terminal.until("Cannot be pulled")
    terminal.keys("q")
    terminal.until("exit=1")
    terminal.run(f"{DOCTOR} demo")
    terminal.until("Which fault")
    terminal.keys("Enter")
    terminal.until("All is well")
    terminal.keys("q")
    terminal.until("exit=0")
    assert left(terminal) == []
    terminal.run(f"{DOCTOR} demo")
    terminal.until("Which fault")
    terminal.keys("Escape")
    terminal.until("This is the first screen; q quits.")
    terminal.keys("q")
    terminal.until("exit=0")
    terminal.run(f"{DOCTOR} demo expierd")
    assert "did you mean expired?" in terminal.until("exit=2")
    terminal.run(f"TERM=dumb {DOCTOR} demo | head -n 1")
    assert "healthy" in terminal.until("exit=0")
    terminal.run(f"{DOCTOR} demo expired --format short")
    terminal.until("exit=1")
    sane(terminal)


def test_a_target_that_is_typed_is_remembered(terminal: Terminal, closed: str) -> None:
    terminal.run(DOCTOR)
    terminal.until("registry-doctor")
    terminal.type(f"{closed}/app:1")
    terminal.keys("Enter")
    terminal.until("refused")
    terminal.keys("q")
    terminal.until("exit=1")
    assert (terminal.home / ".local/state/registry-doctor/recent.json").is_file()
    assert [p.name for p in terminal.home.iterdir()] == [".local"], "nothing else was written"


def test_a_run_that_is_left_ends_at_once_with_the_terminal_as_it_was(
    terminal: Terminal,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        terminal.run(f"{DOCTOR} 127.0.0.1:{silent.getsockname()[1]}/app:1 --no-history")
        terminal.until("running")
        terminal.keys("q")
        terminal.until("exit=130")
    sane(terminal)
    assert list(terminal.home.iterdir()) == []


def test_a_helper_that_hangs_ends_with_the_run_that_is_left(
    terminal: Terminal, closed: str, tmp_path: Path
) -> None:
    """The credential helper, and what it started."""
    programs, settings = tmp_path / "programs", terminal.home / ".docker"
    for folder in (programs, settings):
        folder.mkdir()
    helper = programs / "docker-credential-slow"
    helper.write_text("#!/bin/sh\nsleep 60\nexit 1\n")
    helper.chmod(0o755)
    (settings / "config.json").write_text('{"credsStore": "slow"}')
    terminal.run(f"PATH={programs}:$PATH {DOCTOR} {closed}/app:1 --no-history")
    end = time.monotonic() + WAIT
    while not any(each.startswith("sleep") for each in left(terminal)) and time.monotonic() < end:
        time.sleep(0.05)
    assert {"sleep 60 "} < set(left(terminal)), "it is asked, and hangs"
    terminal.keys("q")
    terminal.until("exit=130")
    assert left(terminal) == []
    sane(terminal)


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("HUP", 129), ("INT", 130)])
def test_a_signal_leaves_the_terminal_as_it_was(
    terminal: Terminal, closed: str, signal: str, code: int
) -> None:
    terminal.run(f"{DOCTOR} {closed}/app:1")
    terminal.until("refused")
    pid = terminal.say("display-message", "-p", "#{pane_pid}").strip()
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", pid], capture_output=True, text=True)
    subprocess.run(["kill", f"-{signal}", children.stdout.split()[0]], check=True)
    terminal.until(f"exit={code}")
    sane(terminal)


def test_a_fault_of_its_own_leaves_a_report_and_the_terminal_as_it_was(
    terminal: Terminal, closed: str, tmp_path: Path
) -> None:
    broken = (
        "import sys\nfrom doctor.tui import answer\n"
        "def broken(*a, **k):\n    key = 'hunter2hunter2'\n    raise ValueError(len(key))\n"
        "answer.answer = broken\nfrom doctor.cli import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "broken.py").write_text(broken)
    terminal.run(f"{sys.executable} -P {tmp_path}/broken.py {closed}/app:1")
    shown = terminal.until("exit=3")
    assert "a fault of registry-doctor itself" in shown
    assert "hunter2" not in shown
    (path,) = re.findall(r"\S+doctor-crash-\S+\.txt", "".join(shown.splitlines()))
    written = Path(path)
    text = written.read_text()
    written.unlink()
    assert "in broken" in text
    assert "hunter2" not in text
    sane(terminal)


def test_what_goes_elsewhere_than_to_the_terminal_is_text(
    terminal: Terminal, closed: str, tmp_path: Path
) -> None:
    terminal.run(f"{DOCTOR} {closed}/app:1 | cat")
    assert "waits for tcp" in terminal.until("exit=0")
    terminal.run(f"{DOCTOR} {closed}/app:1 --quiet")
    assert "path" not in terminal.until("exit=1")
    terminal.run(f"TERM=dumb {DOCTOR} {closed}/app:1")
    terminal.until("exit=1")
    told = terminal.say("capture-pane", "-p", "-J", "-S", "-200")
    assert "cannot show the interactive view; here is the text" in told
    terminal.run(f"TERM=dumb {DOCTOR}")
    assert "exit codes:" in terminal.until("exit=2")


def test_what_is_opened_is_shown_in_the_view_and_elsewhere_as_text(terminal: Terminal) -> None:
    """The same file, the same exit code."""
    terminal.run(f"{DOCTOR} open {FIRST}")
    shown = terminal.until("first.tar.gz")
    assert terminal.say("display-message", "-p", "#{alternate_on}").strip() == "1"
    assert "exit=" not in shown
    terminal.keys("q")
    terminal.until("exit=1")
    sane(terminal)
    for command in (f"open {FIRST} --format short", f"open {FIRST} --quiet"):
        terminal.run(f"{DOCTOR} {command}")
        terminal.until("exit=1")
    terminal.run(f"{DOCTOR} open {FIRST} | tail -n 3")
    terminal.until("exit=0")
    terminal.run(f"TERM=dumb {DOCTOR} open {FIRST}")
    terminal.until("exit=1")
    told = terminal.say("capture-pane", "-p", "-J", "-S", "-2000")
    assert "cannot show the interactive view; here is the text" in told
    terminal.run(f"{DOCTOR} open /dev/null")
    terminal.until("exit=2")


def test_standard_error_may_go_to_a_file(terminal: Terminal, closed: str, tmp_path: Path) -> None:
    terminal.run(f"{DOCTOR} {closed}/app:1 2>{tmp_path}/talk")
    terminal.until("Cannot be pulled")
    terminal.keys("q")
    terminal.until("exit=1")
    assert (tmp_path / "talk").read_text() == ""
    sane(terminal)


def test_the_view_alone_loads_textual(closed: str, tmp_path: Path) -> None:
    """With a terminal `doctor check` loads nothing of it; the view nothing that only others use."""
    assert not _loaded(tmp_path, "check", f"{closed}/app:1") & {"textual", "rich", "doctor.tui"}
    view = _loaded(tmp_path, f"{closed}/app:1")
    assert {"textual", "doctor.tui", "doctor.engine"} <= view
    others = {
        f"doctor.tui.{name}" for name in ("start", "several", "cluster", "dialogs", "entries")
    }
    unused = others | {
        "kubernetes",
        "yaml",
        "markdown_it",
        "tree_sitter",
        "OpenSSL",
        "cryptography",
        "dns",
    }
    assert not unused & view


def _loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules that the process had loaded, on a terminal of its own, `q` being typed."""
    file = folder / f"modules-{len(arguments)}"
    words = (
        "import sys\nfrom doctor import cli\n"
        "from doctor.net import preload; preload._PATIENCE = 60\n"
        "try:\n    cli.main(sys.argv[2:])\n"
        "finally:\n    open(sys.argv[1], 'w').write(' '.join(sys.modules))\n"
    )
    main, child = pty.openpty()
    env = environment(folder, TERM="xterm-256color", DOCTOR_NO_HISTORY="1")
    command = [sys.executable, "-P", "-c", words, str(file), *arguments]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=env) as process:
        os.close(child)
        typed = False
        try:
            seen = b""
            while data := os.read(main, 65536):
                seen += data
                if not typed and b"refused" in seen:
                    typed = True
                    os.write(main, b"q")
        except OSError:  # the other end was closed
            pass
        process.wait(WAIT)
    os.close(main)
    return set(file.read_text().split())
