"""What of a folder goes to the Hub, and whether it is a whole model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from emulators.model_folders import LORA, adapter, causal, safetensors, written
from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.files import Contents, contents
from ml_intern.tools.push.local import Local, looked_at

SECRET = "hf_" + "a" * 34
NINES = "9" * 4000


def look(root: Path, include: Iterable[str] = (), known: Iterable[str] = ()) -> Local:
    return looked_at(root, tuple(include), known)


def refused(root: Path, **args: Any) -> str:
    with pytest.raises(ToolError) as caught:
        look(root, **args)
    return str(caught.value)


def going(found: Contents) -> list[str]:
    return [file.path for file in found.files]


def staying(found: Contents) -> dict[str, str]:
    return {one.path: one.reason for one in found.left_out}


LEFTOVERS = {
    "optimizer.pt": "training state",
    "scheduler.pt": "training state",
    "rng_state_0.pth": "training state",
    "trainer_state.json": "training state",
    "training_args.bin": "the trainer's pickled arguments, which may hold a token",
    "train.log": "a log",
    "events.out.tfevents.17": "a log",
    "wandb/run/x": "a log",
    "checkpoint-10/model.safetensors": "a training checkpoint",
    "__pycache__/m.pyc": "a cache",
    ".cache/huggingface/x": "hidden",
    ".gitattributes": "hidden",
    ".git/config": "git's own",
    "train.parquet": "data, which has its place in a dataset",
    "model.safetensors.tmp": "unfinished or temporary",
}
CREDENTIALS = (".env", ".env.local", "prod.env", "hf_token.txt", "token", "id_rsa", "key.pem",
               "credentials.json", "gcp-credentials.json", "secrets.yaml", ".netrc")  # fmt: skip


def test_leftovers_of_training_stay_behind_with_the_reason(tmp_path: Path) -> None:
    root = causal(tmp_path, **dict.fromkeys(LEFTOVERS, "x"), **{"sub/extra.json": "{}"})
    found = contents(root)
    assert going(found) == [
        "config.json", "model.safetensors", "sub/extra.json", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    folders = {"wandb/run/x": "wandb/", "checkpoint-10/model.safetensors": "checkpoint-10/",
               "__pycache__/m.pyc": "__pycache__/", ".cache/huggingface/x": ".cache/",
               ".git/config": ".git/"}  # fmt: skip
    assert staying(found) == {folders.get(path, path): why for path, why in LEFTOVERS.items()}


def test_what_is_asked_for_by_name_goes_and_credentials_never_do(tmp_path: Path) -> None:
    root = causal(tmp_path, **dict.fromkeys([*LEFTOVERS, *CREDENTIALS], "x"))
    found = contents(root, ["optimizer.pt", "checkpoint-10", "wandb/run/*", "*.parquet"])
    assert {"optimizer.pt", "checkpoint-10/model.safetensors", "wandb/run/x",
            "train.parquet"} <= set(going(found))  # fmt: skip
    everything = contents(root, ["*"])
    assert set(staying(everything)) == {*CREDENTIALS, ".git/"}
    assert {staying(everything)[name] for name in CREDENTIALS} == {"a credential, by its name"}
    assert "tokenizer.json" in going(everything)


def test_a_credential_in_a_checkpoint_that_is_asked_for_stays(tmp_path: Path) -> None:
    root = causal(tmp_path, **{"checkpoint-1/.env": "x", "checkpoint-1/model.safetensors": "x"})
    found = contents(root, ["checkpoint-1"])
    assert staying(found) == {"checkpoint-1/.env": "a credential, by its name"}


def test_links_are_followed_only_inside_the_folder(tmp_path: Path) -> None:
    outside = written(tmp_path / "home", {"id": "secret"})
    root = causal(tmp_path / "m")
    (root / "out.json").symlink_to(outside / "id")
    (root / "gone.json").symlink_to(root / "nowhere")
    (root / "loop.json").symlink_to(root / "loop.json")
    (root / "folder").symlink_to(outside)
    (root / "inside.json").symlink_to(root / "config.json")
    os.mkfifo(root / "pipe")
    found = contents(root)
    assert "inside.json" in going(found)
    left = "a link out of the folder, or to nothing"
    assert staying(found) == {
        "out.json": left, "gone.json": left, "loop.json": left, "folder": left,
        "pipe": "no regular file",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["config.json", "notes.md", "modeling.py", "LICENSE"])
def test_a_credential_in_a_text_is_refused_without_being_repeated(
    tmp_path: Path, name: str
) -> None:
    said = refused(causal(tmp_path, **{name: f'{{\n"a": "{SECRET}"}}'}))
    assert f"{name} has a Hugging Face token in line 2. Nothing was uploaded." in said
    assert SECRET not in said


def test_a_credential_of_the_user_is_found_whatever_it_looks_like(tmp_path: Path) -> None:
    root = causal(tmp_path, **{"notes.md": "it is open-sesame-1"})
    assert "one of the user's credentials" in refused(root, known=["open-sesame-1"])
    assert look(root, known=["is"]).model.kind == "model"  # too short to mean anything


def test_a_token_in_what_stays_behind_harms_nobody(tmp_path: Path) -> None:
    assert look(causal(tmp_path, **{".env": SECRET, "run.log": SECRET})).model.kind == "model"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "has no weights that would be uploaded"),
        ({"config.json": {}}, "has no weights that would be uploaded"),
        ({"config.json": {}, "optimizer.pt": "x"}, "has no weights that would be uploaded"),
        ({"x.safetensors": safetensors()}, "is no model: it has neither config.json"),
        ({"config.json": {}, "model.safetensors": b""}, "model.safetensors is empty"),
        ({"config.json": "{", "model.safetensors": safetensors()}, "config.json is not JSON"),
        ({"config.json": {}, "model.safetensors": b"\0" * 20}, "its header has no valid length"),
        ({"config.json": {}, "model.safetensors": b"\4\0\0\0\0\0\0\0nono"}, "is not JSON"),
        ({"config.json": {}, "model.safetensors": safetensors()[:-1]}, "is not whole"),
        ({"config.json": {}, "model.safetensors": safetensors() + b"x"}, "is not whole"),
        (
            {"config.json": {}, "model.safetensors": b"\x09\0\0\0\0\0\0\0" + b'{"a": []}'},
            "its header says nonsense",
        ),
        (
            {
                "config.json": {},
                "model-1.safetensors": safetensors(),
                "model.safetensors.index.json": {
                    "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}
                },
            },
            "names 1 files that are not there, such as model-2.safetensors",
        ),
    ],
)
def test_what_is_no_whole_model_is_refused(
    tmp_path: Path, files: dict[str, Any], words: str
) -> None:
    assert words in refused(written(tmp_path, files))


def test_a_folder_of_far_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_intern.tools.push.files.MOST", 4)
    assert "has more than 4 files" in refused(causal(tmp_path, **{"more.json": {}}))


def test_numbers_are_counted_over_all_files_and_by_type(tmp_path: Path) -> None:
    root = causal(tmp_path, **{"b.safetensors": safetensors({"c": ("BF16", [])})})
    assert look(root).model.numbers == {"BF16": 41, "F32": 3}


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ({"architectures": ["BertForSequenceClassification"]}, "text-classification"),
        ({"architectures": ["GPT2LMHeadModel"]}, "text-generation"),
        ({"architectures": ["ViTForImageClassification"]}, "image-classification"),
        ({"architectures": ["BertModel"]}, ""),
        ({"architectures": [None]}, ""),
        ({"architectures": "x"}, ""),
        ([], ""),
    ],
)
def test_the_task_is_told_from_the_class(tmp_path: Path, config: Any, task: str) -> None:
    assert look(causal(tmp_path, **{"config.json": config})).model.task == task


def test_other_kinds_of_models_are_known(tmp_path: Path) -> None:
    lora = look(adapter(tmp_path / "a")).model
    assert (lora.kind, lora.task, lora.library, lora.base) == (
        "adapter", "text-generation", "peft", "meta/llama",
    )  # fmt: skip
    sentences = look(causal(tmp_path / "b", **{"modules.json": []})).model
    assert (sentences.task, sentences.library) == ("sentence-similarity", "sentence-transformers")
    pipeline = {"model_index.json": {"_class_name": "FluxPipeline"},
                "unet/x.safetensors": safetensors()}  # fmt: skip
    found = look(written(tmp_path / "c", pipeline)).model
    assert (found.kind, found.architecture, found.library) == (
        "pipeline", "FluxPipeline", "diffusers",
    )  # fmt: skip
    assert look(written(tmp_path / "d", {"m.gguf": b"GGUF"})).model.kind == "gguf"
    odd = look(adapter(tmp_path / "e", **{"adapter_config.json": {**LORA, "peft_type": 3}})).model
    assert odd.architecture == ""


def test_a_link_to_what_must_not_go_does_not_go_by_another_name(tmp_path: Path) -> None:
    root = causal(tmp_path, **{".env": "PASSWORD=1", ".git/config": "url = https://x:y@host"})
    (root / "notes.md").symlink_to(".env")
    (root / "remotes.txt").symlink_to(".git/config")
    (root / "same.json").symlink_to("config.json")
    found = contents(root)
    assert not {"notes.md", "remotes.txt"} & set(going(found))
    assert "same.json" in going(found)


def test_a_folder_of_keys_stays_even_if_it_is_asked_for(tmp_path: Path) -> None:
    root = causal(tmp_path, **{".ssh/config": "Host x", ".aws/config": "x"})
    assert not [name for name in going(contents(root, [".ssh", ".aws/*"])) if name[0] == "."]


@pytest.mark.parametrize("name", ["v1.0/Dockerfile", "RUN.PY", "data.jsonl"])
def test_a_credential_is_found_in_texts_of_any_name(tmp_path: Path, name: str) -> None:
    assert "has a Hugging Face token" in refused(
        causal(tmp_path, **{name: f"x={SECRET}"}), include=["*"]
    )


@pytest.mark.parametrize(
    "about",
    [
        '{"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}',
        '{"dtype": "F32", "shape": [1000], "data_offsets": [0, 4]}',
        f'{{"dtype": "F32", "shape": [{NINES}, {NINES}], "data_offsets": [0, 4]}}',
        '{"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}',
        '{"dtype": "F32", "shape": "1", "data_offsets": 4}',
    ],
)
def test_a_header_of_nonsense_is_told(tmp_path: Path, about: str) -> None:
    header = f'{{"w": {about}}}'.encode()
    data = len(header).to_bytes(8, "little") + header + bytes(4)
    said = refused(causal(tmp_path, **{"model.safetensors": data}))
    assert said == "model.safetensors is damaged: its header says nonsense of a tensor."
