"""Every judge agrees with every marker of the case files."""

from __future__ import annotations

import pytest

from tests.typing.markers import STATIC
from tests.typing.verdicts import CASES, Verdicts


@pytest.mark.parametrize("file", [path.name for path in CASES])
def test_judge_refuses_the_marked_statements_alone(
    verdicts: Verdicts, judge: str, file: str
) -> None:
    found = verdicts.mistakes(file, judge)
    if found:
        pytest.fail("\n".join(map(str, found)), pytrace=False)


@pytest.mark.parametrize("file", [path.name for path in CASES])
def test_each_file_has_statements_that_all_four_checkers_refuse(
    verdicts: Verdicts, file: str
) -> None:
    markers = verdicts.cases[file].markers.values()
    assert any(marker.is_wrong and marker.judges >= set(STATIC) for marker in markers)


def test_connect_refuses_bad_receivers_with_an_error_of_its_own(verdicts: Verdicts) -> None:
    rules = {
        problem.rule
        for problem in verdicts.problems("runtime")
        if problem.file == "bad_receivers.py"
    }
    assert rules == {"ReceiverSignatureError", "ReceiverTypeError"}
