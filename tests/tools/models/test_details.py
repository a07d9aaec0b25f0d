"""`hf_models` details: models of every kind, hidden files, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from emulators import hub_models_catalogue as known
from emulators.hub_models import COMMIT, Model, add_models
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.reader import LARGEST
from ml_intern.tools.models.tool import MODELS
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext

Call = Callable[..., Any]


async def details(call: Call, *ids: str) -> str:
    text: str = (await call(MODELS, operation="details", repo_id=", ".join(ids))).text
    return text


def line(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{name}: "))


def served(hub: Site, model: Model) -> None:
    """Put `model` before all others."""
    routes, hub._routes = hub._routes, []
    add_models(hub, {model.info["id"]: model})
    hub._routes += routes


async def test_a_model_is_described_whole(
    call: Call, hub: Site, golden: Callable[[str, str], None]
) -> None:
    text = await details(call, known.LLAMA, known.QWEN)
    golden("hub/models_details.txt", text.replace(hub.url, "http://hub"))


async def test_other_kinds_of_repository_are_described_by_what_they_have(
    call: Call, golden: Callable[[str, str], None]
) -> None:
    ids = (known.GGUF, known.ADAPTER, known.GPTQ, known.MOE, known.BARE)
    golden("hub/models_details_kinds.txt", await details(call, *ids))


async def test_a_commits_files_are_asked_for_once(call: Call, hub: Site) -> None:
    await details(call, known.QWEN)
    files = [ask for ask in hub.ledger if "/resolve/" in ask.path]
    assert {ask.method for ask in files} == {"HEAD", "GET"}
    assert all(f"/resolve/{COMMIT}/" in ask.path for ask in files)
    asked = len(hub.ledger)
    await details(call, known.QWEN)
    assert not [line for line in hub.lines[asked:] if "/resolve/" in line]


async def test_no_weights_are_downloaded(call: Call, hub: Site) -> None:
    await details(call, known.LLAMA, known.GPT2, known.GGUF)
    assert not [line for line in hub.lines if line.endswith((".safetensors", ".bin", ".gguf"))]


async def test_headers_of_shards_are_counted_where_the_hub_has_not_done_it(
    call: Call, hub: Site
) -> None:
    text = await details(call, known.SHARDED)
    total = 1000 * 4096 + 2 * 4096 * 4096 + 4096
    assert f"{total:,} (BF16 {total - 4096:,}, F32 4,096; headers" in line(text, "parameters")
    shards = [ask for ask in hub.ledger if ask.path.endswith(".safetensors")]
    assert len(shards) == 3
    assert all(ask.headers["range"].startswith("bytes=0-") for ask in shards)


async def test_headers_that_cannot_be_read_leave_the_count_unknown(call: Call, hub: Site) -> None:
    broken = replace(
        known.MODELS[known.SHARDED], files={"model.safetensors": b"\xff" * 8 + b"nonsense"}
    )
    served(hub, broken)
    text = await details(call, known.SHARDED)
    assert line(text, "parameters") == "parameters: not stated: no safetensors or GGUF metadata"
    assert "could not be read: model.safetensors: " in text


class TestGated:
    """A gated model whose files this token may not read."""

    @pytest.fixture
    def keys(self) -> dict[str, str]:
        return {"HF_TOKEN": "hf_other"}

    async def test_what_is_there_is_shown_and_what_is_hidden_named(
        self, call: Call, hub: Site, golden: Callable[[str, str], None]
    ) -> None:
        text = await details(call, known.LLAMA)
        golden("hub/models_details_gated.txt", text.replace(hub.url, "http://hub"))
        assert "hf_other" not in text

    async def test_terms_to_accept_are_told_from_an_owner_to_ask(
        self, call: Call, hub: Site
    ) -> None:
        llama = known.MODELS[known.LLAMA]
        served(hub, replace(llama, info={**llama.info, "gated": "auto"}))
        assert "must accept the terms on" in line(await details(call, known.LLAMA), "access")

    async def test_a_private_model_cannot_be_told_from_a_missing_one(self, call: Call) -> None:
        for name in (known.PRIVATE, "acme/none"):
            with pytest.raises(ToolError, match="does not exist on the Hub, or is private"):
                await details(call, name)


async def test_nobody_says_that_access_is_missing_who_has_not_tried(call: Call, hub: Site) -> None:
    served(hub, Model(known.info("a/b", gated="manual")))
    assert "no file was read" in line(await details(call, "a/b"), "access")


async def test_a_private_model_of_ones_own_is_shown_as_such(call: Call) -> None:
    assert line(await details(call, known.PRIVATE), "access") == "access: private"


async def test_one_model_that_is_missing_takes_nothing_from_the_others(call: Call) -> None:
    text = await details(call, known.GPT2, "acme/none")
    assert "GPT2LMHeadModel (gpt2); 12 layers" in text
    assert "## acme/none\nThe model acme/none does not exist" in text
    with pytest.raises(ToolError) as caught:
        await details(call, "acme/none", "acme/neither")
    assert str(caught.value).count("does not exist") == 2


async def test_names_are_needed_few_and_each_is_asked_for_once(call: Call, hub: Site) -> None:
    with pytest.raises(ToolError, match="needs `repo_id`"):
        await details(call)
    with pytest.raises(ToolError, match="takes 5 models at most; 6 were given"):
        await details(call, *"abcdef")
    with pytest.raises(ToolError, match="did not accept this of the model a/b/c"):
        await details(call, "a/b/c")
    assert hub.ledger == []
    text = await details(call, known.GPT2, f"https://huggingface.co/{known.GPT2}/")
    assert text.count("## ") == 1


async def test_few_requests_are_under_way_at_once(call: Call, hub: Site) -> None:
    under_way, most = 0, 0
    answer = hub.answer

    def counting(ask: Any) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        reply = answer(ask)
        import time

        time.sleep(0.02)
        under_way -= 1
        return reply

    hub.answer = counting  # type: ignore[method-assign]
    await details(call, known.LLAMA, known.QWEN, known.GPT2, known.GPTQ, known.MOE)
    assert 1 < most <= 4


async def test_a_file_that_is_too_large_is_not_read(call: Call, hub: Site) -> None:
    llama = known.MODELS[known.LLAMA]
    served(hub, replace(llama, files={**llama.files, "tokenizer_config.json": LARGEST + 1}))
    text = await details(call, known.LLAMA)
    assert "could not be read: tokenizer_config.json: not read, because it is 5 MB" in text
    assert not [line for line in hub.lines if "tokenizer_config" in line]
    # The Hub's own reading of it is used instead.
    assert "eos <|eot_id|>" in line(text, "tokenizer")


@pytest.mark.parametrize("content", [b"<html>", b"[" * 100_000, b"\xff\xfe"])
async def test_a_config_that_is_no_json_is_said_to_be(
    call: Call, hub: Site, content: bytes
) -> None:
    gpt2 = known.MODELS[known.GPT2]
    served(hub, replace(gpt2, files={"config.json": content}))
    text = await details(call, known.GPT2)
    assert "could not be read: config.json: it is no JSON" in text
    assert "config.json cannot be read" in line(text, "architecture")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"x"', b'{"num_hidden_layers": "many"}'])
async def test_a_config_of_another_form_says_nothing(call: Call, hub: Site, content: bytes) -> None:
    gpt2 = known.MODELS[known.GPT2]
    served(hub, replace(gpt2, files={"config.json": content}))
    assert line(await details(call, known.GPT2), "architecture") == "architecture: class not stated"


async def test_strange_metadata_is_left_out(call: Call, hub: Site) -> None:
    odd = known.info(
        "a/b", downloads="many", likes=-5, tags=[5, None, "license:"], pipeline_tag={"x": 1},
        library_name="lib\n## fake heading", gated=None, gguf="x", config=[1],
        safetensors={"parameters": "x", "total": -1}, lastModified=None,
        childrenModelCount=["x"], evalResults=None,
        cardData={"license": {"a": 1}, "datasets": 7, "language": [None], "base_model": [[]]},
    )  # fmt: skip
    served(hub, Model({**odd, "model-index": {"results": 5}}, {"config.json": b"{}"}))
    text = await details(call, "a/b")
    assert line(text, "kind").startswith("kind: task not stated, lib ## fake heading, commit")
    assert text.count("\n## ") == 0
    assert "licence: not stated" in text
    assert "-5" not in text


async def test_evaluations_that_the_library_cannot_read_cost_only_themselves(
    call: Call, hub: Site
) -> None:
    qwen = known.MODELS[known.QWEN]
    served(hub, replace(qwen, info={**qwen.info, "evalResults": [{"dataset": {}}]}))
    text = await details(call, known.QWEN)
    assert "could not be read: The Hub answered about the evaluations" in text
    assert "Qwen2ForCausalLM" in text


async def test_many_results_and_names_are_cut_with_a_word(call: Call, hub: Site) -> None:
    qwen = known.MODELS[known.QWEN]
    entries = [{"dataset": {"id": f"d/{n}", "task_id": "default"}, "value": n} for n in range(30)]
    card = {"datasets": [f"d/{n}" for n in range(40)]}
    served(hub, replace(qwen, info={**qwen.info, "evalResults": entries, "cardData": card}))
    text = await details(call, known.QWEN)
    assert '- 20 more; hf_repo_files(operation="read", repo_id="Qwen/' in text
    assert line(text, "trained on").endswith("d/14 and 25 more")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=401, body={"error": "no"}), "refused the model"),
        (Reply(status=403, body={"error": "no"}), "refused the model"),
        (Reply(status=429, body={"error": "slow"}), "asked too often"),
        (Reply(status=500, body={"error": "x"}), "did not answer"),
        (Reply(body="<html>no</html>"), "in a form that is not known"),
        (Reply(body=[1]), "in a form that is not known"),
        (Reply(body={"id": "a/b", "siblings": [{}]}), "in a form that is not known"),
        (Reply(body="x" * 10_000, cut=True), "did not answer"),
    ],
)
async def test_each_refusal_is_one_clear_error(
    call: Call, hub: Site, reply: Reply, said: str
) -> None:
    hub.fail("GET /api/models/openai-community/gpt2", reply, times=3)
    with pytest.raises(ToolError) as caught:
        await details(call, known.GPT2)
    assert said in str(caught.value)


async def test_variants_that_cannot_be_listed_are_only_missing(call: Call, hub: Site) -> None:
    hub.fail("GET /api/models$", Reply(status=400, body={"error": "no"}), times=2)
    text = await details(call, known.LLAMA)
    assert "2,328 finetunes; 690 quantized" in text
    assert "could not be read: The Hub did not accept this of the models made of" in text


async def test_without_a_cache_folder_files_are_read_all_the_same(
    ctx: ToolContext, services: Services
) -> None:
    bare = replace(ctx, services=Services(services.settings, services.keys, None))
    args = MODELS.args(operation="details", repo_id=known.GPT2)
    assert "12 layers" in (await MODELS.handler(args, bare)).text
