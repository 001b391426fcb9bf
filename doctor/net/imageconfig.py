"""What does the configuration say of an image that is a single manifest?

Its platform (`registry.imageconfig` finds it there). It is a blob like the layers: asked for beside
the layer's byte, by the same rules, and wholly. The two go out at once where a second connection is
open; else one after the other, since a new connection takes more round trips than an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.http import Who
from doctor.facts.registry import ConfigRead
from doctor.net.http import Reply
from doctor.net.location import Place
from doctor.net.registry import follow
from doctor.redact import Secret
from doctor.registry import imageconfig, manifest

if TYPE_CHECKING:
    from doctor.model import Hop
    from doctor.net import Net

Followed = tuple[tuple[Reply, ...], Place | None]
"""What `follow` brings."""


async def beside(
    layer: Awaitable[Followed],
    config: ConfigRead,
    hop: Hop,
    target: str,
    net: Net,
    *,
    authorization: Secret | None = None,
    who: Who = "",
) -> tuple[Followed, ConfigRead]:
    """The layer's byte, and the configuration that the hop has at that target."""

    async def read() -> ConfigRead:
        replies, _ = await follow(
            hop, "GET", target, net, authorization=authorization,
            limit=manifest.MOST_BYTES, whole=True, who=who,
        )  # fmt: skip
        return _read(config, replies)

    if net.lines.idle(hop) > 1:
        both = await asyncio.gather(layer, read())
        return both[0], both[1]
    replies, onward = await layer
    refused = replies[-1].answer.outcome != "answered" or replies[-1].answer.status == 429
    return (replies, onward), config if refused else await read()


def _read(config: ConfigRead, replies: tuple[Reply, ...]) -> ConfigRead:
    """What the replies bring. A configuration may hold an image's passwords: no part of it enters
    a fact but the platform."""
    last = replies[-1]
    whole = last.answer.outcome == "answered" and last.answer.status == 200
    answers = tuple(r.answer for r in replies)
    if whole:
        answers = (*answers[:-1], replace(last.answer, body=""))
    same = manifest.matches(last.content, config.digest) if whole else None
    platform = imageconfig.built_for(last.content) if same else None
    return replace(config, answers=answers, platform=platform, altered=same is False)
