"""`fetch_hf_docs`: pages and their parts, from the documentation and nowhere else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from emulators.docs import GradioDocs, HubDocs
from emulators.docs_pages import SFT, SIGNATURES
from emulators.site import Reply, Site
from ml_intern.tools.docs import fetch
from ml_intern.tools.docs.documents import parsed
from ml_intern.tools.docs.fetch import FETCH_DOCS
from ml_intern.tools.docs.reading import Reading
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolResult
from ml_intern.tools.web.errors import StrayError, WebError

Call = Callable[..., "asyncio.Future[ToolResult]"]
LONG = "# Long page\n\nStart.\n\n" + "\n".join(
    f"## Part {n}\n\n{'text of it. ' * 60}\n\n### Detail {n}\n\nmore\n" for n in range(40)
)


@pytest.fixture
def long(hub: HubDocs) -> str:
    hub.files["/docs/trl/long.md"] = LONG
    return f"{hub.url}/docs/trl/long"


async def refusal(call: Call, **args: object) -> str:
    with pytest.raises(ToolError) as caught:
        await call(FETCH_DOCS, **args)
    return str(caught.value)


async def test_a_page_is_shown_clean(
    call: Call, hub: HubDocs, golden: Callable[[str, str], None]
) -> None:
    text = (await call(FETCH_DOCS, url="trl/sft_trainer")).text
    golden("hub/fetch_page.txt", text.replace(hub.url, "https://huggingface.co"))
    assert hub.paths == ["/docs/trl/sft_trainer.md"]
    await call(FETCH_DOCS, url="trl/sft_trainer")
    assert len(hub.paths) == 1


async def test_a_long_page_begins_with_its_sections(
    call: Call, hub: HubDocs, long: str, golden: Callable[[str, str], None]
) -> None:
    text = (await call(FETCH_DOCS, url="trl/long")).text
    golden("hub/fetch_long.txt", text.replace(hub.url, "https://huggingface.co"))
    assert len(text) < 11_000
    assert "- Part 39 [part-39]" in text
    assert "Detail" not in text.partition("# Long page")[0]


async def test_a_long_page_is_read_on_to_its_end(call: Call, hub: HubDocs, long: str) -> None:
    text = (await call(FETCH_DOCS, url="trl/long")).text
    whole = text[text.index("# Long page") : text.rindex("\n[")]
    for _ in range(9):
        match = re.search(rf'fetch_hf_docs\(url="{re.escape(long)}", offset=(\d+)\)', text)
        if not match:
            break
        text = (await call(FETCH_DOCS, url=long, offset=int(match[1]))).text
        assert len(text) < 12_500
        whole += text.partition("\n")[2].rpartition("\n[")[0] or text.partition("\n")[2]
    assert "".join(whole.split()) == "".join(LONG.split())
    assert "give a smaller offset" in await refusal(call, url=long, offset=10**6)
    assert len(hub.paths) == 1


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ({"url": "trl/sft_trainer#trl.SFTTrainer"}, "## SFTTrainer"),
        ({"url": "/docs/trl/v1.9.2/sft_trainer.md?fw=pt#packing"}, "### Packing"),
        ({"url": "trl/sft_trainer", "section": "Quick start"}, "## Quick start"),
        ({"url": "trl/sft_trainer#packing", "section": "overview"}, "## Overview"),
    ],
)
async def test_a_section_is_selected_by_fragment_or_name(
    call: Call, hub: HubDocs, args: dict[str, str], start: str
) -> None:
    text = (await call(FETCH_DOCS, **args)).text
    assert text.partition("\n\n")[2].startswith(start)
    [path] = hub.paths
    assert re.fullmatch(r"/docs/trl/(v1\.9\.2/)?sft_trainer\.md", path)


async def test_a_section_that_is_not_there_is_told(call: Call, hub: HubDocs) -> None:
    said = await refusal(call, url="trl/sft_trainer", section="nope")
    assert "has no section 'nope'. It has: sft-trainer, overview," in said
    text = (await call(FETCH_DOCS, url="trl/sft_trainer#nope")).text
    assert text.startswith("[The page has no section 'nope': this is its start.]")
    assert "# SFT Trainer" in text
    hub.files["/docs/trl/plain.md"] = "Only text.\n"
    assert "read it by offset" in await refusal(call, url="trl/plain", section="x")


async def test_a_long_section_is_read_on(call: Call, hub: HubDocs) -> None:
    hub.files["/docs/trl/big.md"] = "# A\n\n## Big\n\n" + "line of words\n" * 2000 + "\n## End\n"
    text = (await call(FETCH_DOCS, url="trl/big", section="big")).text
    match = re.search(r'section="big", offset=(\d+)\)', text)
    assert match
    text = (await call(FETCH_DOCS, url="trl/big", section="big", offset=int(match[1]))).text
    assert "(section 'big', 28,009 characters, from 11,9" in text
    assert "## End" not in text


async def test_a_page_without_markdown_is_made_readable(
    call: Call, hub: HubDocs, golden: Callable[[str, str], None]
) -> None:
    text = (await call(FETCH_DOCS, url="/docs/evaluate/v0.4.6/en/package_reference/main")).text
    golden("hub/fetch_html.txt", text.replace(hub.url, "https://huggingface.co"))
    assert "steal" not in text


async def test_a_library_alone_is_its_first_page(call: Call, hub: HubDocs) -> None:
    assert "TRL trains transformers" in (await call(FETCH_DOCS, url="trl")).text
    assert hub.paths == ["/docs/trl/index.md"]


async def test_gradio_pages_are_read(call: Call, hub: HubDocs, gradio: GradioDocs) -> None:
    text = (await call(FETCH_DOCS, url=f"{gradio.url}/docs/gradio/interface#description")).text
    assert "A demo around a function." in text
    whole = (await call(FETCH_DOCS, url=f"{gradio.url}/llms.txt")).text
    assert "Interface(fn: Callable" in whole
    at = SIGNATURES.index("Timer(value")
    assert "Timer ticks" in (await call(FETCH_DOCS, url=f"{gradio.url}/llms.txt", offset=at)).text
    assert gradio.paths == ["/docs/gradio/interface.md", "/llms.txt"]


async def test_a_page_that_is_not_there_is_told_with_a_way_on(call: Call, hub: HubDocs) -> None:
    said = await refusal(call, url="trl/reward_trainer")
    assert 'explore_hf_docs(library="trl", query="reward trainer")' in said
    hub.files["/docs/trl/reward_trainer.md"] = "# Reward\n"
    assert "# Reward" in (await call(FETCH_DOCS, url="trl/reward_trainer")).text


async def test_no_other_site_is_asked_and_no_token_leaves(call: Call, hub: HubDocs) -> None:
    """W2: the token went to whatever address the model gave."""
    with Site() as foreign:
        foreign.on("GET /{path+}", "stolen")
        for url in (f"{foreign.url}/docs/trl", hub.url.replace("//", "//x@") + "/docs/trl"):
            assert "is not a page of the documentation" in await refusal(call, url=url)
        assert "is not a page" in await refusal(call, url=f"{hub.url}/api/whoami-v2")
        hub.files["/docs/trl/away.md"] = Reply(
            status=302, headers={"Location": f"{foreign.url}/docs/trl/away.md"}
        )
        with pytest.raises(StrayError, match="which is not asked"):
            await call(FETCH_DOCS, url="trl/away")
    assert foreign.ledger == []
    assert hub.paths == ["/docs/trl/away.md"]
    assert "authorization" not in hub.ledger[0].headers


async def test_a_redirect_may_lead_to_other_documentation_only(call: Call, hub: HubDocs) -> None:
    hub.files["/docs/old-course/intro.md"] = Reply(
        status=301, headers={"Location": "/learn/agents-course/unit1/introduction.md"}
    )
    hub.files["/docs/trl/user.md"] = Reply(status=302, headers={"Location": "/someone/README.md"})
    hub.files["/someone/README.md"] = "# Of a user\n"
    text = (await call(FETCH_DOCS, url="/docs/old-course/intro")).text
    assert "Introduction to Agents" in text
    with pytest.raises(StrayError, match="which is no documentation"):
        await call(FETCH_DOCS, url="trl/user")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=500, body="oops"), "answered 500 to /docs/trl/sft_trainer.md: oops"),
        (Reply(status=401, body="no"), "answered 401"),
        (Reply(status=429, headers={"Retry-After": "99"}), "Try again in 99 s"),
        (Reply(body="x" * 50, cut=True), "could not be reached"),
    ],
)
async def test_a_page_that_cannot_be_had_is_an_error(
    call: Call, hub: HubDocs, reply: Reply, said: str
) -> None:
    hub.fail("sft_trainer", reply, times=2)
    with pytest.raises(WebError, match=re.escape(said)):
        await call(FETCH_DOCS, url="trl/sft_trainer")


async def test_what_breaks_off_once_is_read_all_the_same(call: Call, hub: HubDocs) -> None:
    hub.fail("sft_trainer", Reply(body=SFT, cut=True))
    assert "resume_from_checkpoint" in (await call(FETCH_DOCS, url="trl/sft_trainer")).text


@pytest.mark.parametrize("text", ["", "  \n", "<!doctype html><html><body></body></html>"])
async def test_a_page_without_text_is_as_if_it_were_not_there(
    call: Call, hub: HubDocs, text: str
) -> None:
    hub.files["/docs/trl/empty.md"] = text
    assert "There is no page /docs/trl/empty" in await refusal(call, url="trl/empty")


def test_an_old_copy_is_told_to_be_one() -> None:
    page = Reading("https://a/b", parsed("# T\n"), age=0)
    assert "does not answer" not in fetch.shown(page, "", "", 0)
    old = fetch.shown(replace(page, age=49 * 3600.0), "", "", 0)
    assert old.startswith("[The site does not answer: this is as it was 49 hours ago.]")


def test_hundreds_of_headings_are_not_all_listed() -> None:
    many = "# T\n" + "".join(f"## H{n}\nx\n" for n in range(300))
    lines = fetch.outline(parsed(many), "https://a/b")
    assert len(lines) == 52
    assert lines[-1].startswith("(250 more headings")


async def test_control_characters_are_written_out_and_titles_are_cut(
    call: Call, hub: HubDocs
) -> None:
    parts = "".join(f"## {'x' * 50_000}{n}\n\nred \x1b[31m nul \x00\n\n" for n in range(5))
    hub.files["/docs/trl/odd.md"] = f"# Odd\n\nred \x1b[31m\n\n{parts}"
    text = (await call(FETCH_DOCS, url="trl/odd")).text
    assert "red \\x1b[31m" in text
    assert not [char for char in text if char != "\n" and not char.isprintable()]
    assert len(text) < 12_000
    assert len(await refusal(call, url="trl/odd", section="none")) < 3000
