"""What compaction takes out of the context can be recalled: by this line of history, and whole."""

from __future__ import annotations

import json
from itertools import repeat
from pathlib import Path

from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from emulators.openai_server import Call, Step, calls, text
from emulators.script import Body
from harness import CORE, Agent, agent
from ml_intern.cli.export import Conversation, conversation
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.nodes.policies.archived import archived_batches, archived_marking
from ml_intern.nodes.policies.marks import mark_of, marking
from ml_intern.sessions import operations as op
from ml_intern.sessions.attachment import Attachment

NOTHING = "Nothing of this conversation is archived"


def shell(command: str) -> Step:
    return calls(Call("bash", {"command": command}))


def recall(*queries: str) -> Step:
    return calls(*[Call("recall", {"query": query}) for query in queries])


def recalled(a: Agent) -> list[str]:
    return [e.output for e in a.of(ev.ToolOutput) if e.tool == "recall"]


async def rows(a: Agent, session: str) -> int:
    query = "SELECT count(*) FROM archive WHERE session = ?"
    return int((await a.sessions.database.fetch(query, session))[0][0])


async def attachment(a: Agent) -> Attachment:
    return a.sessions.look(await a.sessions.find(a.session.id))


async def compact(a: Agent, batch: str) -> None:
    """As a compaction does it: all but the first message and the last are taken out."""
    at, (first, *gone, last) = await attachment(a), await a.messages()
    batches = [*archived_batches([*gone, last]), batch]
    assert at.deps.archive
    await at.deps.archive.keep(batch, [m for m in gone if mark_of(m) != "summary"])
    marks = {**marking("summary"), **archived_marking(batches)}
    summary = HumanMessage("SUMMARY.", additional_kwargs=marks)
    kept = [RemoveMessage(id=REMOVE_ALL_MESSAGES), first, summary, last]
    await at.graph.aupdate_state(at.config, {"messages": kept}, as_node="llm")


async def exported(a: Agent) -> Conversation:
    return await conversation(a.sessions, await a.sessions.find(a.session.id))


async def test_before_a_compaction_it_says_that_all_is_in_view(tmp_path: Path) -> None:
    async with agent([recall("x"), text("ok")], tmp_path) as a:
        await a.say("go")
        (output,) = recalled(a)
        assert output.startswith(NOTHING)


async def test_calls_side_by_side_and_what_is_in_view(tmp_path: Path) -> None:
    script = [
        text("one apple"), text("two apples"), recall("apple", "go on", "nowhere", ""), text("ok"),
    ]  # fmt: skip
    async with agent(script, tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        await a.say("go on")
        ids = [e.tool_call_id for e in a.of(ev.ToolCall)]
        outputs = {e.tool_call_id: e.output for e in a.of(ev.ToolOutput)}
        apple, view, nowhere, overview = [outputs[id_] for id_ in ids]
        assert apple.index("#2 you: one apple") < apple.index("#4 you (still in your context)")
        assert "#5 user (still in your context): go on" in view
        assert "None of the 6 messages" in nowhere
        lines = overview.splitlines()
        assert lines[1:4] == ["#1 first", "#3 second", "#5 go on"]


async def test_numbers_stay_from_compaction_to_compaction(tmp_path: Path) -> None:
    ask = recall("pear")
    script = [text("a pear"), text("x"), ask, text("y"), ask, text("z")]
    async with agent(script, tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        await a.say("third")
        await compact(a, "b")
        await a.say("fourth")
        before, after = recalled(a)
        assert before == after
        assert "#2 you: a pear" in before


async def test_it_is_found_after_a_crash_and_in_another_process(tmp_path: Path) -> None:
    async with agent([text("a pear"), text("x")], tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
    async with agent([recall("pear"), text("ok")], tmp_path, proceed=True) as a:
        await a.say("go")
        assert "#2 you: a pear" in recalled(a)[0]


async def test_a_call_that_waited_is_answered_after_a_resume(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="default")
    both = calls(Call("recall", {"query": "pear"}), Call("bash", {"command": "true"}))
    script = [text("a pear"), text("x"), both]
    async with agent(script, tmp_path, options=options) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        await a.say("go")
        assert a.of(ev.ApprovalRequired)
        assert not recalled(a)
    async with agent([text("ok")], tmp_path, proceed=True, options=options) as a:
        await a.do(op.Resume())
        await a.do(op.ExecApproval([Decision(type="approve")]))
        assert "#2 you: a pear" in recalled(a)[0]


async def test_an_undo_past_a_compaction_forgets_it_and_redo_brings_it_back(tmp_path: Path) -> None:
    script = [text("a pear"), text("x"), text("y"), recall("pear"), text("z"), recall("pear"),
              text("all in view")]  # fmt: skip
    async with agent(script, tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        await a.say("third")
        await a.do(op.Undo(2))
        assert archived_batches(await a.messages()) == []
        await a.do(op.Redo(2))
        await a.say("fourth")
        assert "#2 you: a pear" in recalled(a)[0]
        await a.do(op.Undo(3))
        await a.say("another way")
        assert recalled(a)[1].startswith(NOTHING)
        assert await rows(a, a.session.id) == 2


async def test_a_fork_has_the_archive_too_and_rm_takes_only_its_own(tmp_path: Path) -> None:
    script = [text("a pear"), text("x"), recall("pear"), text("ok")]
    async with agent(script, tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        original = a.session.id
        await a.do(op.Fork())
        assert a.session.id != original
        assert await rows(a, a.session.id) == await rows(a, original) > 0
        await a.say("third")
        assert "#2 you: a pear" in recalled(a)[0]
        await a.sessions.remove(await a.sessions.find(original))
        assert await rows(a, original) == 0
        assert await rows(a, a.session.id) > 0


async def test_an_export_has_the_whole_conversation(tmp_path: Path) -> None:
    script = [shell("echo pear"), text("one"), text("two"), text("three")]
    async with agent(script, tmp_path) as a:
        await a.say("first")
        await a.say("second")
        await compact(a, "a")
        await a.say("third")
        document = await exported(a)
        shown, value = document.markdown(full=True), json.loads(document.json())
        parts = ["> first", "Call of `bash`", "pear\n", "one", "> second",
                 "## Compacted here", "> SUMMARY.", "two", "> third", "three"]  # fmt: skip
        places = [shown.index(part) for part in parts]
        assert places == sorted(places)
        assert shown.count("> first") == shown.count("> third") == shown.count("SUMMARY.") == 1
        assert [m["content"] for m in value["messages"]] == ["first", "SUMMARY.", "two", "third",
                                                             "three"]  # fmt: skip
        assert [m["role"] for m in value["archived"]] == ["assistant", "tool", "assistant", "user"]


async def test_compactions_lose_nothing_and_all_of_it_is_found(tmp_path: Path) -> None:
    """By summaries, and by pointers to outputs: the export has each message whole, in its place."""
    steps = iter([said for n in range(10) for said in (talking(n), printing(n))])

    def provider(body: Body) -> Step:
        if "tools" not in body:
            return text("SUMMARY.")
        return next(steps, None) or next(end)

    end = iter([recall('"talk 0" chatter'), recall("output-1-700"), text("Done.")])
    async with agent(lambda: repeat(provider), tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("Go to work.")
        kinds = [e.kind for e in a.of(ev.Usage)]
        assert len(a.of(ev.Compacted)) > kinds.count("compaction") > 1
        assert "#2 you: Talk 0" in recalled(a)[0]
        assert "result of bash: " in recalled(a)[1]
        assert "still in your context" not in "".join(recalled(a))
        document = await exported(a)
    shown, value = document.markdown(full=True), json.loads(document.json())
    parts = [e.output for e in a.of(ev.ToolOutput)]
    parts[::2] = [f"Talk {n}" for n in range(10)] + parts[20::2]
    places = [shown.index(part) for part in parts[:20]]
    assert places == sorted(places)
    assert shown.count("Go to work.") == 2  # its own heading has it, too
    assert shown.count("## Compacted here") == 1
    assert len(value["archived"]) == len({json.dumps(m) for m in value["archived"]})


def talking(number: int) -> Step:
    return calls(Call("bash", {"command": "true"}), content=f"Talk {number}. " + "chatter " * 2000)


def printing(number: int) -> Step:
    return shell(f"for i in $(seq 1 700); do echo output-{number}-$i; done")
