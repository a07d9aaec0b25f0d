"""The native APIs of the servers that run models at home, as far as they tell about a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from emulators.json_server import NOT_FOUND, JsonServer


def listing(owner: str, names: Sequence[str], **more: Any) -> dict[str, Any]:
    data = [
        {"id": name, "object": "model", "created": 1, "owned_by": owner, **more} for name in names
    ]
    return {"object": "list", "data": data}


class Ollama(JsonServer):
    """Loads a model when asked to, with the window of the server's own setting."""

    def __init__(self, *names: str, window: int = 32_768, trained: int = 131_072) -> None:
        super().__init__()
        self.names, self.window, self.trained = names or ("qwen3:8b",), window, trained
        self.capabilities: list[str] | None = ["completion", "tools"]
        self.parameters = ""
        self.loaded: set[str] = set()
        self.can_load = True

    def _full(self, name: str) -> str:
        return name if ":" in name else f"{name}:latest"

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        match line:
            case "GET /v1/models":
                return 200, listing("library", self.names)
            case "GET /api/ps":
                loaded = [
                    {"name": n, "model": n, "size": 1, "context_length": self.window}
                    for n in sorted(self.loaded)
                ]
                return 200, {"models": loaded}
            case "POST /api/show":
                return self._show(self._full(body["model"]))
            case "POST /api/generate":
                return self._load(self._full(body["model"]))
        return NOT_FOUND

    def _show(self, name: str) -> tuple[int, Any]:
        if name not in self.names:
            return 404, {"error": f"model '{name}' not found"}
        info = {"general.architecture": "qwen3", "qwen3.context_length": self.trained}
        shown = {"parameters": self.parameters, "model_info": info}
        able = self.capabilities
        return 200, shown if able is None else {**shown, "capabilities": able}

    def _load(self, name: str) -> tuple[int, Any]:
        if not self.can_load:
            return 500, {"error": "model requires more system memory than is available"}
        self.loaded.add(name)
        return 200, {"model": name, "response": "", "done": True, "done_reason": "load"}


class Vllm(JsonServer):
    """One model, and adapters of it."""

    def __init__(self, name: str = "org/m", *adapters: str, window: int | None = 40_960) -> None:
        super().__init__()
        base = {"root": name, "parent": None, "max_model_len": window}
        self.listed = listing("vllm", [name], **base)
        lora = listing("vllm", adapters, parent=name, max_model_len=None)
        self.listed["data"] += lora["data"]

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        return (200, self.listed) if line == "GET /v1/models" else NOT_FOUND


class LmStudio(JsonServer):
    """Loads a model when it is first used, if it may."""

    def __init__(self, *names: str, loaded: bool = False, just_in_time: bool = True) -> None:
        super().__init__()
        self.names = names or ("qwen/qwen3-8b",)
        self.loaded, self.just_in_time = loaded, just_in_time
        self.window, self.most = 16_384, 65_536

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        if line == "GET /v1/models":
            return 200, listing("organization_owner", self.names)
        if line == "POST /v1/completions" and body["model"] in self.names:
            self.loaded = self.loaded or self.just_in_time
            return (200, {"choices": []}) if self.loaded else NOT_FOUND
        name = line.removeprefix("GET /api/v0/models/")
        if name not in self.names:
            return NOT_FOUND
        known = {"id": name, "type": "llm", "max_context_length": self.most}
        if self.loaded:
            return 200, {**known, "state": "loaded", "loaded_context_length": self.window}
        return 200, {**known, "state": "not-loaded"}


class LlamaCpp(JsonServer):
    """One model under the name of its file, served under any."""

    def __init__(self, *names: str, window: int | None = 24_576) -> None:
        super().__init__()
        self.names, self.window = names or ("/models/qwen3-8b-q4.gguf",), window

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        if line == "GET /v1/models":
            return 200, listing("llamacpp", self.names, meta={"n_ctx_train": 40_960})
        if line.startswith("GET /props") and self.window:
            return 200, {"default_generation_settings": {"n_ctx": self.window}, "total_slots": 1}
        return NOT_FOUND
