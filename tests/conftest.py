"""What every test is given: an environment in which nothing of this machine's own set-up is
seen."""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path

import pytest
from hypothesis import settings

from doctor.redact import GATE, Gate

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
_OURS = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "KUBECONFIG",
    "NO_COLOR",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no credential store, no trust setting of the machine that runs the tests."""
    for name in tuple(os.environ):
        if name in _OURS or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True)
def gate_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test teaches the gate, the next does not know: every text is searched for all."""
    for name, value in vars(GATE).items():
        monkeypatch.setattr(GATE, name, copy(value))


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate as a new process has it, whatever the tests before have taught it."""
    for name, value in vars(Gate()).items():
        monkeypatch.setattr(GATE, name, value)
