"""What a call leaves out and the files tell."""

from __future__ import annotations

from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.card import Card
from ml_intern.tools.push.model import Model, is_hub_id


def filled(args: PushModelArgs, card: Card, model: Model) -> PushModelArgs:
    """`args` with license and base from the card that is there, or the adapter's own file.

    Raises:
        ToolError: the adapter belongs to another base than the call says.
    """
    bases = args.base_model or _names(card.metadata.get("base_model"))
    own = model.base if is_hub_id(model.base) else ""
    if own and bases and own not in bases:
        raise ToolError(
            f"adapter_config.json says that the adapter belongs to {own}, the call or README.md "
            f"says {', '.join(bases)}. Correct the one that is wrong."
        )
    license_ = args.license or _license(card.metadata.get("license"))
    return args.model_copy(
        update={"base_model": bases or ([own] if own else []), "license": license_}
    )


def _names(value: Any) -> list[str]:  # noqa: ANN401 - YAML
    listed = value if isinstance(value, list) else [value]
    return [name for name in listed if isinstance(name, str) and is_hub_id(name)]


def _license(value: Any) -> str:  # noqa: ANN401 - YAML
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    return only.strip().lower() if isinstance(only, str) else ""
