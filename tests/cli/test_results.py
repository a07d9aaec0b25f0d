"""What came of a call: folded, with its size and where the rest is."""

from __future__ import annotations

from typing import Any

from ml_intern.cli.results import result_block
from ml_intern.tools.output import clip


def block(call: str, output: str, ok: bool = True, where: str = "", **arguments: Any) -> list[str]:
    return result_block(call, arguments, output, ok, where).plain.splitlines()


def test_a_short_output_is_whole() -> None:
    output = "\n".join(f"row {n}" for n in range(7))
    assert block("bash ls", output) == ["  ✔ bash ls", *(f"  │ row {n}" for n in range(7))]


def test_a_long_one_keeps_its_ends_and_says_how_much_is_between() -> None:
    output = "\n".join(f"row {n:03}" for n in range(200))
    lines = block("bash ls", output, where="/show 4")
    assert lines[1:3] == ["  │ row 000", "  │ row 001"]
    assert lines[3] == "  │ … 194 more lines, 1.6 kB · /show 4"
    assert lines[-1] == "  │ row 199"


def test_the_file_with_all_of_it_is_named_when_the_model_did_not_get_all(tmp_path: Any) -> None:
    place = tmp_path / "full output.txt"
    output = clip("row\n" * 5000, 400, place)
    (said,) = [line for line in block("bash x", output, where="/show 1") if "more lines" in line]
    assert said.endswith(f"/show 1, {place}")


def test_a_change_is_coloured_and_long_ones_are_folded() -> None:
    change = ["Edited a.py.", "@@ -1,2 +1,2 @@", "-old", "+new", " same", *[" ctx"] * 40]
    made = result_block("edit a.py", {}, "\n".join(change), True, "/show 1")
    styles = {made.plain[span.start : span.end].strip(): str(span.style) for span in made.spans}
    assert styles["│ -old"] == "red"
    assert styles["│ +new"] == "green"
    assert "31 more lines" in made.plain


def test_a_written_file_shows_its_head() -> None:
    content = "\n".join(f"line {n}" for n in range(20))
    lines = block("write a.py", "Created a.py: 20 lines.", content=content)
    assert lines[1:3] == ["  │ Created a.py: 20 lines.", "  │ line 0"]
    assert lines[7:] == ["  │ line 5", "  │ … 14 more lines, 108 bytes"]


def test_a_failure_is_not_shown_as_a_change() -> None:
    made = result_block("edit a.py", {}, "-x is not in a.py", False)
    assert made.plain == "  ✗ edit a.py\n  │ -x is not in a.py"
    assert {str(span.style) for span in made.spans} <= {""}


def test_a_line_that_is_cut_says_so() -> None:
    (_, line) = block("bash x", "a" * 5000, where="/show 1")
    assert line == f"  │ {'a' * 200}… 4,800 more characters · /show 1"
