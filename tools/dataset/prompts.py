"""Whether a dataset fits training on rewards (TRL's `GRPOTrainer`): it needs prompts only."""

from __future__ import annotations

from collections.abc import Sequence

from ml_intern.tools.dataset.preference import EXTRACT, dpo
from ml_intern.tools.dataset.shape import PROMPTS, Shape, Verdict, asked, mapping, with_system

_REFERENCES = (
    "answer", "final_answer", "solution", "ground_truth", "reference", "reference_answer",
    "expected_answer", "target", "label", "completion", "output", "response", "test", "tests",
    "test_cases", "test_list", "reward_model", "verification_info",
)  # fmt: skip
"""Names under which datasets keep what a reward function compares with."""
_CHATS = ("messages", "conversations", "conversation")
_NOTHING = (
    "nothing beside it to compare with: the reward must come from the completion alone or from a "
    "reward model"
)


def grpo(shape: Shape) -> Verdict:
    """As it is, after mapping, or not."""
    prompt = shape.find(*PROMPTS)
    if prompt is None:
        return _from_chat(shape) or _from_pairs(shape) or Verdict("GRPO", "no", "no prompts")
    beside = [n for n in shape.columns if n.lower() in _REFERENCES and n != prompt]
    why = f"prompts in `{prompt}`; {_beside(beside)}"
    if prompt == "prompt" and shape.ready(prompt):
        return Verdict("GRPO", "as is", why, columns=(prompt,))
    code = mapping(shape, [prompt], {"prompt": asked(shape, prompt)}, keep=True)
    return Verdict("GRPO", "after mapping", why, code, (prompt,))


def _beside(columns: Sequence[str]) -> str:
    if not columns:
        return _NOTHING
    named = ", ".join(f"`{name}`" for name in columns[:5])
    return f"reward functions are given {named} to compare with"


def _from_chat(shape: Shape) -> Verdict | None:
    name = next((n for n in shape.chats if n.lower() in _CHATS), None)
    if name is None or shape.chats[name].form == "one":
        return None
    chat = with_system(shape, name)
    new = {"prompt": f"({chat})[:-1]", "answer": f'({chat})[-1]["content"]'}
    why = (
        f"the conversations in `{name}` without their last message, which reward functions are "
        "given as `answer`"
    )
    if shape.role_at(name, -1, "assistant") is False:
        new, why = {"prompt": chat}, f"the conversations in `{name}`, which wait for an answer"
    code = mapping(shape, [name], new, keep=False)
    return Verdict("GRPO", "after mapping", why, code, (name,))


def _from_pairs(shape: Shape) -> Verdict | None:
    pairs = dpo(shape)
    if pairs.fits == "no":
        return None
    code = f"{pairs.code}\n{EXTRACT}" if pairs.code else EXTRACT
    why = f"the prompts of the pairs; {_NOTHING}"
    return Verdict("GRPO", "after mapping", why, code, pairs.columns)
