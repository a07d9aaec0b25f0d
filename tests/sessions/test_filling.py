"""What fills the window, by kind."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from emulators.openai_server import Call, calls, text
from harness import agent
from ml_intern.nodes.policies.marks import marking
from ml_intern.sessions import operations as op
from ml_intern.sessions.filling import Filling, Kind, context_parts, kind_of, shared_out


def tokens(filling: Filling) -> dict[Kind, int]:
    assert sum(part.tokens for part in filling.parts) == filling.tokens
    return {part.kind: part.tokens for part in filling.parts}


async def test_an_empty_session_is_filled_by_what_goes_with_every_request(tmp_path: Path) -> None:
    async with agent([], tmp_path, context_window=100_000) as a:
        found = tokens(await a.session.filling())
        assert {kind for kind, n in found.items() if n} == {"system prompt", "tools"}


async def test_instructions_and_skills_have_shares_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "work" / "AGENTS.md"
    skill = tmp_path / "work" / ".agents" / "skills" / "pdf" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: pdf\ndescription: Reads PDFs.\n---\n")
    path.write_text("word " * 2_000)
    async with agent([text("ok")], tmp_path, context_window=100_000) as a:
        filling = await a.session.filling()
        found = tokens(filling)
        assert 2_000 <= found["instructions"] < 2_600
        assert 10 < found["skills"] < 200
        assert filling.files == (str(path),)
        shown = dict(context_parts(filling))
        assert str(path) in shown["instructions"]
        assert "tool results" not in shown
        assert f"{found['tools']:,} (" in shown["tools"]
        await a.say("go")
    path.unlink()
    skill.unlink()
    # A session that is gone on with has the prompt that it began with.
    async with agent([], tmp_path, context_window=100_000, proceed=True) as a:
        again = await a.session.filling()
        assert again.files == (str(path),)
        assert tokens(again)["instructions"] > 1_500


async def test_every_kind_of_message_is_told_apart(tmp_path: Path) -> None:
    """In the proportions of the texts, also where the provider's own count is the total."""
    script = [
        calls(Call("bash", {"command": "seq 1 400"}), usage=(5_000, 100)),
        text("answer " * 300, usage=(9_000, 1_000)),
    ]
    async with agent(script, tmp_path, context_window=100_000) as a:
        await a.say("please " * 600)
        filling = await a.session.filling()
        found = tokens(filling)
        assert filling.tokens == 10_000
        assert found["your messages"] > found["its messages"] > 0
        assert found["tool results"] > 0
        assert found["summary"] == found["notes"] == 0


async def test_a_summary_is_one(tmp_path: Path) -> None:
    script = [text("word " * 3_000), text("two"), text("SUMMARY.")]
    async with agent(script, tmp_path) as a:
        for words in ("first", "second"):
            await a.say(words)
        await a.do(op.Compact())
        assert tokens(await a.session.filling())["summary"] > 0


def test_what_we_write_is_not_taken_for_the_users_words() -> None:
    assert kind_of(HumanMessage("x", additional_kwargs=marking("nudge"))) == "notes"
    denied = ToolMessage("x", tool_call_id="1", additional_kwargs=marking("denied"))
    assert kind_of(denied) == "notes"
    assert kind_of(SystemMessage("x")) == "notes"
    assert kind_of(HumanMessage("x")) == "your messages"
    assert kind_of(AIMessage("x")) == "its messages"
    assert kind_of(ToolMessage("x", tool_call_id="1")) == "tool results"


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), max_size=4))
def test_the_shares_add_up(total: int, counts: list[int]) -> None:
    kinds: tuple[Kind, ...] = ("system prompt", "tools", "your messages", "tool results")
    shares = shared_out(total, dict(zip(kinds, counts, strict=False)))
    assert shares.total() == total
    assert all(n >= 0 for n in shares.values())
