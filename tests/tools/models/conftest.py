from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.hub_models import add_models
from emulators.hub_models_catalogue import HARDWARE, MODELS, TOKEN
from emulators.site import Site


@pytest.fixture
def hub() -> Iterator[Site]:
    with Site() as site:
        add_models(site, MODELS, HARDWARE)
        yield site


@pytest.fixture
def addresses(hub: Site) -> dict[str, str]:
    return {"hf_endpoint": hub.url}


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": TOKEN}
