"""From the model's call to what the model reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.openai_server import Call, calls, text
from emulators.papers import PAGE, PAPER, ArxivSite
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.tools.papers.tool import PAPERS


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> None:
    """A session's start in a test reads files on the loop."""


async def test_a_paper_is_read_section_by_section_in_a_session(tmp_path: Path) -> None:
    """Also where only reading is allowed."""
    read = {"operation": "read_paper", "arxiv_id": f"arxiv.org/abs/{PAPER}", "query": ""}
    script = [
        calls(Call("hf_papers", read)),
        calls(Call("hf_papers", {**read, "section": "Method"})),
        calls(Call("hf_papers", {**read, "limit": 500})),
        text("Read."),
    ]
    with ArxivSite({PAPER: PAGE}) as arxiv:
        async with agent(
            script, tmp_path, tools={"hf_papers": PAPERS}, arxiv_url=arxiv.url,
            options=RunOptions(permission_mode="plan"),
        ) as a:  # fmt: skip
            await a.say("Read it.")
            contents, method, wrong = [event.output for event in a.of(ev.ToolOutput)]
            assert await a.history_violations() == []
    assert "\n2 Method (" in contents
    assert "$$ L(\\theta)" in method
    assert "limit: Input should be less than or equal to 50" in wrong
    assert len(arxiv.ledger) == 1
