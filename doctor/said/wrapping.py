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

from doctor import hub

_STATUS = r"(?P<status>[1-5]\d\d)\b"
_OUTER: tuple[tuple[str, str], ...] = (
    (r'Failed to pull image "(?P<image>[^"]*)": ', "kubelet"),
    (r'Back-off pulling image "(?P<image>[^"]*)"(?:: |\.? *$)', "kubelet"),
    (r'Failed to (?:apply default image tag|inspect image) "(?P<image>[^"]*)": ', "kubelet"),
    (r"Error syncing pod, skipping: ", "kubelet"),
    (r'failed to "\w+" for "[^"]*" with (?:ErrImagePull|ImagePullBackOff): "', "kubelet"),
    (
        r"(?:Error: )?(?:ErrImagePull|ImagePullBackOff|ImageInspectError|InvalidImageName)"
        r"(?:: | *$)",
        "kubelet",
    ),
    (
        r"image pull failed for (?P<image>[^\s]+) because the (?:registry is unavailable|"
        r"signature validation failed)(?:: |\.? *$)",
        "kubelet",
    ),
    (
        r"Failed to create pod sandbox: |failed to setup network for sandbox [^:]*: ",
        "kubelet",
    ),
    (r'failed to get sandbox image "(?P<image>[^"]*)": ', "kubelet"),
    (r"rpc error: code = \w+ desc = ", ""),
    (r'PullImage "(?P<image>[^"]*)" failed(?:" error="|: | error=)', "containerd"),
    (r'failed to pull image "(?P<image>[^"]*)": ', ""),
    (r'failed to pull and unpack image "(?P<image>[^"]*)": ', "containerd"),
    (r'failed to resolve reference "(?P<image>[^"]*)": ', "containerd"),
    (r"failed to resolve image: ", "containerd"),
    (r"failed to copy: |httpReadSeeker: failed open: |failed to do request: ", "containerd"),
    (r"failed to authorize(?: redirect)?: ", "containerd"),
    (r"failed to fetch (?:anonymous|oauth) token: ", "containerd"),
    (
        r"(?:Error )?(?:initializing (?:image from )?source|parsing image name|(?:reading|parsing) "
        r'manifest for image) "?docker://(?P<image>[^\s"]*)"?: ',
        "skopeo",
    ),
    (r"Invalid source name docker://(?P<image>\S+): ", "skopeo"),
    (r"(?:Trying to pull|Source image rejected) ?(?P<image>[^\s:]\S*)?(?:\.\.\.|:) ", ""),
    (r"(?:error )?pinging (?:container|docker|v2) registry(?: (?P<host>[^\s\"]+?))?: ", ""),
    (r"failed to configure transport: ", "docker"),
    (r"Error response from daemon: ", "docker"),
    (r"[Ee]rror: (?=initializing|reading|pinging|unable|internal)", "podman"),
    (r"reading manifest (?P<what>\S+) in (?P<name>\S+): ", ""),
    (r"Error reading manifest (?P<what>\S+) in (?P<name>\S+): ", ""),
    (r"reading (?:blob|config) (?P<digest>sha\w+:[0-9a-f]+): ", ""),
    (r"fetching blob: ", ""),
    (r"(?:ctr|crictl|nerdctl|skopeo|crane|podman|buildah|docker|regctl|oras): ", ""),
    (r"Error: |FATA\[\d+\] |FATAL: |ERROR: |error: ", ""),
)
OUTER = tuple((re.compile(pattern), client) for pattern, client in _OUTER)

_FIELDS: tuple[tuple[str, str], ...] = (
    *_OUTER,
    (
        r"unexpected status from (?P<method>[A-Z]{3,7}) request to "
        rf"(?P<url>https?://\S+): {_STATUS}",
        "containerd",
    ),
    (rf"unexpected status code (?P<url>https?://\S+): {_STATUS}", "containerd"),
    (
        rf"pulling from host (?P<host>\S+) failed with status code \[\w+ [^\]]*\]: {_STATUS}",
        "containerd",
    ),
    (r'fetch failed[^"]*" [^\n]*\bmethod=(?P<method>[A-Z]+) url="?(?P<url>[^\s"]+)', "containerd"),
    (r'\b(?P<method>Get|Head|Post|Put) "?(?P<url>https?://[^\s"]+?)"?: ', ""),
    (r"\b(?P<method>GET|HEAD|POST) (?P<url>https?://[^\s\"]+?): ", "crane"),
    (rf"login attempt to (?P<url>https?://\S+) failed with status: {_STATUS}", "docker"),
    (r"no successful auth challenge for (?P<url>https?://\S+)", "docker"),
    (rf"(?:invalid status code from registry|StatusCode:) {_STATUS}", ""),
    (rf"unexpected (?:HTTP )?status(?: code)?:? {_STATUS}", ""),
    (rf"received unexpected HTTP status: {_STATUS}", ""),
    (rf"parsing HTTP {_STATUS} response body", ""),
    (rf"\[http {_STATUS}\]", "regctl"),
    (rf"(?:status code|failed with status):? {_STATUS}", ""),
    (rf"response (?:code |status )?{_STATUS}", ""),
    (r"pull access denied for (?P<name>[^\s,]+),", "docker"),
    (r"manifest for (?P<image>\S+) not found", "docker"),
    (r"repository (?P<name>\S+) not found: ", "docker"),
    (r"no such manifest: (?P<image>\S+)", "docker"),
    (r'Container image "(?P<image>[^"]*)" is not present with pull policy', "kubelet"),
    (r"image verifier \S+ blocked pull of (?P<image>\S+) with digest", "containerd"),
    (r"cancel pulling image (?P<image>\S+) because of no progress", "containerd"),
    (r"choosing an? image from manifest list docker://(?P<image>\S+): ", ""),
    (r"no child with platform \S+ in index (?P<image>\S+)", "crane"),
    (r"content at (?P<url>https?://\S+) not found", "containerd"),
    (r"realm host \"(?P<realm>[^\"]+)\" is", "crane"),
    (r"failed to ping registry (?P<host>\S+): ", "regctl"),
    (r"failed to resolve image: (?P<image>\S+): not found", "containerd"),
    (r"\(registry: (?P<host>[^)\s]+)\)", "regctl"),
    (r"lookup (?P<name_of>[^\s:]+)(?: on (?P<resolver>\S+:\d+))?: ", ""),
    (r"(?:dial|connect) tcp (?P<address>\[[0-9A-Fa-f:.%\w]+\]:\d+|[^\s:]+:\d+): ", ""),
    (r"(?:read|write) tcp \S+->(?P<address>\[[0-9A-Fa-f:.%\w]+\]:\d+|[^\s:]+:\d+): ", ""),
    (r"Failed to connect to (?P<peer>\S+) port (?P<port>\d+)", "curl"),
    (r"Could not resolve (?:host|proxy): (?P<peer>[^\s;]+)", "curl"),
    (r"target host name '(?P<peer>[^']+)'", "curl"),
    (r'\bhost="?(?P<host>[^\s",]+)"?', ""),
    (r"current time (?P<now>\S+) is (?:after|before) (?P<limit>\S+)", ""),
    (r"certificate is valid for (?P<names>[^\n]{1,300}?), not (?P<wanted>\S+)", ""),
    (r"retrieve some image pull secrets \((?P<secrets>[^)]*)\)", "kubelet"),
    (r"daemon (?:socket )?at (?P<socket>unix://[^\s:]+?)\.?(?=[\s:]|$)", "docker"),
)
FIELDS = tuple((re.compile(pattern), client) for pattern, client in _FIELDS)
_MASKED = re.compile(
    r"https?://[^\s\"']+|docker://[^\s\"]+|\"(?!application/|text/)[^\s\"]*\"|sha256:[0-9a-f]{7,64}"
)
_TAIL = re.compile(
    r'"?\s+(?:host|method|url|error|namespace|pod|podUID|image|endpoint)="?[^\n]*$|"+$'
)
"""What a log appends to the message: fields, and the quote that closes it."""
_NAMES = {"image", "name", "what", "host", "name_of", "wanted", "realm", "peer"}
"""Fields whose value may be any word."""
_MIRRORS = re.compile(r"\(Mirrors also failed: \[.*\]\): (?P<image>\S+): ")
"""containers/image tells what the mirrors said first, then the registry's own error."""
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
        if self.says("fetch anonymous token", "fetch oauth token", "retrieve auth token"):
            return True
        url = self.path
        return bool(url) and not url.startswith("/v2/") and ("scope=" in url or "service=" in url)

    @property
    def of_blob(self) -> bool:
        """Was it a request for a layer, or for an image's configuration?"""
        copying = ("failed to copy", "httpReadSeeker", "reading blob", "fetching blob")
        return "/blobs/" in self.path or self.says(*copying)

    @property
    def of_ping(self) -> bool:
        """Was it the first question to a registry, `/v2/`?"""
        return self.path in ("/v2/", "/v2") or self.says("pinging ", "login attempt to")

    @property
    def elsewhere(self) -> bool:
        """Was it asked of a host other than the registry's API, as far as the URL tells?"""
        return bool(self.path) and not self.path.startswith("/v2")


def unwrapped(message: str) -> Context:
    """What one error says, and what its wrappers named. `message` is one line."""
    whole = message
    if (mirrors := _MIRRORS.search(message)) is not None:
        message = f'failed to pull image "{mirrors["image"]}": {message[mirrors.end() :]}'
    text = message.strip()
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
    return Context(_TAIL.sub("", text), core, whole, _speaker(message, speakers), fields)


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
    authority, path = _split(fields.get("url", ""))
    found = re.fullmatch(r"/v2/([^?\s]+)/manifests/([^/?\s]+)(?:\?(?P<query>\S*))?", path)
    if not found or not authority:
        return None
    told = re.search(r"(?:^|&)ns=([^&]+)", found["query"] or "")
    registry = told[1].replace("%3A", ":") if told else authority
    registry = hub.NAME if registry in hub.HOSTS else registry
    return f"{registry}/{found[1]}{'@' if ':' in found[2] else ':'}{found[2]}"


def host_of(context: Context) -> str | None:
    """The host that the request went to: `host` or `host:port`, IPv6 in brackets."""
    fields = context.fields
    authority = _split(fields.get("url", ""))[0]
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
    if context.client == "kubelet" and (runtime := _runtime(context)):
        found["runtime"] = runtime
    return found


def _runtime(context: Context) -> str:
    """Which runtime the kubelet quotes."""
    if any(who == "containerd" and p.search(context.whole) for p, who in FIELDS):
        return "containerd"
    crio = ("pinging container registry", "reading manifest ", "RegistryUnavailable")
    return "cri-o" if context.says(*crio) else ""
