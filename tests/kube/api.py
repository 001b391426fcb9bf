"""A recorded API server: it serves objects over HTTPS as Kubernetes does, with tokens, pages,
selectors and refusals, and misbehaves where it is told to."""

from __future__ import annotations

import base64
import gzip
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from tests.certificates import authority, leaf

TOKEN = "recorded-cluster-token-4711"
USER = "viewer"
RESOURCES = {
    "pods": "/api/v1",
    "events": "/api/v1",
    "secrets": "/api/v1",
    "serviceaccounts": "/api/v1",
    "nodes": "/api/v1",
    "namespaces": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1",
}
"""What is served, and where; events of events.k8s.io are the resource `newer-events`."""
_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/[a-z0-9.]+/v1)(?:/namespaces/(?P<ns>[^/]+))?"
    r"/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?"
)
Object = dict[str, Any]


_KINDS = {
    "serviceaccounts": "ServiceAccount",
    "replicasets": "ReplicaSet",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "cronjobs": "CronJob",
}


def _kind(resource: str) -> str:
    return _KINDS.get(resource, resource.removesuffix("s").capitalize())


def _discovery() -> dict[str, Any]:
    """What kubectl asks first: the groups, and the resources of each."""
    roots = {root for root in RESOURCES.values() if root != "/api/v1"}
    groups = [
        {
            "name": group,
            "versions": [{"groupVersion": f"{group}/v1", "version": "v1"}],
            "preferredVersion": {"groupVersion": f"{group}/v1", "version": "v1"},
        }
        for group in (root.split("/")[2] for root in sorted(roots))
    ]
    found: dict[str, Any] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for root in {"/api/v1", *roots}:
        found[root] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": root.removeprefix("/apis/").removeprefix("/api/"),
            "resources": [
                {
                    "name": kind,
                    "singularName": kind.removesuffix("s"),
                    "namespaced": kind not in ("nodes", "namespaces"),
                    "kind": _kind(kind),
                    "verbs": ["get", "list"],
                }
                for kind, at in RESOURCES.items()
                if at == root
            ],
        }
    return found


_DISCOVERY = _discovery()


@dataclass
class Recorded:
    """What the server has, and what it is told to do."""

    objects: dict[str, list[Any]] = field(default_factory=dict)
    forbidden: set[tuple[str, str, str | None]] = field(default_factory=set)
    """Verb, resource, and namespace ("": all at once; None: any)."""
    expire_after: int = 0
    """So many pages are given; the next token has expired (410)."""
    goes_on: bool = True
    """Does the 410 hold a token that goes on without a snapshot?"""
    broken: Callable[[str], bytes | None] = lambda path: None
    """The raw answer for a path, in place of the true one."""
    delay: float = 0.0
    redirect: str = ""
    version: str = "v1.36.2"
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    given: int = 0

    @classmethod
    def of(cls, file: Path, moment: str = "") -> Recorded:
        """A recording; `moment`: "first-error" for the state before the back-off."""
        told = json.loads(file.read_text())
        told |= told.pop("first-error") if moment else {}
        objects = {}
        for name, value in told.items():
            if name != "first-error":
                kind = "newer-events" if name == "events.events.k8s.io" else name
                objects[kind] = value["items"]
        return cls(objects)

    def add(self, kind: str, *items: Any) -> None:
        self.objects.setdefault(kind, []).extend(items)

    def asked(self, kind: str) -> list[str]:
        """The requests for objects of that kind."""
        return [r for r in self.requests if f"/{kind}" in urlsplit(r).path]


@contextmanager
def serving(
    recorded: Recorded, folder: Path, name: str = "127.0.0.1", clients: str = ""
) -> Iterator[str]:
    """The server's address; its authority is ca.crt in the folder. `clients`: the authority of the
    certificates that stand in for tokens."""
    root = authority("kube")
    files = leaf(root, name).write(folder, "api")
    (folder / "ca.crt").write_text(root.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients)
        recorded.tokens = set()

    class Handler(_Handler):
        store = recorded

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def kubeconfig(
    folder: Path,
    server: str,
    namespace: str = "default",
    *,
    more: Mapping[str, Any] | None = None,
    **user: Any,
) -> Path:
    """A kubeconfig for the server; `more` is said of the cluster."""
    file = folder / "kubeconfig"
    ca = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "recorded",
                "clusters": [
                    {
                        "name": "c",
                        "cluster": {
                            "server": server,
                            "certificate-authority-data": ca,
                            **(more or {}),
                        },
                    }
                ],
                "users": [{"name": "u", "user": user or {"token": TOKEN}}],
                "contexts": [
                    {
                        "name": "recorded",
                        "context": {"cluster": "c", "user": "u", "namespace": namespace},
                    }
                ],
            }
        )
    )
    return file


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Recorded

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        store = self.store
        store.requests.append(self.path)
        time.sleep(store.delay)
        raw = store.broken(self.path)
        if raw is not None:
            self.wfile.write(raw)
            self.close_connection = True
            return
        if store.redirect:
            self.send_response(307)
            self.send_header("Location", store.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if store.tokens and (kind.lower() != "bearer" or token not in store.tokens):
            return self._say(*_status(401, "Unauthorized", "Unauthorized"))
        url = urlsplit(self.path)
        self._say(*answer(store, url.path, dict(parse_qsl(url.query)), self.headers["Accept"]))

    def _say(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(data) > 2048:
            data = gzip.compress(data, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _status(code: int, reason: str, message: str, **more: Any) -> tuple[int, Object]:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": more,
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return code, body


def answer(store: Recorded, path: str, query: dict[str, str], accept: str) -> tuple[int, Object]:
    if path == "/version":
        return 200, {"major": "1", "minor": "36", "gitVersion": store.version}
    if path in _DISCOVERY:
        return 200, _DISCOVERY[path]
    found = _PATH.fullmatch(path)
    if found is None:
        return _status(404, "NotFound", "the server could not find the requested resource")
    kind, namespace, name = found["kind"], found["ns"], found["name"]
    stored = "newer-events" if found["root"] == "/apis/events.k8s.io/v1" else kind
    if stored != "newer-events" and RESOURCES.get(kind) != found["root"]:
        return _status(404, "NotFound", "the server could not find the requested resource")
    verb = "get" if name else "list"
    if {(verb, kind, namespace or ""), (verb, kind, None)} & store.forbidden:
        what = f'{kind} "{name}" is' if name else f"{kind} is"
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        said = f'{what} forbidden: User "{USER}" cannot {verb} resource "{kind}" in API group "" '
        return _status(403, "Forbidden", said + where)
    items = [
        one
        for one in store.objects.get(stored, [])
        if namespace is None
        or not isinstance(one, dict)
        or _at(one, "metadata.namespace") == namespace
    ]
    if name:
        one = next((o for o in items if _at(o, "metadata.name") == name), None)
        if one is None:
            return _status(404, "NotFound", f'{kind} "{name}" not found')
        group = found["root"].removeprefix("/apis/").removeprefix("/api/")
        return 200, {"kind": _kind(kind), "apiVersion": group, **one}
    return _list(store, _kind(kind), items, query, accept)


def _list(
    store: Recorded, kind: str, items: list[Any], query: dict[str, str], accept: str
) -> tuple[int, Object]:
    items = [o for o in items if _labelled(o, query.get("labelSelector", ""))]
    items = [o for o in items if _fits(o, query.get("fieldSelector", ""))]
    start, token = 0, query.get("continue", "")
    if token:
        if store.expire_after and store.given >= store.expire_after and "old" in token:
            store.expire_after = 0
            onward = {"continue": token.replace("old", "new")} if store.goes_on else {}
            said = "The provided continue parameter is too old to display a consistent list result."
            return _status(410, "Expired", said, **onward)
        start = int(token.partition("-")[2])
    limit = int(query.get("limit", "0")) or len(items) or 1
    store.given += 1
    page, rest = items[start : start + limit], len(items) - start - limit
    kind += "List"
    if "PartialObjectMetadataList" in accept:
        kind = "PartialObjectMetadataList"
        page = [{"kind": "PartialObjectMetadata", "metadata": o["metadata"]} for o in page]
    age = "new" if "new" in token else "old"
    more: Object = (
        {"continue": f"{age}-{start + limit}", "remainingItemCount": rest} if rest > 0 else {}
    )
    return 200, {
        "kind": kind,
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1", **more},
        "items": page,
    }


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _fits(value: Any, selector: str) -> bool:
    pairs = (part.partition("=") for part in selector.split(",") if part)
    return all(_at(value, path) == wanted for path, _, wanted in pairs)


def _labelled(value: Any, selector: str) -> bool:
    labels = _at(value, "metadata.labels") or {}
    for part in re.split(r",(?![^(]*\))", selector):
        inside = re.fullmatch(r"(\S+) (in|notin) \(([^)]*)\)", part)
        if inside:
            if (labels.get(inside[1]) in inside[3].split(",")) != (inside[2] == "in"):
                return False
        elif "=" in part:
            key, _, wanted = part.replace("==", "=").partition("=")
            if labels.get(key) != wanted:
                return False
        elif part.startswith("!"):
            if part[1:] in labels:
                return False
        elif part and part not in labels:
            return False
    return True
