"""`fastdjango-signals dead-letters`, `replay`, `discard`: what a service could not receive."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeAlias

import typer

from fastdjango_signals.cli.apps import AsJson
from fastdjango_signals.cli.endings import run
from fastdjango_signals.cli.relays import HERE, AppDir, Target, load
from fastdjango_signals.cli.writing import write_json, write_line
from fastdjango_signals.relay import DeadLetter, Relay, Replayed

Events: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Of these events only.")
]
Discarded: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Of these events.", show_default=False)
]


def dead_letters(
    target: Target,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write each as a JSON object on a line of its own.")
    ] = False,
    payload: Annotated[
        bool, typer.Option("--payload", help="Show the events as well; they may be secret.")
    ] = False,
    app_dir: AppDir = HERE,
) -> None:
    """List the events that the service could not receive, oldest first.

    They stay where they are, and nothing else is received meanwhile.
    """
    found = load(target, app_dir)
    count = run(_each(found, lambda letter: (_write if as_json else _show)(letter, payload)))
    if not as_json:
        typer.echo(f"Service {found.service} has {_counted(count)}.", err=True)


def replay(
    target: Target, events: Events = None, as_json: AsJson = False, app_dir: AppDir = HERE
) -> None:
    """Call the receivers with the dead letters of the service once more.

    Those that go well are removed. If others fail again, which are kept, the exit code is 1.
    Nothing else is received meanwhile.
    """
    found = load(target, app_dir)
    replayed = run(_replayed(found, events or ()))
    if as_json:
        write_json(
            {
                "service": found.service,
                "received": replayed.received,
                "failed": replayed.failed,
            }
        )
    else:
        typer.echo(
            f"Service {found.service} received {_counted(replayed.received)}; "
            f"{replayed.failed} failed again."
        )
    if replayed.failed:
        raise typer.Exit(1)


def discard(
    target: Target, events: Discarded, as_json: AsJson = False, app_dir: AppDir = HERE
) -> None:
    """Forget dead letters of the service, by the ids of their events.

    If there is none of some id, the exit code is 1.
    """
    found = load(target, app_dir)
    count = run(_discarded(found, events))
    if as_json:
        write_json({"service": found.service, "forgotten": count})
    else:
        typer.echo(f"Service {found.service} forgot {_counted(count)}.")
    if count < len(set(events)):
        raise typer.Exit(1)


async def _replayed(found: Relay, events: Iterable[str]) -> Replayed:
    async with found.connected():
        return await found.replay(*events)


async def _discarded(found: Relay, events: Iterable[str]) -> int:
    async with found.connected():
        return await found.discard(*events)


async def _each(found: Relay, show: Callable[[DeadLetter], None]) -> int:
    count = 0
    async with found.connected():
        async for letter in found.dead_letters():
            show(letter)
            count += 1
    return count


def _show(letter: DeadLetter, with_event: bool) -> None:
    time = letter.time.isoformat(sep=" ", timespec="seconds")
    tried = "once" if letter.tries == 1 else f"{letter.tries} times"
    head = f"{letter.event_id or '(no id)'}  {letter.signal}  tried {tried}  {time}"
    write_line(head, bold=True)
    write_line(f"    {letter.error}")
    if with_event:
        write_line(f"    {letter.body.decode(errors='backslashreplace')}")


def _write(letter: DeadLetter, with_event: bool) -> None:
    about = {
        "id": letter.event_id,
        "service": letter.service,
        "signal": letter.signal,
        "tries": letter.tries,
        "time": letter.time.isoformat(),
        "error": letter.error,
    }
    typer.echo(json.dumps({**about, **(_event(letter.body) if with_event else {})}))


def _event(body: bytes) -> dict[str, Any]:
    """Return the event as it was published; it need not be JSON, nor text."""
    try:
        return {"event": body.decode()}
    except UnicodeDecodeError:
        return {"event_base64": base64.b64encode(body).decode()}


def _counted(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
