"""See what becomes of orders when processes die: `python -m examples.warehouse.demo`."""
