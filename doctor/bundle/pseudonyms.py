"""By which other names may hosts, users, images and a cluster's objects be called?

A host's name is replaced label by label, so that what depends on names stays as it is: a wildcard
certificate, a NO_PROXY suffix, a token service on the registry's own domain. Public registries and
public suffixes keep their names, and so do addresses, tags and digests. A word that every bundle
holds ("web", "registry") names nobody: as the whole name of an object it stays, in a host's name
and in a repository's path it is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from doctor.reference import Reference, parse
from doctor.registry import hub

_PUBLIC = (
    *("docker.io", "docker.com", "ghcr.io", "githubusercontent.com", "github.com", "quay.io"),
    *("gcr.io", "pkg.dev", "googleapis.com", "k8s.io", "kubernetes.io", "mcr.microsoft.com"),
    *("public.ecr.aws", "cleanstart.com", "gitlab.com", "nvcr.io", "localhost", *hub.HOSTS),
    "kubernetes.default.svc",
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
        *("default", "kube-system", "kube-public", "kube-node-lease", "kube-root-ca.crt"),
        *("default-scheduler", "system-node-critical", "system-cluster-critical"),
        *(".dockerconfigjson", ".dockercfg", "ca.crt", "tls.crt", "tls.key", "ssh-privatekey"),
    }
)
"""Users, parts of a repository and objects of a cluster that name nobody."""
KINDS = {
    "h": "host labels",
    "user": "users",
    "image": "images",
    "ns": "namespaces",
    "pod": "pods",
    "workload": "workloads",
    "container": "containers",
    "secret": "Secrets",
    "key": "keys of Secrets",
    "account": "ServiceAccounts",
    "context": "contexts",
    "class": "classes",
    "cert": "certificates",
}
"""What is named, by what its pseudonyms begin with."""
_HOME = re.compile(r"(/(?:home|Users|var/home)/)([^./\s:\"'][^/\s:\"']*)")
"""No user's name begins with a dot: a home that is itself called `home` holds `.docker`."""
_SHORT = 3
"""Characters; what has fewer stands in any text by chance."""
_WORD = re.compile(r"[a-z0-9]+(?:[-._]+[a-z0-9]+)*")


class Pseudonyms:
    """Called with a text, it gives the text with other names. `own_words`: what every bundle
    says."""

    def __init__(self, own_words: str) -> None:
        whole = _WORD.findall(own_words.lower())
        self._own = frozenset(whole) | {part for each in whole for part in re.split("[-._]+", each)}
        self._names: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        self._domains: dict[str, None] = {}
        self._terms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add_host(self, host: str) -> None:
        """A host's name, with or without a port."""
        name = host.strip("[]").lower().rstrip(".")
        name = name.rpartition(":")[0] if name.count(":") == 1 else name
        for spelt in {_ascii(name): None, _unicode(name): None, name: None}:
            self._add_host(spelt)

    def _add_host(self, name: str) -> None:
        labels = name.split(".")
        kept = _kept(name)
        if not name or kept >= len(labels) or not re.fullmatch(r"[\w.*-]+", name):
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
        if "." not in name and _kept(name) == 0:
            self._term(name, self._label(name))

    def add_user(self, name: str) -> None:
        self.add("user", name)

    def add(self, kind: str, name: str) -> None:
        """The name of a user, a namespace or another object of a cluster; `kind`: of KINDS."""
        if name not in _EVERYBODY and name.lower() not in self._terms and not self.common(name):
            self._term(name, self._new(kind, name))

    def add_number(self, number: str) -> None:
        """A certificate's serial number or hash in hexadecimal: public logs can be asked for it.
        Another of as many digits stands for it."""
        given = self._names["cert"]
        if len(number) >= 8 and number not in given.values():
            other = given.setdefault(number, f"{0xCE0000 + len(given):0{len(number)}x}")
            self._term(number, other)

    def add_image(self, text: str) -> None:
        """A reference, also one that no client would take."""
        found = parse(text)
        if isinstance(found, Reference):
            self.add_host(found.domain)
            return self.add_repository(found.repository)
        host, slash, path = text.partition("@")[0].rpartition("://")[2].partition("/")
        if not slash or not re.search(r"[.:]|^localhost$", host):
            host, path = "", text.partition("@")[0]
        self.add_host(host)
        self.add_repository(path.partition(":")[0])

    def add_repository(self, path: str) -> None:
        parts = [part for part in path.split("/") if part]
        named = [self._named(part) for part in parts]
        if len(parts) > 1:
            self._terms.setdefault("/".join(parts).lower(), "/".join(named))
        for part, name in zip(parts, named, strict=True):
            if part != name:
                self._term(part, name)
        self._pattern = None

    def _named(self, part: str) -> str:
        if part in _EVERYBODY:
            return part
        return self._terms.get(part.lower()) or self._new("image", part)

    @property
    def known(self) -> Mapping[str, Mapping[str, str]]:
        """Which name stands for what: it stays with whoever made the bundle."""
        return {KINDS[k]: {new: old for old, new in v.items()} for k, v in self._names.items() if v}

    def __call__(self, text: str) -> str:
        whole = self._terms.get(text.lower())
        if whole is not None and not self.common(text):
            return whole
        text = _HOME.sub(lambda m: m[1] + self._user(m[2]), text)
        return self._compiled().sub(self._replaced, text)

    def _user(self, name: str) -> str:
        return name if name in _EVERYBODY else self._new("user", name)

    def _label(self, label: str) -> str:
        """One of another alphabet has the name of its xn-- form, which stands for the same."""
        return label if label in ("", "*") else self._new("h", _ascii(label.lower()))

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
            common = [each for each in self._domains if each in self._own]
            # A word that every bundle holds is a host's name only before a port or a path.
            own = [rf"{re.escape(each)}(?=:\d|/)" for each in common]
            hosts = "|".join([*own, _any_of(self._domains.keys() - set(common))])
            terms = _any_of(t for t in self._terms if len(t) >= _SHORT and not self.common(t))
            self._pattern = re.compile(
                rf"(?i)(?<![\w.-])(?P<host>(?:[\w*-]+\.)*(?:{hosts}))(?![\w-]|\.\w)"
                rf"|(?<![^\W_])(?P<term>{terms})(?![^\W_])"
            )
        return self._pattern

    def common(self, term: str) -> bool:
        """Can it not be told from what every bundle says?"""
        return "/" not in term and (term.lower() in self._own or term.isdecimal() or term == "")


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest where several begin alike. What they begin with
    is looked at once: a cluster has thousands of names."""
    listed = sorted(words, key=lambda each: (-len(each), each))
    tree: dict[str, Any] = {}
    for word in listed:
        at = tree
        for letter in word:
            at = at.setdefault(letter, {})
        at[""] = {}
    try:
        found = _branches(tree)
        re.compile(found)
    except RecursionError:  # names, each of which is another and a letter more
        found = "|".join(map(re.escape, listed))
    return f"(?:{found})" if listed else "(?!)"


def _branches(tree: Mapping[str, Any]) -> str:
    more = [re.escape(letter) + _branches(rest) for letter, rest in tree.items() if letter]
    if not more:
        return ""
    body = more[0] if len(more) == 1 else f"(?:{'|'.join(more)})"
    return f"(?:{body})?" if "" in tree else body


def _ascii(name: str) -> str:
    """The name as it is asked for, its labels of other alphabets in their xn-- form."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _unicode(name: str) -> str:
    """The name as people write it."""
    try:
        return name.encode("ascii").decode("idna") if "xn--" in name else name
    except UnicodeError:
        return name


def is_somebodys(host: str) -> bool:
    """Is that text, in small letters, a host's name that tells whose it is?"""
    ends = host.rpartition(".")[2] in _RESERVED or _suffix(host) != ""
    return ends and _kept(host) < host.count(".") + 1


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
