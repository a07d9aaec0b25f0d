"""What the model is told about the tools is reviewed like code."""

from __future__ import annotations

import json
from collections.abc import Callable

from ml_intern.tools.registry import TOOLS


def test_the_schemas_are_the_golden_ones(golden: Callable[[str, str], None]) -> None:
    schemas = [spec.schema() for spec in TOOLS]
    golden("tool_schemas.json", json.dumps(schemas, indent=2, ensure_ascii=False) + "\n")


def test_schemas_have_no_references() -> None:
    """Not every provider resolves them."""
    text = json.dumps([spec.schema() for spec in TOOLS])
    assert "$ref" not in text
    assert "$defs" not in text
