"""How is a cluster spoken to, once that is known? The settings of one run, and what keeps it from
any. Keys that stand in a kubeconfig are kept in memory files, never on a disk."""

from __future__ import annotations

import base64
import os
import re
import tempfile
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from doctor.model import Hop
from doctor.redact import Secret, clip, plain


class NoClusterError(Exception):
    """Why no cluster can be talked to: `reason` is a clause, `params` what the words may use."""

    def __init__(self, looked_at: str, reason: str, **params: str) -> None:
        super().__init__(f"{looked_at}: {reason}")
        self.looked_at = looked_at
        self.reason = reason
        self.params = params


@dataclass(slots=True, eq=False, repr=False)
class Settings:
    """How the cluster is spoken to. `configuration` is the package's own; it holds secrets."""

    context: str | None
    namespace: str
    server: str
    file: str
    """The kubeconfig in question; for a pod, the folder of its account."""
    configuration: Any = None
    proxy: str | None = None
    """The proxy that the kubeconfig itself names."""
    ca: str | None = None
    folder: str = ""
    """A folder for keys where the system has no memory files; removed at the end."""
    kept: list[int] = field(default_factory=list)

    @property
    def hop(self) -> Hop | None:
        """The API server as a host to be reached; None where the address names none."""
        try:
            url = urlsplit(self.server)
            host, port = url.hostname or "", url.port
        except ValueError:
            return None
        if not host or url.scheme not in ("https", "http"):
            return None
        scheme: Any = url.scheme
        return Hop("registry", host, port or {"https": 443, "http": 80}[scheme], scheme)

    def close(self) -> None:
        """Forget the keys."""
        while self.kept:
            os.close(self.kept.pop())
        if self.folder:
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)


def in_memory(table: dict[str, Any], names: tuple[str, ...], settings: Settings) -> None:
    """Put what stands in base64 into files without a place on a disk."""
    for name in names:
        data = table.pop(f"{name}-data", None)
        if not isinstance(data, str) or not data:
            continue
        content = base64.standard_b64decode(data)
        if name == "client-key":
            Secret(data)
            for line in content.decode("ascii", "replace").splitlines():
                if not line.startswith("-----"):
                    Secret(line)
        table[name] = _file(content, settings)


def _file(content: bytes, settings: Settings) -> str:
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        number = os.memfd_create("kubeconfig")
        settings.kept.append(number)
        os.write(number, content)
        return f"/proc/self/fd/{number}"
    settings.folder = settings.folder or tempfile.mkdtemp(prefix="doctor-")
    number, path = tempfile.mkstemp(dir=settings.folder)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    return path


def read_text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


_NODE = re.compile(r"ConfigNode|kube-config/|/\{.*\}")


def words_of(error: Exception) -> str:
    """The error's own words, without the tables that the package puts into them."""
    text = " ".join(str(error).split())
    return plain(clip(_NODE.sub("", text), 200)) or type(error).__name__
