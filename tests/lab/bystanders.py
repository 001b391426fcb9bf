"""Secrets that stand around on every user's machine and concern no pull of ours: none of them may
be seen, used or sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from tests.certificates import authority, leaf
from tests.lab.scenario import auth
from tests.lab.world import World
from tests.leaks import SECRETS, password, plainly, token

OTHER = "registry.other.example"
DOCKER = ".docker/config.json"
PODMAN = ".config/containers/auth.json"


def docker(entries: Mapping[str, object] | None = None, **more: object) -> dict[str, Any]:
    """A Docker configuration with these entries among strangers'."""
    secret, key = password("another auth"), password("user information in a key")
    auths: dict[str, Any] = {
        OTHER: {"auth": auth("bob", secret)},
        "fields.example": {"username": "bob", "password": password("another password")},
        "identity.example": {"auth": auth("<token>", ""), "identitytoken": token("identity")},
        "token.example": {"registrytoken": token("registry token")},
        f"https://bob:{key}@in-key.example/v1/": {"auth": auth("bob", password("auth at a key"))},
    }
    proxy = f"http://bob:{plainly('proxies in the configuration')}@proxy.other.example:3128"
    return {
        "auths": {**auths, **(entries or {})},
        "HttpHeaders": {"X-Meta-Auth": token("a header of the configuration")},
        "proxies": {"default": {"httpsProxy": proxy}},
        **more,
    }


def broken() -> dict[str, Any]:
    """Entries that are none: with one of them in it the file is of no use to Docker's programs."""
    return {
        "not-base64.example": {"auth": f"bob:{password('auth that is not base64')}"},
        "no-colon.example": {"auth": base64.b64encode(plainly("no colon").encode()).decode()},
        "number.example": {"auth": 7, "password": password("a number beside it")},
        "text.example": plainly("in place of an entry"),
    }


def podman(entries: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Podman's file, of the same kind."""
    other = {OTHER: {"auth": auth("carol", password("Podman's auth"))}}
    return {"auths": {**other, **(entries or {})}}


def furnish(world: World) -> dict[str, str]:
    """Put them where they stand, unless the scenario has such a file itself. Returns the
    environment."""
    files: dict[str, object] = {
        DOCKER: docker(),
        PODMAN: podman(),
        ".dockercfg": {OTHER: {"auth": auth("dan", password("the old file"))}},
        ".netrc": f"machine {OTHER} login bob password {plainly('netrc')}\n",
        ".kube/config": kubeconfig(),
        ".git-credentials": f"https://bob:{plainly('git')}@git.example\n",
    }
    if (world.home / PODMAN).exists():
        del files[DOCKER]  # Podman's counts where there is no other
    for path, content in files.items():
        if not (world.home / path).exists():
            world.write(path, content)
    return {
        "SSL_CERT_FILE": str(world.write("ca.pem", ca_with_key(world))),
        "AWS_SECRET_ACCESS_KEY": token("a variable of a cloud"),
        "REGISTRY_PASSWORD": password("a variable"),
        "GITHUB_TOKEN": plainly("a variable of the CI"),
        "REGISTRY_AUTH": json.dumps({"auth": auth("bob", password("JSON in a variable"))}),
    }


def ca_with_key(world: World) -> str:
    """The CA that is trusted, with private keys that somebody left in the file."""
    key = leaf(authority("Forgotten CA"), "forgotten.example").key_pem
    body = "".join(key.splitlines()[1:-1])
    SECRETS["a private key"] = body[60:]  # what comes before is the same in every such key
    return f"{key}{world.ca.pem}{key.replace('PRIVATE KEY', 'EC PRIVATE KEY')}"


def kubeconfig() -> str:
    """As kubectl reads it."""
    return f"""apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster: {{server: "https://k8s.example:6443"}}
contexts:
- name: lab
  context: {{cluster: lab, user: admin}}
users:
- name: admin
  user:
    token: {token("a token of a kubeconfig")}
    password: {plainly("a password of a kubeconfig")}
    client-key-data: {base64.b64encode(plainly("a key of a kubeconfig").encode()).decode()}
"""
