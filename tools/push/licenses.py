"""Whether a license suits what the model was made from.

What the licenses themselves ask of works made from theirs; no legal advice, but what can be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PERMISSIVE = frozenset(
    {
        "apache-2.0", "mit", "mit-0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
        "isc", "zlib", "unlicense", "wtfpl", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
        "cc-by-4.0", "pddl", "odc-by", "artistic-2.0", "ecl-2.0", "afl-3.0", "bsl-1.0", "ncsa",
        "postgresql", "ms-pl", "cdla-permissive-1.0", "cdla-permissive-2.0", "openmdw-1.0",
    }
)  # fmt: skip
"""They let what is made from theirs have any license."""
_ONLY_ITSELF = (
    "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "openrail",
    "openrail++", "creativeml-openrail-m", "bigscience-openrail-m", "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m", "deepfloyd-if-license", "apple-amlr", "apple-ascl", "intel-research",
    "fair-noncommercial-research-license", "h-research", "grok2-community", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "agpl-3.0", "gpl-2.0", "osl-3.0", "odbl",
)  # fmt: skip
SUITING: dict[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in _ONLY_ITSELF},
    "cc-by-nc-2.0": frozenset({"cc-by-nc-2.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0"}),
    "cc-by-nc-3.0": frozenset({"cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0"}),
    "cc-by-nc-4.0": frozenset({"cc-by-nc-4.0", "cc-by-nc-sa-4.0"}),
    "cc-by-sa-3.0": frozenset({"cc-by-sa-3.0", "cc-by-sa-4.0"}),
    "cc-by-sa-4.0": frozenset({"cc-by-sa-4.0", "gpl-3.0"}),
    "gpl-3.0": frozenset({"gpl-3.0", "agpl-3.0"}),
    "lgpl-3.0": frozenset({"lgpl-3.0", "gpl-3.0", "agpl-3.0"}),
    "mpl-2.0": frozenset({"mpl-2.0", "lgpl-3.0", "gpl-3.0", "agpl-3.0"}),
}
"""Licenses that bind what is made from theirs: by license, those that such a work may have."""
NO_DERIVATIVES = frozenset(
    {"cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"}
)  # fmt: skip
"""What is made from theirs must not be given to others at all."""
VAGUE = frozenset({"", "other", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A model that ours was made from, as the Hub has it."""

    repo_id: str
    license: str = ""
    """The Hub's identifier; "" if there is none."""
    name: str = ""
    """Name of a license that is `other`."""
    link: str = ""
    gated: bool = False
    problem: str = ""
    """Why nothing could be found out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a license."""

    level: Literal["ok", "warning", "refused"]
    said: str


def verdict(ours: str, base: Base, public: bool) -> Verdict:
    """Whether a model made from `base` may have the license `ours`; "" for none."""
    its, where = base.license, f"the base {base.repo_id}"
    if base.problem:
        return Verdict("warning", f"The license of {where} is unknown: {base.problem}")
    if its in NO_DERIVATIVES:
        return _not_to_be_shared(ours, its, where, public)
    if its in SUITING:
        return _bound(ours, its, where)
    if its in PERMISSIVE:
        said = f"{ours or 'None given'}; {where} has {its}, which allows any."
        return Verdict("ok" if ours else "warning", said)
    shown = " ".join(filter(None, [its or "no license", base.name, base.link]))
    return Verdict("warning", f"{ours or 'None given'}; {where} has {shown}: check its terms.")


def _bound(ours: str, its: str, where: str) -> Verdict:
    suiting = sorted(SUITING[its], key=lambda name: (name != its, name))
    if ours in SUITING[its]:
        return Verdict("ok", f"{ours} suits {its} of {where}.")
    known = ours in PERMISSIVE or ours in SUITING or ours in NO_DERIVATIVES
    if ours and not known:
        return Verdict("warning", f"{ours}, but {where} has {its}: check that it is kept to.")
    return Verdict(
        "refused",
        f"{where[0].upper()}{where[1:]} has the license {its}, which what is made from it must "
        f"keep; {ours or 'no license'} was given. Pass license={' or '.join(map(repr, suiting))}.",
    )


def _not_to_be_shared(ours: str, its: str, where: str, public: bool) -> Verdict:
    if public:
        return Verdict(
            "refused",
            f"{where[0].upper()}{where[1:]} has the license {its}: what is made from it must not "
            "be shared. Push it with private=true, or use another base.",
        )
    said = f"{ours or 'none given'}; {where} has {its}: this must stay private."
    return Verdict("warning", f"{said[0].upper()}{said[1:]}")
