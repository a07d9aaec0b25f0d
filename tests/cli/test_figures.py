"""What a conversation shows and changes of its cost, its window, its model: in a real terminal."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, ModelServer, calls, fault, text
from process import run, workdir
from terminal import CTRL_C, terminal

PRICES = {name: {"input": 1, "output": 10} for name in ("openai/gpt-test", "openai/gpt-other")}


def configured(root: Path, **settings: Any) -> str:
    path = workdir(root) / "settings.json"
    path.write_text(json.dumps({"prices": PRICES, **settings}))
    return str(path)


def options(root: Path) -> dict[str, Any]:
    """What is stored with the one session there is."""
    database = sqlite3.connect(root / "home/sessions.sqlite")
    ((stored,),) = database.execute("SELECT options FROM sessions")
    database.close()
    parsed: dict[str, Any] = json.loads(stored)
    return parsed


def test_w37_what_it_cost_and_what_is_left(tmp_path: Path) -> None:
    """W37: there was no word on cost, and no limit to it."""
    words = ("--config", configured(tmp_path, context_window=200_000), "--max-budget-usd", "5")
    with ModelServer([text("Hello.", usage=(3_000, 1_000, 2_000, 0))]) as server:
        with terminal(tmp_path, server, *words) as child:
            child.enter("/cost")
            child.find(r"0 in, 0 out")
            child.find(r"\$5.00, \$5.0000 left")
            child.enter("hi")
            child.find("Hello")
            child.enter("/cost")
            child.find("3,000 in, 1,000 out")
            child.find("2,000 read, 0 written")
            child.find(r"main +\$0.0130, 1 calls")
            child.find(r"compaction +\$0.0000, 0 calls")
            child.find(r"budget +\$5.00, \$4.9870 left")
            child.enter("/context")
            child.find(r"request +4,000 of 200,000 tokens \(2.0%\)")
            child.find(r"above 180,000 tokens \(90%\)")
            child.find("messages +2")
            child.leave()


def test_an_unknown_cost_is_called_unknown(tmp_path: Path) -> None:
    with ModelServer([text("Hello.")]) as server, terminal(tmp_path, server) as child:
        child.enter("hi")
        child.find("Hello")
        child.enter("/cost")
        child.find(r"\$0.0000 \+ 1 unpriced")
        child.find("1 calls of unknown cost, not in the sums")
        child.find("budget +none")
        child.leave()
    listed = run(tmp_path, "sessions")
    assert "$0.0000 + 1 unpriced" in listed.out


def test_model_effort_and_budget_are_changed_in_a_session(tmp_path: Path) -> None:
    config = configured(tmp_path, fallback_models=["openai/gpt-other"])
    script = [text("One."), text("Two."), text("Three.")]
    with ModelServer(script) as server:
        with terminal(tmp_path, server, "--config", config) as child:
            child.enter("hi")
            child.find("One")
            child.enter("/model")
            child.find("openai/gpt-test")
            child.find("fallbacks +openai/gpt-other")
            child.enter("/model nosuch/thing")
            child.find("no provider is called 'nosuch'")
            child.enter("/model openai/gpt-other")
            child.find("openai/gpt-other takes over with the next message")
            child.enter("/effort hihg")
            child.find("Choices: off, minimal, low, medium, high, xhigh, max")
            child.enter("/effort low")
            child.find("Effort from the next message on: low")
            child.enter("/budget nothing")
            child.find("is no number of dollars")
            child.enter("/budget -1")
            child.find("a number of dollars, or none")
            child.enter(r"/budget $7")
            child.find(r"may cost \$7.00 in all")
            assert options(tmp_path)["model"] == "openai/gpt-test"
            child.enter("go on")
            child.find("Two")
            child.enter("/new")
            child.find("openai/gpt-other [^\n]+ new session")
            child.leave()
        assert [r.body["model"] for r in server.requests] == ["gpt-test", "gpt-other"]
        kept = options(tmp_path)
        assert (kept["model"], kept["effort"]) == ("openai/gpt-other", "low")
        assert kept["max_budget_usd"] == 7
        ended = run(tmp_path, "-c", "--config", config, "and on", "--output-format", "json",
                    server=server)  # fmt: skip
        assert ended.json["cost"]["budget_usd"] == 7
        assert server.requests[-1].body["model"] == "gpt-other"


def test_w1_compact_comes_back_and_says_what_it_did(tmp_path: Path) -> None:
    script = [text("Once. " * 2000), text("Twice."), text("SUMMARY."), text("Thrice.")]
    with ModelServer(script) as server, terminal(tmp_path, server) as child:
        child.enter("/compact")
        child.find("nothing to compact yet")
        child.enter("hi")
        child.find("Once")
        child.enter("more")
        child.find("Twice")
        child.enter("/compact")
        child.find("context compacted: [0-9,]+ → [0-9,]+ tokens")
        child.enter("/compact the data please")
        child.find("Thrice")
        child.leave()


def test_a_wait_is_counted_down_and_stopped_at_once(tmp_path: Path) -> None:
    script = [fault("503", retry_after="40"), text("Fine.")]
    with ModelServer(script) as server, terminal(tmp_path, server) as child:
        child.enter("hi")
        child.find(r"trying again in 39 s \(1 of 4\)")
        child.find(r"trying again in 38 s")
        child.send(CTRL_C)
        child.see("interrupted", 5)
        assert "38 s" not in child.shown()
        child.enter("again")
        child.see("Fine")
        assert child.text().count("trying again in 40 s (1 of 4)") == 1
        child.leave()


def test_a_headless_wait_is_one_line(tmp_path: Path) -> None:
    script = [fault("503", retry_after="1"), text("Fine."), fault("503", retry_after="1"),
              text("Fine.")]  # fmt: skip
    with ModelServer(script) as server:
        shown = run(tmp_path, "go", server=server)
        streamed = run(tmp_path, "go", "--output-format", "stream-json", server=server)
    assert shown.out == "Fine.\n"
    assert re.findall(r"trying again in 1 s \(1 of 4\)\n", shown.err) != []
    (retry,) = [line for line in streamed.lines if line["type"] == "retry"]
    assert (retry["attempt"], retry["retries"], retry["wait_seconds"]) == (1, 4, 1.0)
    (usage,) = [line for line in streamed.lines if line["type"] == "usage"]
    assert usage["cache_write_tokens"] == 0


def test_text_that_was_cut_is_marked_and_asked_for_again(tmp_path: Path) -> None:
    with ModelServer([fault("close"), text("A whole answer.")]) as server:
        with terminal(tmp_path, server) as child:
            child.enter("hi")
            child.find("The learning rate")
            child.find("… \\(cut off\\)")
            child.find("trying again")
            child.find("A whole answer")
            child.leave()


def test_a_budget_that_is_used_up_ends_the_turn_and_is_not_refilled(tmp_path: Path) -> None:
    """Neither a kill nor `-c` gives anything back."""
    config = configured(tmp_path)
    work = calls(Call("bash", {"command": "echo x"}), usage=(100_000, 5_000))
    words = ("--config", config, "--output-format", "json")
    with ModelServer([work, text("Raised.", usage=(100_000, 10))]) as server:
        first = run(tmp_path, "go", "--max-budget-usd", "0.151", *words, server=server)
        assert (first.code, first.json["status"]) == (5, "limit")
        assert first.json["cost"]["budget_usd"] == 0.151
        assert first.json["cost"]["llm_usd"] == pytest.approx(0.15)
        again = run(tmp_path, "-c", "go on", *words, server=server)
        assert (again.code, again.json["status"]) == (5, "limit")
        assert len(server.requests) == 1
        more = run(tmp_path, "-c", "go on", "--max-budget-usd", "1", *words, server=server)
        assert (more.code, more.json["result"]) == (0, "Raised.")
    told = run(tmp_path, "-c", "go on", "--config", config, "--max-budget-usd", "0.1")
    assert told.code == 5
    assert "The budget of $0.10 does not pay for another model call" in told.err
    assert "limit of one turn" not in told.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--effort", "hihg"), "'off', 'minimal', 'low'"),
        (("--max-budget-usd", "0"), "'--max-budget-usd': Input should be greater than 0"),
        (("--max-budget-usd", "much"), "'--max-budget-usd'"),
        (("--max-iterations", "0"), "'--max-iterations': It must be at least 1, or -1 for no"),
    ],
)
def test_a_wrong_flag_is_named_with_what_it_may_be(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    ended = run(tmp_path, "go", *words)
    assert ended.code == 2
    assert told in " ".join(ended.err.replace("│", " ").split())
