"""bubus against the floor, in a process of its own: it goes on when it is done."""

from __future__ import annotations

import asyncio
import json
import logging
import os

from benchmarks.measuring import by_turns, ratio
from benchmarks.peers import bubus, floor, receivers


async def main() -> None:
    """Print time / floor by the number of receivers, as JSON."""
    logging.disable()
    found = {}
    for count in (1, 10):
        connected = receivers(count)
        runs = {"floor": floor(connected), "bubus": bubus(connected)}
        found[str(count)] = ratio(await by_turns(runs, 2), "bubus", "floor")
    print(json.dumps(found), flush=True)
    os._exit(0)  # its bus goes on for ever


if __name__ == "__main__":
    asyncio.run(main())
