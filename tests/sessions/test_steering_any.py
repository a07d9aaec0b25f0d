"""However messages, stops and steps interleave: each message is heard or given back, once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import chain, count, repeat
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulators.openai_server import Call, calls, text
from harness import Agent, agent
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op

DEEDS = st.lists(
    st.sampled_from(["say", "say", "say", "take back", "stop", "nothing", "nothing"]), max_size=40
)


class Typist:
    """Does one thing at each event; numbers what is said."""

    def __init__(self, a: Agent, deeds: Sequence[str]) -> None:
        self._a = a
        self._deeds = iter(deeds)
        self._numbers = (f"message {n}" for n in count(1))
        self.said: list[str] = []
        self.given_back: list[str] = []

    async def do(self, operation: op.Operation) -> list[ev.Event]:
        """Carry it out, typing at each of its events."""
        events = []
        async for event in self._a.session.handle(operation):
            events.append(event)
            await self._act(next(self._deeds, "nothing"))
        return events

    async def _act(self, deed: str) -> None:
        match deed:
            case "say":
                message = next(self._numbers)
                try:
                    await self._a.session.steer(message)
                except ConfigError:
                    return
                self.said.append(message)
            case "take back":
                self.given_back += await self._a.session.take_back()
            case "stop":
                self._a.session.stop()


@given(steps=st.integers(0, 3), deeds=DEEDS, asking=st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_message_goes_one_way(steps: int, deeds: list[str], asking: bool) -> None:
    import asyncio

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps, deeds, asking=asking))


async def play(folder: Path, steps: int, deeds: list[str], *, asking: bool) -> None:
    work = [calls(Call("bash", {"command": f"echo {n}"})) for n in range(steps)]
    options = RunOptions(permission_mode="default" if asking else "yolo")
    script = lambda: chain(work, repeat(text("Fine.")))  # noqa: E731
    async with agent(script, folder, options=options) as a:
        typist = Typist(a, deeds)
        events = await typist.do(op.UserInput("go"))
        while isinstance(events[-1], ev.ApprovalRequired):
            events = await typist.do(op.ExecApproval([Decision(type="approve")]))
        await a.say("the end")
        heard = [m.text for m in await a.messages() if m.type == "human"]
        parts = "\n\n".join(heard).split("\n\n")
        assert (parts[0], parts[-1]) == ("go", "the end")
        assert sorted([*parts[1:-1], *typist.given_back]) == sorted(typist.said)
        for some in (parts[1:-1], typist.given_back):
            assert some == [message for message in typist.said if message in some]
        assert await a.sessions.database.fetch("SELECT id FROM inbox") == []
        assert await a.history_violations() == []
