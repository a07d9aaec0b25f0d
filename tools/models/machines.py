"""Which of the machines for Jobs have the memory that is needed, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.fits import TIGHT, cheapest, table
from ml_intern.tools.models.flavors import Flavor, flavors_of
from ml_intern.tools.models.memory import Need

if TYPE_CHECKING:
    from ml_intern.tools.spec import ToolContext

_LIFETIME = 3600.0
"""Seconds for which machines and prices are taken to be the same."""
_NO_BF16 = "A T4 has no bf16: use fp16 there."
_IN_TABLE = ("run bf16", "run as stored", "LoRA", "QLoRA", "full")


async def machines(found: Sequence[Need], ctx: ToolContext) -> list[str]:
    """The cheapest machine for each need, then all of them."""
    try:
        listed = await ctx.services.hub.known(
            "the hardware of Jobs", lambda api: api.list_jobs_hardware(), _LIFETIME
        )
    except ToolError as error:
        return [f"Which hardware fits cannot be said: {error}"]
    flavors, others = flavors_of(listed)
    if not flavors:
        return ["Which hardware fits cannot be said: the Hub lists none with GPUs."]
    return [*_cheapest(found, flavors), "", *_table(found, flavors, others)]


def _cheapest(found: Sequence[Need], flavors: Sequence[Flavor]) -> list[str]:
    partial = any(need.partial for need in found)
    caution = " What is unknown is not counted: it may need more." if partial else ""
    return [
        f"Cheapest Jobs hardware that fits, with everything but activations divided evenly over "
        f"its GPUs (running: tensor parallel; training: FSDP or ZeRO-3).{caution}",
        *(f"- {cheapest(need, flavors)}" for need in found),
    ]


def _table(found: Sequence[Need], flavors: Sequence[Flavor], others: int) -> list[str]:
    shown = [need for need in found if need.name in _IN_TABLE]
    without = f" {others} flavors without a GPU are left out." if others else ""
    old = [_NO_BF16] if any(flavor.gpu == "T4" for flavor in flavors) else []
    return [
        f"Part of each GPU's memory used (tight: above {TIGHT:.0%}).{without}",
        *table(shown, flavors),
        *old,
    ]
