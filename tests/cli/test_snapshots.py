"""`schema --write` and `check --snapshot`: which changes of a payload break, and which do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fastdjango_signals import Signal
from fastdjango_signals.cli.snapshots import breaking, snapshot
from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")

SHOP = """
from __future__ import annotations
import enum
from typing import Literal
from pydantic import Field
from fastdjango_signals import Payload, Signal

class Money: ...
class Coin: ...

class Line(Payload):
    sku: str
    parts: list[Line] = []

class Placed(Payload{options}):
    {fields}

placed = Signal(Placed, name="shop.placed")

@placed.connect
async def keep(sender, **kwargs): ...
"""


def source(fields: str, options: str = "") -> str:
    return SHOP.format(fields=fields.replace("; ", "\n    "), options=options)


def signal_of(text: str) -> Signal[Any, ...]:
    """Run a module of a user, and return its signal."""
    namespace: dict[str, object] = {"__name__": "shop"}
    exec(compile(text, "shop.py", "exec", dont_inherit=True), namespace)
    for model in ("Line", "Placed"):
        namespace[model].model_rebuild(_types_namespace=namespace)  # type: ignore[attr-defined]
    found = namespace["placed"]
    assert isinstance(found, Signal)
    return found


def changes(before: str, after: str, *options: str) -> list[tuple[str, str]]:
    """Return what breaks between two versions of a payload, as (code, text) pairs."""
    old = snapshot([signal_of(source(before, *options[:1]))])["signals"]
    now = signal_of(source(after, *options[1:]))
    return [(each.code, each.text) for each in breaking(old, [now])]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: int", "a: int"),
        ("a: int", "a: int; b: int = 0"),
        ("a: int", "a: int = 5"),
        ("a: int = 1", "a: int = 2"),
        ("a: int; b: str", "b: str; a: int"),
        ("a: int", "a: int = Field(description='how many', examples=[1], title='A')"),
        ("a: Line", "a: Line"),
        ("a: int | str", "a: str | int"),
        ("a: Literal['x', 'y']", "a: Literal['y', 'x']"),
        ("a: Money", "a: Money"),
        ("title: int", "title: int; b: int = 0"),
    ],
)
def test_a_compatible_change_is_not_reported(before: str, after: str) -> None:
    assert changes(before, after) == []


def test_a_field_that_is_removed_breaks() -> None:
    assert changes("a: int; b: int", "a: int") == [("S202", "field 'b' is removed")]


def test_a_field_called_as_a_keyword_of_schemas_is_a_field() -> None:
    assert changes("title: int; a: int", "a: int") == [("S202", "field 'title' is removed")]


def test_a_required_field_that_is_new_breaks() -> None:
    assert changes("a: int", "a: int; b: int") == [("S203", "field 'b' is new, and is required")]


def test_a_field_that_becomes_required_breaks() -> None:
    assert changes("a: int = 1", "a: int") == [("S203", "field 'a' has become required")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: int", "a: str"),
        ("a: int", "a: int | None"),
        ("a: int", "a: int = Field(gt=0)"),
        ("a: Literal['x', 'y']", "a: Literal['x']"),
        ("a: list[int]", "a: list[str]"),
        ("a: Money", "a: Coin"),
        ("a: Line", "a: int"),
    ],
)
def test_another_type_breaks(before: str, after: str) -> None:
    assert [code for code, _ in changes(before, after)] == ["S204"]


def test_another_type_tells_both() -> None:
    assert changes("a: int", "a: str") == [
        (
            "S204",
            'field \'a\' has another type: it was {"type": "integer"}, and is {"type": "string"}',
        )
    ]


WITHIN = {
    "Line": "a",
    "Line | None": "a",
    "list[Line]": "a[]",
    "dict[str, Line]": "a[]",
    "tuple[int, Line]": "a[1]",
    "dict[str, list[Line | None]]": "a[][]",
}


@pytest.mark.parametrize(("written", "where"), WITHIN.items())
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("sku: str", "sku: int", ("S204", "field '{}.sku' has another type")),
        ("sku: str", "other: int = 0", ("S202", "field '{}.sku' is removed")),
        ("sku: str = ''", "sku: str", ("S203", "field '{}.sku' has become required")),
        ("sku: str", "other: int; sku: str", ("S203", "field '{}.other' is new, and is required")),
        ("sku: str", "sku: str; other: int = 0", None),
        ("sku: str; other: str", "other: str; sku: str", None),
    ],
)
def test_a_change_within_a_model_is_told_by_the_same_rules(
    written: str, where: str, before: str, after: str, found: tuple[str, str] | None
) -> None:
    was, now = (
        signal_of(source(f"a: {written}").replace("sku: str", each.replace("; ", "\n    ")))
        for each in (before, after)
    )

    told = list(breaking(snapshot([was])["signals"], [now]))

    expected = [(found[0], found[1].format(where))] if found else []
    assert [(each.code, each.text.partition(":")[0]) for each in told] == expected


def test_keywords_that_a_model_within_refuses_break() -> None:
    was, now = (
        signal_of(source("a: Line").replace("Line(Payload)", f"Line(Payload{options})"))
        for options in (", extra='allow'", "")
    )

    told = list(breaking(snapshot([was])["signals"], [now]))

    assert [each.text for each in told] == ["other keywords in 'a' are refused now"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: int | str", "a: int | str | None"),
        ("a: int | Line", "a: str | Line"),
        ("a: list[Line]", "a: set[int]"),
        ("a: list[int] = Field(max_length=3)", "a: list[int] = Field(max_length=2)"),
        ("a: dict[str, int]", "a: dict[str, str]"),
        ("a: Line | None", "a: Line"),
    ],
)
def test_another_type_of_what_is_within_breaks(before: str, after: str) -> None:
    assert [code for code, _ in changes(before, after)] == ["S204"]


def test_other_keywords_that_are_refused_break() -> None:
    assert changes("a: int", "a: int", ", extra='allow'", "") == [
        ("S205", "other keywords are refused now")
    ]
    assert changes("a: int", "a: int", "", ", extra='allow'") == []


def test_a_signal_that_is_gone_breaks() -> None:
    old = snapshot([signal_of(source("a: int"))])["signals"]

    assert [(each.code, each.signal) for each in breaking(old, [])] == [("S201", "shop.placed")]


def test_a_new_signal_does_not_break() -> None:
    assert list(breaking({}, [signal_of(source("a: int"))])) == []


def test_a_payload_that_is_not_complete_is_left_to_its_own_finding(
    program: Program, run: Run
) -> None:
    program.write("shop", source("a: int"))
    run("schema", "shop", "--write", "signals.json")
    (program.folder / "later").mkdir()
    (program.folder / "later" / "other.py").write_text(source("a: Missing"))

    old = json.loads(Path("signals.json").read_text())["signals"]
    namespace: dict[str, object] = {"__name__": "other"}
    exec(compile(source("a: Missing"), "other.py", "exec", dont_inherit=True), namespace)

    assert list(breaking(old, [namespace["placed"]])) == []  # type: ignore[list-item]


def test_schemas_are_written_to_a_file_or_shown(program: Program, run: Run) -> None:
    program.write("shop", source("a: int = 4711"))

    shown = run("schema", "shop")
    written = run("schema", "shop", "--write", "signals.json")

    assert (shown.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert json.loads(shown.stdout) == json.loads(Path("signals.json").read_text())
    assert run("schema", "shop", "--json").stdout == shown.stdout
    assert shown.stdout.startswith('{\n  "signals": {\n    "shop.placed": {')
    assert "4711" not in shown.stdout


def test_a_check_reports_what_breaks(program: Program, run: Run) -> None:
    program.write("shop", source("a: int; b: int"))
    run("schema", "shop", "--write", "signals.json")
    program.write("changed", source("a: int"))
    old = json.loads(Path("signals.json").read_text())

    same = run("check", "shop", "--snapshot", "signals.json")
    del old["signals"]["shop.placed"]["properties"]["a"]
    old["signals"]["shop.placed"]["required"] = ["b"]
    Path("old.json").write_text(json.dumps(old))
    changed = run("check", "shop", "--snapshot", "old.json")

    assert (same.exit_code, same.stdout) == (0, "")
    assert changed.exit_code == 1
    assert changed.stdout == (
        "shop:placed: S203 shop.placed: field 'a' is new, and is required\n"
        "    give it a default, or accept the change: schema --write\n"
    )


@pytest.mark.parametrize(
    "text", ["", "[]", '{"signals": 1}', '{"signals": {"a": 1}}', "[" * 100_000]
)
def test_what_is_no_snapshot_is_wrong_usage(text: str, program: Program, run: Run) -> None:
    program.write("shop", source("a: int"))
    Path("signals.json").write_text(text)

    result = run("check", "shop", "--snapshot", "signals.json")

    assert result.exit_code == 2
    assert "signals.json is no snapshot" in result.stderr


def test_a_snapshot_that_is_not_there_is_told_how_to_make_it(program: Program, run: Run) -> None:
    program.write("shop", source("a: int"))

    result = run("check", "shop", "--snapshot", "s.json")

    assert result.exit_code == 2
    assert "there is no file s.json; schema --write s.json" in result.stderr


@pytest.mark.parametrize(
    "damage", ['{"properties": {"a": true}}', '{"required": null}', '{"$defs": [], "$ref": "#/a"}']
)
def test_a_damaged_schema_is_another_type(damage: str, program: Program, run: Run) -> None:
    program.write("shop", source("a: int"))
    Path("signals.json").write_text(f'{{"signals": {{"shop.placed": {damage}}}}}')

    result = run("check", "shop", "--snapshot", "signals.json")

    assert result.exit_code == 1
    assert "S204 shop.placed: the payload has another type: it was " in result.stdout


def test_schemas_are_written_where_the_command_was_called(program: Program, run: Run) -> None:
    (program.folder / "elsewhere").mkdir()
    program.write("shop", source("a: int") + "\nimport os\nos.chdir('elsewhere')\n")

    run("schema", "shop", "--write", "signals.json")

    assert [each.parent for each in program.folder.rglob("signals.json")] == [program.folder]


def test_signals_of_one_name_with_other_payloads_have_no_schema(program: Program, run: Run) -> None:
    twin = "\ntwin = Signal(name='shop.placed')\n"
    program.write("shop", source("a: int") + twin)

    result = run("schema", "shop")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: signals with different payloads are called shop.placed; "
        "give each a name=... of its own\n"
    )


def test_each_signal_of_a_name_is_held_against_the_snapshot() -> None:
    old = snapshot([signal_of(source("a: int"))])["signals"]
    signals = [signal_of(source("b: int = 0")), signal_of(source("a: int"))]

    assert [each.code for each in breaking(old, signals)] == ["S202"]


def test_a_file_that_cannot_be_written_is_told_in_one_line(program: Program, run: Run) -> None:
    program.write("shop", source("a: int"))

    result = run("schema", "shop", "--write", "missing/signals.json")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: [Errno 2] No such file or directory")
