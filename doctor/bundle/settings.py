"""Which settings of the clients may be read by others, by name alone and with their values?

Lists of what is kept: Docker's config.json and daemon.json, containers' auth.json, registries.conf,
containers.conf and policy.json, containerd's config.toml and hosts.toml, CRI-O's crio.conf, K3s's
registries.yaml, the kubelet's configuration and credential providers, systemd's units, and the
system's files about names. Names are compared in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.redact.shapes import MASK, names_secret

_VALUES = """
address aliases allow-nondistributable-artifacts api_version apiversion bin_dir bip blocked
builder ca cafile ca_file ca-file capabilities cert cert_file certdir certificate cgroup_manager
client clientcafile client_ca cluster clusters config_path configs containerd
containerruntimeendpoint container-runtime-endpoint credential-helpers credhelpers credsstore
currentcontext current-context data-root debug default defaultcacheduration default_runtime
default_transport detachkeys dial_timeout disable-default-registry-endpoint disabled
disabled_plugins dns dns-opts dns-search docker dockerembedded driver enabled endpoint endpoints
engine events_logger exec-root experimental features group grpc host hosts hostname httpproxy
https https-proxy httpsproxy http http-proxy icc id id_like image image_path
image-credential-provider-bin-dir image-credential-provider-config imagepullprogressdeadline
imagepullsecrets imports insecure insecure-registries insecure_registries insecure_skip_verify
iptables key_file keypath keytype kind level live-restore location log-driver log-level log_level
matchimages max-concurrent-downloads max_concurrent_downloads max_parallel_downloads mirror
mirrors mirror-by-digest-only mode mtu name namespace nodename no-proxy noproxy nssdomain
oom_score override_path pause_image pinned_images plugins prefix private-registry proxies pull
pull-from-mirror pullpolicy registries registry registry-mirrors rewrite root root-dir rootless
runroot runtime runtimes runtime_type sandbox sandbox_image server serializeimagepulls service
short-name-mode short_name_mode signature_policy skip_verify snapshotter socket_path state
storage-driver storage-opts stream_server_address subnet system-default-registry systemdcgroup tls
tlscacert tlscert tlskey tlsverify timeout transports type uid gid unqualified-search-registries
unqualifiedsearchregistries userns-remap version version_id pretty_name versionid volume_path
after before conflicts description documentation partof requires wants wantedby alias also user
workingdirectory restart environmentfile killmode delegate limitnofile limitnproc limitcore
tasksmax startlimitburst startlimitinterval restartsec oomscoreadjust protectsystem
conditionpathexists nameserver search options ndots domain passwd shadow networks
"""
_NAMES = """
auths auth username password identitytoken registrytoken identity_token email httpheaders header
headers token tokenattributes serviceaccounttokenaudience providers env value authorization args
client-certificate client-certificate-data client-key client-key-data certificate-authority
certificate-authority-data users user contexts context exec command auth-provider config
extensions preferences namespaces default-address-pools base size labels metrics metrics-addr
seccomp-profile shutdown-timeout default-ulimits hard soft log-opts max-size max-file buildkit gc
defaultkeepstorage policy signedby keydata keypaths signedidentity insecureacceptanything reject
sigstoresigned global_auth_file namespaced_auth_dir network sysctls storage options overlay
io.containerd x509_key_pair_streaming cri cni annotations conf_dir conf_template max_conf_num
untrusted_workload_runtime default_runtime_name no_pivot runtime_engine runtime_root environment
execstart execstartpre execstartpost execstop execreload unit install manager defaultenvironment
unsetenvironment passenvironment slice psformat imagesformat statsformat networksformat
volumesformat pluginsformat https_proxy http_proxy no_proxy all_proxy ftp_proxy authentication
anonymous webhook x509 clientcafile metadata spec data stringdata
"""
VALUES = frozenset(_VALUES.split())
"""Settings whose values may be read: addresses, paths, names and switches."""
NAMES = VALUES | frozenset(_NAMES.split())
"""Those that may be named."""

_HOST = re.compile(
    r"(?:https?://)?(?:(?:[A-Za-z0-9_*-]+\.)+[A-Za-z0-9-]+|localhost|\[[0-9A-Fa-f:.]+\])"
    r"(?::\d{1,5})?(?:/[A-Za-z0-9._/*-]*)?|[A-Za-z0-9-]+:\d{1,5}|_default|\*"
)
_HARMLESS = re.compile(
    r"(?i)true|false|null|none|yes|no|on|off|enforcing|permissive|[-+]?\d{1,9}(?:\.\d{1,3})?|v\d\w{0,8}"
)


SEALED = frozenset(
    {
        *("auth", "httpheaders", "header", "headers", "env", "args", "data", "stringdata"),
        *("auth-provider", "identitytoken", "registrytoken", "identity_token", "authorization"),
    }
)
"""Settings of whose values, whatever stands below them, nothing may be read."""

_OF_NAMES = frozenset({"aliases", "credhelpers", "credential-helpers"})
"""Settings under which a name, whichever it is, stands for a reference or a program."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9./:_-]{0,100}")


def may_be_named(name: str, under: Sequence[str] = ()) -> bool:
    """Is it a setting that clients know, or a host's name, under which settings stand?"""
    if any(each.lower() in _OF_NAMES for each in under) and _WORD.fullmatch(name):
        return True
    return name.lower() in NAMES or bool(_HOST.fullmatch(name))


def holds_secret(name: str) -> bool:
    """Does its name say that it holds a secret?"""
    return name.lower() in SEALED or names_secret(name)


def readable(names: Sequence[str], value: str) -> str | None:
    """What of a setting's value may be read; None: nothing. `names`: its own, and before it those
    that it stands under. A switch and a number may be read whatever they set, but below nothing
    that holds a secret; an address without its user information."""
    if not value:
        return value
    if any(map(holds_secret, names)):
        return None
    name = names[-1].lower() if names else ""
    if any(each.lower() in _OF_NAMES for each in names) and _WORD.fullmatch(value):
        return value
    if name in VALUES or name in VARIABLES:
        return address(value) if name in _PROXIES or "@" in value else _unasked(value)
    return value if _HARMLESS.fullmatch(value) else None


_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)?(?P<user>[^@/\s]*@)?"
    r"(?P<host>(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?)"
)
_PROXIES = frozenset(
    f"{kind}{join}proxy" for kind in ("http", "https", "all", "ftp") for join in ("", "_", "-")
)


def _unasked(value: str) -> str:
    """An address without its query, which may hold whatever somebody put there."""
    start, mark, rest = value.partition("://")
    query = re.search("[?#](?=.)", rest, re.DOTALL)
    return f"{start}{mark}{rest[: query.start() + 1]}{MASK}" if query else value


def address(text: str) -> str | None:
    """The address with a mask for its user information; None where it is none that a client could
    use: then a password may stand anywhere in it."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        return None
    user = f"{MASK}@" if found["user"] else ""
    return f"{found['scheme'] or ''}{user}{found['host']}"


VARIABLES = frozenset(
    {
        *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ssl_cert_file", "ssl_cert_dir"),
        *("docker_host", "docker_config", "docker_context", "container_host", "xdg_runtime_dir"),
        *("registry_auth_file", "containers_conf", "containers_registries_conf", "kubeconfig"),
        *("registries_config_path", "containers_conf_override", "xdg_config_home", "path", "lang"),
        *("tz", "docker_tls_verify", "docker_cert_path", "godebug", "wsl_distro_name", "container"),
    }
)
"""Variables whose values may be read, without the user information of an address."""
OPTIONS = frozenset(
    {
        *("config", "config-file", "data-root", "exec-root", "host", "containerd", "root", "state"),
        *("registry-mirror", "insecure-registry", "address", "log-level", "iptables", "mtu", "dns"),
        *("storage-driver", "tlscacert", "tlscert", "tlskey", "tlsverify", "add-runtime"),
        *("container-runtime-endpoint", "image-credential-provider-config", "hostname-override"),
        *("image-credential-provider-bin-dir", "kubeconfig", "bootstrap-kubeconfig", "root-dir"),
        *("pod-infra-container-image", "private-registry", "default-runtime", "http-proxy"),
        *("https-proxy", "no-proxy", "userns-remap", "live-restore", "signature-policy", "time"),
        *("global-auth-file", "registries-conf", "cgroup-driver", "experimental", "debug"),
    }
)
"""Options of daemons whose values may be read."""
