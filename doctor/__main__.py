"""`python -m doctor` and the console scripts are the command `doctor`.

Nothing of the package is imported at the top: Ctrl-C while its modules load is caught as well.
"""

import gc
import os
import sys

_COLLECT = (200_000, 20, 20)
"""When the collector of reference cycles runs. By its own measure it runs a hundred times while
modules are imported, which make objects and no garbage: a quarter of a start (measured). A
diagnosis makes 70,000 objects that stay, and ends before this is reached."""


def entry() -> None:
    """Run the command line and leave with its exit code, at once: threads that wait for the
    system's resolver must not hold the exit."""
    gc.set_threshold(*_COLLECT)
    try:
        from doctor.process import interruption, streams, talk

        try:
            interruption.heed()
            streams.open_all()
            sys.stderr = told = talk.Talk(sys.stderr)
            from doctor.cli import main

            code = main(sys.argv[1:])
            told.end()
        except KeyboardInterrupt:
            code = interruption.exit_code()
    except KeyboardInterrupt:
        code = 130
    os._exit(code)


if __name__ == "__main__":
    entry()
