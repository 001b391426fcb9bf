"""Which images do a Kubernetes manifest, a Compose file and other YAML pull?

Kubernetes: wherever a pod's spec may stand, so by the names of its fields and not by kind: a Helm
chart's output is full of kinds that nobody has heard of and that hold a pod template. Compose: the
images of services; one that is built pulls what its build does as far as this file tells: the
bases of a Dockerfile written in it, and images given as contexts (compose-spec 05-services.md,
build.md). Of other YAML, every `image:`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from doctor.images import Found
from doctor.images.tree import Look, Node, TreeError, documents
from doctor.images.variables import Expansion
from doctor.redact.shapes import masked, names_secret

_CONTAINERS = frozenset(("containers", "initContainers", "ephemeralContainers")) | frozenset(
    ("container", "script", "sidecars", "steps")
)
"""Fields that hold containers: Kubernetes' own, then those of Argo Workflows and Tekton."""
_HOLDS_NONE = frozenset(("Secret", "ConfigMap", "CustomResourceDefinition"))


def pulled(
    text: str, environ: Mapping[str, str], look: Look, platforms: tuple[str, str]
) -> Iterator[Found]:
    """Every image of every document, in the order of the lines of each."""
    for document in documents(text, look):
        if isinstance(document, TreeError):
            yield Found(document.line, "", document.why)
        else:
            found = _document(document, environ, platforms)
            yield from sorted(found, key=lambda each: each.line)


def _document(
    root: Node, environ: Mapping[str, str], platforms: tuple[str, str]
) -> Iterator[Found]:
    services = root.get("services")
    if _is_object(root):
        yield from _objects(root)
    elif services is not None and services.pairs is not None:
        yield from _compose(services, environ, platforms)
    else:
        yield from _anywhere(root)


def _is_object(node: Node) -> bool:
    return node.get("apiVersion") is not None and node.get("kind") is not None


def _walk(root: Node, seen: set[int]) -> Iterator[Node]:
    """Every node below once, aliases included; the tree's depth is bounded."""
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        kind = node.get("kind")
        if not (kind and kind.text in _HOLDS_NONE and _is_object(node)):
            stack += reversed(list(node.children))


def _objects(root: Node) -> Iterator[Found]:
    taken: set[int] = set()
    for node in _walk(root, set()):
        if _is_object(node) and (spec := node.get("spec")):
            yield from _scalar(spec.get("image"), taken, empty=False)
        for key, value in node.pairs or ():
            if key in _CONTAINERS:
                for container in value.items or [value]:
                    yield from _scalar(container.get("image"), taken)
            elif key == "volumes":
                yield from _volumes(value, taken)


def _volumes(volumes: Node, taken: set[int]) -> Iterator[Found]:
    """A volume whose content is an image: `image.reference`."""
    for volume in volumes.items or ():
        image = volume.get("image")
        yield from _scalar(image.get("reference") if image else None, taken)


def _anywhere(root: Node) -> Iterator[Found]:
    """YAML of no known kind: a list of images, a part of a manifest, a pipeline."""
    taken: set[int] = set()
    for item in root.items or ():
        yield from _scalar(item, taken, empty=False)
    for node in _walk(root, set()):
        if _is_object(node):
            yield from _objects(node)
        else:
            yield from _scalar(node.get("image"), taken, empty=False)


def _scalar(node: Node | None, taken: set[int], empty: bool = True) -> Iterator[Found]:
    if node is None or node.text is None or id(node) in taken:
        return
    taken.add(id(node))
    if not node.null and node.text:
        yield Found(node.line, node.text)
    elif empty:
        yield Found(node.line, "", "The container's image is empty; a reference is expected.")


def _compose(
    services: Node, environ: Mapping[str, str], platforms: tuple[str, str]
) -> Iterator[Found]:
    for _, service in services.pairs or ():
        policy = service.get("pull_policy")
        image = service.get("image")
        platform = service.get("platform")
        wanted = _interpolated(platform, environ) if platform and platform.text else None
        mine = wanted.text if wanted and not wanted.problem else ""
        if image and image.text and not (policy and policy.text in ("build", "never")):
            named = _interpolated(image, environ)
            yield named._replace(platform=mine, built=service.get("build") is not None)
        if build := service.get("build"):
            yield from _built(build, environ, (mine or platforms[0], platforms[1]))
        volumes = service.get("volumes")
        for volume in (volumes.items or ()) if volumes else ():
            kind, source = volume.get("type"), volume.get("source")
            if kind and kind.text == "image" and source and source.text:
                yield _interpolated(source, environ)


def _built(build: Node, environ: Mapping[str, str], platforms: tuple[str, str]) -> Iterator[Found]:
    """The images that a build pulls, as far as the Compose file tells."""
    inline = build.get("dockerfile_inline")
    if inline is not None and inline.text:
        from doctor.images.dockerfile import bases

        below = inline.line + (1 if inline.quoted else 0)
        for each in bases(inline.text.replace("$$", "$"), platforms):
            yield each._replace(line=below + each.line - 1)
    contexts = build.get("additional_contexts")
    given = [value for _, value in (contexts.pairs or ())] if contexts else []
    for context in [*given, *((contexts.items or ()) if contexts else ())]:
        _, scheme, image = (context.text or "").partition("docker-image://")
        if scheme:
            yield _interpolated(Node(context.line, image), environ)


def _interpolated(node: Node, environ: Mapping[str, str]) -> Found:
    written = node.text or ""
    expansion = Expansion(environ, dollars=True)
    image = expansion.of(written)
    if not expansion.missing and image != written and masked(image) != image:
        told = (
            "A variable in it holds what looks like a secret: it is not put into an image's name."
        )
        return Found(node.line, written, told)
    if not expansion.missing:
        return Found(node.line, image, None if image else "The service's image is empty.")
    name = expansion.missing[0][:40]
    told = f"{name} has no value here, not in .env either, so the image is not known."
    if not name.isidentifier():
        odd = name if name == "$" else f"${{{name}}}"
        told = f"{odd} is no variable as Compose writes one, so the image is not known."
    elif names_secret(name):
        told = f"{name} is called like a secret, and none is put into the name of an image."
    return Found(node.line, written, told)
