"""Run the Python blocks of README.md and docs/, and compare what they show with what happens.

CONTRIBUTING.md says how to write such blocks.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import logging
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from fastdjango_signals import transactions

MODULE = "shop"
PROGRAM = f"{MODULE}.py"

# In the namespace of a page: up to where its blocks have run.
_REACHED = "__reached__"

_shown_blocks = FencedCodeBlockLexer(
    "python|text|console", mapping={"language": "language", "source": "source"}
)
_COMMAND = re.compile(r"\A\$ python (?P<flags>.*?)" + re.escape(PROGRAM) + "\n")
_servers = contextlib.ExitStack()
# The documentation of each pydantic has its own address.
_PYDANTIC = re.compile(r"(?<=errors\.pydantic\.dev/)\d+\.\d+")


class Page(Document):
    """A page whose blocks stand in a module, which others can import while the page runs."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.module = ModuleType(MODULE)
        self.namespace = vars(self.module)


def python_blocks(document: Document) -> Iterator[Region]:
    """Find the Python blocks of a page, each with the block that shows its output, if any."""
    block: Region | None = None
    for found in _shown_blocks(document):
        language, source = found.lexemes["language"], str(found.lexemes["source"])
        if language == "python":
            if block is not None:
                yield block
            block = Region(found.start, found.end, (source, "text", ""), evaluate)
        elif block is not None:
            block.parsed = (block.parsed[0], language, source)
            yield block
            block = None
        elif language == "text":
            raise ValueError(f"{document.path}: this text follows no Python block:\n{source}")
    if block is not None:
        yield block


def evaluate(example: Example) -> str | None:
    """Run a block; return how what it shows differs from what the page says, if it does."""
    source, language, expected = example.parsed
    if isinstance(example.document, Page):
        sys.modules[MODULE] = example.document.module
    catch_up(example)
    shown = run_here(source, example.namespace)
    if language == "console":
        command = _COMMAND.match(expected)
        if command is None:
            return f"This must begin with `$ python {PROGRAM}`:\n{expected}"
        shown = run_alone(source, command["flags"].split())
        expected = expected[command.end() :]
    if _PYDANTIC.sub("*", shown) == _PYDANTIC.sub("*", expected):
        return None
    return f"The page shows:\n{expected}\nThis is what happens:\n{shown}"


def start_servers(source: str) -> None:
    """Start the servers whose addresses a block takes from the environment, once.

    They are imported here, since the core's tests run without the libraries that these need.
    """
    if "NATS_URL" in source and "NATS_URL" not in os.environ:
        from tests.relay.servers import NatsServer  # noqa: PLC0415

        server = NatsServer(Path(_servers.enter_context(tempfile.TemporaryDirectory())))
        server.start()
        _servers.callback(server.kill)
        os.environ["NATS_URL"] = server.url
    if "DATABASE_URL" in source and "DATABASE_URL" not in os.environ:
        from tests.integrations.servers import running_postgres  # noqa: PLC0415

        cluster = _servers.enter_context(running_postgres())
        os.environ["DATABASE_URL"] = f"postgresql+asyncpg://postgres@/postgres?host={cluster.host}"


def pytest_unconfigure() -> None:
    """Stop what was started."""
    _servers.close()


def catch_up(example: Example) -> None:
    """Run the earlier blocks of the page that have not run: in other processes, or not chosen."""
    namespace = example.namespace
    if namespace.get(_REACHED, 0) > example.start:
        namespace.clear()
    for start, region in example.document.regions:
        if namespace.get(_REACHED, 0) <= start < example.start:
            run_here(region.parsed[0], namespace)
    namespace[_REACHED] = example.end


def run_here(source: str, namespace: dict[str, Any]) -> str:
    """Run a block in the page's namespace; return what it prints and how it fails, if it does."""
    start_servers(source)
    namespace["__name__"] = MODULE
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            code = compile(
                source, PROGRAM, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
            )
            result = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(result)
        except Exception as error:  # noqa: BLE001 - the page shows it
            printed.write("".join(traceback.format_exception_only(error)))
    return printed.getvalue()


def run_alone(source: str, flags: list[str]) -> str:
    """Run a block as a program; return what it writes, with its paths relative to its folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        (place / PROGRAM).write_text(source, encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, *flags, PROGRAM],
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return finished.stdout.replace(f"{place}/", "")


class LeaveNoTrace:
    """Undoes, after each page, what its blocks have done to the process."""

    def __init__(self) -> None:
        self._finders: list[Any] = []
        self._handlers: list[logging.Handler] = []
        self._backends: list[transactions.TransactionBackend] = []

    def before(self, _: dict[str, Any]) -> None:
        """Remember what there is."""
        self._finders = list(sys.meta_path)
        self._handlers = list(logging.getLogger("fastdjango_signals").handlers)
        self._backends = list(transactions._backends)

    def after(self, namespace: dict[str, Any]) -> None:
        """Go back to it."""
        namespace.clear()
        sys.meta_path[:] = self._finders
        logging.getLogger("fastdjango_signals").handlers[:] = self._handlers
        transactions._backends[:] = self._backends
        for name in list(sys.modules):
            if name.partition(".")[0] in ("fastdjango", MODULE):
                del sys.modules[name]


_no_trace = LeaveNoTrace()

pytest_collect_file = Sybil(
    parsers=[python_blocks],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    setup=_no_trace.before,
    teardown=_no_trace.after,
    document_types={".md": Page},
).pytest()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let pages show receivers that vanish; `python -X dev` warns of them."""
    if item.path.suffix == ".md":
        item.add_marker(pytest.mark.filterwarnings("ignore:receiver .* was collected"))
