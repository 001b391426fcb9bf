"""What does a secret look like that this run never read?

Prefixes are the vendors' own (GitHub, GitLab, Docker, AWS, Azure, NVIDIA, Vault), forms those of
RFC 7519 (JWT), RFC 7468 (keys), RFC 7617 and RFC 6750 (Basic, Bearer), and the places in which
secrets stand: a field, a variable, a header, a query or a URL's user information of such a name.
What may as well be a word of the field (`Basic realm=…`, `token: expired`) stays.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MASK = "[hidden]"


class _Shape(NamedTuple):
    """`rule`: what it is called. `marks`: one of them, in lower case, stands in every text that the
    pattern finds something in; looking for it first is ten times quicker."""

    rule: str
    marks: tuple[str, ...]
    pattern: str
    replacement: str = MASK


_NAMES = (
    r"(?:pass(?:word|wd|phrase|code)?|secret|api[_-]?key|(?:access|secret|private|account)[_-]?key"
    r"|(?:access|refresh|id|auth|api|client|session|identity|registry|bearer)?[_-]?token"
    r"|client[_-]?secret)"
)
_SHAPES = (
    _Shape(
        "private key",
        ("private key",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    _Shape("JWT", ("eyj",), r"\beyJ[\w-]{6,}\.[\w-]{4,}\.?[\w-]*"),
    _Shape(
        "GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_|github_pat_)\w{16,}",
    ),
    _Shape(
        "GitLab token",
        ("glpat-", "gldt-", "glcbt-", "glptt-", "glrt-", "gloas-", "glsoat-", "glft-", "glagent-"),
        r"\bgl(?:pat|dt|cbt|ptt|rt|oas|soat|ft|agent)-[\w-]{16,}",
    ),
    _Shape("Docker token", ("dckr_",), r"\bdckr_(?:pat|oat)_[\w-]{10,}"),
    _Shape(  # of an account, or of an application
        "Google token", ("ya29.", "aiza"), r"\b(?:ya29\.[\w-]{20,}|AIza[\w-]{35})"
    ),
    _Shape("DigitalOcean token", ("_v1_",), r"\bd(?:op|oo|or)_v1_[0-9a-f]{32,}"),
    _Shape(  # an API key, or a reference token: base64 of "reftkn:"
        "JFrog token", ("akcp", "cmvmdgtu"), r"\b(?:AKCp[0-9A-Za-z]{40,}|cmVmdGtu[0-9A-Za-z]{32,})"
    ),
    _Shape("AWS key ID", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _Shape("NVIDIA or Vault token", ("nvapi-", "hvs."), r"\b(?:nvapi-|hvs\.)[\w-]{16,}"),
    _Shape(
        "Azure key",
        ("accountkey=", "sharedaccesssignature="),
        r"(?i)\b(AccountKey|SharedAccessSignature)=[^;\s\"']+",
        rf"\1={MASK}",
    ),
    _Shape(
        "Bearer",
        ("bearer", "negotiate"),
        r"(?i)\b(Bearer|Negotiate)([ \t]+)(?=[\w.+/~-]*\d)[\w.+/~-]{12,}=*(?![\w=\"])",
        rf"\1\2{MASK}",
    ),
    _Shape(
        "Basic",
        ("basic",),
        r"(?i)\b(Basic[ \t]+)(?=[\w+/-]*(?-i:[a-z][A-Z]|[A-Z]{2}|\d))[\w+/-]{6,}={0,2}(?![\w=\"])",
        rf"\1{MASK}",
    ),
    _Shape(  # a field of JSON
        "JSON field",
        (
            "auth",
            "pass",
            "pwd",
            "token",
            "secret",
            "api",
            "_key",
            "-key",
            "sskey",
            "tekey",
            "ntkey",
        ),
        rf'(?i)(\\?"(?:auth|pwd|(?:[\w.-]*[._-])?{_NAMES})\\?"\s*:\s*\\?")(?:[^"\\]|\\(?!"))+',
        rf"\1{MASK}",
    ),
    _Shape(  # a variable or an option; one that stands for it (`$TOKEN`, `<token>`) stays
        "variable or option",
        ("=",),
        rf"(?i)(?<![\w.-])((?:[\w.-]*[_.-])?{_NAMES}[ \t]*=[ \t]*)(?![$\[<{{(]|[\"']\[hidden)"
        r"(?:\"[^\"\r\n]+\"|'[^'\r\n]+'|[^\s&,;\"'<>]+)",
        rf"\1{MASK}",
    ),
    _Shape(  # a line of YAML; a word without digits is one of a sentence
        "YAML line",
        ("password", "passwd", "passphrase", "passcode", "api", "token"),
        r"(?i)(?<![\w.-])([\w.-]*(?:pass(?:word|wd|phrase|code)|api[_-]?key|token)[ \t]*:[ \t]+"
        r"[\"']?)(?=[^\s\"']*\d)(?=[^\s\"']*[a-z])(?!sha\d+:)[^\s\"']{6,}",
        rf"\1{MASK}",
    ),
    _Shape(  # an option of a command; a word without digits is one of a sentence
        "option",
        ("--",),
        rf"(?i)(?<![\w-])(--(?:[\w-]*-)?(?:{_NAMES}|creds)[ \t]+[\"']?)(?![$\[<{{(-])"
        r"(?=[^\s\"'&\\]*\d)[^\s\"'<>]+",
        rf"\1{MASK}",
    ),
    _Shape(  # of any other scheme than the two above
        "Authorization",
        ("authorization",),
        r"(?i)\b(authorization[ \t]*:[ \t]*[\w-]{1,30}[ \t]+)(?=[^\s\"'<>&\\]*\d)"
        r"(?![$\[<{(])[^\s\"'<>=]{8,}=*(?![\w=])",
        rf"\1{MASK}",
    ),
    _Shape(  # Docker's API: base64 of a login
        "login for Docker's API",
        ("x-registry-",),
        r"(?i)\b(x-registry-(?:auth|config)[ \t]*:[ \t]*)[^\s\"'<>]+",
        rf"\1{MASK}",
    ),
    _Shape(
        "cookie",
        ("cookie",),
        r"(?i)\b((?:set-)?cookie2?\s*:\s*)[^\s=;,]+=[^\r\n\"<>]+",
        rf"\1{MASK}",
    ),
    _Shape(  # user information; a user alone may be a token, and is shown if it is short
        "URL user information",
        ("://",),
        r"(?i)\b([a-z][a-z0-9+.-]{1,20}://[^\s/@:\"'<>]{0,256}):[^\s/@\"'<>]+@",
        rf"\1:{MASK}@",
    ),
    _Shape(
        "signed query",
        ("=",),
        r"(?i)((?:^|[?&;\s])(?:x-amz-(?:signature|credential|security-token)"
        r"|x-goog-(?:signature|credential)|signature|policy|key-pair-id|sig|token|access_token"
        r"|refresh_token|id_token|client_secret|hmac|verify|password|secret)=)(?![$\[<{(])[^&\s\"'<>]+",
        rf"\1{MASK}",
    ),
    _Shape(  # of whatever name; what registries are asked with, and times, stay
        "query",
        ("?",),
        r"(?i)([?&](?!(?:ns|service|scope|account|client_id|digest|mount|from|n|last|labelselector"
        r"|(?:x-\w+-)?(?:date|expires)|s[etv])=)[\w.~%-]{1,64}=)(?=[^?&\s\"'<>\\]*\d)"
        r"(?=[^?&\s\"'<>\\]*[a-z])(?![$\[<{(])[^&\s\"'<>]{8,}",
        rf"\1{MASK}",
    ),
)


_SECRET_NAME = re.compile(rf"(?i)(?:.*[_.-])?{_NAMES}")


def names_secret(name: str) -> bool:
    """Does a variable of that name hold a secret: `REGISTRY_PASSWORD`, `GITHUB_TOKEN`?"""
    return bool(_SECRET_NAME.fullmatch(name))


def masked(text: str) -> str:
    """The text with every such shape replaced by a mask of fixed width."""
    return counted(text)[0]


def counted(text: str) -> tuple[str, dict[str, int]]:
    """The same, and how often which shape was found. What is masked already is found again, and
    stays as it is."""
    lower, found = text.lower(), {}
    for rule, marks, pattern, replacement in _SHAPES:
        if any(mark in lower for mark in marks):
            text, times = re.subn(pattern, replacement, text)  # compiled once, where it is used
            if times:
                found[rule] = times
    return text, found
