"""`python -m doctor` is the command `doctor`."""

from doctor.cli import entry

entry()
