"""An environment of its own into which wheels were installed, as a user has it.

What the wheels depend on is borrowed from the running environment by a .pth file, which makes it in
a second rather than a minute; the editable installation there is not borrowed (its finder is in a
.pth file, and those do not nest), so that only the wheel holds `doctor`.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"

    @property
    def packages(self) -> Path:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / name / "site-packages"


def wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of a source tree, without network, from a copy: nothing is left in the
    tree."""
    copy = folder / "source"
    _copy(source, copy)
    _pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(folder), str(copy))
    (found,) = folder.glob("*.whl")
    return found


def install(folder: Path, *wheels: Path) -> Environment:
    """A new environment that holds these wheels."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    made = Environment(folder)
    borrowed = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    (made.packages / "borrowed.pth").write_text("".join(f"{path}\n" for path in borrowed))
    target = ["--python", str(made.python), "install", "--no-deps", "--no-index", "--no-compile"]
    _pip(*target, "--ignore-installed", *map(str, wheels))
    return made


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _copy(source: Path, copy: Path) -> None:
    import shutil

    unwanted = shutil.ignore_patterns(
        ".*", "build", "dist", "__pycache__", "*.egg-info", "tests", "snapshots", "tools"
    )
    shutil.copytree(source, copy, ignore=unwanted)
