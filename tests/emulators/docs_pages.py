"""Pages of documentation, made up in the form that the real ones have."""

from __future__ import annotations

INDEX = """# TRL - Transformers Reinforcement Learning

TRL trains transformers with SFT, DPO and GRPO.
"""

SFT = """# SFT Trainer

[![badge](https://img.example/badge.svg)](https://huggingface.co/models?other=sft,trl)

## Overview

TRL supports Supervised Fine-Tuning (SFT) of language models.

<Tip warning={true}>

Needs a recent version of <b>transformers</b> &amp; &#123;jinja&#125;.

</Tip>

## Quick start

<hfoptions id="run">
<hfoption id="python">

```python
# Load the data
from trl import SFTTrainer

trainer = SFTTrainer(model="Qwen/Qwen3-0.6B", train_dataset=dataset)
trainer.train()  # a <div> in code stays
```

</hfoption>
</hfoptions>

## Customization

### Packing

Example packing puts several examples into one input sequence, so that little of a batch is padding.
Set `packing=True` in the [SFTConfig](/docs/trl/v1.9.2/en/sft_trainer#trl.SFTConfig).

```python
training_args = SFTConfig(packing=True)
```

### Train on completion only

Set `completion_only_loss=True` to compute the loss on the completion only.

![figure](https://huggingface.co/datasets/figures/resolve/main/completion.png)

## SFTTrainer[[trl.SFTTrainer]]

#### trl.SFTTrainer[[trl.SFTTrainer]]

[Source](https://github.com/huggingface/trl/blob/v1.9.2/trl/trainer/sft_trainer.py#L482)

- **model** (`str` or `PreTrainedModel`) -- the model to be trained
- **processing_class** (`PreTrainedTokenizerBase`, *optional*) -- the tokenizer

#### train[[trl.SFTTrainer.train]]

Main training entry point; `resume_from_checkpoint` goes on with a run.

## SFTConfig[[trl.SFTConfig]]

Configuration of the trainer: `packing`, `max_length`, `assistant_only_loss`.
"""

FORMATS = """# Dataset formats and types

## Overview

| Type | Standard | Conversational |
| --- | --- | --- |
| Language modeling | `{"text": "…"}` | `{"messages": […]}` |

## Which dataset type to use?

SFT takes language modeling or prompt-completion; DPO takes preference.
"""

DPO = """# DPO Trainer

## Overview

Direct Preference Optimization trains from pairs of a chosen and a rejected answer, without a reward
model. `beta` controls how far the policy may go from the reference.
"""

MEMORY = """# Reducing Memory Usage

## Packing

Truncation discards tokens; packing with the BFD strategy keeps most of them, at no padding.

## Gradient checkpointing

Set `gradient_checkpointing=True`: activations are computed again in the backward pass.
"""

TRL = {
    "index": INDEX,
    "sft_trainer": SFT,
    "dpo_trainer": DPO,
    "dataset_formats": FORMATS,
    "reducing_memory_usage": MEMORY,
}

AGENTS = {
    "unit1/introduction": "# Introduction to Agents\n\nAn agent uses tools to reach a goal.\n",
    "unit2/smolagents": "# smolagents\n\n## Code agents\n\nA code agent acts in Python.\n",
}

NAVIGATION = """<!doctype html><html><body>
<header><a href="/docs/hub">Hub</a></header>
<nav class="flex-auto overflow-y-auto"><div><span>Get started</span><ul>
<li><a href="/docs/evaluate/v0.4.6/en/index">🤗 Evaluate</a></li>
<li><a href="/docs/evaluate/v0.4.6/en/installation#top">Installation</a></li>
</ul></div><div><h3>How-to guides</h3><ul>
<li><a href="/docs/evaluate/v0.4.6/en/choosing_a_metric?fw=pt"><span>Choosing a metric</span>
</a></li>
<li><a href="{origin}/docs/evaluate/v0.4.6/en/choosing_a_metric">The same again</a></li>
<li><a href="https://evil.example/docs/evaluate/token">Foreign</a></li>
<li><a href="/models">Models</a></li>
<li><a href="/docs/evaluate/v0.4.6/en/package_reference/main">Main methods</a></li>
</ul></div></nav></body></html>"""

METHODS = """<!DOCTYPE html>
<html><head><title>x</title><style>p {color: red}</style></head><body><nav>Menu</nav>
<main><h1><a id="main-methods"></a>Main methods</h1>
<script>steal()</script>
<p>Load a metric with <code>evaluate.load</code>;<br>it is   cached.</p>
<h2 id="evaluate.EvaluationModule.compute">compute</h2>
<ul><li>predictions: a <b>list</b></li><li>references</li></ul>
<pre><code>accuracy = evaluate.load("accuracy")
accuracy.compute(references=[0], predictions=[0])</code></pre>
<table><tr><th>Key</th><th>Value</th></tr><tr><td>accuracy</td><td>1.0</td></tr></table>
</main><footer>(c)</footer></body></html>"""

EVALUATE = {
    "/docs/evaluate": NAVIGATION,
    "/docs/evaluate/v0.4.6/en/index.md": "# Evaluate\n\nA library for evaluating models.\n",
    "/docs/evaluate/v0.4.6/en/installation.md": "# Installation\n\npip install evaluate\n",
    "/docs/evaluate/v0.4.6/en/choosing_a_metric.md": (
        "# Choosing a metric for your task\n\n## Generic metrics\n\nAccuracy fits many.\n"
    ),
    "/docs/evaluate/v0.4.6/en/package_reference/main": METHODS,
}

SIGNATURES = (
    """Below are all the class and function signatures in the Gradio library.

Interface(fn: Callable, inputs: str | Component, outputs: str | Component)
Interface is Gradio's main high-level class: a web demo around a function.

Blocks(theme: Theme | str | None = None, title: str = "Gradio")
Blocks is Gradio's low-level API for custom web apps, with events and layouts.

"""
    + "\n\n".join(
        f"Component{n}(value: str | None = None, label: str | None = None)\n"
        f"Creates component number {n}, which shows a value in a form of its own."
        for n in range(60)
    )
    + """

Timer(value: float = 1, active: bool = True)
Timer ticks at regular intervals while it is active; it is not visible.
"""
)

GRADIO = {
    "/llms.txt": SIGNATURES,
    "/docs/gradio/interface.md": "# Interface\n\n## Description\n\nA demo around a function.\n",
    "/docs/gradio/blocks": METHODS.replace("Main methods", "Blocks"),
    "/docs/gradio/timer.md": "# Timer\n\nTicks at regular intervals.\n",
}
