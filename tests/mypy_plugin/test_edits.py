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
from fastdjango_signals import Signal
from payloads import OrderPlaced
order_placed = Signal(OrderPlaced)
legacy = Signal(["order", "user"])
"""
SHOPS = """
from typing import ClassVar
from fastdjango_signals import Signal
from payloads import OrderPlaced
class Shop:
    placed: ClassVar[Signal[OrderPlaced]] = Signal[OrderPlaced]()
"""
HANDLERS = """
from money import Money
async def listen(sender: object, order_id: int, email: str, total: Money) -> None: ...
class Listener:
    async def __call__(self, sender: object, email: str, **kwargs: object) -> None: ...
"""
# What follows imports neither the payload nor what that is made of.
APP = """
from handlers import listen
from signals import legacy, order_placed
order_placed.connect(listen)
@order_placed.connect(sender=int)
async def decorated(sender: object, order_id: int, **kwargs: object) -> None: ...
async def send(total: object) -> None:
    await legacy.send(sender=None, order=1, user="ada")
"""
# All that it knows of the payload is in the annotation of an attribute.
INSIDE = """
from handlers import Listener, listen
from shops import Shop
def connect() -> None:
    Shop.placed.connect(listen)
def connect_object(listener: Listener) -> None:
    Shop.placed.connect(listener)
"""
FILES = {
    "money": MONEY,
    "base": BASE,
    "payloads": PAYLOADS,
    "signals": SIGNALS,
    "shops": SHOPS,
    "handlers": HANDLERS,
    "app": APP,
    "inside": INSIDE,
}


@dataclass(frozen=True)
class Edit:
    """A change in one file, and the places that are wrong with it."""

    file: str
    old: str
    new: str
    wrong: set[str]


LISTEN = {"app.py:3", "inside.py:4"}
DECORATED = {"app.py:4"}
OBJECT = {"inside.py:6"}
EDITS = {
    "a field's type": Edit("base", "order_id: int", "order_id: str", LISTEN | DECORATED),
    "a field's name": Edit("base", "order_id: int", "number: int", LISTEN | DECORATED),
    "a new field": Edit("payloads", "email: str", "email: str\n    note: str", LISTEN),
    "a field with a default": Edit("payloads", "total", "note: str = ''\n    total", LISTEN),
    "a field less": Edit("payloads", "    email: str\n", "", LISTEN | OBJECT),
    "another base": Edit("payloads", "(Base)", "(Payload)", LISTEN | DECORATED),
    "a class in between": Edit("money", "Euro(Money)", "Euro", LISTEN),
    "a receiver": Edit("handlers", "order_id: int", "order_id: str", LISTEN),
    "a receiver that is not async": Edit("handlers", "async def listen", "def listen", LISTEN),
    "a callable object": Edit(
        "handlers", "self, sender: object, email: str", "self, sender: object, email: int", OBJECT
    ),
    "an object that is not callable": Edit("handlers", "def __call__", "def call", OBJECT),
    "an object that is not async": Edit("handlers", "async def __call__", "def __call__", OBJECT),
    "another payload": Edit("signals", "(OrderPlaced)", '(["order"])', {"app.py:3", "app.py:4"}),
    "a name in a list": Edit("signals", '"user"', '"customer"', {"app.py:7"}),
}


class Project:
    """The files of a small shop in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seconds = count(1_000_000_000, step=10)
        SETTINGS["alone"].write(folder)
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        imports = "from fastdjango_signals import Payload\n" if "(Payload)" in text else ""
        path = self.folder / f"{name}.py"
        path.write_text(imports + text.lstrip(), "utf-8")
        # mypy takes a file of the same size and second for the same.
        second = next(self._seconds)
        os.utime(path, (second, second))


def _wrong_places(output: list[str]) -> set[str]:
    return {line.partition(": error:")[0] for line in output if ": error:" in line}


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
    assert _wrong_places(check()) == set()
    for name, edit in EDITS.items():
        changed = FILES[edit.file].replace(edit.old, edit.new)
        assert changed != FILES[edit.file], name
        project.write(edit.file, changed)
        assert (name, _wrong_places(check())) == (name, edit.wrong)
        project.write(edit.file, FILES[edit.file])
        assert (name, _wrong_places(check())) == (name, set())
