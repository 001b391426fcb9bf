"""A kubectl for tests that changes a recorded cluster in a file, so that remedies can be carried
out as they are printed: `python hands.py STATE WORDS…`. What an API server does on creation it does
too (a ServiceAccount's pull Secrets go to a pod that lists none)."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any

KINDS = {
    "secret": "secrets",
    "serviceaccount": "serviceaccounts",
    "pod": "pods",
    "deployment": "deployments",
    "statefulset": "statefulsets",
    "daemonset": "daemonsets",
}


class Hands:
    """The cluster that is changed."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.objects: dict[str, list[Any]] = json.loads(file.read_text())

    def find(self, kind: str, namespace: str, name: str) -> Any:
        for one in self.objects.setdefault(KINDS[kind], []):
            if (one["metadata"].get("namespace"), one["metadata"]["name"]) == (namespace, name):
                return one
        raise SystemExit(f"Error from server (NotFound): {kind} {name} not found")

    def remove(self, kind: str, namespace: str, name: str) -> Any:
        one = self.find(kind, namespace, name)
        self.objects[KINDS[kind]].remove(one)
        return one

    def create(self, one: Any, namespace: str) -> None:
        kind = one["kind"].lower()
        assert one["metadata"].setdefault("namespace", namespace) == namespace
        there = self.objects.setdefault(KINDS[kind], [])
        same = [o for o in there if o["metadata"]["name"] == one["metadata"]["name"]]
        if any(o["metadata"].get("namespace") == namespace for o in same):
            raise SystemExit("Error from server (AlreadyExists)")
        if kind == "pod":
            one["status"] = {"phase": "Pending"}
            self.admit(one)
        there.append(one)

    def admit(self, pod: Any) -> None:
        """As the ServiceAccount admission plug-in does."""
        spec = pod["spec"]
        if not spec.get("imagePullSecrets"):
            account = self.find(
                "serviceaccount",
                pod["metadata"]["namespace"],
                spec.get("serviceAccountName", "default"),
            )
            spec["imagePullSecrets"] = list(account.get("imagePullSecrets") or [])

    def owned(self, kind: str, namespace: str, name: str) -> None:
        """New pods of the workload, from its template."""
        template = self.find(kind, namespace, name)["spec"]["template"]["spec"]
        for pod in self.objects["pods"]:
            owner = (pod["metadata"].get("ownerReferences") or [{}])[0].get("name", "")
            mine = owner == name or owner.startswith(f"{name}-")
            if mine and pod["metadata"]["namespace"] == namespace:
                pod["spec"]["imagePullSecrets"] = list(template.get("imagePullSecrets") or [])
                self.admit(pod)

    def patch(self, kind: str, namespace: str, name: str, patch: Any) -> None:
        if isinstance(patch, list):
            (change,) = patch
            assert (change["op"], change["path"]) == ("add", "/imagePullSecrets/-")
            there = self.find(kind, namespace, name)["imagePullSecrets"]
            patch = {"imagePullSecrets": [*there, change["value"]]}
        if kind == "serviceaccount":  # its list has no key to merge by (core/v1, listType=atomic)
            self.find(kind, namespace, name).update(patch)
            return
        _merge(self.find(kind, namespace, name), patch)
        self.owned(kind, namespace, name)

    def save(self) -> None:
        self.file.write_text(json.dumps(self.objects))


def _merge(into: Any, patch: Any) -> None:
    """A strategic merge, as far as lists of named things go."""
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        elif isinstance(value, list):
            there = into.setdefault(key, [])
            for one in value:
                same = [o for o in there if o["name"] == one["name"]]
                _merge(same[0], one) if same else there.append(one)
        else:
            into[key] = value


def main(state: str, *words: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="+")
    for option in ("--namespace", "--output", "--type", "--patch", "--filename", "--kubeconfig"):
        parser.add_argument(option)
    parser.add_argument("--from-file", action="append", default=[])
    parser.add_argument("--force", action="store_true")
    args = parser.parse_intermixed_args(list(words))
    hands, space = Hands(Path(state)), args.namespace
    match args.words:
        case ["get", kind, name]:
            one = hands.find(kind, space, name)
            named = {"pod": "Pod", "secret": "Secret", "serviceaccount": "ServiceAccount"}
            print(json.dumps({"kind": named[kind], **one}))
            return
        case ["create", "secret", "generic", name]:
            data = {}
            for each in args.from_file:
                key, _, file = each.partition("=")
                data[key] = base64.b64encode(Path(file).read_bytes()).decode()
            meta = {"name": name, "namespace": space}
            hands.create(
                {"kind": "Secret", "type": args.type, "data": data, "metadata": meta}, space
            )
        case ["create"]:
            hands.create(json.load(sys.stdin), space)
        case ["replace"]:
            one = json.load(sys.stdin)
            where = one["metadata"]["namespace"]
            old = hands.remove(one["kind"].lower(), where, one["metadata"]["name"])
            if not args.force:
                assert old.get("type") == one.get("type"), "the type of a Secret never changes"
                assert not old.get("immutable"), "field is immutable when `immutable` is set"
            hands.create(one, where)
        case ["patch", kind, name]:
            hands.patch(kind, space, name, json.loads(args.patch))
        case ["rollout", "restart", which]:
            kind, _, name = which.partition("/")
            hands.owned(kind, space, name)
        case ["delete", kind, name]:
            one = hands.remove(kind, space, name)
            if kind == "pod":
                owner = (one["metadata"].get("ownerReferences") or [{}])[0]
                template: Any = {}
                if owner.get("kind", "").lower() in KINDS:
                    above = hands.find(owner["kind"].lower(), space, owner["name"])
                    template = above["spec"]["template"]["spec"]
                one["spec"]["imagePullSecrets"] = list(template.get("imagePullSecrets") or [])
                hands.create({"kind": "Pod", **one}, space)
        case _:
            raise SystemExit(f"hands cannot {args.words}")
    hands.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
