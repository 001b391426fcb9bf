"""registry-doctor: find out why a container image cannot be pulled, prove it, and say how to mend
it."""

__version__ = "0.1.0"
