"""The catalogue of the Hugging Face router, as router.huggingface.co/v1/models gives it."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from emulators.json_server import NOT_FOUND, JsonServer


def offer(
    provider: str,
    *,
    window: int | None = 262_144,
    price: tuple[float, float] | None = (0.6, 2.5),
    tools: bool | None = True,
    status: str = "live",
) -> dict[str, Any]:
    """A provider of a model; what is None is left out, as the router does."""
    optional = {
        "context_length": window,
        "pricing": price and {"input": price[0], "output": price[1]},
        "supports_tools": tools,
        "supports_structured_output": tools,
    }
    shown = {key: value for key, value in optional.items() if value is not None}
    return {"provider": provider, "status": status, "is_model_author": False, **shown}


def model(name: str, *offers: dict[str, Any]) -> dict[str, Any]:
    owner = name.partition("/")[0]
    known = {"id": name, "object": "model", "created": 1_752_000_000, "owned_by": owner}
    shape = {"input_modalities": ["text"], "output_modalities": ["text"]}
    return {**known, "architecture": shape, "providers": list(offers)}


class RouterServer(JsonServer):
    """Serves the models it is given."""

    def __init__(self, *models: dict[str, Any]) -> None:
        super().__init__()
        self.models: Any = list(models)
        self.status = 200

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        if line != "GET /v1/models":
            return NOT_FOUND
        return self.status, {"object": "list", "data": self.models}
