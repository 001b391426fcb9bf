"""Under which names do clients know Docker Hub?"""

from __future__ import annotations

NAME = "docker.io"
"""How references are normalised (distribution/reference, normalize.go)."""
LEGACY = "index.docker.io"
"""Its older name, which references may hold too."""
HOST = "registry-1.docker.io"
"""The host that clients contact for it."""
KEY = "https://index.docker.io/v1/"
"""What Docker's programs keep its login under (docker registry, IndexServer); no other spelling of
it is looked up."""
DOMAINS = frozenset({NAME, LEGACY})
"""What clients take for it in a reference."""
HOSTS = DOMAINS | {HOST}
