"""Which images does a Dockerfile pull?

Those of `FROM`, `COPY --from=` and `RUN --mount=from=` that are no stage of the file, and the
frontend of `# syntax=`. The grammar is BuildKit's (frontend/dockerfile/parser and instructions):
parser directives, continuation lines with comments among them, heredocs, and the defaults of the
`ARG`s before the first `FROM`, the only ones that hold there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from doctor.frozen import frozen
from doctor.images import Found
from doctor.images.variables import Expansion

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S+)\s*")
_KEYWORD = re.compile(r"\s*(?:ONBUILD\s+)?([A-Za-z]+)\s+(.*)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(r"((?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_PLATFORM = re.compile(r"--platform=(\S+)")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S+))?\s+")
_ARG = re.compile(r"([A-Za-z_]\w*)(?:=(\"[^\"]*\"|'[^']*'|\S*))?(?:\s+|$)")
_WORD = re.compile(r"(?:\"(?:[^\"\\]|\\.)*(?:\"|\Z)|'[^']*(?:'|\Z)|\\.|[^\s\"'\\])+")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")


_UNENDED = "a heredoc without an end"
"""In a keyword's place: what follows cannot be read."""


@frozen
class Instruction:
    """One instruction: its keyword in upper case, the rest on one line, and the lines it stands
    on."""

    line: int
    keyword: str
    rest: str
    lines: tuple[str, ...]

    def line_of(self, word: str) -> int:
        """The line on which that word stands."""
        return next((self.line + i for i, text in enumerate(self.lines) if word in text), self.line)


@dataclass(slots=True)
class _Build:
    """What the file has said so far."""

    arguments: dict[str, str] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)
    """Names of the stages begun, in lower case; empty for one without."""


def bases(text: str, platforms: tuple[str, str]) -> Iterator[Found]:
    """The images that building this file pulls. `platforms`: the one that is built for, and the
    builder's own."""
    lines = text.split("\n")
    escape = "\\"
    for number, line in enumerate(lines, 1):
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "syntax":
            yield Found(number, directive[2], None, platforms[1])
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            escape = directive[2]
    build = _Build(_given(*platforms))
    for instruction in _instructions(lines, escape):
        yield from _images(instruction, build)


def _given(wanted: str, own: str) -> dict[str, str]:
    """The arguments that BuildKit sets itself, known to every FROM without an ARG (Dockerfile
    reference, "Automatic platform ARGs in the global scope")."""
    found: dict[str, str] = {}
    for name, platform in (("TARGET", wanted), ("BUILD", own)):
        os, architecture, variant, *_ = [*platform.split("/"), "", ""]
        found |= {f"{name}PLATFORM": platform, f"{name}OS": os, f"{name}ARCH": architecture}
        found[f"{name}VARIANT"] = variant
    return found


def _images(instruction: Instruction, build: _Build) -> Iterator[Found]:
    if instruction.keyword == "ARG" and not build.stages:
        _argue(instruction.rest, build.arguments)
    elif instruction.keyword == "FROM":
        match = _FROM.match(instruction.rest)
        if match:
            platform = _PLATFORM.search(match[1])
            yield from _image(instruction, match[2], build, platform[1] if platform else "")
        build.stages.append((match[3] or "").lower() if match else "")
    elif instruction.keyword == _UNENDED:
        yield Found(instruction.line, "", instruction.rest)
    elif instruction.keyword in ("COPY", "RUN"):
        for source in _sources(instruction):
            if not source.isdigit():
                yield from _image(instruction, source, build)


def _argue(rest: str, arguments: dict[str, str]) -> None:
    """`ARG A=1 B`: a default may use what came before it."""
    for name, default in _ARG.findall(rest):
        expansion = Expansion(arguments)
        value = expansion.of(default.strip("\"'"))
        if default and not expansion.missing:
            arguments[name] = value


def _image(
    instruction: Instruction, word: str, build: _Build, platform: str = ""
) -> Iterator[Found]:
    expansion, wanted = Expansion(build.arguments), Expansion(build.arguments)
    image, platform = (
        re.sub("[\"']", "", each) for each in (expansion.of(word), wanted.of(platform))
    )
    if image.lower() in (*filter(None, build.stages), "scratch"):
        return
    line = instruction.line_of(word)
    if not expansion.missing:
        problem = None if image else "The image is empty; a reference is expected."
        yield Found(line, image, problem, "" if wanted.missing else platform)
    elif not _names_a_stage(word, build):
        told = f"{expansion.missing[0][:40]} has no default in the file, so the image is not known."
        yield Found(line, word, told)


def _names_a_stage(word: str, build: _Build) -> bool:
    """`base-${TARGETARCH}`: may it stand for one of the stages?"""
    pattern = re.sub(r"\$\{[^}]*\}|\$\w+", "*", word.lower())
    return pattern.strip("*") != "" and any(fnmatchcase(s, pattern) for s in build.stages if s)


def _sources(instruction: Instruction) -> Iterator[str]:
    at = 0
    while flag := _FLAG.match(instruction.rest, at):
        at = flag.end()
        name, value = flag[1], flag[2] or ""
        if name == "from" and instruction.keyword == "COPY" and value:
            yield value
        if name == "mount" and instruction.keyword == "RUN":
            options = (option.strip("\"'") for option in value.strip("\"'").split(","))
            yield from (o[5:] for o in options if o.startswith("from=") and o[5:])


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    at = 0
    while at < len(lines):
        start = at
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        parts: list[str] = []
        while at < len(lines):
            line = lines[at].rstrip()
            at += 1
            if parts and (not line or line.lstrip().startswith("#")):
                continue
            continued = line.endswith(escape)
            parts.append(line[:-1] if continued else line)
            if not continued:
                break
        match = _KEYWORD.match(" ".join(parts))
        own = tuple(lines[start:at])
        if match is None:
            continue
        keyword = match[1].upper()
        yield Instruction(start + 1, keyword, match[2].strip() + " ", own)
        if keyword in ("RUN", "COPY", "ADD"):
            for tabs, name in _heredocs(match[2]):
                end = _end_of(name, tabs, lines, at)
                if end is None:
                    told = f"The heredoc {name[:40]} has no end, so what follows is not known."
                    yield Instruction(start + 1, _UNENDED, told, own)
                    return
                at = end


def _heredocs(rest: str) -> Iterator[tuple[bool, str]]:
    """The heredocs that an instruction opens: whether tabs before the end's name are nothing, and
    that name. Only a word of its own opens one, not `<<` within quotes or a longer word (BuildKit,
    parser.ParseHeredoc)."""
    if "<<" in rest:
        for word in _WORD.findall(rest):
            match = _HEREDOC.fullmatch(word)
            name = re.sub(r"[\"'\\]", "", match[2]) if match else ""
            if match and name and not re.search(r"\s", name):
                yield match[1] == "-", name


def _end_of(name: str, tabs: bool, lines: list[str], at: int) -> int | None:
    """The line after the heredoc's end; None where it has none."""
    for number in range(at, len(lines)):
        if (lines[number].lstrip("\t") if tabs else lines[number]) == name:
            return number + 1
    return None
