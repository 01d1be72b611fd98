"""The command line: `fastdjango-signals --help`, or `python -m fastdjango_signals.cli --help`.

Each group of commands is a module; `application` says which function is which command. It ends
with one of these codes:

- 0: all is well.
- 1: what was asked failed. One line on stderr says why; what a module of the user raised, its
  traceback. `check` has found something, which it has written to stdout.
- 2: wrong usage, or a library that is not installed; `check` has found no signal at all.
"""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command that the arguments of this process ask for, and end the process."""
    try:
        from fastdjango_signals.cli.application import app  # noqa: PLC0415 - needs the extra
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("rich", "typer"):
            raise
        sys.stderr.write(f"fastdjango-signals: {error}\n")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may have letters that it does not
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="fastdjango-signals")
