"""Where do the demo's layers lie, and who may read them there?

Object storage behind the registry: it knows no users, only links that the registry signed for a
time, and answers as S3 does, in XML.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from doctor.demo.listening import Answer, Request

_LIFETIME = 1200
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass
class Storage:
    """Serves blobs by signed links. `late`: it takes every link for an old one."""

    blobs: Mapping[str, bytes]
    late: bool = False
    base: str = ""
    """`https://HOST:PORT`, once it is known."""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def link(self, digest: str) -> str:
        """The address to which the registry sends a client that may have the blob."""
        value = digest.partition(":")[2]
        path = f"/docker/registry/v2/blobs/sha256/{value[:2]}/{value}/data"
        until = str(int(time.time()) + _LIFETIME)
        query = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Expires": until,
            "X-Amz-Signature": self._signature(path, until),
        }
        return f"{self.base}{path}?{urlencode(query)}"

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if "authorization" in request.headers:
            return _refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
        until = request.query.get("X-Amz-Expires", ["0"])[0]
        signature = request.query.get("X-Amz-Signature", [""])[0]
        right = self._signature(request.path, until)
        if not hmac.compare_digest(signature.encode(), right.encode()):
            return _refusal(403, "SignatureDoesNotMatch", "The signature does not match.")
        if self.late or int(until) < time.time():
            return _refusal(403, "AccessDenied", "Request has expired")
        content = self.blobs.get(f"sha256:{request.path.split('/')[-2]}")
        if content is None:
            return _refusal(404, "NoSuchKey", "The specified key does not exist.")
        kind = ("Content-Type", "application/octet-stream")
        if request.headers.get("range", "") != "bytes=0-0":
            return Answer(200, content, (kind,))
        part = ("Content-Range", f"bytes 0-0/{len(content)}")
        return Answer(206, content[:1], (kind, part))

    def _signature(self, path: str, until: str) -> str:
        return hmac.new(self._key, f"{path}\n{until}".encode(), hashlib.sha256).hexdigest()


def _refusal(status: int, code: str, message: str) -> Answer:
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Answer(status, page.encode(), (("Content-Type", "application/xml"),))
