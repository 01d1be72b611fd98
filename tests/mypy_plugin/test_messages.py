"""The plugin says what the case files expect, word for word, and nothing else."""

from __future__ import annotations

import importlib

import pytest

from fastdjango_signals.mypy import names
from tests.mypy_plugin.conftest import Reports
from tests.mypy_plugin.expectations import CASES, Expectations
from tests.mypy_plugin.runs import SETTINGS


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("file", [path.name for path in CASES])
def test_messages_are_as_expected(reports: Reports, file: str, setting: str) -> None:
    case = next(Expectations(path) for path in CASES if path.name == file)
    said = case.said(reports.of(setting))
    mistakes = [
        *(f"{file}:{each.line} is missing {each.text}" for each in case.remarks - said),
        *(f"{file}:{each.line} says {each.text}" for each in said - case.remarks),
    ]
    if mistakes:
        pytest.fail("\n".join(mistakes), pytrace=False)


def test_there_is_a_message_of_each_code() -> None:
    texts = [remark.text for path in CASES for remark in Expectations(path).remarks]
    for code in ("signal-receiver", "signal-payload"):
        assert sum(text.endswith(f"[{code}]") for text in texts) > 10


@pytest.mark.parametrize(
    "name",
    [value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)],
)
def test_what_the_plugin_knows_by_name_exists(name: str) -> None:
    assert _exists(name), name


@pytest.mark.parametrize("name", [*names.MODEL_PAYLOADS, *names.COROUTINES])
def test_what_the_plugin_lists_by_name_exists(name: str) -> None:
    assert _exists(name), name


def _exists(name: str) -> bool:
    """Return whether a full name leads to something: a module, then attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False
