"""Which errors of pulls stand in a text, and which of its lines are none?

In a log only what a client of registries says counts: its wrappers, the API's addresses, the words
of its own. A database that refuses a connection is no pull that failed. A short text without any of
them is taken for the error itself, where its words are a client's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from doctor.said import Said, error
from doctor.said.alone import alone
from doctor.said.lines import Message, joined, messages, whole, wraps

MOST = 5000
"""Distinct messages of one text that are looked at closely."""
_NEAR = 20
"""Errors of the same kind that one without a name is compared with."""
_SHORT = 30
"""Lines of a text that may be the error itself."""

ANCHOR = re.compile(
    r"""
      Failed\ to\ pull\ image\ "|Back-off\ pulling\ image\ "|PullImage\ "[^"]*"\ failed
    | ErrImagePull:\ .
    | ImagePullBackOff:\ .|failed\ to\ pull\ (?:and\ unpack\ )?image\ "
    | failed\ to\ resolve\ (?:reference\ "|image:\ )|apply\ default\ image\ tag\ "
    | [Ff]ailed\ to\ inspect\ image\ "|couldn't\ parse\ image\ (?:name|reference)
    | is\ not\ present\ with\ pull\ policy\ of\ Never|pull\ QPS\ exceeded
    | retrieve\ some\ image\ pull\ secrets|get\ sandbox\ image\ "|image\ pull\ failed\ for[ ]
    | SignatureValidationFailed:|RegistryUnavailable:|cancel\ pulling\ image[ ]
    | for\ image\ pull\ progress|image\ verifier\ \S+\ blocked\ pull
    | initializing\ (?:image\ from\ )?source\ "?docker://|[Pp]arsing\ image\ name\ "?docker://
    | Invalid\ source\ name\ docker://|pinging\ (?:container|docker|v2)\ registry
    | [Rr]eading\ manifest\ \S+\ in\ \S+:\ .|choosing\ an?\ image\ from\ manifest\ list
    | unable\ to\ retrieve\ auth\ token|reading\ blob\ sha\d+:
    | pull\ access\ denied|httpReadSeeker:|failed\ to\ fetch\ (?:anonymous|oauth)\ token
    | pulling\ from\ host\ \S+\ failed\ with\ status|no\ (?:resolve|pull)\ hosts:\ not\ found
    | failed\ to\ pull\ image\ "[^"]*"\ with\ |ailed\ to\ pull\ image\ with\ policy
    | failed\ to\ resolve\ source\ metadata\ for[ ]
    | failed\ to\ ping\ registry\ |failed\ to\ configure\ transport:[ ]
    | error\ pulling\ image\ configuration:|writing\ blob:\ adding\ layer\ with\ blob
    | execing\ credential\ provider\ plugin|CannotPullContainerError:|ould\ not\ pull\ image:[ ]
    | failed\ pulling\ image\ "|short-name\ (?:"|resolution)|short\ name\ mode\ is
    """,
    re.VERBOSE,
)
"""Words that only a failing pull has: unknown words beside them are an unknown cause."""
LIKELY = re.compile(
    r"""
      (?:Get|Head|Post|GET|HEAD|POST)\ "?https?://[^\s"]{1,200}?/v2/[^\s"]*"?:[ ]
    | unexpected\ status\ (?:from\ \w+\ request\ to|code)\ https?://
    | Error\ response\ from\ (?:daemon|registry):\ |toomanyrequests:\ |no\ such\ manifest:[ ]
    | manifest\ for\ \S+\ not\ found|no\ matching\ manifest\ for\ |no\ match\ for\ platform\ in
    | no\ image\ found\ in\ (?:image\ index|manifest\ list)|no\ child\ with\ platform[ ]
    | repository\ \S+\ not\ found:\ name\ unknown|login\ attempt\ to\ https?://
    | no\ successful\ auth\ challenge|onnect\ to\ the\ Docker\ daemon|onnect\ to\ Podman
    | trying\ to\ connect\ to\ the\ [Dd]ocker|connect\ to\ Podman\ socket
    | validate\ (?:CRI|service)\ |cannot\ access\ containerd\ socket
    | docker-credential-|Credentials\ store[ ]
    | (?:getting|storing|saving)\ credentials|insufficient_scope|no\ basic\ auth\ credentials
    | requested\ access\ to\ the\ resource\ is\ denied|MANIFEST_UNKNOWN:|NAME_UNKNOWN:
    | UNAUTHORIZED:\ .|DENIED:\ .|TOOMANYREQUESTS:|is\ blocked\ in\ \S*registries\.conf
    | fetch\ failed|trying\ next\ host|\[http\ [45]\d\d\]|failed\ to\ extract\ layer
    | failed\ to\ register\ layer|received\ unexpected\ HTTP\ status:
    | unsupported\ manifest\ (?:format|media\ type)|media\ type\ "application/vnd
    | image\ name\ "[^"]*"|content\ at\ https?://\S+\ not\ found|fetch\ content\ descriptor
    | (?:unexpected\ commit\ digest|[Dd]igest\ did\ not\ match),?\ |short\ read:\ expected
    | failed\ to\ read\ expected\ number\ of\ bytes|supported\ auth\ scheme
    | filesystem\ layer\ verification\ failed|invalid\ reference\ format
    | (?:parse|decode)\ hosts\.toml|download\ failed\ after\ attempts
    | ading\ registries\ configuration
    | configure\ the\ Docker\ daemon\ with|image\ is\ incompatible\ with\ a[ ]
    | cannot\ be\ used\ on\ this\ platform|Docker\ Image\ manifest\ version\ 2,\ schema\ 1
    | (?:Error:\ |failed\ to\ resolve\ \S{1,200}:\ )[\w:.-]{1,300}/[^\s"]{1,400}:\ not\ found
    | (?:ctr|crictl|skopeo|crane|regctl|oras|nerdctl):\ .
    """,
    re.VERBOSE,
)
"""Words of clients of registries: an error where a rule knows what they say, else nothing."""
BARE = re.compile(
    r"""
      (?:Error:\ |Error\ response\ from\ \w+:\ )?(?:
      (?:Get|Head|Post)\ "?https?://|(?:tls:\ failed\ to\ verify\ certificate:\ )?x509:\ |tls:[ ]
    | remote\ error:\ tls|dial\ tcp|lookup\ |proxyconnect\ |http:\ server\ gave|net/http:[ ]
    | (?:read|write)\ tcp|connect:\ conn
    | curl:\ \(\d+\)|unauthorized:\ |denied(?::\ .*|\ *)$|errors:\ |manifest\ unknown|name\ unknown
    | unknown:\ |unexpected\ (?:status|media\ type|EOF)|failed\ to\ (?:do\ request|copy|authorize)
    | invalid\ (?:reference|username)|image\ operating|no\ (?:signatures|auth|such\ host|space)
    | illegal\ base64|unable\ to\ parse\ auth|json:\ cannot\ unmarshal|context\ (?:canceled|dead)
    | (?:too\ many\ requests\ to\ registry|server\ misbehaving|i/o\ timeout|certificate\ )
    | Error\ parsing\ manifest
    | Download\ config\.json|writing\ blob|content\ at|could\ not\ fetch|media\ type|schema\ 1
    | method\ Transfer|failed\ to\ (?:find\ supported|load\ host|extract)|missing\ key
    | registry\ \S+\ is\ blocked|[Ss]ource\ image\ rejected|image\ verifier|multiple\ errors
    | request\ failed:|backoff\ limit|recognizable\ error|basic\ credential|challenge\ scheme
    | malformed\ www|no\ token\ in|realm\ host|unsupported\ |\(Mirrors\ also|received\ unexpected
    | parsing\ HTTP|error\ parsing\ HTTP|invalid\ status\ code|EOF$|Proxy\ Authentication
    | \S+/\S+:\ not\ found|Temporary\ failure|Timed\ out\ on|ErrImageNeverPull|wrong\ version
    | (?:dial\ unix\ )?/[\w./-]{0,150}(?:containerd|crio|podman|docker)\.sock:\ connect:[ ]
    | no\ match|no\ child|unexpected\ status|failed\ to\ fetch|rpc\ error:[ ]
    )
    """,
    re.VERBOSE,
)
"""How an error begins that is pasted without anything around it."""
_REASON = re.compile(
    r"(?:^|(?<=\s)|(?<=Init:))(?P<reason>ImagePullBackOff|ErrImagePull|InvalidImageName"
    r"|ErrImageNeverPull|ImageInspectError|RegistryUnavailable|SignatureValidationFailed)(?=\s|$)"
)
_IMAGE = re.compile(r"(?m)^\s*Image:[ \t]+(\S+)")
_ROWS = 200
_BEFORE = 600
"""Characters between a container's image and its state in `kubectl describe`."""
_MASKED_CAUSE = re.compile(r"^(?:Error: )?(?:ErrImagePull|ImagePullBackOff) *$")


def errors(text: str) -> tuple[tuple[Said, ...], int]:
    """Every distinct error of a text, once each, in the order of appearance; and how many distinct
    messages were not looked at, because there are more than `MOST`."""
    found: list[Said] = []
    bare: list[Message] = []
    seen: set[tuple[str, str]] = set()
    left: set[int] = set()
    count = read_to = 0
    wrapped = whole(text, _SHORT)
    if wrapped is not None and (said := _read(wrapped, wrapped=True)[0]) and said[0].codes:
        return tuple(said), 0
    for message in messages(text):
        count += 1
        if 0 <= message.number < read_to or (message.text, message.image) in seen:
            continue
        if message.waiting or ANCHOR.search(message.text) or LIKELY.search(message.text):
            if len(seen) < MOST:
                seen.add((message.text, message.image))
                said, lines = _read(message)
                found += said
                read_to = message.number + lines
            else:
                left.add(hash((message.text, message.image)))
        elif len(bare) <= _SHORT:
            bare.append(message)
    if not found and count <= _SHORT:
        found = _bare(bare)
    return distinct(found) or tuple(_reasons(text)) or alone(text), len(left)


def _reasons(text: str) -> Iterator[Said]:
    """The kubelet's reasons alone, as `kubectl get pods` lists them or somebody types them, and the
    image where `kubectl describe` names it before."""
    seen: set[tuple[str, str]] = set()
    for found in islice(_REASON.finditer(text), _ROWS):
        images = _IMAGE.findall(text, max(0, found.start() - _BEFORE), found.start())
        said = error(found["reason"], images[-1] if images else "")
        key = ("".join(said.codes), said.image or "")
        if key not in seen and len(seen) < _NEAR:
            seen.add(key)
            yield said


def _read(message: Message, *, wrapped: bool = False) -> tuple[list[Said], int]:
    """What it says, if that is an error, and how many lines it takes."""
    said, lines = error(message.text), 1
    if wrapped or said.confidence != "certain" or not said.codes:
        full = wrapped or wraps(message)
        ways, count = joined(message) if full or not said.codes else ((message.text,), 1)
        others = [error(way) for way in ways] if count > 1 else []
        best = max(others, key=_told, default=said)
        lines = count if best.codes or full else 1
        said = best if best.codes else said
    said = said if said.image or not message.image else replace(said, image=message.image)
    sure = message.waiting or ANCHOR.search(message.text) or ANCHOR.search(said.text)
    foreign = wrapped and not (BARE.match(message.text) or _client(message))
    if foreign or not (said.codes or sure or said.cannot_tell):
        return [], lines
    return [said], lines


def _client(message: Message) -> bool:
    """Does a client's word stand in the lines?"""
    text = "".join(joined(message)[0])
    return bool(ANCHOR.search(text) or LIKELY.search(text))


def _told(said: Said) -> tuple[bool, int]:
    """How much is read from it."""
    fields = (said.image, said.host, said.method, said.status)
    return bool(said.codes), sum(each is not None for each in fields)


def _bare(lines: list[Message]) -> list[Said]:
    """A text without a pull's own words: the error itself, or none."""
    for message in lines:
        if BARE.match(message.text):
            found, _ = _read(message)
            if found:
                return found
    return []


def distinct(found: list[Said]) -> tuple[Said, ...]:
    """The same cause at the same image or host is one error, whoever repeats it; what names no
    cause is left out where the cause is known."""
    kept: list[Said] = []
    places: dict[tuple[str, ...], list[int]] = {}
    explained = {said.image for said in found if said.codes}
    for said in found:
        if not said.codes and (said.image in explained or _MASKED_CAUSE.match(said.text)):
            continue
        codes = said.codes or (said.text,)
        wanted = ("image", _canonical(said.image)) if said.image else ("host", said.host or "")
        near = [n for code in codes for n in places.get((code, *wanted), ())]
        near += [n for code in codes for n in places.get((code, "nameless"), ())[:_NEAR]]
        near += [n for code in codes for n in places.get((code, "name", _name(said)), ())[:_NEAR]]
        if not said.image and not said.host:
            near += [n for code in codes for n in places.get((code,), ())[:_NEAR]]
        for place in dict.fromkeys(near):
            if merged := _one(kept[place], said):
                kept[place] = merged
                break
        else:
            for code in codes:
                keys = [(code,), (code, *wanted), (code, "host", said.host or "")]
                keys += [(code, "name", _name(said))] if said.image else []
                keys += [] if said.image else [(code, "nameless")]
                for key in dict.fromkeys(keys):
                    places.setdefault(key, []).append(len(kept))
            kept.append(said)
    return tuple(kept)


def _canonical(image: str) -> str:
    """The image written out; with a digest, the tag does not matter."""
    from doctor.reference import Reference, parse

    found = parse(image)
    if not isinstance(found, Reference):
        return image
    return f"{found.name}@{found.digest}" if found.digest else str(found)


def _same_image(first: Said, other: Said) -> bool:
    """Docker names a repository that it is denied without its tag."""
    if _untagged(first) or _untagged(other):
        return _name(first) == _name(other)
    return _canonical(first.image or "") == _canonical(other.image or "")


def _untagged(said: Said) -> bool:
    return bool(said.image) and f"pull access denied for {said.image}," in said.text


def _name(said: Said) -> str:
    """The image's name without tag and digest."""
    from doctor.reference import Reference, parse

    found = parse(said.image or "")
    return found.name if isinstance(found, Reference) else said.image or ""


def _one(first: Said, other: Said) -> Said | None:
    """The two as one, if nothing speaks against it; what either names is kept, and of the
    candidates those that both allow."""
    codes = tuple(code for code in first.codes if code in other.codes)
    if codes not in (first.codes, other.codes) or first.beneath != other.beneath:
        return None
    if first.image and other.image and not _same_image(first, other):
        return None
    if first.host and other.host and first.host != other.host:
        return None
    fuller = first if first.image or not other.image else replace(other, text=first.text)
    if other.image and _untagged(first) and not _untagged(other):
        fuller = replace(first, image=other.image)
    return replace(
        fuller,
        codes=codes,
        confidence=first.confidence if codes == first.codes else other.confidence,
        host=first.host or other.host,
        method=first.method or other.method,
        status=first.status or other.status,
        client=first.client or other.client,
        params={**other.params, **first.params},
        cannot_tell=tuple(dict.fromkeys([*first.cannot_tell, *other.cannot_tell])),
    )
