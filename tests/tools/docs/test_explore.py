"""`explore_hf_docs`: lists of pages, searches that read no more than they must, and trouble."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from emulators.docs import GradioDocs, HubDocs
from emulators.site import Reply, Site
from ml_intern.tools.docs import gathering
from ml_intern.tools.docs.explore import EXPLORE_DOCS
from ml_intern.tools.errors import ToolError
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext, ToolResult
from ml_intern.tools.web.errors import StrayError, WebError

Call = Callable[..., "asyncio.Future[ToolResult]"]


def steady(text: str, hub: Site, gradio: Site | None = None) -> str:
    text = text.replace(hub.url, "https://huggingface.co")
    return text.replace(gradio.url, "https://www.gradio.app") if gradio else text


async def refusal(call: Call, **args: object) -> str:
    with pytest.raises(ToolError) as caught:
        await call(EXPLORE_DOCS, **args)
    return str(caught.value)


async def test_pages_are_listed_by_section(
    call: Call, hub: HubDocs, golden: Callable[[str, str], None]
) -> None:
    result = await call(EXPLORE_DOCS, library="evaluate")
    golden("hub/explore_list.txt", steady(result.text, hub))
    assert hub.paths == ["/docs/evaluate/llms.txt", "/docs/evaluate"]
    assert "evil.example" not in result.text


async def test_the_best_passages_are_shown_and_how_to_read_them(
    call: Call, hub: HubDocs, golden: Callable[[str, str], None]
) -> None:
    result = await call(EXPLORE_DOCS, library="trl", query="how does packing save memory")
    golden("hub/explore_search.txt", steady(result.text, hub))


async def test_the_list_comes_from_llms_txt_if_there_is_one(call: Call, hub: HubDocs) -> None:
    text = (await call(EXPLORE_DOCS, library="/docs/trl/", query=None)).text
    assert "5 pages." in text
    assert text.count("/docs/trl/v1.9.2/index") == 2  # In the list, and as the example.
    assert "discord" not in text
    assert hub.paths == ["/docs/trl/llms.txt"]


async def test_a_long_list_is_shown_in_parts(call: Call, hub: HubDocs) -> None:
    hub.add_large(200, whole=True)
    first = (await call(EXPLORE_DOCS, library="large")).text
    assert "201 pages, 1 to 80." in first
    assert 'explore_hf_docs(library="large", offset=80)' in first
    assert len(first) < 8000
    part = (await call(EXPLORE_DOCS, library="large", offset=80, limit=100)).text
    assert '21 more: explore_hf_docs(library="large", offset=180, limit=100)' in part
    last = (await call(EXPLORE_DOCS, library="large", offset=180, limit=100)).text
    assert "201 pages, 181 to 201." in last
    assert " more: " not in last
    listed = re.findall(
        r"guides/topic_\d+$|guides/zoo$", "\n".join([first, part, last]), re.MULTILINE
    )
    assert len(listed) == len(set(listed)) == 201
    assert "give a smaller offset" in await refusal(call, library="large", offset=999)
    assert hub.paths == ["/docs/large/llms.txt"]


async def test_an_unknown_library_is_an_error_that_names_near_ones(
    call: Call, hub: HubDocs
) -> None:
    said = await refusal(call, library="transfomers")
    assert "There is no documentation of 'transfomers'" in said
    assert "Near names: transformers" in said
    assert "Some of them: accelerate" in await refusal(call, library="zzzzzz")
    await refusal(call, library="transfomers")
    assert hub.paths.count("/docs/transfomers/llms.txt") == 2  # W12: a refusal is not kept.


async def test_a_name_may_stand_for_several_libraries(call: Call, hub: HubDocs) -> None:
    hub.add("/learn/cookbook", "", {"index": "# Cookbook\n\nRecipes.\n"})
    text = (await call(EXPLORE_DOCS, library="courses")).text
    assert "agents-course / unit1:" in text
    assert "cookbook:\n- Cookbook: /learn/cookbook/index" in text
    assert "[Not found: llm-course, robotics-course," in text
    found = (await call(EXPLORE_DOCS, library="courses", query="code agents")).text
    assert "1. smolagents > Code agents" in found


async def test_a_part_that_fails_is_told_with_its_reason(call: Call, hub: HubDocs) -> None:
    hub.fail("cookbook/llms.txt", Reply(status=500, body="down"), times=2)
    text = (await call(EXPLORE_DOCS, library="courses")).text
    assert "agents-course / unit1:" in text
    assert "[cookbook is left out: 127.0.0.1 answered 500" in text


async def test_a_small_library_is_read_at_once_and_searched_whole(call: Call, hub: HubDocs) -> None:
    hub.add_large(100, whole=True)
    text = (await call(EXPLORE_DOCS, library="large", query="flamingo")).text
    assert "1. The zoo > Birds" in text
    assert "All 101 pages were searched." in text
    assert hub.paths == ["/docs/large/llms.txt", "/docs/large/llms-full.txt"]
    await call(EXPLORE_DOCS, library="large", query="birds")
    assert len(hub.paths) == 2


async def test_a_page_that_says_it_often_does_not_hide_the_others(call: Call, hub: HubDocs) -> None:
    often = "\n\n".join(f"## Trainer {n}\n\nThe trainer, trainer, trainer." for n in range(200))
    once = "# Other\n\n## Use\n\nAmong many things that are long, a trainer is named once.\n"
    hub.add("/docs/lib", "", {"big": f"# Big\n\n{often}", "other": once})
    text = (await call(EXPLORE_DOCS, library="lib", query="trainer")).text
    assert text.count("/docs/lib/big, section=") == 3
    assert "4. Other > Use\n" in text
    assert "Of a page, at most 3 passages are shown. All 2 pages were searched." in text


async def test_of_a_large_library_only_the_likely_pages_are_read(call: Call, hub: HubDocs) -> None:
    hub.add_large(400, whole=True)
    text = (await call(EXPLORE_DOCS, library="large", query="zoo")).text
    assert "1. The zoo" in text
    assert "25 of 401 pages were searched, the rest by title only; deep=true" in text
    assert len(hub.paths) == 26  # W12: the whole library was read before the first answer.
    assert "/docs/large/guides/zoo.md" in hub.paths
    more = (await call(EXPLORE_DOCS, library="large", query="zoo", deep=True)).text
    assert "All 401 pages were searched." in more
    assert hub.paths[26:] == ["/docs/large/llms-full.txt"]


async def test_deep_without_one_file_for_all_reads_more_each_time(call: Call, hub: HubDocs) -> None:
    hub.add_large(100, whole=False)
    text = (await call(EXPLORE_DOCS, library="large", query="topic", deep=True)).text
    assert "75 of 101 pages were searched" in text
    assert "the same call again searches more" in text
    text = (await call(EXPLORE_DOCS, library="large", query="topic", deep=True)).text
    assert "All 101 pages were searched." in text
    pages = [path for path in hub.paths if path.endswith(".md")]
    assert len(pages) == len(set(pages)) == 101


async def test_pages_that_fit_by_title_but_were_not_read_are_named(
    call: Call, hub: HubDocs
) -> None:
    hub.add_large(100, whole=False)
    text = (await call(EXPLORE_DOCS, library="large", query="topic")).text
    assert "Not searched, but of a title or address that fits:\n- Topic 0" in text
    assert text.count("- Topic") == 8


async def test_a_page_that_is_missing_is_told_and_asked_for_again(call: Call, hub: HubDocs) -> None:
    del hub.files["/docs/trl/v1.9.2/dpo_trainer.md"]
    for _ in range(2):
        text = (await call(EXPLORE_DOCS, library="trl", query="beta")).text
        assert "4 of 5 pages were searched" in text
        assert "/docs/trl/v1.9.2/dpo_trainer: there is no such page" in text
    hub.files["/docs/trl/v1.9.2/dpo_trainer.md"] = "# DPO Trainer\n\n`beta` is a number.\n"
    text = (await call(EXPLORE_DOCS, library="trl", query="beta")).text  # W12
    assert "1. DPO Trainer" in text
    assert "All 5 pages were searched." in text


async def test_a_service_that_has_enough_is_left_alone(call: Call, hub: HubDocs) -> None:
    hub.add_large(100, whole=False)
    hub.fail("guides/", Reply(status=429, headers={"Retry-After": "300"}), times=500)
    text = (await call(EXPLORE_DOCS, library="large", query="zoo")).text
    assert "No passage" in text
    assert "0 of 101 pages were searched" in text
    assert "asked too often (429). Try again in 300 s" in text
    assert "- The zoo: /docs/large/guides/zoo" in text
    # Two lists, and the pages that were under way when the first was refused.
    assert len(hub.paths) <= 7


async def test_a_service_that_breaks_off_is_left_alone(call: Call, hub: HubDocs) -> None:
    hub.add_large(100, whole=False)
    hub.fail(r"\.md$", Reply(body="x" * 100, cut=True), times=500)
    text = (await call(EXPLORE_DOCS, library="large", query="zoo")).text
    assert "Not all pages could be read: 127.0.0.1 could not be reached" in text
    assert len(hub.paths) <= 25


async def test_slow_pages_are_not_waited_for(
    call: Call, hub: HubDocs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_PATIENCE", 1.0)
    hub.fail("dpo_trainer", Reply(delay=30))
    text = (await call(EXPLORE_DOCS, library="trl", query="packing")).text
    assert "1. Reducing Memory Usage > Packing" in text
    assert "4 of 5 pages were searched" in text
    assert "Not all pages could be read: of 1 nothing came in 1 s." in text


async def test_no_more_than_a_few_pages_are_asked_for_at_once(
    call: Call, hub: HubDocs, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_large(40, whole=False)
    now, most = 0, 0
    page = services.web.page

    async def counted(request: object) -> object:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        try:
            await asyncio.sleep(0.01)
            return await page(request)  # type: ignore[arg-type]
        finally:
            now -= 1

    monkeypatch.setattr(services.web, "page", counted)
    await call(EXPLORE_DOCS, library="large", query="topic")
    assert most == 5  # W12: all at once before.


async def test_two_searches_at_once_ask_once(call: Call, hub: HubDocs) -> None:
    found = await asyncio.gather(
        *(call(EXPLORE_DOCS, library="trl", query=query) for query in ("packing", "beta"))
    )
    assert all("All 5 pages were searched." in one.text for one in found)
    assert len(hub.paths) == len(set(hub.paths)) == 6


async def test_what_was_read_serves_the_next_process(
    call: Call, hub: HubDocs, ctx: ToolContext, tmp_path: Path
) -> None:
    await call(EXPLORE_DOCS, library="trl", query="packing")
    asked = len(hub.paths)
    (tmp_path / "cache" / "web.sqlite").unlink()
    fresh = Services(ctx.services.settings, {}, tmp_path / "cache")
    args = EXPLORE_DOCS.args(library="trl", query="packing")
    again = await EXPLORE_DOCS.handler(args, replace(ctx, services=fresh))
    assert "All 5 pages were searched." in again.text
    assert hub.paths[asked:] == ["/docs/trl/llms.txt"]
    assert (tmp_path / "cache" / "docs.sqlite").stat().st_mode & 0o777 == 0o600


async def test_where_nothing_is_kept_a_search_works_all_the_same(
    hub: HubDocs, ctx: ToolContext, tmp_path: Path
) -> None:
    bare = replace(ctx, services=Services(ctx.services.settings, {}, None))
    args = EXPLORE_DOCS.args(library="trl", query="packing")
    assert "1. Reducing Memory Usage" in (await EXPLORE_DOCS.handler(args, bare)).text
    assert not (tmp_path / "cache").exists()


async def test_a_damaged_index_is_no_obstacle(call: Call, hub: HubDocs, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "docs.sqlite").write_bytes(b"nonsense" * 1000)
    assert "All 5" in (await call(EXPLORE_DOCS, library="trl", query="packing")).text


async def test_nothing_found_says_how_far_was_looked(call: Call, hub: HubDocs) -> None:
    text = (await call(EXPLORE_DOCS, library="trl", query="flamingo (*")).text
    assert "No passage of the documentation of trl that was searched has 'flamingo (*'." in text
    assert "All 5 pages were searched." in text
    assert "has no word to search for" in await refusal(call, library="trl", query='"*"')


async def test_more_than_is_shown_is_said(call: Call, hub: HubDocs) -> None:
    text = (await call(EXPLORE_DOCS, library="trl", query="trainer", limit=1)).text
    assert "\n2. " not in text
    assert "More passages match: raise `limit`, or add words." in text


async def test_gradio_is_one_text(
    call: Call, hub: HubDocs, gradio: GradioDocs, golden: Callable[[str, str], None]
) -> None:
    text = (await call(EXPLORE_DOCS, library="gradio", query="timer ticking")).text
    golden("hub/explore_gradio.txt", steady(text, hub, gradio))
    assert "gradio: 1 page." in (await call(EXPLORE_DOCS, library="gradio")).text
    assert gradio.paths == ["/llms.txt"]
    assert hub.paths == []


async def test_gradio_may_be_a_list_of_pages(call: Call, gradio: GradioDocs) -> None:
    gradio.list_pages(["interface", "blocks", "timer"])
    text = (await call(EXPLORE_DOCS, library="gradio", query="cached")).text
    assert f"{gradio.url}/docs/gradio/blocks, section=" in text  # Of HTML: it has no Markdown.
    assert "All 3 pages were searched." in text


async def test_a_redirect_to_elsewhere_is_not_followed(call: Call, hub: HubDocs) -> None:
    with Site() as foreign:
        away = Reply(status=302, headers={"Location": f"{foreign.url}/docs/trl/x.md"})
        hub.files["/docs/gone/llms.txt"] = away
        hub.files["/docs/trl/v1.9.2/dpo_trainer.md"] = away
        with pytest.raises(StrayError, match="which is not asked"):
            await call(EXPLORE_DOCS, library="gone")
        text = (await call(EXPLORE_DOCS, library="trl", query="packing")).text
    assert "redirects to 127.0.0.1, which is not asked" in text
    assert foreign.ledger == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=500, body="oops"), "answered 500"),
        (Reply(status=401, body="no"), "answered 401"),
        (Reply(status=429, headers={"Retry-After": "99"}), "asked too often"),
        (Reply(body="x" * 50, cut=True), "could not be reached"),
    ],
)
async def test_a_list_that_cannot_be_had_is_an_error(
    call: Call, hub: HubDocs, reply: Reply, said: str
) -> None:
    hub.fail("llms.txt", reply, times=2)
    with pytest.raises(WebError, match=said):
        await call(EXPLORE_DOCS, library="trl")


@pytest.mark.parametrize(
    "text",
    ["", "\x00\xff", "- [no](", "<html><body>Not a list</body></html>", "- []()\n- [x](http://[)"],
)
async def test_a_list_that_is_none_is_as_if_there_were_none(
    call: Call, hub: HubDocs, text: str
) -> None:
    hub.files["/docs/odd/llms.txt"] = text
    hub.files["/docs/odd"] = text
    assert "There is no documentation of 'odd'" in await refusal(call, library="odd")


async def test_odd_lines_and_titles_of_a_list_are_read_as_far_as_they_go(
    call: Call, hub: HubDocs
) -> None:
    hub.files["/docs/odd/llms.txt"] = (
        "# Odd\n- [A [b] c[[anchor]]](/docs/odd/a.md): said\n* [](/docs/odd/my_page)\n"
        "## Größe\n- [Ünï](/docs/odd/b%20c.md)\n- [full](/docs/odd/llms-full.txt)\n- text\n"
    )
    text = (await call(EXPLORE_DOCS, library="odd")).text
    assert "- A [b] c: /docs/odd/a\n- my page: /docs/odd/my_page" in text
    assert "Größe:\n- Ünï: /docs/odd/b%20c" in text
    assert "3 pages." in text


def test_the_whole_of_a_library_is_split_where_its_pages_begin() -> None:
    from ml_intern.tools.docs.addresses import Sites
    from ml_intern.tools.docs.contents import Contents, Entry

    sites = Sites("https://hf.co/docs", "https://g.app")
    entries = tuple(Entry(name, f"https://hf.co/docs/x/{name}", "") for name in ("a", "b"))
    text = (
        "# X\n\n- [a](https://hf.co/docs/x/a.md)\n\n"
        "### A\nhttps://hf.co/docs/x/a.md\n\n# A\n\none\n"
        "### Else\nhttps://evil.example/b.md\n\ntwo\n### B\nhttps://hf.co/docs/x/b.md\n\nthree\n"
    )
    found = gathering.split(sites, text, Contents("x", entries))
    assert [(page.url[-1], page.title) for page in found] == [("a", "A"), ("b", "b")]
    assert "two" in found[0].passages[-1].body
    assert found[1].passages[0].body.strip() == "three"
    assert gathering.split(sites, "nonsense", Contents("x", entries)) == []


def test_the_tool_only_reads() -> None:
    assert (EXPLORE_DOCS.effect, EXPLORE_DOCS.risk) == ("pure", "read")


async def test_copies_of_a_site_that_does_not_answer_are_told(
    call: Call, hub: HubDocs, tmp_path: Path
) -> None:
    await call(EXPLORE_DOCS, library="trl", query="packing")
    for name in ("web", "docs"):
        with closing(sqlite3.connect(tmp_path / "cache" / f"{name}.sqlite")) as db, db:
            db.execute("UPDATE page SET at = at - 3 * 86400")
    hub.fail("/", Reply(status=503, body="down"), times=99)
    text = (await call(EXPLORE_DOCS, library="trl", query="packing")).text
    assert "1. Reducing Memory Usage > Packing" in text
    assert text.endswith("searched. The site does not answer: this is as it was 72 hours ago.]")
