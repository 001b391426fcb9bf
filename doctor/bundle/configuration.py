"""Which of the files that were read are taken along, and by which rule is each masked?

By its place and its name, not by what it claims to be. What no rule is for stays here, and is
named; so do keys, and what is larger than a configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from doctor.bundle import masked_lines, masked_settings
from doctor.bundle.masking import Mask
from doctor.frozen import frozen

MOST_BYTES = 256 << 10
_MOST_CERTIFICATES = 64 << 10
"""A CA of one's own, not the public ones."""
_KEYS = (".key", ".p12", ".pfx", ".jks", ".keystore")
_PEM = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----"
)
_OF_NO_CLIENT = (
    *("/proc/", "/sys/", "/var/lib/dpkg/", "/var/lib/rpm/", "/lib/apk/"),
    *("/etc/ssl/", "/etc/pki/tls/", "/etc/pki/ca-trust/", "/usr/share/ca-certificates/"),
)
"""Lists of packages, and the system's own CAs."""

Masker = Callable[[str, Mask], str]


@frozen
class LeftOut:
    """What does not go along, and why."""

    what: str
    why: str


def masked(path: str, data: bytes, mask: Mask) -> str | LeftOut | None:
    """The file's text as it may leave; None for one that is no configuration."""
    if path.startswith(_OF_NO_CLIENT) or path.endswith("/certifi/cacert.pem"):
        return None
    if path.endswith(_KEYS) or b"PRIVATE KEY-----" in data:
        return LeftOut(path, "it holds a key")
    masker = _masker(path, data)
    most = _MOST_CERTIFICATES if masker is _certificates else MOST_BYTES
    if len(data) > most:
        return LeftOut(path, f"{len(data)} bytes; at most {most} of such a file go along")
    if masker is None:
        return LeftOut(path, "no rule says what of it is harmless")
    return mask.text(masker(data.decode("utf-8", "replace"), mask))


def _masker(path: str, data: bytes) -> Masker | None:
    folder, _, name = path.lower().rpartition("/")
    start = data.lstrip()[:1]
    if name.endswith((".crt", ".pem", ".cert", ".cer")) or b"-----BEGIN CERT" in data[:200]:
        return _certificates
    if name in ("hosts", "resolv.conf", "nsswitch.conf", "os-release", "host.conf"):
        return masked_lines.lines
    if name.endswith((".yaml", ".yml")) or b"\napiVersion:" in b"\n" + data[:4096]:
        return masked_lines.yaml
    if name.endswith(".json") or start == b"{" or name == ".dockercfg":
        return masked_settings.json
    if "/systemd" in folder or name.endswith((".service", ".socket", ".env")):
        return masked_lines.unit
    if folder.endswith(("/default", "/sysconfig", "/conf.d/docker")) or name == "environment":
        return masked_lines.unit
    if name.endswith((".toml", ".conf", ".tmpl")):
        return masked_settings.toml
    return None


def _certificates(text: str, mask: Mask) -> str:
    """Certificates are public; what stands between them is not looked at."""
    found = _PEM.findall(text)
    return "\n".join(found) + "\n" if found else f"# {mask.comment()}\n"


def chosen(read: Mapping[tuple[str, str], bytes], root: str) -> dict[str, bytes]:
    """Of all that this process has read, what lies below that root, by path."""
    return {path: data for (at, path), data in sorted(read.items()) if at == root}


def place(path: str) -> str:
    """Its name in the bundle: what no name can hold is percent-encoded. Below `config/` a bundle
    that was unpacked can be read with `--root`."""
    parts = (part for part in path.split("/") if part not in ("", ".", ".."))
    return "/".join(["config", *(_UNSAFE.sub(_percent, part) for part in parts)])


_UNSAFE = re.compile(r"[^A-Za-z0-9._@+=,:-]")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
