"""`hf_inspect_dataset` from the model's call to the message that it reads."""

from __future__ import annotations

from pathlib import Path

from emulators.openai_server import Call, Step, calls, text
from emulators.viewer import Dataset, DatasetHub, Viewer
from emulators.viewer_datasets import CHAT
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.tools.dataset.inspection import INSPECT_DATASET

TOOLS = {INSPECT_DATASET.name: INSPECT_DATASET}
KNOWN: dict[str, Dataset] = {"acme/chat": CHAT}


def look(**args: object) -> Step:
    return calls(Call(INSPECT_DATASET.name, args))


async def test_a_model_reads_the_report_the_rows_and_the_refusals(tmp_path: Path) -> None:
    script = [
        look(dataset="acme/chat"),
        look(dataset="acme/chat", view="", query="length", limit=1),
        look(dataset="acme/nothing"),
        look(dataset="acme/chat", sample_rows=99),
        text("ok"),
    ]
    with Viewer(KNOWN) as viewer, DatasetHub(KNOWN) as hub:
        async with agent(
            script, tmp_path, tools=TOOLS, keys={"HF_TOKEN": "hf_reader"},
            dataset_viewer_url=viewer.url, hf_endpoint=hub.url,
        ) as a:  # fmt: skip
            await a.say("look at it")
            outputs = a.of(ev.ToolOutput)
            violations = await a.history_violations()
    assert [output.success for output in outputs] == [True, True, False, False]
    report, rows, missing, refused = (output.output for output in outputs)
    assert report.startswith("# Dataset acme/chat, config default, split train\n")
    assert "SFT: fits as it is" in report
    assert "1 of 1 matching rows" in rows
    assert "acme/nothing does not exist on the Hub" in missing
    assert "sample_rows" in refused
    assert violations == []
