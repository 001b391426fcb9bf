"""One question a file, and beside it what it says: `tls.py` looks and judges, `tls.toml` holds the
words of its codes.

`BUILT_IN` names the modules in the order of the path; a plug-in adds its own by an entry point in
the group `doctor.checks`.
"""

BUILT_IN = (
    "reference",
    "client",
    "endpoints",
    "differences",
    "credentials",
    "stored",
    "proxy",
    "detour",
    "dns",
    "resolvers",
    "tcp",
    "addresses",
    "tls",
    "stores",
    "api",
    "auth",
    "anonymous",
    "image",
    "blob",
    "rate",
)
NOT_FOR_SHELL = frozenset({"client", "endpoints", "differences", "stores"})
"""What has nothing to ask of a program without settings of its own, and so is not loaded for it."""
