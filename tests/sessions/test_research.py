"""A whole piece of research: from "find a recipe" to a plan on disk that names its sources."""

from __future__ import annotations

from pathlib import Path

from emulators import hub_models_catalogue as models
from emulators.docs import HubDocs
from emulators.hub_models import add_models
from emulators.openai_server import Call, calls, text
from emulators.papers import PAGE, PAPER, ArxivSite, ScholarSite
from emulators.viewer import Dataset, DatasetHub, Viewer
from emulators.viewer_datasets import PAIRS
from harness import agent
from ml_intern.graph import events as ev

DATA = "acme/pairs"
TOKEN = models.TOKEN
KNOWN: dict[str, Dataset] = {DATA: PAIRS}
PLAN = f"""# DPO on {models.LLAMA}
- Method: margins, section 2 of https://arxiv.org/abs/{PAPER}; newer work follows it (2405.00029).
- Data: {DATA}, fits DPO once its prompt column is gone.
- Hardware: l40sx1 for LoRA.
- Trainer: packing as in the TRL documentation.
"""

SCRIPT = [
    calls(Call("hf_papers", {"operation": "search", "query": "margins", "sort_by": "relevance"})),
    calls(
        Call("hf_papers", {"operation": "citation_graph", "arxiv_id": PAPER}),
        Call("hf_papers", {"operation": "read_paper", "arxiv_id": PAPER}),
    ),
    calls(Call("hf_papers", {"operation": "read_paper", "arxiv_id": PAPER, "section": "2"})),
    calls(
        Call("hf_inspect_dataset", {"dataset": DATA}),
        Call("hf_models", {"operation": "details", "repo_id": models.LLAMA}),
        Call("hf_models", {"operation": "memory", "repo_id": models.LLAMA}),
        Call("explore_hf_docs", {"library": "trl", "query": "packing"}),
    ),
    calls(Call("write", {"path": "PLAN.md", "content": PLAN})),
    text("The plan is in PLAN.md."),
]


async def test_a_recipe_is_found_and_written_down_with_its_sources(tmp_path: Path) -> None:
    hub = DatasetHub(KNOWN)
    add_models(hub, models.MODELS, models.HARDWARE)
    with (
        hub, ScholarSite() as scholar, ArxivSite({PAPER: PAGE}) as arxiv, Viewer(KNOWN) as viewer,
        HubDocs() as docs,
    ):  # fmt: skip
        async with agent(
            SCRIPT, tmp_path, keys={"HF_TOKEN": TOKEN}, hf_endpoint=hub.url,
            hf_docs_url=f"{docs.url}/docs", dataset_viewer_url=viewer.url, arxiv_url=arxiv.url,
            semantic_scholar_url=scholar.url,
        ) as a:  # fmt: skip
            await a.say("Find a recipe for preference tuning an 8B model.")
            outputs = a.of(ev.ToolOutput)
            assert [o.output for o in outputs if not o.success] == []
            said = {o.tool_call_id: o.output for o in outputs}
            in_order = [said[call.tool_call_id] for call in a.of(ev.ToolCall)]
            found, graph, contents, section, data, details, memory, manual, _ = in_order
            assert await a.history_violations() == []
            assert a.of(ev.TurnComplete)[-1].final_response == "The plan is in PLAN.md."
    assert "Following Margins, Part 1" in found
    assert "2405.00029" in graph
    assert "\n2 Method (" in contents
    assert "$$ L(\\theta)" in section
    assert "DPO: fits after mapping" in data
    assert "parameters: 8,030,261,248" in details
    assert "LoRA: l40sx1" in memory
    assert 'section="packing"' in manual
    assert (tmp_path / "work" / "PLAN.md").read_text() == PLAN
    # Each service saw what was asked of it, and the token only who it is for.
    assert {ask.token for ask in hub.ledger} == {TOKEN}
    assert {ask.token for ask in viewer.ledger} <= {TOKEN}
    for other in (scholar, arxiv, docs):
        assert other.ledger
        assert TOKEN not in str([ask.headers for ask in other.ledger])
