"""What does `doctor explain CODE` print? All words of a code, for every client and system, without
a diagnosis."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.codes.template import NAME
from doctor.codes.words import RemedyWords, Words

ASKED = {
    "API_KEY_FILE": "a file that holds the key or password and nothing else",
    "USER_NAME": "the account's name",
    "CA_FILE": "the certificate authority's certificate, as PEM",
    "CLIENT_CERT_FILE": "your client certificate, as PEM",
    "CLIENT_KEY_FILE": "the private key of that certificate, as PEM",
    "PROXY_URL": "the proxy, as http://HOST:PORT",
    "RESOLVER": "the address of a DNS server",
}
"""What a command may ask for, because no tool can know it."""

PARAMS = {
    "target": "what you asked about",
    "image": "the full image reference",
    "registry": "the registry as the reference names it",
    "endpoint": "the registry's address, as a URL",
    "repository": "the repository",
    "tag": "the tag",
    "digest": "the digest",
    "host": "the host in question",
    "port": "its port",
    "hop": "that host with its port",
    "key": "the key that a credential is stored under",
    "client": "the client",
    "check": "the check that tells of it",
    "diagnose": "`doctor check`, with the --as of the diagnosis that says it",
    "system": "the kind of system",
    "platform": "the platform, such as linux/amd64",
    "key_page": "where the registry's API keys are made",
    "key_steps": "where on that page, or where a login comes from instead",
    "token_command": "the command of the registry's own cloud that prints a token to log in with",
    "token_user": "the user name that goes with such a token",
    "support": "the registry's support",
    "status_page": "the registry's status page",
}
"""The placeholders that every template may use; the rest come from the finding."""


def explained(words: Words, width: int) -> Iterator[str]:
    retired = ", retired" if words.retired else ""
    yield from _wrapped(f"{words.code}: {words.title} ({words.severity}{retired})", width)
    yield from ("", *_wrapped(_capitals(words.means), width))
    if words.proof:
        yield from ("", *_wrapped(f"What proves it: {_capitals(words.proof)}", width))
    if words.explains:
        listed = ", ".join(words.explains)
        yield from ("", *_wrapped(f"Found beside it, these are its consequences: {listed}.", width))
    audience = None
    for number, remedy in enumerate(words.remedies, 1):
        if (remedy.clients, remedy.systems) != audience:
            audience = (remedy.clients, remedy.systems)
            yield from ("", *_wrapped(_audience(remedy), width))
        yield ""
        yield from _wrapped(f"{number}. {_capitals(remedy.title)}", width, "   ")
        for step in remedy.steps:
            where = "".join(f"(with {name.upper()}) " for name in step.needs)
            where += "".join(f"(without {name.upper()}) " for name in step.unless)
            yield from _wrapped(f"   - {where}{_capitals(step.text)}", width, "     ")
            if step.command:
                yield from folded(_capitals(step.command), width, "       ")
        if remedy.verify:
            yield from _wrapped(f"   It worked when: {_capitals(remedy.verify)}", width, "     ")
        if remedy.docs:
            yield f"   See {remedy.docs}"
    yield from _legend(words, width)


def _audience(remedy: RemedyWords) -> str:
    clients = f"with {_either(remedy.clients)}" if remedy.clients else "with every client"
    systems = f", on {_either(remedy.systems)}" if remedy.systems else ""
    return f"What to do {clients}{systems}:"


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _legend(words: Words, width: int) -> Iterator[str]:
    """What the words in capitals mean that were used."""
    said = " ".join(
        part or ""
        for remedy in words.remedies
        for part in (
            remedy.title,
            remedy.verify,
            *(f"{s.text} {s.command or ''}" for s in remedy.steps),
        )
    )
    names = dict.fromkeys(NAME.findall(f"{words.means} {words.proof} {said}"))
    names.pop("diagnose", None)
    known = [f"{name.upper()} is {PARAMS[name]}" for name in names if name in PARAMS]
    asked = [f"{word} is {ASKED[word]}" for word in ASKED if re.search(rf"\b{word}\b", said)]
    if names:
        lead = "Words in capitals stand for what a diagnosis fills in"
        yield from ("", *_wrapped("; ".join([lead, *known]) + ".", width))
    if asked:
        yield from ("", *_wrapped(f"What only you know: {'; '.join(asked)}.", width))


def _capitals(template: str) -> str:
    """The template with each placeholder as a readable word: `{host}` as HOST. `{diagnose}` is
    shown as what it is for the default client."""
    filled = NAME.sub(
        lambda slot: "doctor check" if slot[1] == "diagnose" else slot[1].upper(),
        template.replace("{{", "\0").replace("}}", "\1"),
    )
    return filled.replace("\0", "{").replace("\1", "}")


def _wrapped(sentence: str, width: int, indent: str = "") -> list[str]:
    from textwrap import wrap

    return wrap(
        sentence,
        width,
        subsequent_indent=indent,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


def folded(command: str, width: int, indent: str = "") -> list[str]:
    """A command in lines of at most `width` where its blanks outside quotes allow it: each but the
    last ends in a backslash, so that it can be pasted as it stands."""
    words = _shell_words(command)
    lines = [indent + words[0]]
    for word in words[1:]:
        full = len(lines[-1]) + len(word) + 3 > width
        if full and len(indent) + len(word) + 4 <= width:
            lines[-1] += " \\"
            lines.append(f"{indent}  {word}")
        else:
            lines[-1] += f" {word}"
    return lines


def _shell_words(command: str) -> list[str]:
    """The command cut at its single blanks outside quotes: joined by them again it is unchanged."""
    words, quote = [""], ""
    for at, sign in enumerate(command):
        if sign == " " and not quote and command[at - 1 : at] != "\\":
            words.append("")
            continue
        if sign in "'\"" and quote in ("", sign):
            quote = "" if quote else sign
        words[-1] += sign
    return words
