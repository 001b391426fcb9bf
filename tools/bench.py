"""How fast is a diagnosis, beside the pull client that everybody has?

    make bench            or: .venv/bin/python -m tools.bench [--rounds 15] [--json FILE]

The wheel is built and installed, and `doctor check --json` is run in turn with `skopeo inspect` and
`skopeo inspect --raw`: whole processes, on the same healthy private registry, with the same
credential, behind a token service on another host. Once without delay, and once with 25 ms each way
on every packet, DNS and SYNs included (tests/lab/relay.py). The image is fixed: an index with two
platforms, its blobs on the registry's own host (tests/lab/distribution.py). `doctor k8s -A` stands
beside `kubectl get pods -A -o json`, on a served cluster of 10,000 pods of which 300 fail
(tests/kube/crowd.py). Needs root, docker-registry, nginx, unbound and skopeo; kubectl, if it is
there. Asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.command import environment, run
from tests.installed import ROOT, Environment, install, wheel
from tests.lab.distribution import filled
from tests.lab.programs import PATH, no_namespaces, program
from tests.lab.way import HOST, IMAGE, Way, build
from tests.lab.world import World, world

DELAYS = (0.0, 0.025)
HOLE_SECONDS = 5
NEEDS = ("docker-registry", "nginx", "unbound", "skopeo", "htpasswd", "nsenter")


@dataclass(frozen=True)
class Row:
    """One figure. `budget` is what the project set itself."""

    what: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""

    def __str__(self) -> str:
        limit = "" if self.budget is None else f"{self.budget:g} {self.unit}".strip()
        mark = "" if self.budget is None else "ok" if self.value <= self.budget else "OVER"
        value = f"{self.value:.2f}" if not self.unit else f"{self.value:.0f} {self.unit}"
        return f"{self.what:<58}{value:>10}{limit:>10}  {mark:<5}{self.note}".rstrip()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="runs of each command")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    if reason := _missing():
        print(f"bench: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rows = _figures(folder, options.rounds)
    print(f"{'':<58}{'measured':>10}{'budget':>10}")
    print("\n".join(map(str, rows)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


def _missing() -> str:
    absent = [each for each in NEEDS if not shutil.which(each, path=PATH)]
    return f"{', '.join(absent)} not installed: make servers" if absent else no_namespaces()


def _figures(folder: Path, rounds: int) -> list[Row]:
    installed = install(folder / "env", wheel(ROOT, folder))
    _compile(installed)
    (folder / "store").mkdir()
    store = filled(folder / "store")
    rows = _start(installed, rounds)
    rows += _view(installed, rounds)
    for delay in DELAYS:
        with world(delay) as made:
            build(made, Way(login="token"), store)
            rows += _beside_skopeo(made, installed, delay, rounds)
    with world() as made:
        build(made, Way(port="dropped"), store)
        rows.append(_hole(made, installed))
    return rows + _cluster(installed, folder, max(1, rounds // 3))


def _cluster(installed: Environment, folder: Path, rounds: int) -> list[Row]:
    """Ten thousand pods behind an API server on this machine."""
    served = folder / "kube"
    served.mkdir()
    serve = [sys.executable, "-m", "tests.kube.crowd", str(served), "10000", "300"]
    config = ["--kubeconfig", str(served / "kubeconfig")]
    ours = [str(installed.bin / "doctor"), "k8s", "-A", "--json", "--timeout", "300", *config]
    theirs = ["kubectl", *config, "get", "pods", "-A", "-o", "json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(serve, cwd=ROOT, stdin=pipe, stdout=pipe) as server:
        assert server.stdout is not None and server.stdin is not None  # noqa: PT018
        server.stdout.readline()
        rows = _crowded("doctor k8s -A --json", ours, folder, rounds, 200)
        if shutil.which("kubectl"):
            rows += _crowded("kubectl get pods -A -o json", theirs, folder, rounds)
        server.stdin.close()
    return rows


def _crowded(
    what: str, command: list[str], home: Path, rounds: int, budget: float | None = None
) -> list[Row]:
    done = [run(command, environment(home), patience=320) for _ in range(rounds)]
    exits = sorted({each.exit for each in done})
    seconds = statistics.median(each.seconds for each in done)
    size = max(each.mebibytes for each in done)
    return [
        Row(f"10,000 pods: {what}", seconds * 1000, "ms", note=f"exit {exits}"),
        Row(f"10,000 pods: {what}, memory", size, "MiB", budget),
    ]


def _compile(installed: Environment) -> None:
    """As pip leaves it."""
    subprocess.run(
        [str(installed.python), "-m", "compileall", "-q", str(installed.packages)], check=True
    )


def _start(installed: Environment, rounds: int) -> list[Row]:
    """What the command costs before it does anything."""
    with world() as made:
        bare, version, help_ = _time(
            made,
            rounds * 2,
            [str(installed.python), "-c", "pass"],
            [str(installed.bin / "doctor"), "--version"],
            [str(installed.bin / "doctor"), "--help"],
        )
    floor = _median(bare)
    return [
        Row("bare interpreter", floor * 1000, "ms"),
        Row("doctor --version, over it", (_median(version) - floor) * 1000, "ms", 60),
        Row("doctor --help, over it", (_median(help_) - floor) * 1000, "ms", 60),
    ]


def _view(installed: Environment, rounds: int) -> list[Row]:
    """The interactive view, on a terminal of its own; the first round is thrown away."""
    command = [str(installed.bin / "doctor"), "--no-history"]
    job = json.dumps({"rounds": rounds + (rounds > 1), "command": command})
    paint = str(ROOT / "tools" / "paint.py")
    with world() as made:
        done = made.run(sys.executable, paint, stdin=job, patience=rounds * 60)
    if done.exit:
        raise RuntimeError(str(done))
    runs = json.loads(done.stdout)[1 if rounds > 1 else 0 :]
    return [
        Row("interactive view: start to the plan", _median(runs, "plan") * 1000, "ms", 500),
        Row("interactive view: q to the end", _median(runs, "leaving") * 1000, "ms", 500),
    ]


def _beside_skopeo(made: World, installed: Environment, delay: float, rounds: int) -> list[Row]:
    doctor = [str(installed.bin / "doctor"), "check", "--json", IMAGE]
    skopeo = [program("skopeo"), "inspect", f"docker://{IMAGE}"]
    raw = [program("skopeo"), "inspect", "--raw", f"docker://{IMAGE}"]
    ours, theirs, theirs_raw = _time(made, rounds, doctor, skopeo, raw)
    where = f"{delay * 1000:.0f} ms each way"
    exits = {run["exit"] for run in (*ours, *theirs, *theirs_raw)}
    note = "" if exits == {0} else f"exit codes {sorted(exits)}: this was no healthy run"
    inspect, plain = _median(theirs), _median(theirs_raw)
    slow = delay > 0
    return [
        Row(f"{where}: skopeo inspect", inspect * 1000, "ms"),
        Row(f"{where}: skopeo inspect --raw", plain * 1000, "ms"),
        Row(f"{where}: doctor check --json", _median(ours) * 1000, "ms", note=note),
        Row(f"{where}: of skopeo inspect", _median(ours) / inspect, "", 0.6 if slow else None),
        Row(f"{where}: of skopeo inspect --raw", _median(ours) / plain, "", 1.2 if slow else None),
        Row(f"{where}: start to first packet", _median(ours, "first_packet") * 1000, "ms", 250),
    ]


def _hole(made: World, installed: Environment) -> Row:
    """The registry's name resolves, and every packet to it is lost."""
    command = [str(installed.bin / "doctor"), "check", "--json"]
    ((run,),) = _time(made, 1, [*command, f"--timeout={HOLE_SECONDS}", HOST])
    what = f"black hole, --timeout {HOLE_SECONDS}"
    note = f"exit {run['exit']}"
    return Row(what, run["seconds"] * 1000, "ms", (HOLE_SECONDS + 1) * 1000, note)


def _time(made: World, rounds: int, *commands: list[str]) -> list[list[dict[str, Any]]]:
    """Every command `rounds` times, in turn, where the client stands; the first round is thrown
    away."""
    job = json.dumps({"rounds": rounds + (rounds > 1), "commands": commands})
    stopwatch = str(ROOT / "tools" / "stopwatch.py")
    done = made.run(sys.executable, stopwatch, stdin=job, patience=rounds * len(commands) * 60)
    if done.exit:
        raise RuntimeError(str(done))
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return [runs[1:] if rounds > 1 else runs for runs in found]


def _median(runs: list[dict[str, Any]], what: str = "seconds") -> float:
    seen = [float(run[what]) for run in runs if run[what] is not None]
    return statistics.median(seen or [math.nan])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
