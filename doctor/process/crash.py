"""What is left of a run that a bug ended? A file to send along: places in code, never a value.

Frames without their variables, the exception's kind and its text through the gate, versions, and
the option names of the command line without what was given to them. Raises nothing.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime

from doctor import __version__
from doctor.redact import plain, scrub
from doctor.stamp import stamp


def report(bug: BaseException, argv: Sequence[str] = ()) -> str:
    """Write the report, mode 600, and return the sentence that tells where it is."""
    kind = type(bug).__name__
    try:
        descriptor, path = tempfile.mkstemp(prefix="doctor-crash-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text(bug, argv))
    except OSError as error:
        return f"{kind}; no crash report could be written ({error.strerror})"
    return f"{kind}. The crash report {path} holds no secrets; please send it along"


def text(bug: BaseException, argv: Sequence[str] = ()) -> str:
    """The report's text."""
    named = [word.partition("=")[0] for word in argv if word.startswith("-")]
    lines = [
        f"registry-doctor {__version__}, Python {platform.python_version()}, {sys.platform}",
        stamp(datetime.now(UTC)),
        f"options: {' '.join(named) or 'none'}",
        f"{type(bug).__name__}: {plain(scrub(str(bug)), 300)}",
    ]
    trace = bug.__traceback__
    while trace is not None and len(lines) < 200:
        code = trace.tb_frame.f_code
        lines.append(f"  {code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
        trace = trace.tb_next
    return "\n".join(lines) + "\n"
