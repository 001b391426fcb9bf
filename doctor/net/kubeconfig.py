"""Which cluster is meant, and with what is it spoken to? The kubeconfig files, or a pod's own
account -> a configuration of the `kubernetes` package.

Merged and loaded by that package, but for what it would do unbounded, against kubectl's rule, or
with a trace: login plug-ins run without a terminal and with a deadline, of several files the first
`current-context` counts (client-go clientcmd/loader.go), an expired token of a former
`auth-provider` is not renewed, and nothing is written back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from doctor.frozen import frozen
from doctor.net.kubelogin import user_of
from doctor.net.kubesettings import NoClusterError, Settings, in_memory, read_text, words_of
from doctor.redact import Secret, plain

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
        raise NoClusterError(f"{looked}, {ACCOUNT}", words_of(error)) from None
    for token in configuration.api_key.values():
        Secret(token.partition(" ")[2])
    namespace = read_text(f"{ACCOUNT}/namespace").strip() or "default"
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
        raise NoClusterError(looked, f"it is no kubeconfig: {words_of(error)}") from None
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
            loader._user.value = await user_of(
                dict(loader._user.value),
                loader._user.path,
                cluster.value,
                settings,
                environ,
                seconds,
            )
        elif context.get("user"):
            user = str(context["user"])
            raise NoClusterError(settings.file, f"there is no user {user}", kube_user=user)
        in_memory(cluster.value, ("certificate-authority",), settings)
        settings.configuration = Configuration()
        loader.load_and_set(settings.configuration)
    except ConfigException as error:
        settings.close()
        raise NoClusterError(settings.file, words_of(error)) from None
    except NoClusterError:
        settings.close()
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        settings.close()
        raise NoClusterError(settings.file, f"it cannot be used: {words_of(error)}") from None
    settings.proxy = str(cluster.safe_get("proxy-url") or "") or None
    settings.ca = settings.configuration.ssl_ca_cert
    return settings
