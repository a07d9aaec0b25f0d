"""`ml-intern config`: what a start here would be configured with, and where each value is from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ml_intern.cli.here import working_folder
from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import Effort, PermissionMode

if TYPE_CHECKING:
    from ml_intern.configs.guidance import Guidance
    from ml_intern.configs.origin import Sources

SCHEMA_VERSION = 1
Row = tuple[str, ...]

config = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@config.command()
def show(  # noqa: PLR0913, PLR0917 - one parameter a flag
    model: Annotated[str | None, typer.Option("--model", "-m", help="As for a run.")] = None,
    permission_mode: Annotated[
        PermissionMode | None, typer.Option("--permission-mode", help="As for a run.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="As for a run.")] = None,
    deny: Annotated[list[str] | None, typer.Option("--deny", help="As for a run.")] = None,
    max_iterations: Annotated[
        int | None, typer.Option("--max-iterations", help="As for a run.")
    ] = None,
    max_budget_usd: Annotated[
        float | None, typer.Option("--max-budget-usd", help="As for a run.")
    ] = None,
    effort: Annotated[Effort | None, typer.Option("--effort", help="As for a run.")] = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="As for a run.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--config", help="Configuration file instead of the user's own.")
    ] = None,
    cwd: Annotated[Path | None, typer.Option("--cwd", help="Folder to work in.")] = None,
    output_format: Annotated[
        Literal["text", "json"], typer.Option("--output-format", help="What to print.")
    ] = "text",
) -> None:
    """Show every setting, its value and where it is from; the credentials by their names only."""
    from ml_intern.configs.environment import prepared_environment
    from ml_intern.configs.origin import Sources

    flags = {
        "model_name": model,
        "permission_mode": permission_mode,
        "allow": tuple(allow or ()) or None,
        "deny": tuple(deny or ()) or None,
        "max_iterations": max_iterations,
        "max_budget_usd": max_budget_usd,
        "effort": effort,
        "database_url": database_url,
    }
    folder = working_folder() / (cwd or "")
    if not folder.is_dir():
        raise ConfigError(f"--cwd {folder}: there is no such folder.")
    given = {key: value for key, value in flags.items() if value is not None}
    sources = Sources(environ=prepared_environment(), cwd=folder, flags=given, config=file)
    _print(sources, as_json=output_format != "text")


def _print(sources: Sources, *, as_json: bool) -> None:
    from ml_intern.cli.output import print_json
    from ml_intern.configs.guidance import guidance_in
    from ml_intern.configs.origin import entries, found_credentials, places

    found = {
        "files": [asdict(place) | {"path": str(place.path)} for place in places(sources)],
        "settings": [asdict(entry) for entry in entries(sources)],
        "credentials": [asdict(one) for one in found_credentials(sources)],
        **_guidance(guidance_in(sources.cwd, sources.environ)),
    }
    if as_json:
        print_json({"schema_version": SCHEMA_VERSION, **found})
    else:
        _print_text(found)


def _guidance(found: Guidance) -> dict[str, Any]:
    return {
        "instructions": [
            {"level": each.level, "path": str(each.path), "bytes": each.size}
            for each in found.instructions
        ],
        "skills": [
            {"name": each.name, "level": each.level, "path": str(each.path)}
            for each in found.skills
        ],
        "problems": list(found.problems),
    }


def _print_text(found: dict[str, Any]) -> None:
    import json

    settings = [
        (one["key"], json.dumps(one["value"], ensure_ascii=False), one["origin"])
        for one in found["settings"]
    ]
    there = {True: "", False: "not there"}
    _block("Settings", settings)
    _block("Credentials", [(c["name"], "set", c["origin"]) for c in found["credentials"]])
    _block("Files", [(f["what"], f["path"], there[f["exists"]]) for f in found["files"]])
    _block("Instructions", [(i["level"], i["path"]) for i in found["instructions"]])
    _block("Skills", [(s["name"], s["path"]) for s in found["skills"]])
    _block("Problems", [(problem,) for problem in found["problems"]])


def _block(title: str, rows: Sequence[Row]) -> None:
    """A title and its rows, aligned; nothing where there are none."""
    if not rows:
        return
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)]
    typer.echo(f"{title}:")
    for row in shown:
        typer.echo("  " + _joined(row, widths))


def _joined(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(min(w, 40)) for cell, w in zip(row, widths, strict=True)).rstrip()


def _shown(cell: str) -> str:
    from ml_intern.cli.table import one_line

    return one_line(cell)
