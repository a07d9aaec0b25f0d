"""What is taken for documentation, and what is not (W2: a token went wherever a link said)."""

from __future__ import annotations

import pytest

from ml_intern.tools.docs.addresses import Sites
from ml_intern.tools.docs.libraries import named
from ml_intern.tools.errors import ToolError

SITES = Sites("https://huggingface.co/docs", "https://www.gradio.app")
SFT = "https://huggingface.co/docs/trl/sft_trainer"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("https://huggingface.co/docs/trl/sft_trainer", SFT),
        ("https://HuggingFace.co/docs/trl/sft_trainer", SFT),
        (" <https://huggingface.co/docs/trl/sft_trainer> ", SFT),
        ("huggingface.co/docs/trl/sft_trainer", SFT),
        ("https://huggingface.co:443/docs/trl/sft_trainer", SFT),
        ("https://huggingface.co/docs/trl/sft_trainer.md", SFT),
        ("https://huggingface.co/docs/trl/sft_trainer/", SFT),
        ("https://huggingface.co/docs/trl/sft_trainer?fw=pt&x=.md", SFT),
        ("/docs/trl/sft_trainer", SFT),
        ("docs/trl/sft_trainer", SFT),
        ("trl/sft_trainer", SFT),
        ("trl", "https://huggingface.co/docs/trl"),
        ("agents-course/unit1/introduction",
         "https://huggingface.co/learn/agents-course/unit1/introduction"),
        ("/learn/cookbook/index", "https://huggingface.co/learn/cookbook/index"),
        ("https://www.gradio.app/docs/gradio/interface",
         "https://www.gradio.app/docs/gradio/interface"),
        ("https://gradio.app/guides/quickstart", "https://www.gradio.app/guides/quickstart"),
        ("gradio/interface", "https://www.gradio.app/docs/gradio/interface"),
        ("https://www.gradio.app/llms.txt", "https://www.gradio.app/llms.txt"),
        ("gradio", "https://www.gradio.app"),
        ("gradio/llms.txt", "https://www.gradio.app/llms.txt"),
        ("gradio/guides/quickstart", "https://www.gradio.app/guides/quickstart"),
        ("gradio/docs/gradio/blocks", "https://www.gradio.app/docs/gradio/blocks"),
        ("gradio.app/docs/gradio/blocks", "https://www.gradio.app/docs/gradio/blocks"),
        ("www.huggingface.co/docs/trl/sft_trainer", SFT),
    ],
)  # fmt: skip
def test_a_page_may_be_given_in_many_forms(said: str, url: str) -> None:
    assert SITES.address(said).url == url


@pytest.mark.parametrize(
    "said",
    [
        "https://evil.example/docs/trl",
        "https://huggingface.co@evil.example/docs/trl",
        "https://user:pass@huggingface.co/docs/trl",
        "https://huggingface.co.evil.example/docs/trl",
        "https://evilhuggingface.co/docs/trl",
        "http://huggingface.co/docs/trl",
        "https://huggingface.co:8443/docs/trl",
        "//evil.example/docs/trl",
        "https://huggingface.co/api/whoami-v2",
        "https://huggingface.co/docs/../api/whoami-v2",
        "https://huggingface.co/docs/%2e%2e/api/whoami-v2",
        "https://huggingface.co/docs/%252e%252e/api/whoami-v2",
        "https://huggingface.co/docsx/trl",
        "/api/whoami-v2",
        "docs/../api",
        "http://127.0.0.1:8000/docs/trl",
        "file:///etc/passwd",
        "https://[::1/docs",
        "https://huggingface.co\\@evil.example/docs",
        "https://huggingface.co/docs/a\nb",
        "https://huggingface.co/docs/\ud800",
        "",
        "   ",
    ],
)
def test_what_is_no_documentation_is_refused(said: str) -> None:
    with pytest.raises(ToolError, match="is not a page of the documentation"):
        SITES.address(said)


def test_a_fragment_names_a_section() -> None:
    found = SITES.address("/docs/trl/v1.9.2/en/sft_trainer?x#trl.SFTTrainer.train")
    assert found.url == "https://huggingface.co/docs/trl/v1.9.2/en/sft_trainer"
    assert found.anchor == "trl.SFTTrainer.train"
    assert SITES.address("trl/a#with%20space").anchor == "with space"


def test_what_is_shown_can_be_given_back() -> None:
    for url in (SFT, "https://huggingface.co/learn/x-course/a", "https://www.gradio.app/docs/a"):
        assert SITES.address(SITES.shown(url)).url == url
    assert SITES.shown(SFT) == "/docs/trl/sft_trainer"


def test_a_link_leads_to_documentation_or_nowhere() -> None:
    assert SITES.link("dpo_trainer#x", SFT) == "https://huggingface.co/docs/trl/dpo_trainer"
    assert SITES.link("/docs/peft/index.md", SFT) == "https://huggingface.co/docs/peft/index"
    for href in (
        "https://evil.example/docs",
        "/models",
        "../../models",
        "javascript:x()",
        "http://[",
    ):
        assert SITES.link(href, SFT) is None


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("trl", ("trl",)),
        (" /docs/trl/ ", ("trl",)),
        ("tgi", ("text-generation-inference",)),
        ("trl/v0.26.2", ("trl/v0.26.2",)),
        ("huggingface.js", ("huggingface.js",)),
    ],
)
def test_a_library_is_known_by_its_slug(said: str, names: tuple[str, ...]) -> None:
    assert named(said) == names


@pytest.mark.parametrize("said", ["", "../api", "a b", "trl/../x", "https://evil.example", "a?b"])
def test_what_can_be_no_library_is_refused(said: str) -> None:
    with pytest.raises(ToolError, match="is no name of a library"):
        named(said)
