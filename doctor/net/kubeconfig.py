"""Which cluster is meant, and with what is it spoken to? The kubeconfig files, or a pod's own
account -> a configuration of the `kubernetes` package.

Merged and loaded by that package, but for what it would do unbounded, against kubectl's rule, or
with a trace: login plug-ins run without a terminal and with a deadline, of several files the first
`current-context` counts (client-go clientcmd/loader.go), an expired token of a former
`auth-provider` is not renewed, nothing is written back, and keys that stand in a kubeconfig are
kept in memory files, never on a disk.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from doctor import jwt
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.net import helper
from doctor.redact import Secret, clip, plain

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where a pod finds the token of its own ServiceAccount."""
_ELSEWHERE = (
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/etc/kubernetes/admin.conf",
    "/var/snap/microk8s/current/credentials/client.config",
    "/var/lib/k0s/pki/admin.conf",
)
_LARGEST = 4 << 20
_PLUGIN = 20.0
"""Seconds that a login plug-in may take; it may ask its cloud."""


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


@frozen
class Wish:
    """What the user asked for: `--kubeconfig` and `--context`."""

    kubeconfig: str | None = None
    context: str | None = None


def files(environ: Mapping[str, str], wish: Wish) -> tuple[str, ...]:
    """The kubeconfig files by kubectl's rule: the option, else KUBECONFIG, else the home's."""
    if wish.kubeconfig:
        return (wish.kubeconfig,)
    named = environ.get("KUBECONFIG", "")
    if named:
        return tuple(dict.fromkeys(part for part in named.split(os.pathsep) if part))
    return (os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".kube", "config"),)


async def settle(environ: Mapping[str, str], wish: Wish, seconds: float) -> Settings:
    """The settings to use. Raises NoClusterError."""
    there = _existing(files(environ, wish))
    if there:
        return await _of_files(there, environ, wish, seconds)
    looked = ", ".join(files(environ, wish))
    if not environ.get("KUBERNETES_SERVICE_HOST"):
        others = _existing(_ELSEWHERE)
        found = others[0] if others else ""
        raise NoClusterError(looked, "there is no such kubeconfig", found=found)
    return _of_pod(looked, environ, wish)


def _existing(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if os.path.exists(path)]


def _of_pod(looked: str, environ: Mapping[str, str], wish: Wish) -> Settings:
    """As a pod that talks with its own ServiceAccount's token."""
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, incluster_config

    package: Any = incluster_config
    if wish.context:
        raise NoClusterError(
            looked, f"there is no kubeconfig that names the context {wish.context}"
        )
    configuration = Configuration()
    try:
        package.InClusterConfigLoader(
            token_filename=f"{ACCOUNT}/token",
            cert_filename=f"{ACCOUNT}/ca.crt",
            environ=environ,
        ).load_and_set(configuration)
    except (ConfigException, OSError, ValueError) as error:
        raise NoClusterError(f"{looked}, {ACCOUNT}", _words(error)) from None
    for token in configuration.api_key.values():
        Secret(token.partition(" ")[2])
    namespace = _text(f"{ACCOUNT}/namespace").strip() or "default"
    ca = configuration.ssl_ca_cert
    return Settings(None, namespace, configuration.host, ACCOUNT, configuration, ca=ca)


async def _of_files(
    paths: list[str], environ: Mapping[str, str], wish: Wish, seconds: float
) -> Settings:
    looked = ", ".join(paths)
    merged, contexts, current = _merged(paths, looked)
    name = wish.context or current
    others = [each for each in contexts if each != name]
    other = {"other_context": others[0]} if others else {}
    if not name:
        raise NoClusterError(looked, "no current-context is set there", **other)
    if name not in contexts:
        raise NoClusterError(looked, f"no context is named {plain(name, 200)} there", **other)
    try:
        settings = await _loaded(merged, name, looked, environ, seconds)
    except NoClusterError as problem:
        problem.params = {"context": name, **other, **problem.params}
        raise
    return settings


def _merged(paths: list[str], looked: str) -> tuple[Any, list[str], str]:
    """The files as one, the names of the contexts, and which is the current one."""
    from kubernetes.config import ConfigException, kube_config
    from yaml import YAMLError

    package: Any = kube_config
    for path in paths:
        try:
            with open(path, "rb") as file:
                if len(file.read(_LARGEST + 1)) > _LARGEST:
                    raise NoClusterError(path, f"it is larger than {_LARGEST} bytes")
        except OSError as error:
            raise NoClusterError(path, error.strerror or str(error)) from None
    try:
        merger = package.KubeConfigMerger(os.pathsep.join(paths))
        config = merger.config
        given = [merger.config_files[path] for path in merger.paths]
        current = next((str(c["current-context"]) for c in given if c.get("current-context")), "")
        contexts = [str(each["name"]) for each in config.value["contexts"]]
    except (ConfigException, YAMLError, UnicodeDecodeError) as error:
        raise NoClusterError(looked, f"it is no kubeconfig: {_words(error)}") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise NoClusterError(looked, "it is not laid out as a kubeconfig") from None
    return config, contexts, current


async def _loaded(
    merged: Any, name: str, looked: str, environ: Mapping[str, str], seconds: float
) -> Settings:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, kube_config

    package: Any = kube_config
    merged.value["current-context"] = name
    settings = Settings(name, "default", "", looked)
    try:
        loader = package.KubeConfigLoader(
            config_dict=merged, active_context=name, config_base_path=None
        )
        context, cluster = loader.current_context["context"], loader._cluster
        settings.namespace = str(context.get("namespace") or "default")
        settings.server = str(cluster.safe_get("server") or "")
        settings.file = str(cluster.path or looked)
        if settings.hop is None:
            raise NoClusterError(
                settings.file, f"the cluster of context {name} has no usable server"
            )
        if loader._user is not None:
            loader._user.value = await _user(
                dict(loader._user.value),
                loader._user.path,
                cluster.value,
                settings,
                environ,
                seconds,
            )
        elif context.get("user"):
            raise NoClusterError(settings.file, f"there is no user {context['user']}")
        _in_memory(cluster.value, ("certificate-authority",), settings)
        settings.configuration = Configuration()
        loader.load_and_set(settings.configuration)
    except ConfigException as error:
        settings.close()
        raise NoClusterError(settings.file, _words(error)) from None
    except NoClusterError:
        settings.close()
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        settings.close()
        raise NoClusterError(settings.file, f"it cannot be used: {_words(error)}") from None
    settings.proxy = str(cluster.safe_get("proxy-url") or "") or None
    settings.ca = settings.configuration.ssl_ca_cert
    return settings


async def _user(
    user: dict[str, Any],
    path: Any,
    cluster: Mapping[str, Any],
    settings: Settings,
    environ: Mapping[str, str],
    seconds: float,
) -> dict[str, Any]:
    """The user with a token or a certificate in the place of whatever has to be asked for one."""
    if "auth-provider" in user:
        user = {**user, **_provided(user.pop("auth-provider"), settings)}
    elif "exec" in user and not user.get("token") and not user.get("tokenFile"):
        user = {
            **user,
            **await _logged_in(user.pop("exec"), path, cluster, settings, environ, seconds),
        }
    for name in ("token", "password"):
        if isinstance(user.get(name), str):
            Secret(user[name])
    if isinstance(user.get("tokenFile"), str):
        Secret(_text(os.path.join(os.path.dirname(str(path)), user["tokenFile"])).strip())
    _in_memory(user, ("client-certificate", "client-key"), settings)
    return user


def _provided(provider: Any, settings: Settings) -> dict[str, str]:
    """The token that a former auth-provider left in the file, while it is good. (kubectl dropped
    them in 1.26 but for OIDC; renewing one would change the file.)"""
    config = provider.get("config") or {}
    token = config.get("id-token") or config.get("access-token") or ""
    claims = jwt.read(str(token))
    over = (
        claims is not None
        and claims.expires is not None
        and (claims.expires < datetime.now().astimezone().timestamp())
    )
    if config.get("expiry"):
        moment = datetime.fromisoformat(str(config["expiry"]).replace("Z", "+00:00"))
        over = over or moment.astimezone() < datetime.now().astimezone()
    if token and not over:
        return {"token": str(token)}
    what = plain(str(provider.get("name", "")), 80)
    raise NoClusterError(
        settings.file,
        f"the login of the auth-provider {what} has expired, and is renewed by its own program",
        login_expired="yes",
        file=settings.file,
    )


async def _logged_in(
    plugin: Mapping[str, Any],
    path: Any,
    cluster: Mapping[str, Any],
    settings: Settings,
    environ: Mapping[str, str],
    seconds: float,
) -> dict[str, Any]:
    """What the login plug-in gives (client.authentication.k8s.io ExecCredential)."""
    program = str(plugin["command"])
    said = f"the login plug-in {plain(program, 200)}"
    if plugin.get("interactiveMode") == "Always":
        raise _expired(settings, f"{said} wants to ask on a terminal, which it does not get here")
    version = str(plugin.get("apiVersion", ""))
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {k: v for k, v in cluster.items() if k != "extensions"}
    own = {
        str(each["name"]): str(each.get("value", ""))
        for each in plugin.get("env") or ()
        if isinstance(each, Mapping) and "name" in each
    }
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    run = await helper.start(
        [_program(program, str(path or "")), *map(str, plugin.get("args") or ())],
        "",
        {**environ, **own, "KUBERNETES_EXEC_INFO": info},
        min(_PLUGIN, seconds),
    )
    if run.ending == "timeout":
        raise _expired(settings, f"{said} did not end within {min(_PLUGIN, seconds):.0f} s")
    if run.ending == "failed":
        raise NoClusterError(settings.file, f"{said} cannot be started: {plain(run.error, 200)}")
    if run.ending is not None:
        raise NoClusterError(settings.file, f"{said} said more than a login takes")
    if run.code != 0:
        words = plain(" ".join(clip(run.err.decode("utf-8", "replace"), 300).split()), 300)
        raise _expired(
            settings, f"{said} ended with status {run.code}" + (f": {words}" if words else "")
        )
    return _credential(run.out, said, version, settings)


def _program(name: str, path: str) -> str:
    """A name with a slash is looked for beside the file that names it."""
    folder = os.path.dirname(os.path.abspath(path))
    return os.path.join(folder, name) if "/" in name else name


def _credential(out: bytes, said: str, version: str, settings: Settings) -> dict[str, Any]:
    try:
        answer = json.loads(out)
        status = answer["status"]
        token = status.get("token") or ""
        pair = status.get("clientCertificateData") or "", status.get("clientKeyData") or ""
        theirs = answer.get("apiVersion", "")
        if not all(isinstance(each, str) for each in (token, *pair)):
            raise ValueError("types")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoClusterError(settings.file, f"{said} answered with no ExecCredential") from None
    Secret(token), Secret(pair[1])
    if theirs != version:
        raise NoClusterError(
            settings.file,
            f"{said} speaks {plain(str(theirs), 80)}; {plain(version, 80)} was asked for",
        )
    given: dict[str, Any] = {"token": token} if token else {}
    if pair[0] and pair[1]:
        packed = [base64.b64encode(each.encode()).decode() for each in pair]
        given |= {"client-certificate-data": packed[0], "client-key-data": packed[1]}
    if not given:
        raise _expired(settings, f"{said} gave neither a token nor a certificate")
    return given


def _expired(settings: Settings, reason: str) -> NoClusterError:
    return NoClusterError(settings.file, reason, login_expired="yes", file=settings.file)


def _in_memory(table: dict[str, Any], names: tuple[str, ...], settings: Settings) -> None:
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


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


_NODE = re.compile(r"ConfigNode|kube-config/|/\{.*\}")


def _words(error: Exception) -> str:
    """The error's own words, without the tables that the package puts into them."""
    text = " ".join(str(error).split())
    return plain(clip(_NODE.sub("", text), 200)) or type(error).__name__
