"""With what does a kubeconfig's user log in? Its tokens and certificates, and what its login
plug-in gives: run without a terminal, with a deadline."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from doctor.net import helper
from doctor.net.kubesettings import NoClusterError, Settings, in_memory, read_text
from doctor.redact import Secret, clip, plain
from doctor.registry import jwt

_PLUGIN = 20.0
"""Seconds that a login plug-in may take; it may ask its cloud."""


async def user_of(
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
        Secret(read_text(os.path.join(os.path.dirname(str(path)), user["tokenFile"])).strip())
    in_memory(user, ("client-certificate", "client-key"), settings)
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
