"""What do the entries that lead to other rooms do? Each is a few lines, and the room does the work.

`doctor.tui.rooms` says which are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.tui.sitting import Sitting

if TYPE_CHECKING:
    from doctor.tui.app import DoctorApp


def enter(app: DoctorApp, entry: str) -> None:
    """One of the start screen's."""


def bundle(app: DoctorApp, sitting: Sitting) -> None:
    """Write a support bundle of what was found."""
