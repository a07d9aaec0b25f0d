# Every gate, in the order of what fails soonest; the same list as .ci/run.
check: format lint layers types test

format:
    uv run ruff format --check .

lint:
    uv run ruff check .

layers:
    uv run lint-imports

types:
    uv run mypy
    uv run pyright

test *ARGS:
    uv run pytest -n auto {{ARGS}}

# Every crash point on SQLite (some 20 minutes); --database URL for PostgreSQL, --help for the rest.
sweep *ARGS:
    uv run python tests/crash/sweep.py --all {{ARGS}}

# Rewrite what a tool can rewrite.
fix:
    uv run ruff check --fix .
    uv run ruff format .

# Print the measured figures again.
bench:
    uv run python benchmarks/startup.py
    uv run python benchmarks/iterations.py
    uv run python benchmarks/snapshots.py
    uv run python benchmarks/parallel.py
    uv run python benchmarks/memory.py
    uv run python benchmarks/terminal.py

# The pictures of the README again, from a real screen.
pictures:
    uv run python docs/pictures.py
