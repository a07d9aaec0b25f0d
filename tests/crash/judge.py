"""What must hold after every strike, judged by the ledger, stdout and what the model was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crash.history import Result, in_doubt, results, sent_last
from crash.story import TURNS
from crash.strike import Story, acknowledged

GUARDED = ("reconcilable", "opaque")
"""Effects that must not happen twice."""


def once(story: Story) -> Iterator[str]:
    """Nothing that counts happens twice."""
    for key, tool in _keys(story).items():
        count = story.world.count(key)
        if tool in GUARDED and count > 1:
            yield f"{tool} {key} happened {count} times"


def truth(story: Story) -> Iterator[str]:
    """Every call has one result, and what it says is so."""
    found = results(story)
    for key, tool in _keys(story).items():
        told = [result for result in found if result.key == key]
        unasked = story.given_up and not told and not story.world.count(key)
        if len(told) != 1 and not unasked:
            yield f"{tool} {key} stands {len(told)} times in the history"
        for result in told:
            yield from _untrue(story, result)


def _untrue(story: Story, result: Result) -> Iterator[str]:
    what, count = f"{result.tool} {result.key}", story.world.count(result.key)
    if result.ok:
        if not count:
            yield f"{what} is called done and never happened"
        if result.tool == "idempotent" and not story.world.holds(result.key):
            yield f"the file of {result.key} is not as it should be"
    elif result.not_run:
        if count or not story.given_up:
            yield f"{what} happened {count} times and is called not run"
    elif not result.unknown:
        yield f"{what} is told as {result.text[:60]!r}"
    elif not _may_be_unknown(story, result):
        yield f"{what} is called unknown without need"


def _may_be_unknown(story: Story, result: Result) -> bool:
    """Only a kill between intent and result hides an outcome, and not what the world can tell."""
    if result.tool not in GUARDED:
        return story.given_up
    return result.tool == "opaque" and in_doubt(story.struck.trace, result.call_id)


def kept(story: Story) -> Iterator[str]:
    """A result that was shown is what the history says for good."""
    told = {result.call_id: result for result in results(story)}
    for event in story.struck.events:
        if event["type"] == "tool_output" and event["tool"] != "plan_tool":
            result = told.get(event["tool_call_id"])
            text = result.text if result else None
            if text != event["output"]:
                yield f"{event['output']!r} was shown, the history has {text!r}"


def messages(story: Story) -> Iterator[str]:
    """Every message of the user's is there once, in order."""
    said = [m["content"] for m in sent_last(story) if m["role"] == "user"]
    wanted = [turn.prompt for turn in TURNS[: story.turn + 2]]
    if said != wanted:
        yield f"the user said {wanted}, the history has {said}"


def prefix(story: Story) -> Iterator[str]:
    """What the model was once sent is the beginning of all that it is sent later."""
    last = sent_last(story)
    sent = [body["messages"] for body in story.bodies]
    wrong = [str(n) for n, body in enumerate(sent, 1) if last[: len(body)] != body]
    if wrong:
        yield f"of {len(sent)} requests, {', '.join(wrong)} is no beginning of the last one"


def ends(story: Story) -> Iterator[str]:
    """The session comes to its answers, and says so."""
    turn = TURNS[story.turn]
    answers = [run.answer for run in (story.struck, *story.healed)]
    if turn.answer not in answers and not story.given_up:
        yield f"turn {story.turn + 1} was never answered: {answers}"
    if story.audit.answer != TURNS[story.turn + 1].answer:
        yield f"the next turn: {story.audit.status}, {_last_words(story.audit.out)}"
    tries = len(story.healed) - len(story.rivals)
    if acknowledged(story.struck, story.turn) and tries > 1:
        yield f"an acknowledged message took {tries} tries"


def clean(story: Story) -> Iterator[str]:
    """No invalid request, no traceback, no damaged database."""
    yield from story.objections
    rivals = [rival.run for rival in story.rivals]
    for run in (story.struck, *story.healed, *rivals, story.audit):
        if "Traceback" in run.err:
            yield f"a traceback: {_last_words(run.err)}"
    if story.integrity:
        yield f"the database: {story.integrity}"


def refused(story: Story) -> Iterator[str]:
    """Of two processes one is refused, and told who has the session."""
    for rival in story.rivals:
        run = rival.run
        if run.answer == TURNS[story.turn].answer and not rival.must_yield:
            continue
        if run.status.code in (0, None):
            yield f"a second process ended with {run.status}"
        if f"process {rival.other}" not in run.out + run.err:
            yield f"a second process was not told the pid: {_last_words(run.out + run.err)}"


def _keys(story: Story) -> dict[str, str]:
    return {key: tool for turn in TURNS[: story.turn + 2] for key, tool in turn.keys.items()}


def _last_words(text: str) -> str:
    return text[-300:].strip() or "nothing"


INVARIANTS: dict[str, Callable[[Story], Iterator[str]]] = {
    judge.__name__: judge for judge in (once, truth, kept, messages, prefix, ends, clean, refused)
}


def failures(story: Story) -> dict[str, list[str]]:
    """What does not hold, by invariant."""
    found = {name: list(judge(story)) for name, judge in INVARIANTS.items()}
    return {name: what for name, what in found.items() if what}
