"""What is a usage error? Something typed that cannot be used, found before anything was contacted:
exit code 2."""


class UsageError(Exception):
    """The message is one sentence that says what would be usable."""

    exit = 2
