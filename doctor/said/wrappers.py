"""Which words does each layer put before an error, and where do they name something?

The clients' own sources: kubelet (pkg/kubelet/images), containerd (client/pull.go, core/transfer,
core/remotes/docker), containers/image (docker/), moby (distribution/), BuildKit, regclient,
go-containerregistry; and Go's net/http, net and crypto/x509. Every pattern runs in linear time.
"""

from __future__ import annotations

import re

_STATUS = r"(?P<status>[1-5]\d\d)\b"
_SOCKET = (
    r"(?:(?<![\w./-])|(?<=://))(?P<socket>/(?!/)[\w./-]{{0,150}}{}[\w./-]{{0,60}}\.sock)"
    r'"?: (?:connect: )?\w'
)
"""A daemon's socket, with what came of connecting to it."""
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
    (r'[Ff]ailed to pull image "(?P<image>[^"]*)" with specified policies \[[^\]]*\]: ', ""),
    (r'Failed to pull image with policy "[^"]*": ', ""),
    (r'failed (?:to pull|pulling) image "(?P<image>[^"]*)": ', ""),
    (r"failed to solve: (?:\S{1,300}: (?=failed to resolve source))?", "docker"),
    (r"failed to (?:resolve source metadata for|load cache key for) (?P<image>\S+?): ", "docker"),
    (r'failed to pull and unpack image "(?P<image>[^"]*)": ', "containerd"),
    (r'failed to resolve reference "(?P<image>[^"]*)": ', "containerd"),
    (r"failed to resolve ref (?P<image>\S+): ", "containerd"),
    (r"CannotPullContainerError: ", ""),
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
    (r"Error: |FATA\[\d+\] |FATAL: |ERROR: |(?<![a-z] )error: ", ""),
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
    (r'"(?P<asked>https?://[^\s"]+)": (?P<method>Get|Post) "(?P<url>https?://[^\s"]+)": ', ""),
    (r"&Container\{Name:[^,\s]*,Image:(?P<image>[^,\s]+),", "kubelet"),
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
    (
        r"(?:^|[\s:])(?P<image>[\w-]{1,63}(?:\.[\w-]{1,63}){1,20}(?::\d{1,5})?/"
        r"[^\s\"@:]{1,300}[:@][\w.:-]{1,150}): not found\b",
        "",
    ),
    (r'Back-off pulling image "(?P<image>[^"]*)"', "kubelet"),
    (r'short-name "(?P<image>[^"\s]+)" did not resolve', "podman"),
    (r"registry (?P<blocked>\S+) is blocked in (?P<blocked_in>/\S+registries\.conf)", "podman"),
    (r"credential provider plugin \S+ for image (?P<image>\S+): ", "kubelet"),
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
    (
        r"(?:daemon (?:socket )?|[Dd]ocker API )at unix://(?P<socket>/[^\s:]+?)\.?(?=[\s:]|$)",
        "docker",
    ),
    (_SOCKET.format("containerd"), "containerd"),
    (_SOCKET.format("crio"), "cri-o"),
    (_SOCKET.format("podman"), "podman"),
    (_SOCKET.format("docker"), "docker"),
)
FIELDS = tuple((re.compile(pattern), client) for pattern, client in _FIELDS)
"""Pattern and, where it tells, whose words they are. The groups are the fields of a `Context`."""
