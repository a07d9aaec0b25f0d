"""May this call run? Decided from the call, its tool, the rules and the permission mode alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from langchain_core.messages import ToolCall
from pydantic import ValidationError

from ml_intern.configs.rules import Kind, Placed
from ml_intern.graph.context import PermissionMode
from ml_intern.nodes.policies.answers import Answer
from ml_intern.nodes.policies.places import Place
from ml_intern.nodes.policies.rules import Hit, Rules, allowed, restricting
from ml_intern.nodes.policies.suggest import suggest
from ml_intern.tools.spec import Risk, ToolSpec


class Verdict(NamedTuple):
    """What becomes of a call."""

    action: Literal["run", "ask", "refuse", "deny", "reject"]
    """`refuse` is a mistake of the model's, `deny` the policy's no, `reject` a person's."""
    reason: str = ""
    """Words for the model if refused or denied, for the person if asked."""
    rule: str = ""
    """The narrow rule that would let it run, if it is asked for want of one."""


class Permissions(NamedTuple):
    """What holds for a decision."""

    mode: PermissionMode = "default"
    rules: Rules = Rules()


_ALLOWED: dict[PermissionMode, frozenset[Risk]] = {
    "plan": frozenset({"read", "plan"}),
    "default": frozenset({"read", "plan"}),
    "accept-edits": frozenset({"read", "plan", "edit"}),
    "yolo": frozenset({"read", "plan", "edit", "execute", "publish"}),
}
_WHY: dict[Risk, str] = {
    "read": "it reads",
    "plan": "it changes the plan",
    "edit": "it changes files",
    "execute": "it runs a command on this machine, outside a sandbox",
    "publish": "it changes what is on the Hugging Face Hub",
}


def decide(
    call: ToolCall,
    tools: Mapping[str, ToolSpec[Any]],
    permissions: Permissions,
    malformed: str = "",
    place: Place | None = None,
) -> Verdict:
    """The verdict on `call`; `malformed` is what was wrong with it as it came."""
    if defect := malformed or _defect(call, tools):
        return Verdict("refuse", defect)
    spec, (mode, rules) = tools[call["name"]], permissions
    banned = restricting(rules.deny, call, spec, place)
    if banned and banned.sure:
        return Verdict("deny", _BANNED.format(rule=banned.rule))
    # Floors, which hold in every mode and against every rule, come here.
    risk = spec.nature(call["args"]).risk
    if mode == "plan" and risk not in _ALLOWED[mode]:
        return Verdict("deny", _PLAN.format(why=_WHY[risk]))
    if hit := banned or restricting(rules.ask, call, spec, place):
        return Verdict("ask", _doubt(hit, banned))
    if risk in _ALLOWED[mode] or allowed(rules.allow, call, spec, place):
        return Verdict("run")
    return Verdict("ask", _WHY[risk], suggest(call, spec, rules.allow, place))


_BANNED = "Denied: the user's rule `deny {rule}` forbids it. Do not look for another way to do it."
_PLAN = "Denied: the session is in plan mode (read-only), and {why}. Only plan."


def _doubt(hit: Hit, banned: Hit | None) -> str:
    if banned:
        return f"it cannot be told whether the rule `deny {hit.rule}` forbids it"
    if hit.sure:
        return f"the rule `ask {hit.rule}` says so"
    return f"it cannot be told whether the rule `ask {hit.rule}` is about it"


def effective(
    placed: Iterable[Placed], tools: Mapping[str, ToolSpec[Any]], mode: PermissionMode
) -> list[Placed]:
    """All that decides, in its order: the rules of each list, then what the mode does by itself."""
    order: tuple[Kind, ...] = ("deny", "ask", "allow")
    rules = sorted(placed, key=lambda item: order.index(item.kind))
    otherwise: Kind = "deny" if mode == "plan" else "ask"
    return rules + [
        Placed("allow" if risk in _ALLOWED[mode] else otherwise, about, "default")
        for spec in tools.values()
        for about, risk in spec.risks().items()
    ]


def settle(call: ToolCall, answer: Answer, tools: Mapping[str, ToolSpec[Any]]) -> Verdict:
    """The verdict once a person has spoken; edited arguments are checked like the model's."""
    if not answer.approved:
        words = f" {answer.message}" if answer.message else ""
        return Verdict("reject", f"Not run: this call was not approved.{words}")
    if answer.args is None:
        return Verdict("run")
    defect = _defect({**call, "args": answer.args}, tools)
    return (
        Verdict("refuse", f"The user edited the arguments. {defect}") if defect else Verdict("run")
    )


def _defect(call: ToolCall, tools: Mapping[str, ToolSpec[Any]]) -> str:
    if call["name"] not in tools:
        near = difflib.get_close_matches(call["name"], tools, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"Not run: there is no tool '{call['name']}'.{hint} Tools: {', '.join(tools)}."
    try:
        tools[call["name"]].args.model_validate(call["args"])
    except ValidationError as error:
        return f"Not run: wrong arguments for {call['name']}: {_explain(error)}"
    return ""


def _explain(error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"]) or "arguments"
        problems.append(f"{where}: {item['msg']}")
    return "; ".join(problems) + ". Correct them and call again."
