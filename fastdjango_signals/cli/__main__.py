"""`python -m fastdjango_signals.cli`."""

from fastdjango_signals.cli import main

main()
