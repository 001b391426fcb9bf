"""By which other names may hosts, users, namespaces and images be called, the same in every file?

A host's name is replaced label by label, so that what depends on names stays as it is: a wildcard
certificate, a NO_PROXY suffix, a token service on the registry's own domain. Public registries and
public suffixes keep their names, and so do addresses. Words that every bundle holds are replaced
only where they can mean nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from doctor.registry import hub

_PUBLIC = (
    *("docker.io", "docker.com", "ghcr.io", "githubusercontent.com", "github.com", "quay.io"),
    *("gcr.io", "pkg.dev", "googleapis.com", "registry.k8s.io", "mcr.microsoft.com"),
    *("public.ecr.aws", "cleanstart.com", "gitlab.com", "nvcr.io", "localhost", *hub.HOSTS),
)
"""Hosts of everybody's, and whatever stands below them."""
_OF_CUSTOMERS = (
    *("amazonaws.com", "amazonaws.com.cn", "azurecr.io", "azurecr.cn", "azurecr.us"),
    *("blob.core.windows.net", "cloudfront.net", "r2.cloudflarestorage.com"),
)
"""Below these the first label is a customer's."""
_RESERVED = frozenset(
    {
        *("local", "internal", "lan", "home", "corp", "intranet", "localdomain", "private"),
        *("svc", "cluster", "test", "example", "invalid", "localhost", "arpa", "onion"),
    }
)
_EVERYBODY = frozenset(
    {
        *("", "root", "AWS", "oauth2accesstoken", "_json_key", "_json_key_base64", "<token>"),
        *("00000000-0000-0000-0000-000000000000", "$oauthtoken", "nobody", "admin", "library"),
    }
)
"""Users and parts of a repository that name nobody."""
_NAME = r"(?:[A-Za-z0-9_*-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
_HOME = re.compile(r"(/(?:home|Users|var/home)/)([^/\s:\"']+)")
_SHORT = 4


class Pseudonyms:
    """Called with a text, it gives the text with other names. `own_words`: what every bundle
    says."""

    def __init__(self, own_words: str) -> None:
        self._own = frozenset(re.findall(r"[a-z0-9]+", own_words.lower()))
        self._names: dict[str, dict[str, str]] = {"h": {}, "user": {}, "image": {}, "ns": {}}
        self._domains: dict[str, None] = {}
        self._terms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add_host(self, host: str) -> None:
        """A host's name, with or without a port."""
        name = host.strip("[]").lower().rstrip(".")
        name = name.rpartition(":")[0] if name.count(":") == 1 else name
        labels = name.split(".")
        kept = _kept(name)
        if not name or kept >= len(labels) or not re.fullmatch(r"[a-z0-9_.*-]+", name):
            return
        domain = labels[-kept - 1 :] if kept else labels[-1:]
        self._domains[".".join(domain)] = None
        for label in labels[: len(labels) - kept]:
            self._label(label)
        if len(labels) > 1:
            self._term(domain[0], self._label(domain[0]))
        self._pattern = None

    def add_node(self, name: str) -> None:
        """A machine's name, which is one also where it has no domain and no port."""
        self.add_host(name)
        if name and "." not in name:
            self._term(name, self._label(name))

    def add_user(self, name: str) -> None:
        if name not in _EVERYBODY:
            self._term(name, self._new("user", name))

    def add_namespace(self, name: str) -> None:
        if name not in ("", "default", "kube-system", "kube-public"):
            self._term(name, self._new("ns", name))

    def add_repository(self, path: str) -> None:
        parts = [part for part in path.split("/") if part]
        named = [p if p in _EVERYBODY else self._new("image", p) for p in parts]
        if len(parts) > 1:
            self._terms.setdefault("/".join(parts).lower(), "/".join(named))
        for part, name in zip(parts, named, strict=True):
            if part != name:
                self._term(part, name)
        self._pattern = None

    @property
    def known(self) -> Mapping[str, Mapping[str, str]]:
        """Which name stands for what: it stays with whoever made the bundle."""
        kinds = {"h": "host labels", "user": "users", "image": "images", "ns": "namespaces"}
        return {kinds[k]: {new: old for old, new in v.items()} for k, v in self._names.items() if v}

    def __call__(self, text: str) -> str:
        whole = self._terms.get(text.lower())
        if whole is not None:
            return whole
        text = _HOME.sub(lambda m: m[1] + self._user(m[2]), text)
        return self._compiled().sub(self._replaced, text)

    def _user(self, name: str) -> str:
        return name if name in _EVERYBODY else self._new("user", name)

    def _label(self, label: str) -> str:
        return label if label in ("", "*") else self._new("h", label.lower())

    def _new(self, kind: str, name: str) -> str:
        given = self._names[kind]
        if name in given.values():
            return name  # it has been renamed already
        return given.setdefault(name, f"{kind}{len(given) + 1}")

    def _term(self, name: str, pseudonym: str) -> None:
        self._terms.setdefault(name.lower(), pseudonym)
        self._pattern = None

    def _replaced(self, match: re.Match[str]) -> str:
        term, host = match["term"], match["host"]
        if host is not None:
            kept = _kept(host.lower())
            labels = host.split(".")
            cut = len(labels) - kept
            return ".".join([*map(self._label, labels[:cut]), *labels[cut:]])
        return self._terms[term.lower()]

    def _compiled(self) -> re.Pattern[str]:
        if self._pattern is None:
            hosts = "|".join(_longest(self._host_pattern(each) for each in self._domains))
            terms = "|".join(_longest(self._term_pattern(each) for each in self._terms))
            self._pattern = re.compile(
                rf"(?i)(?<![\w.-])(?P<host>(?:[\w*-]+\.)*(?:{hosts or '(?!)'}))(?![\w-]|\.\w)"
                rf"|(?<![\w])(?P<term>{terms or '(?!)'})(?!\w)"
            )
        return self._pattern

    def _host_pattern(self, domain: str) -> str:
        """A word that every bundle holds is a host's name only before a port or a path."""
        return re.escape(domain) + (r"(?=:\d|/)" if domain in self._own else "")

    def _term_pattern(self, term: str) -> str:
        common = len(term) < _SHORT or set(re.findall(r"[a-z0-9]+", term)) <= self._own
        return "(?!)" if common and "/" not in term else re.escape(term)


def _longest(patterns: Iterable[str]) -> list[str]:
    return sorted(patterns, key=lambda each: (-len(each), each))


@cache
def _kept(name: str) -> int:
    """How many labels at the end of a host's name tell nothing about whose it is."""
    labels = name.split(".")
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        pass
    else:
        return len(labels)
    for public in _PUBLIC:
        if name == public or name.endswith(f".{public}"):
            return len(labels)
    for cloud in _OF_CUSTOMERS:
        if name.endswith(f".{cloud}"):
            return len(labels) - 1
    if labels[-1] in _RESERVED:
        known = [n for n, label in enumerate(reversed(labels)) if label not in _RESERVED]
        return known[0] if known else len(labels)
    return len(_suffix(name).split(".")) if _suffix(name) else 0


def _suffix(name: str) -> str:
    """The public suffix that the name ends with; "" where none is known."""
    return _list()(name.replace("*.", "")) or ""


@cache
def _list() -> Callable[[str], str | None]:
    from publicsuffixlist import PublicSuffixList

    found: Callable[[str], str | None] = PublicSuffixList(accept_unknown=False).publicsuffix
    return found


_HOSTS = frozenset(
    {
        *("Hop.host", "Reference.domain", "DnsFact.name", "Reply.name", "Reply.chain"),
        *("ResolverConfiguration.search", "ResolversFact.walked", "Certificate.dns_names"),
        *("Certificate.common_name", "ProxySetting.host", "CredentialFact.registry"),
        *("CredentialFact.keys", "CredentialFact.key", "Source.key", "NearMiss.key"),
        *("StoredFile.keys", "HostsLine.names", "Endpoint.domain", "TunnelFact.proxy"),
    }
)
_USERS = frozenset(
    {
        *("CredentialFact.user", "AuthFact.user", "ProxySetting.user", "TunnelFact.user"),
        *("ClientFact.user", "Source.user", "Otherwise.user"),
    }
)
"""Fields of facts that hold names."""


def learn(names: Pseudonyms, value: Any) -> None:
    """Every name that a fact, a target or a tuple of them holds."""
    for where, text in _strings(value):
        if where in _HOSTS:
            names.add_host(text)
        elif where in _USERS:
            names.add_user(text)
        elif where == "Reference.repository" or where == "Endpoint.repository":
            names.add_repository(text)
        for found in re.findall(_NAME, text):
            if _suffix(found.lower()) and _kept(found.lower()) < found.count(".") + 1:
                names.add_host(found)


def _strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    import dataclasses

    if isinstance(value, str):
        yield where, value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _strings(each, where)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each, where)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            name = f"{type(value).__name__}.{field.name}"
            yield from _strings(getattr(value, field.name), name)
