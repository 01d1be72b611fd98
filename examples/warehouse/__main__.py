"""Run the warehouse, until SIGTERM; or show its dead letters, or replay them."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from dataclasses import asdict

from examples.warehouse.relay import make_relay
from examples.warehouse.storage import make_tables


async def work() -> None:
    """Receive orders until somebody says that it is enough."""
    enough = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    await make_tables()
    async with make_relay():
        print("open", flush=True)
        await enough.wait()


async def show_dead_letters() -> None:
    """Print the orders that could not be received, each as a line of JSON."""
    async with make_relay().connected() as relay:
        async for letter in relay.dead_letters():
            print(json.dumps({**asdict(letter), "body": json.loads(letter.body)}, default=str))


async def replay() -> None:
    """Receive the dead letters once more, and print what came of it."""
    async with make_relay().connected() as relay:
        print(json.dumps(asdict(await relay.replay())))


COMMANDS = {"work": work, "dead-letters": show_dead_letters, "replay": replay}


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m examples.warehouse", description=__doc__)
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="work")
    asyncio.run(COMMANDS[parser.parse_args().command]())


if __name__ == "__main__":
    main()
