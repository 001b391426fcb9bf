"""How do others write down a secret that they repeat? Written apart from the product, which is
tested with it."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

Encode = Callable[[str], str]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _url(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _hexadecimal(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


def _every_byte(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _javascript(text: str) -> str:
    """encodeURIComponent."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="!'()*")


def _go_json(text: str) -> str:
    """encoding/json, which escapes what HTML would read."""
    out = json.dumps(text, ensure_ascii=False)[1:-1]
    return out.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _go_html(text: str) -> str:
    """html/template."""
    marks = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "+": "&#43;"}
    return "".join(marks.get(c, c) for c in text)


def _hex_html(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else f"&#x{ord(c):X};" for c in text)


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


ENCODINGS: Mapping[str, Encode] = {
    "as it is": lambda s: s,
    "base64": _base64,
    "base64 behind one character": lambda s: _base64(f"u{s}"),
    "base64 behind two characters": lambda s: _base64(f"u:{s}"),
    "base64 for URLs": lambda s: _base64(f"u{s}").translate(str.maketrans("+/", "-_")).rstrip("="),
    "base64, URL-encoded": lambda s: _url(_base64(s)),
    "Basic": lambda s: f"Basic {_base64(f'alice:{s}')}",
    "password before user": lambda s: f"{s}:alice",
    "password before user, base64": lambda s: _base64(f"{s}:alice"),
    "URL-encoded": _url,
    "URL-encoded, lower case": lambda s: "".join(
        part if part == text else part.lower()
        for part, text in ((quote(c.encode("utf-8", "surrogatepass"), safe=""), c) for c in s)
    ),
    "URL-encoded twice": lambda s: quote(_url(s), safe=""),
    "form-encoded": lambda s: quote_plus(s.encode("utf-8", "surrogatepass")),
    "URL-encoded by JavaScript": _javascript,
    "every byte URL-encoded": _every_byte,
    "hexadecimal": _hexadecimal,
    "hexadecimal, upper case": lambda s: _hexadecimal(s).upper(),
    "JSON": _json,
    "JSON in UTF-8": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON by Go": _go_json,
    "JSON by PHP": lambda s: _json(s).replace("/", r"\/"),
    "JSON in JSON": lambda s: _json(_json(s)),
    "HTML": html.escape,
    "HTML by Go": _go_html,
    "HTML by numbers": _hex_html,
    "HTML twice": lambda s: html.escape(html.escape(s)),
    "HTML of JSON": lambda s: html.escape(_json(s)),
    "URL-encoded in JSON": lambda s: _json(_url(s)),
    "JSON, URL-encoded": lambda s: _url(_json(s)),
    "Python": lambda s: repr(s)[1:-1],
    "quoted for a shell": shlex.quote,
}
