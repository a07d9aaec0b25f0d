"""LangGraph's own conformance suite, in full, on both savers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

import postgres
from ml_intern.checkpoints.saver import open_database


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_saver_can_do_everything_langgraph_asks(kind: str, tmp_path: Path) -> None:
    url = postgres.fresh() if kind == "postgres" else None

    @checkpointer_test(name=kind)
    async def saver() -> AsyncIterator[BaseCheckpointSaver[str]]:
        async with open_database(tmp_path / "conformance.sqlite", url) as database:
            yield database.saver

    report = await validate(saver)
    failures = [line for result in report.results.values() for line in result.failures]
    assert not failures
    assert report.passed_all()
    assert len(report.results) == 8
    assert all(result.passed for result in report.results.values())
