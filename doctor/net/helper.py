"""What does a credential helper answer to `get`, and what if it does not?

The only place that starts a program (`start` starts others too: what a kubeconfig names to log in).
docker-credential-helpers' protocol
(credentials/credentials.go, client/client.go): the key on standard input, JSON on standard output,
an error as exit status with its message on standard *output*; "not found" is one exact sentence,
and any other word for it makes an anonymous pull fail. Found on the PATH of this process, run
without a shell, in a session of its own (so that it has no terminal to prompt on), with capped
output and a deadline after which its whole process group is killed. Only `get` is ever said:
`store` and `erase` would change something.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from doctor.credential import Credential, Kind
from doctor.facts.helper import Ending, HelperAnswer, HelperFact
from doctor.gojson import as_go
from doctor.net.daemon import begin
from doctor.redact import Secret, plain, scrub

if TYPE_CHECKING:
    from doctor.net import Net

    Process = subprocess.Popen[bytes]

NOT_FOUND = "credentials not found in native keychain"
"""credentials.errCredentialsNotFoundMessage: the one text that means "I have none"."""
TOKEN_USER = "<token>"  # noqa: S105 - a marker
CAP = 65_536
"""Bytes of either output that are read; a helper that says more is stopped."""
_USUAL = (
    "/usr/local/bin",
    "/usr/bin",
    "/opt/homebrew/bin",
    "/snap/bin",
    "/usr/lib/google-cloud-sdk/bin",
    "/Applications/Docker.app/Contents/Resources/bin",
)
_IN_HOME = (".docker/bin", ".local/bin", "bin", "go/bin", "google-cloud-sdk/bin", ".rd/bin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}")


async def get(program: str, argument: str, net: Net, *, seconds: float = 5.0) -> HelperAnswer:
    """Ask `program` (docker-credential-X) for the key `argument`; it may take `seconds`. A failure
    is an answer too."""
    started = time.monotonic()
    searched = tuple(p for p in net.environ.get("PATH", "").split(os.pathsep) if p.startswith("/"))
    path, ending = _find(program, searched)
    if not path:
        elsewhere = _elsewhere(program, net.environ.get("HOME", ""))
        return HelperAnswer(
            HelperFact(
                program=program,
                key=argument,
                ending=ending,
                searched=searched,
                elsewhere=elsewhere,
            )
        )
    run = await start([path, "get"], argument, net.environ, seconds)
    waited = time.monotonic() - started
    base = {"program": program, "key": argument, "path": path, "searched": searched}
    return _judge(run, base, waited)


@dataclass(slots=True)
class Run:
    """How the program ended, and what it said: secrets, perhaps."""

    out: bytes = b""
    err: bytes = b""
    code: int | None = None
    ending: Ending | None = None
    error: str = ""


def _find(program: str, searched: tuple[str, ...]) -> tuple[str, Ending]:
    """The program's path, or "" and why there is none."""
    if not _NAME.fullmatch(program):
        return "", "missing"
    seen: Ending = "missing"
    for folder in searched:
        path = os.path.join(folder, program)
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(mode):
            if os.access(path, os.X_OK):
                return path, "credential"
            seen = "not-executable"
    return "", seen


def _elsewhere(program: str, home: str) -> str:
    """A usual folder for helpers, not on PATH, where the program does lie; "" for none."""
    if not _NAME.fullmatch(program):
        return ""
    usual = [f"{home}/{folder}" for folder in _IN_HOME] if home.startswith("/") else []
    for folder in (*_USUAL, *usual):
        if os.access(os.path.join(folder, program), os.X_OK):
            return folder
    return ""


def _start(command: Sequence[str], environ: Mapping[str, str], folder: str | None) -> Process:
    """The program, known from the moment it runs: asyncio's own start can be cut off in between,
    and what it started then stays behind."""
    return subprocess.Popen(  # noqa: S603 - a program that the configuration names
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        cwd=folder,
        start_new_session=True,
        bufsize=0,
    )


async def start(
    command: Sequence[str],
    given: str,
    environ: Mapping[str, str],
    seconds: float,
    folder: str | None = None,
) -> Run:
    """Start the program in that folder, feed it, read it, and see that nothing of it is left."""
    run = Run()
    process: Process | None = None
    try:
        async with asyncio.timeout(seconds):
            process = _start(command, environ, folder)
            await _converse(process, given, run)
    except TimeoutError:
        run.ending = "timeout"
    except (OSError, ValueError) as error:
        run.ending, run.error = "failed", _cause(error)
    finally:
        if process is not None:
            await _end(process)
            run.code = process.returncode
    return run


async def _converse(process: Process, argument: str, run: Run) -> None:
    given = argument.encode("utf-8", "surrogateescape")
    out = asyncio.create_task(_read(process.stdout))
    err = asyncio.create_task(_read(process.stderr))
    ended: list[asyncio.Future[Any]] = [begin(lambda: _feed(process, given)), begin(process.wait)]
    tasks: set[asyncio.Future[Any]] = {out, err, *ended}
    waiting = set(tasks)
    try:
        while waiting and run.ending is None:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if any(len(task.result()) > CAP for task in done & {out, err}):
                run.ending = "too-large"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        run.out, run.err = _result(out), _result(err)


def _feed(process: Process, given: bytes) -> None:
    """Say which credential is wanted. A program that does not listen may know without."""
    if process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin as pipe:
            while given:
                given = given[pipe.write(given) :]


async def _read(pipe: IO[bytes] | None) -> bytes:
    """Everything up to one byte more than the cap; what came before a cancellation is kept."""
    data = bytearray()
    stream = asyncio.StreamReader(limit=CAP)
    protocol = asyncio.StreamReaderProtocol(stream)
    transport: asyncio.ReadTransport | None = None
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        while len(data) <= CAP and (piece := await stream.read(CAP + 1 - len(data))):
            data += piece
    except asyncio.CancelledError:
        pass
    finally:
        if transport is not None:
            transport.close()  # a daemon that was left behind may hold the other end
    return bytes(data)


def _result(task: asyncio.Task[bytes]) -> bytes:
    return b"" if task.cancelled() or task.exception() else task.result()


async def _end(process: Process) -> None:
    """Kill what is left of the program's session, and wait for it briefly."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.wait({begin(process.wait)}, timeout=1.0)


def _judge(run: Run, base: dict[str, Any], waited: float) -> HelperAnswer:
    """The answer by the protocol's rules, as docker-credential-helpers' own client applies them."""
    said = run.out.decode("utf-8", "replace").strip()
    code = run.code if run.code is not None and run.code >= 0 else None
    killed = -run.code if run.code is not None and run.code < 0 else None
    ended = run.ending is not None
    about = {
        **base,
        "ms": waited * 1000,
        "waited": waited,
        "exit_code": None if ended else code,
        "signal": None if ended else killed,
    }
    if run.ending is not None:
        words = run.error or _words("", run.err)  # what it began to say may be the secret
        return HelperAnswer(HelperFact(**about, ending=run.ending, message=words))
    if run.code != 0:
        if said == NOT_FOUND:
            return HelperAnswer(HelperFact(**about, ending="not-found"))
        return HelperAnswer(HelperFact(**about, ending="failed", message=_words(said, run.err)))
    credential, flaw = _credential(said, str(base["program"]), str(base["key"]))
    if credential is None:
        return HelperAnswer(HelperFact(**about, ending="malformed", message=flaw))
    if not credential.user and not credential.secret:
        return HelperAnswer(HelperFact(**about, ending="not-found"))
    fact = HelperFact(**about, ending="credential", user=credential.user)
    return HelperAnswer(fact, credential)


def _credential(said: str, program: str, key: str) -> tuple[Credential | None, str]:
    """The credential in a successful answer, or what is wrong with the answer; never its text."""
    try:
        value = as_go(json.JSONDecoder().raw_decode(said)[0])
    except (ValueError, RecursionError):
        what = "nothing" if not said else "text that is not JSON"
        return None, f"it ended with status 0 and said {what}"
    if not isinstance(value, dict):
        return None, "its answer is JSON, but not an object with Username and Secret"
    fields = {str(k).casefold(): v for k, v in value.items()}
    user, secret = fields.get("username", ""), fields.get("secret", "")
    if isinstance(secret, str):
        kept = Secret(secret)
    if not isinstance(user, str) or not isinstance(secret, str):
        return None, "its Username and Secret are not both strings"
    token = user == TOKEN_USER
    kind: Kind = "identity-token" if token else "password"
    return Credential("" if token else user, kept, kind, f'{program} ("{key}")'), ""


def _words(said: str, err: bytes) -> str:
    """The helper's own message, made safe; none where the output may hold the secret itself."""
    text = said or err.decode("utf-8", "replace").strip()
    if re.search(r'"secret"', text, re.IGNORECASE):
        return ""
    return plain(scrub(text), 300)


def _cause(error: OSError | ValueError) -> str:
    """Why it could not be started; the system's words, without the file's name."""
    if isinstance(error, OSError) and error.errno:
        hint = " (its interpreter is missing)" if isinstance(error, FileNotFoundError) else ""
        return os.strerror(error.errno) + hint
    return "its name, the key or the environment holds a NUL character"
