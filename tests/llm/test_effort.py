"""How hard a model should think: what is sent, what a refusal teaches, and for how long."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from emulators.loopback import Exchange, Listener
from emulators.openai_server import FAULTS, ModelServer, Step, fault, text
from emulators.script import refusal
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm import effort
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.effort import Learned, steps
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ContextOverflowError, ModelAuthError, ModelError, ModelRefusedError
from ml_intern.llm.factory import Model, make_model

ASKED = [HumanMessage("Go")]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "bash", "description": "Run.", "parameters": {"type": "object"}},
}
REFUSED = FAULTS["400_effort"]
OTHER = refusal(400, "invalid_request_error", None, "Bad tools.", param="tools")
VAGUE = refusal(400, "invalid_request_error", None, "Extra inputs are not permitted.")
HI = text("Hi")


@asynccontextmanager
async def model_at(
    url: str, name: str = "vllm/x", cache: Path | None = None, retries: int = 2
) -> AsyncIterator[Model]:
    model_id = name.replace("vllm/", "openai/")
    endpoint = Endpoint(name=name, model=model_id, api_base=url, api_key="k")
    model = make_model(
        endpoint, Settings(model_name=name, max_retries=retries), [TOOL], cache=cache
    )
    try:
        yield model
    finally:
        await model.close()


async def sent(script: list[Step], wish: Any, seen: list[ev.Event], **options: Any) -> list[Any]:
    """The levels that were sent for one call after the other, until the script is used up."""
    with ModelServer(script) as server:
        async with model_at(server.base_url, **options) as model:
            while len(server.requests) < len(script):
                await ask(model, ASKED, seen.append, Asking(effort=wish))
    return [body.get("reasoning_effort") for body in server.bodies]


@pytest.mark.parametrize(
    ("wish", "refused", "levels"),
    [
        (None, 0, [None]),
        ("high", 0, ["high"]),
        ("high", 1, ["high", "medium"]),
        ("max", 6, ["max", "xhigh", "high", "medium", "low", "minimal", None]),
        ("minimal", 1, ["minimal", None]),
        ("off", 0, ["none"]),
        ("off", 1, ["none", None]),
    ],
)
@pytest.mark.parametrize("why", [REFUSED, VAGUE])
async def test_the_highest_level_that_is_accepted(
    wish: Any, refused: int, levels: list[Any], why: Step
) -> None:
    """No call is made to find out, and what was learned is sent at once the next time."""
    seen: list[ev.Event] = []
    assert await sent([why] * refused + [HI, HI], wish, seen) == [*levels, levels[-1]]
    assert sum(isinstance(e, ev.Notice) for e in seen) == (refused > 0)
    assert not any(isinstance(e, ev.Retry) for e in seen)


@pytest.mark.parametrize(
    ("wish", "refused", "says"),
    [
        ("xhigh", 2, "vllm/x takes effort medium at most."),
        ("low", 2, "vllm/x cannot be told how hard to think."),
        ("off", 1, "vllm/x cannot be told to think less."),
    ],
)
async def test_the_user_is_told_once(wish: Any, refused: int, says: str) -> None:
    seen: list[ev.Event] = []
    await sent([REFUSED] * refused + [HI] * 3, wish, seen)
    assert [e.message for e in seen if isinstance(e, ev.Notice)] == [says]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (OTHER, ModelRefusedError),
        (FAULTS["context_length"], ContextOverflowError),
        (FAULTS["401"], ModelAuthError),
        (fault("500"), ModelError),
    ],
)
async def test_what_is_not_about_effort_is_raised_at_once(
    step: Step, kind: type[ModelError]
) -> None:
    with ModelServer([step]) as server:
        async with model_at(server.base_url, retries=0) as model:
            with pytest.raises(kind):
                await ask(model, ASKED, lambda _: None, Asking(effort="max"))
            assert model.efforts.levels == {}


async def test_nothing_is_learned_when_nothing_helps(tmp_path: Path) -> None:
    with ModelServer([VAGUE] * 3) as server:
        async with model_at(server.base_url, cache=tmp_path) as model:
            with pytest.raises(ModelRefusedError):
                await ask(model, ASKED, lambda _: None, Asking(effort="low"))
            assert model.efforts.levels == {}
    assert list(tmp_path.iterdir()) == []


async def test_w16_a_step_down_on_the_last_attempt_is_still_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W16: a refusal of the level on the last attempt ended in a crash."""
    monkeypatch.setattr("ml_intern.llm.ask.random", lambda: 0.0)
    seen: list[ev.Event] = []
    busy = fault("500")
    assert await sent([busy, busy, REFUSED, HI], "low", seen) == ["low", "low", "low", "minimal"]
    assert [e.attempt for e in seen if isinstance(e, ev.Retry)] == [1, 2]


async def test_retries_are_counted_over_all_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_intern.llm.ask.random", lambda: 0.0)
    busy = fault("500")
    with ModelServer([busy, REFUSED, busy, busy]) as server:
        async with model_at(server.base_url) as model:
            with pytest.raises(ModelError, match="had an error"):
                await ask(model, ASKED, lambda _: None, Asking(effort="low"))


async def test_what_was_learned_is_kept_on_disk(tmp_path: Path) -> None:
    seen: list[ev.Event] = []
    cache = tmp_path / "new" / "cache"
    assert await sent([REFUSED, HI], "high", seen, cache=cache) == ["high", "medium"]
    assert await sent([HI, HI], "high", seen, cache=cache) == ["medium", "medium"]
    assert await sent([REFUSED, HI], "high", seen, cache=cache) == ["medium", "low"]
    assert await sent([HI], "high", seen, cache=cache, name="vllm/y") == ["high"]
    assert (cache / "effort.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in cache.iterdir()] == ["effort.json"]


def entry(level: Any = "low", age: float = 0.0) -> dict[str, Any]:
    return {"level": level, "at": time.time() - age}


DAY = 24 * 3600.0


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        ({"m": {"high": entry("low", 29 * DAY)}}, {"high": "low"}),
        ({"m": {"high": entry("", 0)}}, {"high": ""}),
        ({"m": {"high": entry("low", 31 * DAY)}}, {}),
        ({"m": {"high": entry("low", -DAY)}}, {}),
        ({"m": {"high": entry("huge")}}, {}),
        ({"m": {"high": {"level": "low"}}}, {}),
        ({"m": {"high": "low"}}, {}),
        ({"m": {"huge": entry()}}, {}),
        ({"m": []}, {}),
        ({"n": {"high": entry()}}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_file_is_read_with_care(tmp_path: Path, stored: Any, known: dict[str, str]) -> None:
    (tmp_path / "effort.json").write_text(json.dumps(stored))
    assert Learned.load("m", tmp_path).levels == known


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "effort.json").write_bytes(content)
    learned = Learned.load("m", tmp_path)
    assert learned.levels == {}
    learned.learn("high", "low")
    assert Learned.load("m", tmp_path).levels == {"high": "low"}


def test_models_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, two = Learned.load("one", tmp_path), Learned.load("two", tmp_path)
    one.learn("high", "low")
    two.learn("max", "")
    assert Learned.load("one", tmp_path).levels == {"high": "low"}
    assert Learned.load("two", tmp_path).levels == {"max": ""}


def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    learned = Learned.load("m", tmp_path / "file")
    learned.learn("high", "low")
    assert learned.levels == {"high": "low"}


def test_the_steps_go_down_from_what_is_known() -> None:
    assert steps("high", "low") == ["low", "minimal", ""]
    assert steps("high", "") == [""]
    assert steps("low", "max") == ["low", "minimal", ""]
    assert steps("off", "") == [""]


@pytest.mark.parametrize(
    ("param", "about"),
    [(None, True), ("reasoning_effort", True), ("reasoning.effort", True), ("thinking.type", True),
     ("output_config.effort", True), ("tools", False), ("max_tokens", False)],
)  # fmt: skip
def test_the_parameter_tells_what_a_refusal_is_about(param: str | None, about: bool) -> None:
    refused = ModelRefusedError("no")
    refused.param = param
    assert effort.may_be_about_effort(refused) is about


SENT_AS: list[tuple[str, dict[str, Any]]] = [
    ("openai/x", {"reasoning_effort": "high"}),
    ("openai/gpt-5.1", {"reasoning_effort": "high"}),
    ("openai/gpt-4o", {"reasoning_effort": "high"}),
    ("groq/x", {"reasoning_effort": "high"}),
    ("openrouter/z/x", {"reasoning_effort": "high"}),
    ("mistral/mistral-large", {"reasoning_effort": "high"}),
    ("xai/grok-4", {"reasoning_effort": "high"}),
    ("together_ai/x/y", {"reasoning_effort": "high"}),
    ("cerebras/x", {"reasoning_effort": "high"}),
    ("fireworks_ai/x", {"reasoning_effort": "high"}),
    ("deepseek/deepseek-reasoner", {"thinking": {"type": "enabled"}}),
    ("anthropic/claude-opus-4-6", {"output_config": {"effort": "high"}}),
    ("anthropic/claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
    ("gemini/gemini-2.5-pro", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 4096}}}),
]


async def body_of(name: str, how: Asking) -> dict[str, Any]:
    """The first request's body; whatever is answered."""
    bodies = await bodies_of(name, how)
    return bodies[0]


async def bodies_of(name: str, how: Asking) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []

    class Refuses(Exchange):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.read_body()))
            said = json.dumps({"error": {"message": "no", "param": "tools"}}).encode()
            self.send_whole(400, "application/json", said, {})

    listener = Listener(Refuses, 0)
    listener.start()
    try:
        async with model_at(f"http://127.0.0.1:{listener.port}", name) as model:
            with pytest.raises(ModelError):
                await ask(model, ASKED, lambda _: None, how)
    finally:
        await asyncio.to_thread(listener.stop)
    return bodies


@pytest.mark.parametrize(("name", "part"), SENT_AS, ids=[name for name, _ in SENT_AS])
async def test_each_provider_gets_its_own_words(name: str, part: dict[str, Any]) -> None:
    """litellm drops what its table does not know, without a word: it must be in the body."""
    assert contains(await body_of(name, Asking(effort="high")), part)


@pytest.mark.parametrize("name", [name for name, _ in SENT_AS])
async def test_without_a_wish_nothing_is_sent(name: str) -> None:
    body = json.dumps(await body_of(name, Asking()))
    assert not any(word in body for word in ("effort", "thinking", "Thinking", "reasoning"))


async def test_a_level_that_litellm_refuses_costs_no_request() -> None:
    [body] = await bodies_of("gemini/gemini-2.5-pro", Asking(effort="max"))
    assert contains(body, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 4096}}})
    [body] = await bodies_of("anthropic/claude-opus-4-6", Asking(effort="xhigh"))
    assert contains(body, {"output_config": {"effort": "high"}})


LIMITS: list[tuple[str, dict[str, Any]]] = [
    ("openai/x", {"max_tokens": 77}),
    ("openai/gpt-5.1", {"max_completion_tokens": 77}),
    ("openai/o3", {"max_completion_tokens": 77}),
    ("openai/gpt-5-codex", {"max_output_tokens": 77}),
    ("groq/x", {"max_tokens": 77}),
    ("openrouter/z/x", {"max_tokens": 77}),
    ("mistral/mistral-large", {"max_tokens": 77}),
    ("deepseek/deepseek-chat", {"max_tokens": 77}),
    ("xai/grok-4", {"max_tokens": 77}),
    ("together_ai/x/y", {"max_tokens": 77}),
    ("cerebras/x", {"max_tokens": 77}),
    ("fireworks_ai/x", {"max_tokens": 77}),
    ("anthropic/claude-opus-4-6", {"max_tokens": 77}),
    ("gemini/gemini-2.5-pro", {"generationConfig": {"max_output_tokens": 77}}),
]


@pytest.mark.parametrize(("name", "part"), LIMITS, ids=[name for name, _ in LIMITS])
async def test_the_limit_of_an_answer_reaches_every_provider(
    name: str, part: dict[str, Any]
) -> None:
    assert contains(await body_of(name, Asking(max_output=77)), part)


async def test_a_refusal_under_a_low_limit_teaches_nothing() -> None:
    """Thinking must fit below the limit: with another one the level may be accepted."""
    with ModelServer([REFUSED, HI]) as server:
        async with model_at(server.base_url) as model:
            how = Asking(effort="high", max_output=900)
            assert (await ask(model, ASKED, lambda _: None, how)).text == "Hi"
            assert model.efforts.levels == {}


def contains(whole: Any, part: Any) -> bool:
    if not isinstance(part, dict):
        return bool(whole == part)
    return all(name in whole and contains(whole[name], value) for name, value in part.items())
