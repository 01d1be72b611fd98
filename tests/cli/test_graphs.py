"""`fastdjango-signals graph`: the same graph in each language."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")

SHOP = """
from fastdjango_signals import Signal

class Order: ...

placed = Signal(name='shop.placed "#1" <new> \\\\')
closed = Signal(name="shop.closed")

@placed.connect(sender=Order, on_commit=True)
async def mail(sender, **kwargs): ...

@placed.connect
async def pack(sender, **kwargs): ...
"""

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def shop(program: Program) -> None:
    program.write("shop", SHOP)


def test_it_is_mermaid_by_default(run: Run) -> None:
    assert run("graph", "shop").stdout == (
        "flowchart LR\n"
        '    s1(["shop.closed"])\n'
        '    s2(["shop.placed #quot;#35;1#quot; #lt;new#gt; \\"])\n'
        '    r1["shop.mail"]\n'
        '    r2["shop.pack"]\n'
        '    s2 -.->|"shop.Order"| r1\n'
        "    s2 --> r2\n"
    )


def test_it_is_dot_for_graphviz(run: Run) -> None:
    assert run("graph", "shop", "--format", "dot").stdout == (
        "digraph signals {\n"
        "    rankdir=LR;\n"
        '    s1 [label="shop.closed", shape=ellipse];\n'
        '    s2 [label="shop.placed \\"#1\\" <new> \\\\", shape=ellipse];\n'
        '    r1 [label="shop.mail", shape=box];\n'
        '    r2 [label="shop.pack", shape=box];\n'
        '    s2 -> r1 [label="shop.Order", style=dashed];\n'
        "    s2 -> r2;\n"
        "}\n"
    )


def test_it_is_json(run: Run) -> None:
    drawn = json.loads(run("graph", "shop", "--json").stdout)

    assert drawn["receivers"] == ["shop.mail", "shop.pack"]
    assert drawn["arrows"][0]["label"] == "shop.Order"
    assert [each["is_dashed"] for each in drawn["arrows"]] == [True, False]


def test_it_is_a_picture(run: Run) -> None:
    picture = ET.fromstring(run("graph", "shop", "--format", "svg").stdout)

    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert texts == [
        "shop.closed",
        'shop.placed "#1" <new> \\',
        "shop.Order",
        "shop.mail",
        "shop.pack",
    ]
