"""What does the API server answer? Raw paths through the `kubernetes` package's own client.

Its configuration, authentication, proxy and TLS hold; its models are never made: one odd object
would end the diagnosis, and their import takes a second. Answers are bounded in bytes and time, no
redirect is followed, lists are read page by page (`limit`, `continue`). A continue token that
expired (410) goes on with the one that the answer holds, or else begins anew
(https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import quote, urlencode

from doctor.frozen import frozen
from doctor.net.daemon import begin
from doctor.net.kubesettings import Settings
from doctor.redact import clip, plain

PAGE = 500
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
"""Accept: names, labels and owners alone, so that no data of a Secret is sent."""
_CAP = 48 << 20
"""Bytes of one answer, unpacked."""
_AT_ONCE = 6
_CONNECT = 8.0
_READ = 20.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_USER = re.compile(r'User "(?P<user>[^"\\]{1,500})"')


@frozen
class Answer:
    """One answer. `status` 0: none came, and `problem` says why."""

    status: int = 0
    body: Any = None
    problem: str = ""
    reason: str = ""
    """The API's own word: Forbidden, NotFound, Expired …"""
    message: str = ""
    too_large: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == 200 and isinstance(self.body, dict)

    @property
    def user(self) -> str:
        """Who was refused, in the API server's own words."""
        found = _USER.search(self.message)
        return found["user"] if found else ""

    @property
    def items(self) -> list[Any]:
        """The objects of a list."""
        found = self.body.get("items") if isinstance(self.body, dict) else None
        return found if isinstance(found, list) else []

    @property
    def going_on(self) -> str:
        """The continue token of a list, or of a 410."""
        meta = self.body.get("metadata") if isinstance(self.body, dict) else None
        token = meta.get("continue") if isinstance(meta, dict) else ""
        return token if isinstance(token, str) else ""

    @property
    def why(self) -> str:
        """Why there is nothing to read, in a word or a clause."""
        if self.status == 403:
            return "forbidden"
        if self.status in (404, 401):
            return {404: "not found", 401: "the login is not accepted"}[self.status]
        return self.problem or (f"HTTP {self.status}" if self.status else "no answer")


class Api:
    """The API server of one run. `deadline` is a `time.monotonic()` instant."""

    def __init__(self, settings: Settings, deadline: float) -> None:
        self.deadline = deadline
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._settings = settings
        self._client: Any = None
        self._lock = threading.Lock()
        self.ms: float | None = None
        """How long the first answer took."""

    async def get(self, path: str, accept: str = "application/json", **query: str) -> Answer:
        """One answer; a busy or stumbling server is asked twice."""
        answer = await self._ask(path, accept, query)
        if answer.status in _AGAIN or (answer.status == 200 and answer.problem):
            wait = min(_seconds(answer.headers.get("retry-after", "")), 3.0)
            if time.monotonic() + wait < self.deadline:
                await asyncio.sleep(wait)
                again = await self._ask(path, accept, query)
                return again if again.status else answer
        return answer

    async def pages(
        self, path: str, accept: str = "application/json", **query: str
    ) -> AsyncIterator[Answer]:
        """Every page of a list; what ends it before its time comes last, and is not `ok`."""
        limit, token, anew = PAGE, "", True
        while True:
            more = {"continue": token} if token else {}
            answer = await self.get(path, accept, **query, limit=str(limit), **more)
            if answer.too_large and limit > 1:
                limit = max(1, limit // 10)
                continue
            if answer.status == 410 and token:
                token = answer.going_on
                if token or anew:
                    anew = anew and bool(token)
                    continue
            yield answer
            token = answer.going_on if answer.ok else ""
            if not token:
                return

    async def _ask(self, path: str, accept: str, query: Mapping[str, str]) -> Answer:
        async with self._free:
            left = self.deadline - time.monotonic()
            if left <= 0:
                return Answer(problem="there was no time left to ask")
            begun = time.perf_counter()
            work = begin(lambda: self._fetch(path, accept, query, left))
            done, _ = await asyncio.wait({work}, timeout=left)
            if not done:
                work.cancel()
                return Answer(problem=f"no answer within {left:.0f} s")
            answer = work.result()
            if answer.status and self.ms is None:
                self.ms = (time.perf_counter() - begun) * 1000
            return answer

    def _fetch(self, path: str, accept: str, query: Mapping[str, str], left: float) -> Answer:
        import warnings

        from kubernetes.client import rest

        urllib3: Any = rest.urllib3  # type: ignore[attr-defined]
        ends = time.monotonic() + left
        url = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # insecure-skip-tls-verify is the user's own choice
                pool, base, headers = self._ready()
                response = pool.request(
                    "GET",
                    f"{base}{url}",
                    headers={**headers, "Accept": accept, "Accept-Encoding": "gzip"},
                    timeout=urllib3.Timeout(connect=min(_CONNECT, left), read=min(_READ, left)),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                return _answer(response, ends)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, EOFError) as error:
            return Answer(problem=_cause(error))

    def _ready(self) -> tuple[Any, str, dict[str, str]]:
        """The package's pool of connections, the server's address, and the login's header."""
        from kubernetes.client import ApiClient

        configuration = self._settings.configuration
        with self._lock:
            if self._client is None:
                self._client = ApiClient(configuration)
            headers = {"User-Agent": "registry-doctor"}
            for each in configuration.auth_settings().values():
                if each.get("in") == "header":
                    headers[each["key"]] = each["value"]
        return self._client.rest_client.pool_manager, configuration.host.rstrip("/"), headers

    def close(self) -> None:
        """Leave nothing open."""
        if self._client is not None:
            self._client.rest_client.pool_manager.clear()
        self._settings.close()


def _answer(response: Any, ends: float) -> Answer:
    headers = {str(k).lower(): str(v) for k, v in response.headers.items()}
    try:
        data = _body(response, headers, ends)
    finally:
        response.close()  # what was read to its end is back in the pool already
    status = int(response.status)
    if data is None:
        problem = f"the answer is larger than {_CAP >> 20} MiB"
        return Answer(status, None, problem, too_large=True, headers=headers)
    try:
        body = json.loads(data)
        if not isinstance(body, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError):
        kind = plain(headers.get("content-type", "").partition(";")[0], 60) or "something"
        return Answer(
            status,
            None,
            f"the answer (HTTP {status}, {kind}) is not the API's JSON",
            headers=headers,
        )
    message, reason = body.get("message"), body.get("reason")
    return Answer(
        status=status,
        body=body,
        reason=reason if isinstance(reason, str) else "",
        message=clip(message, 2000) if status != 200 and isinstance(message, str) else "",
        headers=headers,
    )


def _body(response: Any, headers: Mapping[str, str], ends: float) -> bytes | None:
    """The bytes of the answer, unpacked; None where they are too many. Raises ValueError for what
    does not unpack, or does not end."""
    packed = headers.get("content-encoding", "").lower() in ("gzip", "x-gzip")
    unpack = zlib.decompressobj(31) if packed else None
    out, size = [], 0
    while piece := response.read1(1 << 18, decode_content=False):
        if time.monotonic() > ends:
            raise ValueError("the answer did not end in time")
        try:
            piece = unpack.decompress(piece, _CAP + 1 - size) if unpack else piece
        except zlib.error:
            raise ValueError("the answer does not unpack") from None
        size += len(piece)
        if size > _CAP:
            response.close()
            return None
        out.append(piece)
    length = headers.get("content-length", "")
    if not packed and length.isdigit() and size < int(length):
        raise ValueError(f"the answer ended after {size} of {length} bytes")
    return b"".join(out)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0.3


def _cause(error: BaseException) -> str:
    """The innermost reason in words."""
    reason: BaseException = error
    for _ in range(8):
        inner = getattr(reason, "reason", None) or reason.__cause__ or reason.__context__
        args = [a for a in reason.args if isinstance(a, BaseException)]
        deeper = inner if isinstance(inner, BaseException) else args[0] if args else None
        if deeper is None:
            break
        reason = deeper
    text = (
        getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or str(reason)
    )
    text = re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:? ?", "", str(text))
    return plain(clip(text, 300)) or type(reason).__name__
