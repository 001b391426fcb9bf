"""What the lab's tests are given: a world, and an image that a registry can serve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.distribution import filled
from tests.lab.programs import need, need_namespaces
from tests.lab.world import World, world


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry that holds the lab's image."""
    need("docker-registry")
    return filled(tmp_path_factory.mktemp("store"))


@pytest.fixture
def lab() -> Iterator[World]:
    """A world without a server in it yet."""
    need_namespaces()
    need("docker-registry", "nginx", "unbound", "skopeo")
    with world() as made:
        yield made
