"""Which pull Secrets bear on a failing pull, and what would the kubelet make of them?

Those that the pod names, those of its account that it does not have, and where none of them serves,
others of the namespace that would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from doctor.clients.keyring import Wanted
from doctor.clients.kubelet_keyring import SECRETS
from doctor.cluster import surroundings
from doctor.cluster.survey import Account
from doctor.facts.pull import SecretSeen
from doctor.pods import secret
from doctor.pods.secret import Stored, Weighed
from doctor.reference import Reference, parse

if TYPE_CHECKING:
    from doctor.cluster.failing import Failing
    from doctor.cluster.survey import Survey
    from doctor.pods.pod import Pod


async def read_secrets(survey: Survey, found: Sequence[Failing]) -> None:
    """Read what decides about a login: accounts, the Secrets that are named, and where none of
    those serves, others that would."""
    asking = [one for one in found if one.asks]
    pods = {one.pod.key: one.pod for one in asking}
    await surroundings.accounts(survey, [p for p in pods.values() if not p.static])
    await surroundings.secrets(survey, [(p.namespace, n) for p in pods.values() for n in p.secrets])
    await surroundings.secrets(
        survey, [(p.namespace, n) for p in pods.values() for n in beside(survey, p)]
    )
    lacking = [one for one in asking if one.login and not _serves(survey, one)]
    missing = [
        (one.pod.namespace, name)
        for one in asking
        for name in one.pod.secrets
        if survey.secrets.get((one.pod.namespace, name)) == "missing"
    ]
    spaces = [one.pod.namespace for one in lacking if not _explained(survey, one)]
    await surroundings.search(survey, [*spaces, *(namespace for namespace, _ in missing)])
    await surroundings.search_elsewhere(survey, [name for _, name in missing])


def account_of(survey: Survey, pod: Pod) -> Account | None:
    """Its ServiceAccount, as far as pulls go; None where that was not read."""
    if pod.static:
        return Account()
    return survey.accounts.get((pod.namespace, pod.account))


def beside(survey: Survey, pod: Pod) -> tuple[str, ...]:
    """The Secrets of its account that the pod does not have."""
    account = account_of(survey, pod)
    return tuple(n for n in account.secrets if n not in pod.secrets) if account else ()


def _serves(survey: Survey, one: Failing) -> bool:
    return any(each.seen.serves for each in weighed(survey, one, one.pod.secrets))


def _explained(survey: Survey, one: Failing) -> bool:
    """Do the Secrets that are named say already why there is no credential?"""
    named = [each.seen for each in weighed(survey, one, one.pod.secrets)]
    others = [each.seen for each in weighed(survey, one, beside(survey, one.pod))]
    blamed = any(s.state == "missing" or s.near or s.flaw or not s.read for s in named)
    return blamed or any(each.serves for each in others)


def wanted(image: str) -> Wanted | None:
    """What a credential for the image is looked up for; None for what is no reference."""
    found = parse(image)
    return Wanted(found.registry, found.repository) if isinstance(found, Reference) else None


def weighed(survey: Survey, one: Failing, names: Iterable[str]) -> list[Weighed]:
    """These Secrets of the pod's namespace, for its image."""
    return [_weigh(survey, one.pod.namespace, name, one.image) for name in names]


def _weigh(survey: Survey, namespace: str, name: str, image: str) -> Weighed:
    stored = survey.secrets.get((namespace, name), "not read")
    if stored == "missing":
        others = tuple(n for n in survey.elsewhere.get(name, ()) if n != namespace)
        similar = _similar(survey, namespace, name)
        return Weighed(SecretSeen(name, "missing", found_in=others, similar=similar))
    if isinstance(stored, str):
        return Weighed(SecretSeen(name, "unread"))
    return _weigh_stored(survey, stored, image)


def _weigh_stored(survey: Survey, stored: Stored, image: str) -> Weighed:
    """Once for each Secret and repository, however many pods there are."""
    want = wanted(image) or Wanted(image)
    key = (stored.namespace, stored.name, want.domain, want.path)
    if key not in survey.weighed:
        survey.weighed[key] = secret.weigh(stored, want)
    return survey.weighed[key]


def _similar(survey: Survey, namespace: str, name: str) -> str:
    others = [s.name for s in survey.listed.get(namespace, ()) if s.type in SECRETS]
    return next(iter(get_close_matches(name, others, 1, 0.75)), "")


def unnamed(survey: Survey, one: Failing, account: Account | None) -> list[SecretSeen]:
    """Secrets of the namespace that would serve, and that neither pod nor account names."""
    names = {*one.pod.secrets, *(account.secrets if account else ())}
    others = [s for s in survey.listed.get(one.pod.namespace, ()) if s.name not in names]
    return [seen for s in others if (seen := _weigh_stored(survey, s, one.image).seen).serves]
