"""Errors appear and vanish as files are edited: with mypy's cache, and with its daemon."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.mypy_plugin.runs import SETTINGS, daemon, mypy

MONEY = """
class Money: ...
class Euro(Money): ...
"""
BASE = """
from fastdjango_signals import Payload
class Base(Payload):
    order_id: int
"""
PAYLOADS = """
from base import Base
from money import Euro
class OrderPlaced(Base):
    email: str
    total: Euro
"""
SIGNALS = """
from typing import ClassVar
from fastdjango_signals import Signal
from payloads import OrderPlaced
order_placed = Signal(OrderPlaced)
class Shop:
    declared: ClassVar[Signal[OrderPlaced]] = Signal[OrderPlaced]()
legacy = Signal(["order", "user"])
"""
HANDLERS = """
from money import Money
async def listen(sender: object, order_id: int, email: str, total: Money) -> None: ...
"""
# It imports neither the payload nor what that is made of.
APP = """
from handlers import listen
from signals import Shop, legacy, order_placed
order_placed.connect(listen)
def connect() -> None:
    Shop.declared.connect(listen)
@order_placed.connect(sender=Shop)
async def decorated(sender: object, order_id: int, **kwargs: object) -> None: ...
async def send(total: object) -> None:
    await legacy.send(sender=None, order=1, user="ada")
"""
FILES = {
    "money": MONEY,
    "base": BASE,
    "payloads": PAYLOADS,
    "signals": SIGNALS,
    "handlers": HANDLERS,
    "app": APP,
}


@dataclass(frozen=True)
class Edit:
    """A change in one file, and the lines of app.py that are wrong with it."""

    file: str
    old: str
    new: str
    wrong: tuple[int, ...]


EDITS = {
    "a field's type": Edit("base", "order_id: int", "order_id: str", (4, 6, 7)),
    "a field's name": Edit("base", "order_id: int", "number: int", (4, 6, 7)),
    "a new field": Edit("payloads", "email: str", "email: str\n    note: str", (4, 6)),
    "a new field with a default": Edit("payloads", "email: str", "email: str\n    note: str = ''", (4, 6)),
    "a field less": Edit("payloads", "    email: str\n", "", (4, 6)),
    "another base": Edit("payloads", "(Base)", "(Payload)", (4, 6, 7)),
    "a class in between": Edit("money", "Euro(Money)", "Euro", (4, 6)),
    "a receiver": Edit("handlers", "order_id: int", "order_id: str", (4, 6)),
    "a receiver that is not async": Edit("handlers", "async def", "def", (4, 6)),
    "another payload": Edit("signals", "Signal(OrderPlaced)", 'Signal(["order"])', (4, 7)),
    "a name in a list": Edit("signals", '"user"', '"customer"', (10,)),
}


class Project:
    """The files of a small shop in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seconds = count(1_000_000_000, step=10)
        SETTINGS["alone"].write(folder)
        for name in FILES:
            self.write(name, FILES[name])

    def write(self, name: str, text: str) -> None:
        imports = "from fastdjango_signals import Payload\n" if "(Payload)" in text else ""
        path = self.folder / f"{name}.py"
        path.write_text(imports + text.lstrip(), "utf-8")
        # mypy takes a file of the same size and second for the same.
        second = next(self._seconds)
        os.utime(path, (second, second))


def _wrong_lines(output: list[str]) -> set[int]:
    errors = [line.split(":") for line in output if ": error:" in line]
    assert {file for file, *_ in errors} <= {"app.py"}, output
    return {int(line) for _, line, *_ in errors}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cache", "daemon"])
def test_errors_follow_the_edits(way: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    if way == "cache":
        _follow(project, lambda: mypy(tmp_path))
    else:
        with daemon(tmp_path) as started:
            _follow(project, started.check)


def _follow(project: Project, check: Callable[[], list[str]]) -> None:
    assert _wrong_lines(check()) == set()
    for name, edit in EDITS.items():
        assert edit.old in FILES[edit.file], name
        project.write(edit.file, FILES[edit.file].replace(edit.old, edit.new))
        assert (name, _wrong_lines(check())) == (name, {line - 1 for line in edit.wrong})
        project.write(edit.file, FILES[edit.file])
        assert (f"{name}, undone", _wrong_lines(check())) == (f"{name}, undone", set())
