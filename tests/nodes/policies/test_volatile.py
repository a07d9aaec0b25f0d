"""What changes by itself does not make two results differ; progress does."""

from __future__ import annotations

import pytest

from ml_intern.nodes.policies.volatile import steady


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-21 10:00:01 waiting", "2026-11-21 10:03:44 waiting"),
        ("2026-11-21T10:00:01.123Z x", "2026-11-22T23:00:01.9+01:00 x"),
        ("Sat Nov 21 13:22:38 UTC 2026", "Sun Nov 22 04:01:02 UTC 2026"),
        ("[10:00] still PENDING", "[10:05] still PENDING"),
        ("done in 3.21s", "done in 17s"),
        ("took 120 ms", "took 98.5 ms"),
        ("real\t0m1.234s", "real\t1m0.001s"),
        ("pid 4711 exists", "pid 12 exists"),
        ("PID=99 up", "PID=100 up"),
        ("[12345] started", "[54321] started"),
        ("<Model at 0x7f3a91c2>", "<Model at 0x55ffee01>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-0000-0000-0000-000000000001"),
        ("wrote /tmp/abc123/x", "wrote /tmp/def-456/x"),
        ("at 1763730000.12", "at 1763739999.98"),
    ],
)
def test_what_changes_by_itself(one: str, other: str) -> None:
    assert steady(one) == steady(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("step 100/1000", "step 150/1000"),
        ("loss 0.512", "loss 0.498"),
        ("epoch 3: 45%", "epoch 3: 60%"),
        ("12 files", "13 files"),
        ("status: RUNNING", "status: COMPLETED"),
        ("accuracy: 0.91", "accuracy: 0.92"),
        ("port 8080", "port 8081"),
        ("x" * 50_000 + "a", "x" * 50_000 + "b"),
        ("x" * 50_000, "x" * 50_001),
    ],
)
def test_progress_is_not_lost(one: str, other: str) -> None:
    assert steady(one) != steady(other)


def test_a_huge_output_costs_little() -> None:
    assert len(steady("a 10:00 b " * 1_000_000)) < 60_000
