"""`find_hf_api`: the Hub's endpoints, from a document that may be anything."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulators.docs import HubDocs
from emulators.site import Reply
from ml_intern.configs.settings import Settings
from ml_intern.tools.docs.api.find import FIND_API, FindArgs, answered
from ml_intern.tools.docs.api.schema import Schemas
from ml_intern.tools.errors import ToolError
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext, ToolResult
from ml_intern.tools.web.errors import WebError

Call = Callable[..., "asyncio.Future[ToolResult]"]
SPEC = "/.well-known/openapi.json"


@pytest.fixture
def addresses(hub: HubDocs) -> dict[str, str]:
    return {"hf_endpoint": "https://huggingface.co", "hf_openapi_url": f"{hub.url}{SPEC}"}


async def refusal(call: Call, **args: object) -> str:
    with pytest.raises(ToolError) as caught:
        await call(FIND_API, **args)
    return str(caught.value)


async def test_endpoints_are_found_and_described(
    call: Call, hub: HubDocs, golden: Callable[[str, str], None]
) -> None:
    golden("hub/find_hf_api_query.txt", (await call(FIND_API, query="creating a repository")).text)
    assert hub.paths == [SPEC]
    await call(FIND_API, query="discussion")
    assert len(hub.paths) == 1


async def test_without_anything_the_tags_are_listed(
    call: Call, golden: Callable[[str, str], None]
) -> None:
    golden("hub/find_hf_api_tags.txt", (await call(FIND_API, query=None, tag="")).text)


async def test_the_endpoints_of_a_tag_are_listed(
    call: Call, golden: Callable[[str, str], None]
) -> None:
    golden("hub/find_hf_api_tag.txt", (await call(FIND_API, tag="Models")).text)


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("repos.createRepo", "POST /api/repos/create"),
        ("create repo", "POST /api/repos/create"),
        ("list tree content", "GET /api/models/{namespace}/{repo}/tree/{rev}/{path}"),
        ("listTreeContent", "GET /api/models/{namespace}/{repo}/tree/{rev}/{path}"),
        ("pull requests", "GET /api/models/{namespace}/{repo}/discussions"),
    ],
)
async def test_names_are_found_by_their_words(call: Call, query: str, line: str) -> None:
    assert (await call(FIND_API, query=query)).text.startswith(f"## {line}\n")


async def test_an_endpoint_that_is_named_is_the_one_described(call: Call) -> None:
    path = "/api/models/{namespace}/{repo}/discussions"
    text = (await call(FIND_API, query=f"post {path}")).text
    assert text.startswith(f"## POST {path}\n")
    assert text.count("## ") == 1
    assert (await call(FIND_API, query=path)).text.count("## ") == 2


async def test_a_query_within_a_tag_finds_only_its_endpoints(call: Call) -> None:
    text = (await call(FIND_API, query="create", tag="discussions")).text
    assert "## POST /api/models/{namespace}/{repo}/discussions" in text
    assert "/api/repos/create" not in text


async def test_what_is_unknown_is_told(call: Call) -> None:
    said = await refusal(call, tag="repo")
    assert (
        "No endpoint has the tag 'repo'. Near it: repos. All: repos, models, discussions." in said
    )
    text = (await call(FIND_API, query="flamingo")).text
    assert text.startswith("No endpoint has any word of 'flamingo'.")
    assert "- repos: 2" in text
    assert "give a smaller offset" in await refusal(call, tag="repos", offset=9)


async def test_references_are_followed_and_circles_end(call: Call) -> None:
    """Bodies and responses were empty, for references were not followed."""
    text = (await call(FIND_API, query="models.listTreeContent")).text
    assert (
        'Response 200: ({type: "file"|"directory", oid: string, size?: number, path: string, '
        "lfs?: {[key]: string}, children?: …[]})[]"
    ) in text
    assert "- limit (query, integer|null)" in text
    assert "X-Trace" not in text
    made = (await call(FIND_API, query="discussions.create")).text
    assert "- text (string, required)\n- parent ({text: string, parent?: …})\n- title" in made
    circle = (await call(FIND_API, query="discussions.list")).text
    assert "Response 200: any" in circle
    assert '- status (query, "all"|"open"|"closed", required)' in circle


async def test_a_curl_line_is_safe_whatever_the_document_says(call: Call) -> None:
    text = (await call(FIND_API, query="odd", limit=1)).text
    words = shlex.split(text.splitlines()[-1])
    assert words[:3] == ["curl", "-X", "DELETE"]
    assert "https://huggingface.co/api/it's/$(odd)" in words
    # The token stands in double quotes for the shell, and goes to the Hub, not to `servers`.
    assert '-H "Authorization: Bearer $HF_TOKEN"' in text
    assert "evil.example" not in text


async def test_many_endpoints_of_a_tag_are_listed_in_parts(call: Call, hub: HubDocs) -> None:
    """W11: the list of a tag had no end."""
    paths = {f"/api/x/{n:03}": {"get": {"summary": "It " * 200, "tags": ["x"]}} for n in range(150)}
    hub.files[SPEC] = Reply(body={"paths": paths})
    text = (await call(FIND_API, tag="x")).text
    assert "150 endpoints" in text
    assert len(text) < 13_000
    assert '90 more: find_hf_api(tag="x", offset=60).' in text
    last = (await call(FIND_API, tag="x", offset=120)).text
    assert last.count("\n- ") == 30
    assert " more: " not in last


async def test_an_endpoint_of_many_fields_is_cut(call: Call, hub: HubDocs) -> None:
    fields = {f"field{n}": {"enum": list(range(100))} for n in range(100)}
    body = {"content": {"application/json": {"schema": {"properties": fields}}}}
    paths = {"/api/x": {"post": {"requestBody": body, "responses": {"200": body}}}}
    hub.files[SPEC] = Reply(body={"paths": paths})
    text = (await call(FIND_API, query="x")).text
    assert "- … 75 more" in text
    assert "0|1|2|3|4|5|6|7|8|9|… 90 more" in text
    assert len(text) < 4000


async def test_many_descriptions_are_given_as_far_as_there_is_room(
    call: Call, hub: HubDocs
) -> None:
    fields = {f"field{n}": {"type": "string", "description": "It is so. " * 9} for n in range(25)}
    body = {"content": {"application/json": {"schema": {"properties": fields}}}}
    paths = {f"/api/x/{n}": {"post": {"summary": "x", "requestBody": body}} for n in range(100)}
    hub.files[SPEC] = Reply(body={"paths": paths})
    text = (await call(FIND_API, query="x", limit=100)).text
    assert 16_000 < len(text) < 25_000
    shown = text.count("## POST")
    assert f"({100 - shown - 8} more match less well: add words, or give a tag.)" in text


async def test_a_list_of_tags_without_end_is_cut(call: Call, hub: HubDocs) -> None:
    paths = {f"/api/{n}": {"get": {"tags": [f"{'t' * 100}{n:04}"]}} for n in range(3000)}
    hub.files[SPEC] = Reply(body={"paths": paths})
    text = (await call(FIND_API)).text
    assert "(and 2,900 tags more)" in text
    assert len(text) < 13_000
    assert (await refusal(call, tag="x")).endswith("0099 and 2,900 more.")


async def test_a_body_of_several_forms_shows_them_all(call: Call, hub: HubDocs) -> None:
    """The fields of the first looked like those of every one."""
    forms = [{"properties": {name: {"type": "string"}}} for name in ("first", "second")]
    paths = {
        name: {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}
        for name, schema in (
            ("/api/forms", {"anyOf": forms}),
            ("/api/parts", {"allOf": [{"allOf": forms}, {"properties": {"third": {}}}]}),
        )
    }
    hub.files[SPEC] = Reply(body={"paths": paths})
    text = (await call(FIND_API, query="forms")).text
    assert "Body (application/json): {first?: string}|{second?: string}\n" in text
    assert "Of these 2 forms, the first:\n- first (string)" in text
    assert (
        "- first (string)\n- second (string)\n- third (any)\n"
        in (await call(FIND_API, query="parts")).text
    )


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=404, body={"error": "x"}), "answered 404"),
        (Reply(status=401, body={"error": "x"}), "answered 401"),
        (Reply(status=403, body={"error": "x"}), "answered 403"),
        (Reply(status=500, body={"error": "x"}), "answered 500"),
        (Reply(status=429, headers={"Retry-After": "99"}), "Try again in 99 s"),
        (Reply(body='{"paths": {', cut=False), "is not JSON"),
        (Reply(body="<html>Log in</html>"), "is not JSON"),
        (Reply(body='{"paths": {' * 9, cut=True), "could not be reached"),
    ],
)
async def test_a_document_that_cannot_be_had_is_an_error(
    call: Call, hub: HubDocs, reply: Reply, said: str
) -> None:
    hub.fail("openapi", reply, times=3)
    with pytest.raises(WebError, match=said):
        await call(FIND_API, query="x")


@pytest.mark.parametrize("body", [[], {}, None, 7, {"paths": []}, {"paths": {"/x": {"get": 1}}}])
async def test_a_document_of_something_else_is_an_error(
    call: Call, hub: HubDocs, body: Any
) -> None:
    hub.files[SPEC] = Reply(body=json.dumps(body))
    assert "does not describe any endpoint" in await refusal(call, query="x")


async def test_without_a_network_the_call_fails_and_the_tool_stays(ctx: ToolContext) -> None:
    """The tool was absent if the start had no network."""
    nowhere = {"model_name": "openai/x", "hf_openapi_url": "http://127.0.0.1:9/openapi.json"}
    away = Services(Settings.model_validate(nowhere), {}, None)
    with pytest.raises(WebError, match=r"127\.0\.0\.1 could not be reached"):
        await FIND_API.handler(FindArgs(query="x"), replace(ctx, services=away))
    schema = FIND_API.schema()["function"]["parameters"]["properties"]
    assert set(schema) == {"query", "tag", "limit", "offset"}
    assert "enum" not in json.dumps(schema)


def test_a_bomb_of_references_is_looked_at_for_a_moment_only() -> None:
    schemas: dict[str, Any] = {"s0": {"type": "string"}}
    for n in range(1, 40):
        reference = {"$ref": f"#/components/schemas/s{n - 1}"}
        schemas[f"s{n}"] = {"type": "object", "properties": {f"p{i}": reference for i in range(30)}}
    began = time.monotonic()
    text = Schemas({"components": {"schemas": schemas}}).sketch(
        {"$ref": "#/components/schemas/s39"}
    )
    assert time.monotonic() - began < 5
    assert len(text) < 50_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["object", "array", "#/paths", "#/a~1b", "#/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "$ref", "type", "properties", "items", "anyOf", "allOf", "oneOf", "enum", "required",
            "parameters", "requestBody", "content", "application/json", "schema", "responses",
            "200", "in", "name", "tags", "summary", "default", "additionalProperties",
            "description",
        ]), inner, max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_document_is_read_as_far_as_it_goes(node: Any) -> None:
    document = {"paths": {"/x": {"get": {"summary": "x"}, "post": node, "parameters": node}}}
    text = answered(FindArgs(query="x", limit=5), document, "https://a", "https://b")
    assert "## GET /x" in text
    Schemas({"paths": node}).sketch(node)
