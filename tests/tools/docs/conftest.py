from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.docs import GradioDocs, HubDocs

TOKEN = "hf_secret"


@pytest.fixture
def hub() -> Iterator[HubDocs]:
    with HubDocs() as site:
        yield site
        sent = [ask.headers for ask in site.ledger]
        assert TOKEN not in str(sent), "documentation is read without the token"


@pytest.fixture
def gradio() -> Iterator[GradioDocs]:
    with GradioDocs() as site:
        yield site


@pytest.fixture
def addresses(hub: HubDocs, gradio: GradioDocs) -> dict[str, str]:
    return {
        "hf_docs_url": f"{hub.url}/docs",
        "hf_openapi_url": f"{hub.url}/.well-known/openapi.json",
        "gradio_docs_url": gradio.url,
    }


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": TOKEN}
