"""The machines that Jobs can be run on, as the Hub lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_intern.tools.models.fields import number, text

if TYPE_CHECKING:
    from huggingface_hub import JobHardwareInfo

_UNITS = {"second": 3600, "minute": 60, "hour": 1}
"""How many of a unit of price are in an hour."""
_SIZES = {"gb": 1e9, "gib": 2**30, "tb": 1e12, "mb": 1e6, "mib": 2**20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """One kind of machine with GPUs."""

    name: str
    gpu: str
    gpus: int
    memory: float
    """Bytes of all GPUs together, as the Hub states it: GB of 10^9."""
    price: float | None
    """US dollars for an hour; None where the Hub's unit is unknown."""


def flavors_of(listed: list[JobHardwareInfo]) -> tuple[list[Flavor], int]:
    """Those with GPUs, the cheapest first, and how many of the others there are."""
    found = [flavor for item in listed if (flavor := _flavor(item))]
    found.sort(key=lambda flavor: (flavor.price is None, flavor.price, flavor.memory, flavor.name))
    return found, len(listed) - len(found)


def _flavor(item: JobHardwareInfo) -> Flavor | None:
    accelerator = item.accelerator
    if accelerator is None or text(accelerator.type).lower() != "gpu":
        return None
    name, memory = text(item.name), size_of(accelerator.vram)
    quantity = text(str(accelerator.quantity))
    if not (name and memory and quantity.isascii() and quantity.isdigit() and int(quantity)):
        return None
    return Flavor(
        name=name,
        gpu=text(accelerator.model),
        gpus=int(quantity),
        memory=memory,
        price=hourly(item.unit_cost_usd, item.unit_label),
    )


def size_of(stated: object) -> float | None:
    """`24 GB` in bytes."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([KMGT]i?B)", text(stated), re.IGNORECASE)
    if match is None or match[2].lower() not in _SIZES:
        return None
    return float(match[1]) * _SIZES[match[2].lower()] or None


def hourly(cost: object, unit: object) -> float | None:
    """Dollars for an hour, from the cost of a unit of time; None for other units."""
    price, units = number(cost), _UNITS.get(text(unit).lower().removesuffix("s"))
    return price * units if price is not None and price >= 0 and units else None
