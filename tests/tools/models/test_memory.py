"""Memory, against figures computed by hand or known from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from emulators import hub_models_catalogue as known
from ml_intern.tools.models.adapters import lora
from ml_intern.tools.models.fits import cheapest, table, verdict
from ml_intern.tools.models.flavors import Flavor, flavors_of, hourly, size_of
from ml_intern.tools.models.formulas import formulas
from ml_intern.tools.models.kv import kv_cache
from ml_intern.tools.models.memory import Load, Need, activations, needs
from ml_intern.tools.models.shape import Shape, shape_of

LLAMA_PARAMETERS = 8_030_261_248


def load(config: dict[str, Any], parameters: int, **more: Any) -> Load:
    shape = shape_of(config)
    known_of = {"tokens": 4096, "batch": 1, "rank": 16, **more}
    return Load(parameters=parameters, shape=shape, kv=kv_cache(shape, config), **known_of)


def by_name(of: Load) -> dict[str, Need]:
    return {need.name: need for need in needs(of)}


@pytest.mark.parametrize(
    ("config", "rank", "parameters"),
    [
        # What PEFT prints for all linear layers of Llama 3 8B.
        (known.LLAMA_CONFIG, 16, 41_943_040),
        (known.LLAMA_CONFIG, 8, 20_971_520),
        # 24 layers, r=8: q and o 2 * 1792, k and v 2 * 1024, MLP 3 * 5760.
        (known.QWEN_CONFIG, 8, 8 * 24 * (3584 + 2048 + 17280)),
        # Two matrices in the MLP: q, k, v, o 4 * 1536 and 2 * 3840.
        (known.GPT2_CONFIG, 4, 4 * 12 * (6144 + 7680)),
        # Experts are left out: q and o 2 * 6144, k and v 2 * 2560.
        (known.QWEN_MOE_CONFIG, 16, 16 * 48 * (12288 + 5120)),
    ],
)
def test_an_adapter_has_rank_times_both_ends_of_each_matrix(
    config: dict[str, Any], rank: int, parameters: int
) -> None:
    assert lora(shape_of(config), rank).parameters == parameters


@pytest.mark.parametrize(
    "config",
    [
        known.DEEPSEEK_CONFIG, known.GEMMA_CONFIG, {},
        {**known.LLAMA_CONFIG, "is_encoder_decoder": True},
        {**known.LLAMA_CONFIG, "full_attention_interval": 4},
        {**known.LLAMA_CONFIG, "attn_layer_period": 8},
    ],
)  # fmt: skip
def test_an_adapter_of_unknown_matrices_is_not_guessed(config: dict[str, Any]) -> None:
    adapter = lora(shape_of(config), 16)
    assert adapter.parameters is None
    assert "not " in adapter.formula


def test_activations_are_inputs_of_layers_one_layer_again_and_logits() -> None:
    # 2 * 32 * 4096 + 34 * 4096 + 8 * 128256
    assert activations(shape_of(known.LLAMA_CONFIG), 1) == 262_144 + 139_264 + 1_026_048
    assert activations(Shape(layers=2, hidden=10), 3) == 3 * (40 + 340)
    assert activations(Shape(layers=2), 3) is None


def test_an_encoder_decoder_takes_two_sequences_whose_activations_are_not_guessed() -> None:
    of = load({**known.LLAMA_CONFIG, "is_encoder_decoder": True}, LLAMA_PARAMETERS)
    assert activations(of.shape, 1) is None
    assert all(need.partial for need in needs(of))
    assert any("takes two sequences" in line for line in formulas(of))


def test_each_use_of_a_model_of_eight_billion() -> None:
    found = by_name(load(known.LLAMA_CONFIG, LLAMA_PARAMETERS))
    kv, kept, adapter = 131_072 * 4096, 4096 * 1_427_456, 16 * 41_943_040
    exact = {
        "run bf16": (2 * LLAMA_PARAMETERS + kv) * 1.2,
        "run int8": (LLAMA_PARAMETERS + kv) * 1.2,
        "run 4-bit": (0.55 * LLAMA_PARAMETERS + kv) * 1.2,
        "LoRA": (2 * LLAMA_PARAMETERS + adapter + kept) * 1.1,
        "QLoRA": (0.55 * LLAMA_PARAMETERS + adapter + kept) * 1.1,
        "full": (16 * LLAMA_PARAMETERS + kept) * 1.1,
        "full, 8-bit Adam": (10 * LLAMA_PARAMETERS + kept) * 1.1,
    }
    assert {name: need.on(1) for name, need in found.items()} == pytest.approx(exact)
    assert not any(need.partial for need in found.values())


def test_more_sequences_take_more_cache_and_more_activations() -> None:
    one = by_name(load(known.LLAMA_CONFIG, LLAMA_PARAMETERS))
    four = by_name(load(known.LLAMA_CONFIG, LLAMA_PARAMETERS, batch=4))
    cache = 131_072 * 4096
    assert four["run bf16"].shared - one["run bf16"].shared == 3 * cache
    assert four["full"].each == 4 * one["full"].each
    assert four["full"].shared == one["full"].shared


def test_gpus_share_all_but_activations() -> None:
    need = Need(name="x", shared=80e9, each=10e9, share=0.1)
    assert need.on(1) == pytest.approx(99e9)
    assert need.on(8) == pytest.approx(22e9)


def test_what_is_unknown_makes_a_need_partial() -> None:
    found = by_name(load({}, 10**9))
    assert all(need.partial for need in found.values())
    assert found["full"].on(1) == pytest.approx(16e9 * 1.1)
    # Gemma's file leaves out heads and vocabulary: the library knows them, the Hub does not.
    gemma = by_name(load(known.GEMMA_CONFIG, 4_300_079_472))
    assert gemma["full"].partial
    assert gemma["full"].each > 0


def test_of_packed_weights_only_running_is_known() -> None:
    [need] = needs(load(known.LLAMA_CONFIG, 0, stored=4 * 10**9))
    assert need.name == "run as stored"
    assert need.on(1) == pytest.approx((4e9 + 131_072 * 4096) * 1.2)


class Listed:
    """A machine as the library hands it on: of whatever the Hub said."""

    def __init__(self, data: dict[str, Any]) -> None:
        from huggingface_hub import JobHardwareInfo

        self.info = JobHardwareInfo(**data)


def flavors(*listed: dict[str, Any]) -> tuple[list[Flavor], int]:
    return flavors_of([Listed(data).info for data in listed])


def test_machines_are_sorted_by_price_and_those_without_gpu_are_counted() -> None:
    found, others = flavors(*known.HARDWARE)
    assert others == 2
    assert [flavor.name for flavor in found[:3]] == ["t4-small", "l4x1", "a10g-large"]
    assert found[0].price == pytest.approx(0.4, abs=0.001)
    l4 = next(flavor for flavor in found if flavor.name == "l4x4")
    assert (l4.gpus, l4.memory, l4.gpu) == (4, 96e9, "L4")


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        ("name", None), ("name", 5), ("quantity", "0"), ("quantity", "many"), ("quantity", None),
        ("vram", "0 GB"), ("vram", "big"), ("vram", None), ("vram", "99999999999 GB"),
        ("type", "tpu"), ("type", None),
    ],
)  # fmt: skip
def test_a_machine_that_makes_no_sense_is_left_out(path: str, odd: Any) -> None:
    data = known.machine("l4x1", "L4", 1, 24)
    (data if path in data else data["accelerator"])[path] = odd
    assert flavors(data, known.machine("h200", "H200", 1, 141)) == (
        flavors(known.machine("h200", "H200", 1, 141))[0],
        1,
    )


def test_a_price_in_an_unknown_unit_is_unknown_and_comes_last() -> None:
    cheap = {**known.machine("l4x1", "L4", 1, 24), "unitLabel": "token"}
    free = {**known.machine("a10g-small", "A10G", 1, 24), "unitCostUSD": None}
    found, _ = flavors(cheap, free, known.machine("h200", "H200", 1, 141))
    assert [flavor.price is None for flavor in found] == [False, True, True]
    assert (hourly(0.01, "minute"), hourly(0.5, "hours")) == (0.6, 0.5)
    assert hourly(0.001, "second") == pytest.approx(3.6)
    assert (hourly(-1, "hour"), hourly("1", "hour"), hourly(1, None)) == (None, None, None)


def test_sizes_are_read_with_their_unit() -> None:
    assert (size_of("24 GB"), size_of("24GiB"), size_of("1.5 TB")) == (24e9, 24 * 2**30, 1.5e12)


def flavor(name: str, gpus: int, memory: float, price: float | None = 1.0) -> Flavor:
    return Flavor(name=name, gpu="X", gpus=gpus, memory=memory, price=price)


@pytest.mark.parametrize(
    ("used", "word"),
    [(50, "fits 50%"), (85, "fits 85%"), (86, "tight 86%"), (100, "tight 100%"), (101, "no"),
     (0.1, "fits 1%")],
)  # fmt: skip
def test_a_machine_fits_tightly_or_not(used: float, word: str) -> None:
    assert verdict(Need(name="x", shared=used, share=0), flavor("f", 1, 100)) == word


def test_the_cheapest_with_room_is_named_first_and_a_tight_one_after_it() -> None:
    need = Need(name="x", shared=90, share=0)
    small, tight, roomy = flavor("s", 1, 50), flavor("t", 1, 100), flavor("r", 1, 200, None)
    assert cheapest(need, [small, tight, roomy]) == (
        "x: r (1x X, price unknown); t (1x X, $1.00/h) if tight (90%)"
    )
    assert cheapest(need, [small, tight]) == "x: t (1x X, $1.00/h) if tight (90%)"
    assert cheapest(need, [small]) == "x: none"


def test_activations_do_not_shrink_with_more_gpus() -> None:
    need = Need(name="x", shared=80, each=30, share=0)
    assert verdict(need, flavor("f", 8, 160)) == "no"
    assert verdict(need, flavor("f", 4, 240)) == "fits 83%"
    assert table([need], [flavor("f", 4, 240e9)])[-1] == "| f | 4x X | 240 | $1.00/h | fits 1% |"
