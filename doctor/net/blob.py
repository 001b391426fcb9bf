"""Can a layer be read where the registry keeps it?

Registries answer a blob's `GET` with a redirect to storage or a CDN on another host, with a signed
link. That host has its own ladder; here the link is followed with `GET` and `Range: bytes=0-0` (a
link is signed for GET alone: containerd/stargz-snapshotter, pull request 167) and never with the
registry's authorization. Where the registry gave the byte itself, no request is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.facts.registry import BlobFact, ImageFact
from doctor.model import Case
from doctor.net.location import may_be_contacted, place
from doctor.net.registry import follow

if TYPE_CHECKING:
    from doctor.net import Net


async def read(case: Case, net: Net) -> BlobFact | None:
    """Follow the layer's link to its storage; None where there is no layer to read."""
    image = case.facts.get(ImageFact)
    if image is None or not image.blob_answers:
        return None
    registry, last = case.target.registry, image.blob_answers[-1]
    fact = BlobFact(hop=registry, digest=image.blob, size=image.blob_size, answers=(last,))
    if image.storage is None or last.location is None:
        return fact
    link = net.links.get(last.location)
    led = place(link.reveal(), role="storage") if link else None
    if led is None or led.hop != image.storage:
        return fact
    replies, onward = await follow(
        led.hop, "GET", led.target, net, headers={"Range": "bytes=0-0"}, limit=1, who="anonymous"
    )
    answers = tuple(reply.answer for reply in replies)
    further = None
    if onward is not None and may_be_contacted(onward, registry) and onward.hop != led.hop:
        further = onward.hop
    return BlobFact(
        hop=led.hop, digest=image.blob, size=image.blob_size, answers=answers, further=further
    )
