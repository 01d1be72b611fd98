"""bubus against the floor, in a process of its own: it takes the event loop for itself."""

from __future__ import annotations

import asyncio
import json
import logging

from benchmarks.measuring import by_turns, ratio
from benchmarks.peers import bubus, floor, receivers


async def main() -> None:
    """Print time / floor by the number of receivers, as JSON."""
    logging.disable()
    found = {}
    for count in (1, 3, 10, 100):
        connected = receivers(count)
        runs = {"floor": floor(connected), "bubus": bubus(connected)}
        found[str(count)] = ratio(await by_turns(runs, 3), "bubus", "floor")
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
