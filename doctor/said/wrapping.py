"""Who says the error, of which image, host and request?

A client's error is a chain: each layer puts its own words before those of the layer below (kubelet,
gRPC, containerd or containers/image, Go's net/http, the registry). `unwrapped` takes the outer ones
off; `Context` keeps what they named. The text comes from outside: every pattern runs in linear
time, and names that were read are taken out before anyone looks at the words, so that a repository
called `denied` is not a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from doctor.registry import hub
from doctor.said.wrappers import FIELDS, OUTER

_MASKED = re.compile(
    r"https?://[^\s\"']+|docker://[^\s\"]+|\"(?!application/|text/|docker-credential-)[^\s\"]*\"|sha256:[0-9a-f]{7,64}"
)
_TAIL = re.compile(r'"?\s+(?:host|method|url|error|namespace|pod|podUID|image|endpoint)="?[^\n]*$')
"""The fields that a log appends to the message."""
_NAMES = {"image", "name", "what", "host", "name_of", "wanted", "realm", "peer"}
"""Fields whose value may be any word."""
_BEGINS = re.compile(
    r"Failed to pull image|Back-off pulling image|[Ff]ailed to pull (?:and unpack )?image \""
    r"|failed to resolve (?:reference|image|source metadata)|initializing (?:image from )?source"
    r"|[Pp]arsing image name|pinging (?:container|docker|v2) registry|Error response from daemon: "
    r"|failed to do request: |rpc error: code|failed to solve: |ErrImagePull: "
    r"|[Rr]eading manifest \S+ in "
)
"""Where the client's own words begin."""
_MIRRORS = re.compile(r"\(Mirrors also failed: \[.*\]\): (?P<image>\S+): ")
"""containers/image tells what the mirrors said first, then the registry's own error."""
_UNTOLD = "whether the registry itself was asked, and what it said, is not told"
_NAMESPACE = re.compile(r"[?&]ns=([^&\s]+)")
_CLIENTS = {"ctr", "crictl", "nerdctl"}
_LOOKS = re.compile(
    r"\b(?P<word>skopeo|podman|buildah|crane|regctl|oras|docker|ctr|crictl|nerdctl|containerd|crio)"
    r"(?:\[\d+\])?: |(?P<curl>curl: \(\d+\))"
)


@dataclass(slots=True)
class Context:
    """What the wrappers of one error named; everything but `core` as it stood there."""

    text: str
    """The error in one line, its outer wrappers taken off."""
    core: str
    """The same for looking for words in: names, addresses of requests and digests blanked."""
    whole: str
    """The error with all wrappers."""
    client: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int | None:
        return int(self.fields["status"]) if "status" in self.fields else None

    def says(self, *words: str) -> bool:
        """Does the whole error hold one of these?"""
        return any(word in self.whole for word in words)

    @property
    def path(self) -> str:
        """The path and query of the request that failed; empty where no URL is told."""
        return _split(self.fields.get("url", ""))[1]

    @property
    def of_token(self) -> bool:
        """Was it a request for a token?"""
        tokens = ("fetch anonymous token", "fetch oauth token", "retrieve auth token")
        if self.says(*tokens, "bearer token: "):
            return True
        url = self.path
        return bool(url) and not url.startswith("/v2/") and ("scope=" in url or "service=" in url)

    @property
    def of_blob(self) -> bool:
        """Was it a request for a layer, or for an image's configuration?"""
        copying = ("failed to copy", "httpReadSeeker", "reading blob", "fetching blob")
        return "/blobs/" in self.path or self.says(*copying, "pulling image configuration")

    @property
    def of_ping(self) -> bool:
        """Was it the first question to a registry, `/v2/`?"""
        return self.path in ("/v2/", "/v2") or self.says("pinging ", "login attempt to")

    @property
    def mirror(self) -> str:
        """The mirror that was asked; "" for any other host. containerd tells a mirror by `ns` whose
        image it wants (core/remotes/docker/registry.go, core/remotes/docker/resolver.go); 1.6 names
        the host alone."""
        if self.says('failed to resolve reference "') and self.says(" from host "):
            return self._stranger(self.fields.get("host", ""))
        authority, path = _split(self.fields.get("url", ""))
        told = _NAMESPACE.search(path)
        return authority if told and told[1].replace("%3A", ":") != authority else ""

    def _stranger(self, host: str) -> str:
        """The host, if it is not the registry in the image's name."""
        from doctor.reference import Reference, parse

        image = parse(self.fields.get("image", ""))
        if not isinstance(image, Reference) or host == image.domain:
            return ""
        return "" if {host, image.domain} <= {*hub.HOSTS, hub.NAME} else host

    @property
    def elsewhere(self) -> bool:
        """Was it asked of a host other than the registry's API, as far as the URL tells?"""
        return bool(self.path) and not self.path.startswith("/v2")


def unwrapped(message: str) -> Context:
    """What one error says, and what its wrappers named. `message` is one line."""
    whole = message
    if (mirrors := _MIRRORS.search(message)) is not None:
        message = f'failed to pull image "{mirrors["image"]}": {message[mirrors.end() :]}'
    begins = _BEGINS.search(message)
    text = message[begins.start() if begins else 0 :].strip()
    while inner := _inner(text):
        text = inner
    fields: dict[str, str] = {}
    names: set[str] = set()
    speakers: list[str] = []
    for pattern, client in FIELDS:
        found = pattern.search(message)
        if found is None:
            continue
        speakers += [client] if client else []
        for name, value in found.groupdict().items():
            if value:
                fields.setdefault(name, value)
                names |= {value} if name in _NAMES else set()
    core = _core(message, names)
    return Context(_ended(text), core, whole, _speaker(message, speakers), fields)


def _core(message: str, names: set[str]) -> str:
    """The words alone: what was read as a name is blanked where it stood, and everywhere where it
    cannot be a word."""
    core = message
    for pattern, _ in OUTER:
        core = pattern.sub(" : ", core)
    for pattern, _ in FIELDS:
        found = pattern.search(core)
        for name in _NAMES & set(found.groupdict()) if found else ():
            if found and found[name]:
                core = core[: found.start(name)] + "*" + core[found.end(name) :]
                break
    for name in sorted((n for n in names if re.search(r"[./:]", n)), key=len, reverse=True):
        core = core.replace(name, "*")
    return _MASKED.sub("*", core)


def _ended(text: str) -> str:
    """Without what a log appends: fields, and the quote that closes the message."""
    text = _TAIL.sub("", text)
    return text[:-1] if text.endswith('"') and text.count('"') % 2 else text


def _inner(text: str) -> str:
    """The error without its outermost wrapper; empty where it has none, or says nothing else."""
    for pattern, _ in OUTER:
        found = pattern.match(text)
        if found and found.end():
            return text[found.end() :].lstrip()
    return ""


def _speaker(message: str, speakers: list[str]) -> str | None:
    """Who passed the error on last: the kubelet, then a program that names itself, then a daemon's
    client."""
    if "kubelet" in speakers:
        return "kubelet"
    named = _LOOKS.search(message)
    if named:
        word = named["word"] or "curl"
        return "cri-o" if word == "crio" else "containerd" if word in _CLIENTS else word
    return next(
        (who for who in ("podman", "docker") if who in speakers), next(iter(speakers), None)
    )


def image_of(context: Context, given: str) -> str | None:
    """The image that was pulled, as the text names it; else as the request's URL does."""
    if given:
        return given
    fields = context.fields
    if "image" in fields:
        return fields["image"]
    if "name" in fields:
        what = fields.get("what", "")
        return f"{fields['name']}{'@' if ':' in what else ':' if what else ''}{what}"
    authority, path = _split(fields.get("asked") or fields.get("url", ""))
    told = _NAMESPACE.search(path)
    registry = told[1].replace("%3A", ":") if told else authority
    return _asked(hub.NAME if registry in hub.HOSTS else registry, path)


def _asked(registry: str, path: str) -> str | None:
    """The image of that registry whose manifest was asked for."""
    found = re.fullmatch(r"/v2/([^?\s]+)/manifests/([^/?\s]+)(?:\?\S*)?", path)
    if not found or not registry:
        return None
    return f"{registry}/{found[1]}{'@' if ':' in found[2] else ':'}{found[2]}"


def host_of(context: Context) -> str | None:
    """The host that the request went to: `host` or `host:port`, IPv6 in brackets."""
    fields = context.fields
    authority = _split(fields.get("url", ""))[0]
    if "%2F" in authority or context.says("dial unix "):
        return None  # a daemon's socket in a URL's host, or a host that stands for one
    if authority:
        return authority
    if "host" in fields:
        return _split(fields["host"])[0] if "://" in fields["host"] else fields["host"]
    if "peer" in fields:
        return fields["peer"] + (f":{fields['port']}" if "port" in fields else "")
    return fields.get("name_of") or fields.get("wanted") or fields.get("address")


def _split(url: str) -> tuple[str, str]:
    """Authority and the rest of a URL, without user info."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in ("http", "https"):
        return "", ""
    end = min((rest.find(c) for c in "/?#" if c in rest), default=len(rest))
    return rest[:end].rpartition("@")[2], rest[end:] or "/"


def params_of(context: Context) -> dict[str, str]:
    """What the codes' words may have filled in from the text."""
    wanted = ("resolver", "address", "secrets", "names", "socket", "limit", "now")
    found = {name: context.fields[name] for name in wanted if name in context.fields}
    if context.says("proxyconnect", "socks connect"):
        at = context.fields.get("name_of") or context.fields.get("address")
        found |= {"proxy": at, "proxy_host": at.rpartition(":")[0] or at} if at else {}
    if mirror := context.mirror:
        scheme = context.fields.get("url", "https://").partition("://")[0]
        found |= {"mirror": f"{scheme}://{mirror}", "mirror_host": mirror}
        found |= {"ping": f"{scheme}://{mirror}/v2/"}
        found |= {"mirror_image": _asked(mirror, context.path) or ""}
        found |= {"named": "to which the client's settings send it", "then": _UNTOLD}
    if "socket" in found and context.says("permission denied"):
        found |= {"denied": "yes", "reason": "permission denied"}
    if "blocked" in context.fields:
        found |= {"blocked_prefix": context.fields["blocked"], "rule": context.text}
        found |= {"file": context.fields["blocked_in"]}
    elif context.says("mage rejected: ", "signature validation failed"):
        found |= {"policy": "yes"}
    if context.says("short-name ", "short name mode is enforcing"):
        found |= _short(context.fields.get("image", ""))
    if context.client == "kubelet" and (runtime := _runtime(context)):
        found["runtime"] = runtime
    return found


def _short(name: str) -> dict[str, str]:
    """A name without a registry, for which podman and CRI-O know none or several
    (containers/image, pkg/shortnames): what it says, and what Docker would take it for."""
    from doctor.reference import Reference, parse

    found = parse(name)
    meant = str(found) if isinstance(found, Reference) else ""
    said = f"{name or 'The image'} names no registry, and the client chooses none by itself."
    return {"statement": said, "suggestion": meant}


def _runtime(context: Context) -> str:
    """Which runtime the kubelet quotes."""
    if any(who == "containerd" and p.search(context.whole) for p, who in FIELDS):
        return "containerd"
    crio = (
        *("pinging container registry", "reading manifest ", "RegistryUnavailable", "short name "),
        *("ource image rejected: ", "is blocked in "),
    )
    return "cri-o" if context.says(*crio) else ""
