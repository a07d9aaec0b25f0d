from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.viewer import Dataset, DatasetHub, Viewer
from emulators.viewer_datasets import CHAT, PAIRS

TOKEN = "hf_reader"


@pytest.fixture
def datasets() -> dict[str, Dataset]:
    """What both services know; a test adds to it."""
    return {"acme/chat": CHAT, "acme/pairs": PAIRS}


@pytest.fixture
def viewer(datasets: dict[str, Dataset]) -> Iterator[Viewer]:
    with Viewer(datasets) as site:
        yield site


@pytest.fixture
def hub(datasets: dict[str, Dataset]) -> Iterator[DatasetHub]:
    with DatasetHub(datasets) as site:
        yield site


@pytest.fixture
def addresses(viewer: Viewer, hub: DatasetHub) -> dict[str, str]:
    return {"dataset_viewer_url": viewer.url, "hf_endpoint": hub.url}


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": TOKEN}
