"""How does the demo's registry answer, and what stands in its front?

The pull half of the OCI distribution-spec, as distribution speaks it: a Bearer challenge, manifests
by tag and digest, tags, and layers by redirect to the storage.
"""

from __future__ import annotations

from dataclasses import dataclass

from doctor.demo.faults import Content, Front
from doctor.demo.image import INDEX, MANIFEST, REPOSITORY, TAGS, Image, digest
from doctor.demo.listening import Answer, Request, refusal
from doctor.demo.storage import Storage
from doctor.demo.tokens import Tokens

_API = ("Docker-Distribution-Api-Version", "registry/2.0")
_WINDOW = 21600
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
PORTAL = "Hotel Demo guest network: sign in"


@dataclass
class Registry:
    """One registry with one repository. `realm` is where its tokens are had."""

    image: Image
    tokens: Tokens
    storage: Storage
    realm: str
    front: Front = ""
    content: Content = "whole"

    def __call__(self, request: Request) -> Answer | None:
        """The answer to one request; None: it never comes."""
        match self.front:
            case "silent":
                return None
            case "portal":
                return _page(200, PORTAL, "Please accept the terms of use to go on.")
            case "firewall":
                return _page(403, "Request blocked", "Your network is not on the list.")
            case "fails":
                said = refusal(500, "UNKNOWN", "unknown error: the database is read-only", _API)
                return said if request.path != "/v2/" else Answer(500, said.body, (_API,))
        return self._api(request)

    def _api(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return refusal(405, "UNSUPPORTED", "the operation is unsupported", _API)
        token = request.headers.get("authorization", "")
        if request.path == "/v2/":
            known = self.tokens.grants(token, "") is not None
            return Answer(200, {}, (_API,)) if known else self._challenge("")
        repository, kind, name = _parted(request.path)
        if not kind:
            return Answer(404, b"404 page not found\n", (("Content-Type", "text/plain"),))
        granted = self.tokens.grants(token, repository)
        if not granted:
            return self._challenge(repository, narrow=granted is False)
        if self.front == "limited" and kind == "manifests":
            wait = ("Retry-After", "3600")
            return refusal(429, "TOOMANYREQUESTS", "pull rate limit reached", wait, *_limit(0))
        if repository != REPOSITORY:
            return refusal(404, "NAME_UNKNOWN", "repository name not known to registry", _API)
        if kind == "tags":
            return Answer(200, {"name": repository, "tags": list(TAGS)}, (_API,))
        return self._manifest(name) if kind == "manifests" else self._blob(name)

    def _challenge(self, repository: str, *, narrow: bool = False) -> Answer:
        said = f'Bearer realm="{self.realm}",service="{self.tokens.service}"'
        if repository:
            said += f',scope="repository:{repository}:pull"'
        if narrow:
            said += ',error="insufficient_scope"'
        challenge = ("WWW-Authenticate", said)
        return refusal(401, "UNAUTHORIZED", "authentication required", challenge, _API)

    def _manifest(self, name: str) -> Answer:
        found = self.image.index if name in TAGS else self.image.manifests.get(name)
        if found is None:
            return refusal(404, "MANIFEST_UNKNOWN", "manifest unknown", _API)
        kind = INDEX if found == self.image.index else MANIFEST
        said = ("Docker-Content-Digest", digest(found))
        if self.content == "altered":
            found = found.replace(b'"schemaVersion": 2', b'"schemaVersion" : 2')
        return Answer(200, found, (("Content-Type", kind), said, _API, *_limit(187)))

    def _blob(self, name: str) -> Answer:
        held = any(name.encode() in each for each in self.image.manifests.values())
        if not held or name not in self.image.blobs:
            return refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", _API)
        return Answer(307, b"", (("Location", self.storage.link(name)), _API))


def _parted(path: str) -> tuple[str, str, str]:
    """`/v2/REPOSITORY/KIND/NAME` -> its three parts; empty for another path."""
    words = path.removeprefix("/v2/").split("/")
    if not path.startswith("/v2/") or len(words) < 3:
        return "", "", ""
    kind = words[-2] if words[-2] in ("manifests", "blobs", "tags") else ""
    return "/".join(words[:-2]), kind, words[-1]


def _limit(left: int) -> tuple[tuple[str, str], ...]:
    """The headers of a limit: 200 pulls in six hours."""
    return (
        ("RateLimit-Limit", f"200;w={_WINDOW}"),
        ("RateLimit-Remaining", f"{left};w={_WINDOW}"),
    )


def _page(status: int, title: str, text: str) -> Answer:
    return Answer(
        status, _PAGE.format(title, text).encode(), (("Content-Type", "text/html; charset=utf-8"),)
    )
