"""What would the kubelet make of a Secret for an image? Secret object -> `Stored`, and with an
image `SecretSeen`.

The rules are the keyring's (`doctor.clients.kubelet_keyring`). What the Secret holds is known to
the gate from here on and leaves no other way; of a Secret with thousands of entries that goes for
those about the image's registry, and the others are looked at only for the flaw that spoils all.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from doctor.clients.auth_entry import refused_by_kubelet
from doctor.clients.docker_config import Config
from doctor.clients.keyring import Held, Wanted
from doctor.clients.kubelet_keyring import SECRETS, Document, of_secret, ring, spoilt
from doctor.clients.kubelet_keyring import read as parsed
from doctor.clients.kubelet_keys import filed, image, matches, near
from doctor.condition import life, white_space
from doctor.facts.pull import SecretSeen, Source
from doctor.frozen import frozen
from doctor.pods.objects import at, each, moment, owner, text, texts
from doctor.redact import Secret

_MOST = 64
"""Entries of one Secret that are kept."""
_SHOWN = 12
_LARGEST = 2 << 20
_LEARNT = 4096
_WRITERS = frozenset(
    (
        "SealedSecret",
        "ExternalSecret",
        "ClusterExternalSecret",
        "VaultStaticSecret",
        "VaultDynamicSecret",
        "SecretProviderClass",
        "InfisicalSecret",
        "OnePasswordItem",
    )
)
"""Kinds of owners that write Secrets, and write over what is changed in them."""
_MARKS = (
    ("replicator.v1.mittwald.de/replicated-from", "replicated Secret"),
    ("reflector.v1.k8s.emberstack.com/reflects", "reflected Secret"),
    ("kubed.appscode.com/origin", "synced Secret"),
    ("argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
    ("meta.helm.sh/release-name", "Helm release"),
)


@frozen
class Stored:
    """A Secret as it was read. `document` holds what is secret."""

    namespace: str
    name: str
    type: str
    data: tuple[str, ...] = ()
    config_key: str = ""
    document: Document | None = field(default=None, repr=False)
    flaw: str = ""
    """Why nothing of it can be read."""
    source: Source | None = None
    changed: datetime | None = None
    immutable: bool = False


def read(value: Mapping[str, Any]) -> Stored | None:
    """The Secret; None for what has no name."""
    name = text(value, "metadata", "name")
    if not name:
        return None
    kind = text(value, "type")
    given = at(value, "data")
    data = dict(list(given.items())[:100]) if isinstance(given, Mapping) else {}
    key = SECRETS.get(kind, "")
    decoded, flaw = _decoded(data[key]) if key in data else ("", "")
    origin = f"Secret {name}"
    stored = Stored(
        namespace=text(value, "metadata", "namespace"),
        name=name,
        type=kind,
        data=tuple(sorted(map(str, data))),
        document=of_secret(origin, kind, {key: decoded}) if decoded else None,
        flaw=flaw,
        source=_source(value),
        changed=changed(value),
        immutable=at(value, "immutable") is True,
    )
    if stored.document is not None or flaw:
        return stored
    return replace(stored, config_key=_configuration(data, key))


def _decoded(packed: Any) -> tuple[str, str]:
    """The text, or what is wrong with it."""
    if not isinstance(packed, str):
        return "", "its data is no text"
    if len(packed) > _LARGEST:
        return "", f"it is larger than {_LARGEST >> 20} MiB"
    try:
        return base64.b64decode(packed, validate=True).decode("utf-8", "replace"), ""
    except (ValueError, binascii.Error):
        Secret(packed[:_LEARNT])
        return "", "its data is no base64"


def _configuration(data: Mapping[str, Any], own: str) -> str:
    """The key of a Secret of another type under which a Docker configuration lies. What is in the
    others is a secret too."""
    found = ""
    for name, packed in data.items():
        decoded, _ = _decoded(packed)
        try:
            content = json.loads(decoded) if decoded[:1] == "{" else None
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict) and isinstance(content.get("auths"), dict) and name != own:
            found = found or str(name)
            parsed(Document(str(name), json.dumps(_few(content, None))))
        else:
            Secret(decoded[:_LEARNT])
    return found


def _source(value: Mapping[str, Any]) -> Source | None:
    kind, name, _ = owner(value)
    if kind in _WRITERS:
        return Source(kind, name)
    marks = {**texts(value, "metadata", "labels"), **texts(value, "metadata", "annotations")}
    if "reconcile.external-secrets.io/created-by" in marks:
        return Source("ExternalSecret", text(value, "metadata", "name"))
    for mark, kind in _MARKS:
        if marks.get(mark):
            return Source(kind, marks[mark].partition(":")[0])
    return None


def changed(value: Mapping[str, Any]) -> datetime | None:
    """When it was written last, as far as its metadata tell."""
    times = [moment(one, "time") for one in each(value, "metadata", "managedFields")]
    times.append(moment(value, "metadata", "creationTimestamp"))
    return max((t for t in times if t), default=None)


@frozen
class Weighed:
    """A Secret for one image: what may be told, and the credentials themselves."""

    seen: SecretSeen
    config: Config | None = field(default=None, repr=False)


def weigh(stored: Stored, want: Wanted) -> Weighed:
    """The Secret as the kubelet would take it for that image."""
    seen = SecretSeen(
        name=stored.name,
        type=stored.type,
        data=stored.data,
        config_key=stored.config_key,
        read=stored.document is not None or bool(stored.flaw),
        flaw=stored.flaw,
        source=stored.source,
        changed=stored.changed,
        immutable=stored.immutable,
    )
    if stored.document is None:
        return Weighed(seen)
    config, broken, entries = _config(stored.document, want)
    flaw = spoilt(config)
    what = flaw.what if flaw else broken[1] if broken else ""
    key = (flaw.key or "") if flaw else broken[0] if broken else ""
    seen = replace(
        seen, flaw=what, flawed_key=key, entries=tuple(entries[:_SHOWN]), count=len(entries)
    )
    if what:
        return Weighed(seen)
    answer = ring([config], want)
    times = stored.changed.timestamp() if stored.changed else None
    over = [life(held.credential, times) for held in answer.held]
    return Weighed(
        replace(
            seen,
            matching=tuple((h.key, h.credential.user) for h in answer.held),
            marked=tuple(
                (k.key, k.note)
                for k in answer.keys
                if k.matches and k.key not in {h.key for h in answer.held}
            ),
            near=tuple((m.key, m.reason) for m in answer.near_misses[:_SHOWN]),
            stray=tuple(
                dict.fromkeys(w.said for h in answer.held for w in white_space(h.credential))
            ),
            expired=next((o.kind for o in over if o and o.expires < _now()), ""),
        ),
        config,
    )


def held(weighed: Sequence[Weighed], want: Wanted) -> tuple[Held, ...]:
    """The credentials that several Secrets together give, in the kubelet's order."""
    return ring([each.config for each in weighed if each.config], want).held


def _now() -> float:
    return datetime.now().astimezone().timestamp()


def _config(document: Document, want: Wanted) -> tuple[Config, tuple[str, str] | None, list[str]]:
    """The entries that bear on the image, the first broken one of the others, and all keys."""
    try:
        content = json.loads(document.text)
        auths = content if document.bare else content.get("auths")
        keys = [str(key) for key in auths]
        few = len(keys) <= _MOST or not isinstance(auths, dict)
    except (ValueError, RecursionError, AttributeError, TypeError):
        few, keys = True, []
    if few:
        return parsed(document), None, keys
    kept = _few(content, want, document.bare)
    inner = kept if document.bare else kept["auths"]
    broken = None
    for key, entry in auths.items():
        auth = entry.get("auth") if isinstance(entry, dict) else None
        what = refused_by_kubelet(auth) if isinstance(auth, str) and key not in inner else ""
        if what:
            broken = (str(key), what)
            break
    return parsed(replace(document, text=json.dumps(kept))), broken, keys


def _few(content: dict[str, Any], want: Wanted | None, bare: bool = False) -> dict[str, Any]:
    """The configuration with at most so many entries: those about the image's registry first."""
    auths: dict[str, Any] = content if bare else content["auths"]
    name = image(want) if want else ""

    def counts(key: str) -> bool:
        if want is None:
            return False
        found = filed(key)
        return (found is not None and matches(found, name)) or near(key, want) is not None

    ours = [key for key in auths if counts(key)]
    keys = dict.fromkeys([*ours, *auths])
    kept = {key: auths[key] for key in list(keys)[:_MOST]}
    return kept if bare else {**content, "auths": kept}
