"""Asks a person about each call: approve, edit, allow always, or reject with words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn, Protocol

from ml_intern.cli.commands import find
from ml_intern.cli.request_block import request_block
from ml_intern.cli.safe import exact, safe
from ml_intern.cli.screen import Screen
from ml_intern.configs.errors import MlInternError
from ml_intern.nodes.policies.answers import Decision

Scope = Literal["session", "project", "user"]

_SCOPES: dict[str, Scope] = {"s": "session", "p": "project", "u": "user"}
_YES, _NO = ("y", "yes", "yy"), ("n", "no", "nn")
_LETTER = 2
"""Answers up to this long are keys or slips of the finger, never feedback for the model."""


class Person(Protocol):
    """Whoever answers; each method raises `Stopped` if they want the turn to end."""

    async def ask(self, question: str, begin: str = "") -> str:
        """A line, or several, of theirs."""
        ...

    async def edit(self, text: str, suffix: str) -> str | None:
        """The text as they left it in their editor; None if they have none."""
        ...

    async def allow(self, rule: str, scope: Scope) -> str:
        """Take a permission rule; what to say about it."""
        ...


class Stopped(Exception):
    """The person wants the turn to end instead of answering."""


async def decide(
    tools: Sequence[Mapping[str, Any]], person: Person, screen: Screen
) -> list[Decision]:
    """One decision a call, in order.

    Raises:
        Stopped: the person wants to stop the turn.
    """
    decisions: list[Decision] = []
    while (done := len(decisions)) < len(tools):
        screen.apart()
        screen.print(request_block(done + 1, len(tools), tools[done]))
        screen.line(f"  {_help(tools[done], len(tools) - done)}", style="dim")
        decision, rest = await _one(tools[done], person, screen)
        decisions += [decision] * (len(tools) - done if rest else 1)
    return decisions


def _help(request: Mapping[str, Any], left: int) -> str:
    always = ["a always"] if request.get("rule") else []
    rest = ["yy or nn for all of them"] if left > 1 else []
    keys = ["y approve", "n reject", "e edit", *always, "v view whole", *rest]
    return " · ".join([*keys, "or say what to do instead"])


async def _one(request: Mapping[str, Any], person: Person, screen: Screen) -> tuple[Decision, bool]:
    """A decision, and whether it holds for all calls that are left."""
    while True:
        answer = (await person.ask("your answer: ")).strip()
        word = answer.lower()
        if word in _YES:
            return Decision(type="approve"), word == "yy"
        if word in _NO:
            return Decision(type="reject"), word == "nn"
        try:
            decision = await _key(answer, request, person, screen)
        except MlInternError as error:  # of an editor, or of keeping a rule: the question stands
            screen.line(f"  ✗ {safe(str(error))}", style="red")
        else:
            if decision:
                return decision, False


async def _key(
    answer: str, request: Mapping[str, Any], person: Person, screen: Screen
) -> Decision | None:
    """What another answer comes to; None if it decides nothing, as Enter alone."""
    match answer.lower().split():
        case ["a"]:
            taken = await _always(str(request.get("rule") or ""), person, screen)
            return Decision(type="approve") if taken else None
        case ["v"]:
            screen.print(request_block(0, 0, request, whole=True))
        case ["e" | "edit"]:
            return await _edited(request, "", person, screen)
        case ["e" | "edit", _]:
            return await _edited(request, answer.split()[1], person, screen)
        case _ if find(answer):
            screen.line("  Answer first, or stop the turn with Esc; then commands.", style="yellow")
        case _ if len(answer) > _LETTER:
            return Decision(type="reject", message=answer)
        case [_, *_]:
            screen.line(f"  '{safe(answer)}' is none of the keys.", style="red")
    return None


async def _always(rule: str, person: Person, screen: Screen) -> bool:
    """Whether a rule was taken; it is shown first."""
    if not rule:
        screen.line("  No narrow rule fits this call: answer y or n.", style="yellow")
        return False
    screen.line(f"  Never ask again for: {exact(rule)}", style="bold yellow")
    screen.line("  s this session · p this project · u everywhere · anything else: no", style="dim")
    scope = _SCOPES.get((await person.ask("where: ")).strip().lower())
    if scope:
        screen.line(f"  {exact(await person.allow(rule, scope))}", style="dim")
    return scope is not None


async def _edited(
    request: Mapping[str, Any], name: str, person: Person, screen: Screen
) -> Decision | None:
    """The call with other arguments: one text by itself, or all of them as JSON."""
    args = dict(request["arguments"])
    name = name or _text(args)
    if name and not isinstance(args.get(name), str):
        screen.line(f"  {safe(name)} is no text argument of this call.", style="red")
        return None
    before = args[name] if name else json.dumps(args, ensure_ascii=False, indent=2)
    after = await _changed(before, f".{_suffix(name, args)}", person)
    if name:
        args[name] = after
    elif (read := _read(after, screen)) is None:
        return None
    else:
        args = read
    if args == request["arguments"]:
        screen.line("  Nothing was changed.", style="yellow")
        return None
    return Decision(type="edit", edited_action={"name": request["tool"], "args": args})


async def _changed(text: str, suffix: str, person: Person) -> str:
    edited = await person.edit(text, suffix)
    if edited is None:
        return await person.ask("edit: ", text)
    # Editors end a file with a newline whether or not there was one.
    return edited if text.endswith("\n") else edited.removesuffix("\n")


def _text(args: Mapping[str, Any]) -> str:
    """The argument that is a text of several lines, if there is just one; "" for none."""
    found = [name for name, value in args.items() if isinstance(value, str) and "\n" in value]
    return found[0] if len(found) == 1 else ""


def _suffix(name: str, args: Mapping[str, Any]) -> str:
    """For the editor's colours."""
    if not name:
        return "json"
    match = re.search(r"\.(\w{1,8})$", str(args.get("path", "")))
    return match[1] if match else "sh"


def _read(text: str, screen: Screen) -> dict[str, Any] | None:
    try:
        args = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        screen.line(f"  Not valid JSON: {safe(str(error))}", style="red")
        return None
    if not isinstance(args, dict):
        screen.line("  The arguments must be a JSON object.", style="red")
        return None
    return args


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
