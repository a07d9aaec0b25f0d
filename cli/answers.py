"""What the terminal answers by itself: commands that only show something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from ml_intern.cli.commands import Action, help_lines
from ml_intern.cli.render import cost_line, dollars
from ml_intern.cli.safe import safe
from ml_intern.graph.context import Effort
from ml_intern.nodes.budget import spent
from ml_intern.sessions.filling import Filling, context_parts
from ml_intern.sessions.session import Session
from ml_intern.tools.spec import ToolSpec

Row = tuple[str, str]


async def answer(action: Action, session: Session) -> list[str]:
    """The lines that answer a command.

    Raises:
        MlInternError: what was asked for cannot be had.
    """
    match action:
        case "help":
            return help_lines()
        case "model":
            return _lines(_model(session))
        case "effort":
            return _lines([("effort", _effort(session)), ("choices", ", ".join(get_args(Effort)))])
        case "context":
            filling = await session.filling()
            return _lines([*context_rows(filling), *context_parts(filling)])
        case "tools":
            return _lines(
                (spec.name, f"{_risks(spec)}: {_first(spec)}") for spec in _tools(session)
            )
        case "mcp":
            return _lines(_servers(session))
    usage = (await session.state()).get("usage", {})
    match action:
        case "cost":
            return _lines(cost_rows(usage, session.budget))
        case "budget":
            return _lines([("budget", budget_left(usage, session.budget))])
        case _:
            return _lines(await _status(session))


def _risks(spec: ToolSpec[Any]) -> str:
    return ", ".join(dict.fromkeys(spec.risks().values()))


async def _status(session: Session) -> list[Row]:
    state = await session.state()
    usage = state.get("usage", {})
    return [
        ("session", session.id),
        ("model", _name(session)),
        ("effort", _effort(session)),
        ("mode", session.options.permission_mode),
        ("messages", str(len(state.get("messages", [])))),
        ("usage", cost_line(usage)),
        ("budget", budget_left(usage, session.budget)),
    ]


def _tools(session: Session) -> list[ToolSpec[Any]]:
    return sorted(session.tools.values(), key=lambda spec: spec.name)


def _first(spec: ToolSpec[Any]) -> str:
    return spec.description.partition(". ")[0].rstrip(".")


def _servers(session: Session) -> list[Row]:
    """The configured servers; connecting to them is not built yet, which is said."""
    names = list(session.settings.mcpServers)
    return [(name, "configured, not connected yet") for name in names] or [("servers", "none")]


def _name(session: Session) -> str:
    return session.options.model or session.settings.model_name


def _model(session: Session) -> list[Row]:
    fallbacks = ", ".join(session.settings.fallback_models)
    return [("model", _name(session)), ("fallbacks", fallbacks or "none configured")]


def _effort(session: Session) -> str:
    return session.options.effort or session.settings.effort or "as the provider sets it"


def cost_rows(usage: Mapping[str, float], budget: float | None) -> list[Row]:
    """Where tokens and dollars went."""
    summaries, dollars_for_them = usage.get("compaction_calls", 0), usage.get("compaction_usd", 0.0)
    calls, cost = usage.get("calls", 0) - summaries, usage.get("cost_usd", 0.0) - dollars_for_them
    rows = [
        ("tokens", _tokens(usage, input_tokens="in", output_tokens="out")),
        ("cache", _tokens(usage, cache_read_tokens="read", cache_write_tokens="written")),
        ("main", f"${cost:.4f}, {calls:,.0f} calls"),
        ("compaction", f"${dollars_for_them:.4f}, {summaries:,.0f} calls"),
        ("cost", dollars(usage)),
    ]
    if unpriced := usage.get("unpriced_calls", 0):
        rows.append(("unpriced", f"{unpriced:,.0f} calls of unknown cost, not in the sums above"))
    return [*rows, ("budget", budget_left(usage, budget))]


def _tokens(usage: Mapping[str, float], **names: str) -> str:
    return ", ".join(f"{usage.get(key, 0):,.0f} {name}" for key, name in names.items())


def budget_left(usage: Mapping[str, float], budget: float | None) -> str:
    """The budget, and what is left of it."""
    if budget is None:
        return "none: /budget 5 sets one of $5"
    left = f"${budget:.2f}, ${max(0.0, budget - spent(usage)):.4f} left"
    reserved = usage.get("unknown_usd", 0.0)
    return f"{left} (up to ${reserved:.4f} counted for unpriced calls)" if reserved else left


def context_rows(filling: Filling) -> list[Row]:
    """The next request against the window."""
    share, limit = filling.tokens / filling.window, filling.limit / filling.window
    return [
        ("model", filling.model),
        ("request", f"{filling.tokens:,} of {filling.window:,} tokens ({share:.1%})"),
        ("compaction", f"above {filling.limit:,} tokens ({limit:.0%})"),
        ("messages", f"{filling.messages:,}"),
    ]


def _lines(rows: Iterable[Row]) -> list[str]:
    kept = list(rows)
    width = max([10, *(len(name) for name, _ in kept)])
    return [f"  {safe(name):<{width}} {safe(value)}" for name, value in kept]
