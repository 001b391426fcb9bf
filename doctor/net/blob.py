"""Can a layer be read where the registry keeps it?

Registries answer a blob's `GET` with a redirect to storage or a CDN on another host, with a signed
link. That host has its own ladder; here the link is followed with `GET` and `Range: bytes=0-0` (a
link is signed for GET alone: containerd/stargz-snapshotter, pull request 167) and never with the
registry's authorization. Where the registry gave the byte itself, no request is made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.http import Answer
from doctor.facts.registry import BlobFact, ImageFact
from doctor.model import Case
from doctor.net.imageconfig import beside
from doctor.net.location import Place, may_be_contacted, place
from doctor.net.registry import follow

if TYPE_CHECKING:
    from doctor.net import Net


async def read(case: Case, net: Net) -> BlobFact | None:
    """Follow the layer's link to its storage; None where there is no layer to read."""
    image = case.facts.get(ImageFact)
    if image is None or not image.blob_answers:
        return None
    registry, last = case.target.registry, image.blob_answers[-1]
    config = image.config
    fact = BlobFact(
        hop=registry, digest=image.blob, size=image.blob_size, answers=(last,), config=config
    )
    led = _led(last, image, net)
    if led is None:
        return fact
    layer = follow(
        led.hop, "GET", led.target, net, headers={"Range": "bytes=0-0"}, limit=1, who="anonymous"
    )
    link = _led(config.answers[-1], image, net) if config and config.answers else None
    if config is None or link is None or link == led:
        replies, onward = await layer
    else:
        (replies, onward), config = await beside(
            layer, config, link.hop, link.target, net, who="anonymous"
        )
    answers = tuple(reply.answer for reply in replies)
    further = None
    if onward is not None and may_be_contacted(onward, registry) and onward.hop != led.hop:
        further = onward.hop
    return replace(fact, hop=led.hop, answers=answers, further=further, config=config)


def _led(answer: Answer, image: ImageFact, net: Net) -> Place | None:
    """The link that the registry's answer redirects to, if that is at the storage whose ladder was
    climbed."""
    link = net.links.get(answer.location) if answer.location else None
    led = place(link.reveal(), role="storage") if link else None
    return led if led is not None and led.hop == image.storage else None
