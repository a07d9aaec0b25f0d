"""`ml-intern doctor`: shows what the checks found, and repairs what it is allowed to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ml_intern.cli.here import working_folder
from ml_intern.cli.loop import run
from ml_intern.cli.safe import safe
from ml_intern.configs.errors import Exit, MlInternError

if TYPE_CHECKING:
    from ml_intern.sessions.doctor.checkup import Subject
    from ml_intern.sessions.doctor.finding import Finding, Repair

SCHEMA_VERSION = 1
_ROUNDS = 4
"""A repair can bring up something else; these many times, it is looked at again."""
_SIGNS = {"ok": ("✔", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}

doctor = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@doctor.command()
def check(
    session: Annotated[
        str, typer.Argument(metavar="[ID]", help="Only this session: start of its id.")
    ] = "",
    fix: Annotated[bool, typer.Option("--fix", help="Repair without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object.")] = False,
) -> None:
    """Check the set-up and what is stored; repair what can be repaired, after asking.

    Exits with 0 if no problem is left, else with 1.
    """
    raise typer.Exit(run(_doctor(session, fix, as_json)))


async def _doctor(session: str, fix: bool, as_json: bool) -> int:
    from ml_intern.configs.environment import prepared_environment
    from ml_intern.configs.paths import home
    from ml_intern.sessions.doctor.checkup import Subject, examine

    environ = prepared_environment()
    subject = Subject(environ=environ, home=home(environ), cwd=working_folder(), session=session)
    findings = await examine(subject)
    if not as_json:
        _show(findings)
    asking = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    repairs: list[str] = []
    if fix or asking:
        findings = await _repair(subject, findings, repairs, asking=not fix, quiet=as_json)
    ok = not any(finding.level == "problem" for finding in findings)
    if as_json:
        _print(findings, repairs, ok)
    else:
        _conclude(findings, fix or asking)
    return int(Exit.DONE if ok else Exit.FAILED)


async def _repair(
    subject: Subject, findings: list[Finding], done: list[str], *, asking: bool, quiet: bool
) -> list[Finding]:
    """Repair, look again, and so on; what is found in the end."""
    from ml_intern.sessions.doctor.checkup import examine

    tried: set[str] = set()
    for _ in range(_ROUNDS):
        offered = {f.repair.what: f.repair for f in findings if f.repair}
        chosen = [repair for what, repair in offered.items() if what not in tried]
        tried.update(offered)
        chosen = [repair for repair in chosen if not asking or _agreed(repair)]
        if not chosen:
            break
        for repair in chosen:
            done.append(await _carried_out(repair))
            if not quiet:
                _line(done[-1])
        findings = await examine(subject)
        if not quiet:
            _show([finding for finding in findings if finding.level != "ok"])
    return findings


def _agreed(repair: Repair) -> bool:
    from ml_intern.cli.table import one_line

    return typer.confirm(f"Shall I {one_line(repair.what)}?")


async def _carried_out(repair: Repair) -> str:
    try:
        return f"Repaired: {await repair.do()}"
    except (MlInternError, OSError) as error:
        return safe(f"Could not {repair.what}: {error}")


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ml_intern.cli.table import one_line

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 1, 0, 0))
    for finding in findings:
        sign, style = _SIGNS[finding.level]
        name, found = one_line(finding.check), one_line(finding.found)
        remedy = f" → {one_line(finding.remedy)}" if finding.remedy else ""
        if console.is_terminal:
            table.add_row(Text(sign, style), Text(name, "bold"), Text(found + remedy))
        else:
            console.print(Text(f"{finding.level:<7} {name}: {found}{remedy}"), soft_wrap=True)
    if console.is_terminal:
        console.print(table)


def _line(text: str) -> None:
    from ml_intern.cli.table import one_line

    typer.echo(one_line(text))


def _conclude(findings: list[Finding], tried: bool) -> None:
    problems = sum(finding.level == "problem" for finding in findings)
    if any(finding.repair for finding in findings) and not tried:
        _line("Some of this can be repaired: ml-intern doctor --fix")
    said = "1 problem is left." if problems == 1 else f"{problems} problems are left."
    _line(said if problems else "No problems.")


def _print(findings: list[Finding], repairs: list[str], ok: bool) -> None:
    from ml_intern.cli.output import print_json

    checks = [finding.wire() for finding in findings]
    print_json({"schema_version": SCHEMA_VERSION, "ok": ok, "checks": checks, "repairs": repairs})
