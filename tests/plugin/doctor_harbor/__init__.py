"""A plug-in for registry-doctor."""
