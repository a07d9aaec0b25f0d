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
    uv run pytest {{ARGS}}

# Rewrite what a tool can rewrite.
fix:
    uv run ruff check --fix .
    uv run ruff format .

# Print the measured figures again.
bench:
    uv run python benchmarks/startup.py
    uv run python benchmarks/iterations.py
    uv run python benchmarks/parallel.py
