"""What the system prompt takes from files of the user's and the project's, and how that is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml_intern.configs.instructions import Instructions, find_instructions
from ml_intern.configs.project import project_of
from ml_intern.configs.skills import Skill, find_skills


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What was found."""

    instructions: tuple[Instructions, ...] = ()
    skills: tuple[Skill, ...] = ()
    problems: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """What the user should know of it, a line a notice; [] if there is nothing."""
        taken = [str(found.path) for found in self.instructions]
        if self.skills:
            taken.append(f"{len(self.skills)} skill{'s' if len(self.skills) > 1 else ''}")
        line = f"The model is given: {', '.join(taken)}."
        return [*([line] if taken else []), *self.problems]


def guidance_in(cwd: Path, environ: Mapping[str, str]) -> Guidance:
    """What there is for work in `cwd`. Blocks."""
    project = project_of(cwd)
    texts, skills = find_instructions(project, environ), find_skills(project, environ)
    return Guidance(
        instructions=texts.files,
        skills=skills.skills,
        problems=(*texts.problems, *skills.problems),
    )
