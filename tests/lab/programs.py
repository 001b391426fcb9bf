"""Which real programs are here, and what happens to a test where one is not?

It is skipped and says why; with CI=true it fails, so that a run that looks green has seen every
server.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from typing import NoReturn

import pytest

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def need(*programs: str) -> None:
    """Skip (or fail) the running test unless all of them are installed."""
    missing = [program for program in programs if not shutil.which(program, path=PATH)]
    if missing:
        without(f"{', '.join(missing)} not installed; `make servers` installs what apt has")


def without(reason: str) -> NoReturn:
    """The running test cannot be run here, for that reason."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true and {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where it is. Raises if it is not here: ask `need` first."""
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not installed"
    return found


def need_namespaces() -> None:
    """Skip (or fail) the running test unless this process may make network and mount namespaces."""
    need("unshare", "nsenter", "setpriv", "ip", "mount")
    if reason := no_namespaces():
        without(reason)


@functools.cache
def no_namespaces() -> str:
    """Why namespaces cannot be made here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root: sudo -E make tests"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "mount", "-t", "tmpfs", "none", "/run"],
        capture_output=True,
        text=True,
    )
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""
