"""Which machines a model fits on."""

from __future__ import annotations

from collections.abc import Sequence

from ml_intern.tools.models.flavors import Flavor
from ml_intern.tools.models.memory import Need

TIGHT = 0.85
"""The part of a GPU's memory above which a longer sequence may be one too many."""


def verdict(need: Need, flavor: Flavor) -> str:
    """`fits 40%`, `tight 90%` or `no`: of each GPU's memory, with everything divided evenly."""
    used = _used(need, flavor)
    if used > 1:
        return "no"
    return f"{'tight' if used > TIGHT else 'fits'} {max(used, 0.01):.0%}"


def _used(need: Need, flavor: Flavor) -> float:
    return need.on(flavor.gpus) / (flavor.memory / flavor.gpus)


def cheapest(need: Need, flavors: Sequence[Flavor]) -> str:
    """The first of `flavors` that has room to spare, and the first at all if that is another."""
    fitting = [flavor for flavor in flavors if _used(need, flavor) <= 1]
    if not fitting:
        return f"{need.name}: none"
    roomy = next((flavor for flavor in fitting if _used(need, flavor) <= TIGHT), None)
    tight = f"{_named(fitting[0])} if tight ({_used(need, fitting[0]):.0%})"
    if roomy is None:
        return f"{need.name}: {tight}"
    return f"{need.name}: {_named(roomy)}" + ("" if roomy is fitting[0] else f"; {tight}")


def _named(flavor: Flavor) -> str:
    return f"{flavor.name} ({flavor.gpus}x {flavor.gpu}, {priced(flavor)})"


def priced(flavor: Flavor) -> str:
    """`$0.80/h`."""
    return "price unknown" if flavor.price is None else f"${flavor.price:.2f}/h"


def table(needs: Sequence[Need], flavors: Sequence[Flavor]) -> list[str]:
    """A row for each machine, a column for each need."""
    names = [need.name for need in needs]
    head = ["flavor", "GPUs", "GB in all", "price", *names]
    rows = [head, ["---"] * len(head), *(_row(needs, flavor) for flavor in flavors)]
    return [f"| {' | '.join(row)} |" for row in rows]


def _row(needs: Sequence[Need], flavor: Flavor) -> list[str]:
    machine = [flavor.name, f"{flavor.gpus}x {flavor.gpu}", f"{flavor.memory / 1e9:,.0f}"]
    return [*machine, priced(flavor), *(verdict(need, flavor) for need in needs)]
