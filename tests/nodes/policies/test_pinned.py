"""What no summary may lose is kept by code."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall

from ml_intern.checkpoints.inbox import Queued
from ml_intern.graph.state import PlanItem
from ml_intern.nodes.policies.compaction import replacement
from ml_intern.nodes.policies.history import called
from ml_intern.nodes.policies.marks import marking
from ml_intern.nodes.policies.pinned import (
    Pinned,
    called_before,
    pinned,
    pinned_text,
    within,
)
from ml_intern.nodes.policies.queued import spoken

EDITORS = {"write", "edit"}


def using(tool: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name=tool, args=args, id="c", type="tool_call")])


def test_the_users_words_and_the_changed_files() -> None:
    messages: list[AnyMessage] = [
        HumanMessage("Never touch data/."),
        HumanMessage("[Go on.]", additional_kwargs=marking("nudge")),
        using("write", path="a.py", content="x"),
        using("read", path="b.py"),
        using("edit", path="c.py"),
        using("edit", path="a.py"),
        using("write", path=7),
        HumanMessage("And be quick."),
    ]
    block = pinned(messages, EDITORS)
    assert block == Pinned(("Never touch data/.", "And be quick."), ("a.py", "c.py"))


def test_it_is_carried_from_one_compaction_to_the_next() -> None:
    first = pinned([HumanMessage("One."), using("write", path="a.py")], EDITORS)
    summary = replacement("…", first.marking())
    second = pinned([summary, HumanMessage("Two."), using("edit", path="b.py")], EDITORS)
    assert second == Pinned(("One.", "Two."), ("a.py", "b.py"), ("edit",))


def test_what_a_turn_called_is_known_until_the_next_one() -> None:
    first = pinned([HumanMessage("One."), using("plan_tool"), using("bash")], EDITORS)
    summary = replacement("…", first.marking())
    assert called_before(summary) == ["plan_tool", "bash"]
    assert pinned([summary, using("bash")], EDITORS).called == ("plan_tool", "bash")
    assert pinned([summary, HumanMessage("Two.")], EDITORS).called == ()
    assert called([HumanMessage("One."), summary, using("bash")], "plan_tool")
    assert not called([summary, HumanMessage("Two.")], "plan_tool")
    heard = spoken([Queued("1", "One more thing.")], within=True)
    assert pinned([summary, heard], EDITORS).called == ("plan_tool", "bash")
    assert called([summary, heard], "plan_tool")
    assert not called([summary, HumanMessage("Two."), heard], "plan_tool")
    old = replacement("…", {"ml_intern_pinned": {"said": [], "files": []}})
    assert called_before(old) == []


def test_long_words_are_clipped_before_any_is_left_out() -> None:
    block = Pinned(("a" * 1000, "short", "b" * 1000))
    small = within(block, 300, len)
    assert sum(map(len, small.said)) <= 300
    assert small.said[1] == "short"
    assert [text[0] for text in small.said] == ["a", "s", "b"]
    assert within(block, 10**6, len) == block


def test_the_newest_files_are_named() -> None:
    messages = [using("write", path=f"{n}.py") for n in range(150)]
    assert pinned(messages, EDITORS).files == tuple(f"{n}.py" for n in range(50, 150))


def test_how_it_reads() -> None:
    plan = [
        PlanItem(id="1", content="load", status="completed"),
        PlanItem(id="2", content="train", status="in_progress"),
        PlanItem(id="3", content="ship", status="pending"),
    ]
    text = pinned_text(Pinned(("Be quick.",), ("a.py",)), plan)
    assert "> Be quick." in text
    assert "[x] load\n[>] train\n[ ] ship" in text
    assert text.endswith("a.py")
    assert pinned_text(Pinned(), []) == ""


def tokens(text: str) -> int:
    return len(text) // 4 + 1


def test_of_hundreds_of_messages_the_newest_stay() -> None:
    """Clipped in the middle, the block would lose just those."""
    block = Pinned(tuple(f"message {n}: " + "x" * 100 for n in range(400)))
    small = within(block, 2000, tokens)
    assert sum(map(tokens, small.said)) <= 2000
    assert small.said[-1].startswith("message 399")
    assert small.omitted == 400 - len(small.said)
    assert f"({small.omitted} earlier messages" in pinned_text(small, [])
    again = pinned([replacement("…", small.marking()), HumanMessage("New.")], EDITORS)
    assert (again.omitted, again.said[-1]) == (small.omitted, "New.")
    assert within(Pinned(("y" * 9000,)), 10, len).omitted == 0


def test_a_step_of_the_plan_is_a_line() -> None:
    plan = [PlanItem(id="1", content="z" * 5000, status="pending")]
    assert len(pinned_text(Pinned(), plan)) < 500
