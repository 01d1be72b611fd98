"""The suite cannot pass without looking: wrong markers are found out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.typing.checkers import CheckerError, run
from tests.typing.markers import Case, MarkerError, Problem, read_case
from tests.typing.verdicts import WRONG_MARKERS, Verdicts, mistakes

BAD_CALL = "f()  # E\n"


def case_of(folder: Path, source: str) -> Case:
    path = folder / "case.py"
    path.write_text(source, "utf-8")
    return read_case(path)


def test_wrong_markers_are_reported_both_ways(verdicts: Verdicts, judge: str) -> None:
    found = verdicts.mistakes(WRONG_MARKERS.name, judge)
    source = WRONG_MARKERS.read_text("utf-8").splitlines()
    accepted = {mistake.line for mistake in found if mistake.message.startswith("accepts")}
    refused = {mistake.line for mistake in found} - accepted
    assert [source[line - 1].strip() for line in accepted] == [
        "await order_placed.send(sender=None, order_id=1)  # E"
    ]
    assert [source[line - 1].strip() for line in refused] == [
        "await order_placed.send(sender=None)"
    ]


def test_a_mistake_is_named_by_file_line_judge_and_message(tmp_path: Path) -> None:
    case = case_of(tmp_path, "f()\n")
    (mistake,) = mistakes(case, "ty", [Problem("case.py", 1, "call", "no such thing")])
    assert str(mistake) == "case.py:1 ty no such thing [call]"


def test_an_error_that_follows_from_another_does_not_satisfy_a_marker(tmp_path: Path) -> None:
    case = case_of(tmp_path, BAD_CALL)
    follows = Problem("case.py", 1, "reportUnknownMemberType", "unknown", follows=True)
    (mistake,) = mistakes(case, "pyright", [follows])
    assert mistake.message.startswith("accepts")


def test_an_error_that_follows_from_another_is_still_a_mistake_on_a_right_line(
    tmp_path: Path,
) -> None:
    case = case_of(tmp_path, "f()\n")
    follows = Problem("case.py", 1, "reportUnknownMemberType", "unknown", follows=True)
    assert mistakes(case, "pyright", [follows])


def test_an_error_counts_for_the_whole_statement(tmp_path: Path) -> None:
    case = case_of(tmp_path, "f(\n    1,\n    2,\n)  # E\n")
    assert mistakes(case, "mypy", [Problem("case.py", 2, "call", "no")]) == []


def test_a_decorator_and_its_function_are_one_statement_without_the_body(tmp_path: Path) -> None:
    case = case_of(tmp_path, "@f  # E\ndef g(\n    a: int,\n) -> None:\n    h()\n")
    assert mistakes(case, "mypy", [Problem("case.py", 3, "call", "no")]) == []
    assert len(mistakes(case, "mypy", [Problem("case.py", 5, "call", "no")])) == 2


def test_a_marker_may_name_the_judges_that_can_tell(tmp_path: Path) -> None:
    case = case_of(tmp_path, "f()  # E[static]: not at run time\n")
    assert mistakes(case, "runtime", []) == []
    assert len(mistakes(case, "pyrefly", [])) == 1
    assert case.markers[1].limits("runtime")
    assert not case.markers[1].limits("pyrefly")


def test_a_limit_is_a_right_statement_that_a_judge_refuses(tmp_path: Path) -> None:
    case = case_of(tmp_path, "f()  # LIMIT[ty]: a reason\n")
    assert mistakes(case, "mypy", []) == []
    assert len(mistakes(case, "ty", [])) == 1
    assert case.markers[1].limits("ty")
    assert not case.markers[1].limits("mypy")


@pytest.mark.parametrize(
    "comment",
    [
        "# e",
        "# E what",
        "# E[mypy]",
        "# E[myp]: a reason",
        "# LIMIT",
        "# LIMIT[ty]",
    ],
)
def test_a_marker_that_says_nothing_checkable_is_refused(tmp_path: Path, comment: str) -> None:
    with pytest.raises(MarkerError, match=r"^case\.py:1 "):
        case_of(tmp_path, f"f()  {comment}\n")


def test_two_markers_on_one_statement_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MarkerError, match=r"^case\.py:2 "):
        case_of(tmp_path, "f(  # E\n    1  # E\n)\n")


def test_a_check_without_a_title_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MarkerError, match=r"^case\.py:1 "):
        case_of(tmp_path, "def check_it() -> None:\n    f()\n")


def test_a_checker_that_breaks_down_is_no_silent_success(tmp_path: Path) -> None:
    with pytest.raises(CheckerError, match="broken"):
        run([sys.executable, "-c", "import sys; sys.exit('broken')"], tmp_path, ok=[0])
