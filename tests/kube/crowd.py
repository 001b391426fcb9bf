"""A cluster of ten thousand pods, made of the recorded ones, and a server for it of its own."""

from __future__ import annotations

import copy
import sys
import time
from pathlib import Path
from typing import Any

from tests.kube.api import Recorded, kubeconfig, serving

RECORDINGS = Path(__file__).parent / "recordings" / "c24"
FAILING = (
    *("no-secret", "secret-missing", "wrong-password", "net-nxdomain", "tls-unknown-ca"),
    *("http-429", "tag-not-found", "secret-key-no-port", "http-503", "sa-secret-added-later"),
)
SPACES = 40


def crowd(pods: int, failing: int) -> Recorded:
    """So many pods, of which so many cannot pull, for ten reasons, each in four namespaces."""
    healthy = Recorded.of(RECORDINGS / "healthy.json")
    sources = {name: Recorded.of(RECORDINGS / f"{name}.json") for name in FAILING}
    made = Recorded({"nodes": healthy.objects["nodes"], "pods": [], "events": []})
    for n in range(pods):
        turn, rest = divmod(n, pods // failing)
        name = FAILING[turn % len(FAILING)] if rest == 0 and turn < failing else ""
        space = f"{name}-{turn // len(FAILING) % 4}" if name else f"team-{n % SPACES}"
        source = sources.get(name, healthy)
        made.objects["pods"].append(_moved(source.objects["pods"][0], space, f"web-{n}", n))
        for event in source.objects["events"] if name else ():
            made.objects["events"].append(_event(event, space, f"web-{n}", n))
    for name, source in sources.items():
        for number in range(4):
            for kind in ("secrets", "serviceaccounts"):
                for one in source.objects.get(kind, ()):
                    there = copy.deepcopy(one)
                    there["metadata"]["namespace"] = f"{name}-{number}"
                    made.add(kind, there)
    return made


def _moved(pod: Any, space: str, name: str, number: int) -> Any:
    return {
        **pod,
        "metadata": {**pod["metadata"], "name": name, "namespace": space, "uid": f"uid-{number}"},
    }


def _event(event: Any, space: str, pod: str, number: int) -> Any:
    meta = {**event["metadata"], "namespace": space}
    meta["uid"] = f"{meta['uid']}-{number}"
    about = {**event["involvedObject"], "namespace": space, "name": pod, "uid": f"uid-{number}"}
    return {**event, "metadata": meta, "involvedObject": about}


def main(folder: str, pods: str, failing: str) -> None:
    """Serve until standard input ends; say when the kubeconfig is there."""
    with serving(crowd(int(pods), int(failing)), Path(folder)) as server:
        kubeconfig(Path(folder), server)
        print("ready", flush=True)
        while sys.stdin.readline():
            time.sleep(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
