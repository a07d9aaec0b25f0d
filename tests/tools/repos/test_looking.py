"""`hf_repo_files`: what is listed and read, and how little is asked for it."""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable, Iterator

import pytest

from emulators.hub_files import add_storage
from emulators.hub_repos import Blob, HubRepos, Huge
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.spec import ToolResult

Golden = Callable[[str, str], None]
Call = Callable[..., Awaitable[ToolResult]]
TOKEN = "hf_mine"
GIGABYTES = 10_000_000_000


def safetensors(**shapes: tuple[int, ...]) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * shape[1]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + b"\0" * at


@pytest.fixture
def model(state: HubRepos) -> None:
    state.add(
        "me/m",
        {
            "README.md": "# Müller\n",
            "config.json": '{"a": 1}\n',
            "logs/run 1.txt": "".join(f"line no {n}\n" for n in range(5000)),
            "model.safetensors": Blob(safetensors(w=(20, 30), b=(1, 30)), lfs=True),
            "data/x.parquet": Blob(b"PAR1\0\0\0PAR1", lfs=True),
        },
        private=True,
    )


@pytest.fixture
def crowd(state: HubRepos) -> None:
    files = {f"shards/{n % 3}/part-{n:05d}.bin": b"x" * 10 for n in range(9_990)}
    state.add("me/crowd", {**files, "README.md": "hi"}, type="dataset")


def asked(site: Site, *words: str) -> list[str]:
    return [line for line in site.lines if any(word in line for word in words)]


async def test_a_small_repository_is_listed_whole(call: Call, model: None, golden: Golden) -> None:
    text = (await call(REPO_FILES, operation="list", repo_id="me/m")).text
    golden("hub/repo_files_list.txt", text)


async def test_ten_thousand_files_are_summed_up_and_can_be_paged(
    call: Call, crowd: None, site: Site, golden: Golden
) -> None:
    args = {"operation": "list", "repo_id": "me/crowd", "repo_type": "dataset"}
    text = (await call(REPO_FILES, **args)).text
    golden("hub/repo_files_list_many.txt", text)
    assert len(asked(site, "/tree/")) == 10
    inside = (await call(REPO_FILES, **args, path="shards/1")).text
    assert "shards/1/ of the dataset me/crowd" in inside
    assert "3,330 files, 33,300 bytes" in inside
    assert 'path="shards/1", offset=200' in inside
    flat = (await call(REPO_FILES, **args, recursive=True, offset=9_980)).text
    rows = [line for line in flat.splitlines() if "part-" in line]
    assert len(rows) == 12
    assert "more:" not in flat


async def test_more_files_than_are_counted_are_never_all_fetched(
    call: Call, state: HubRepos, site: Site
) -> None:
    state.add("me/vast", {f"d/{n:05d}": b"" for n in range(30_000)}, type="dataset")
    args = {"operation": "list", "repo_id": "me/vast", "repo_type": "dataset"}
    text = (await call(REPO_FILES, **args)).text
    assert "more than 10,000 files" in text
    assert "d/  (not counted)" in text
    assert len(asked(site, "/tree/")) == 12
    flat = (await call(REPO_FILES, **args, recursive=True)).text
    assert "files 1 to 200 of " in flat
    assert "recursive=True, offset=200" in flat


async def test_a_folder_that_is_none_is_named(call: Call, model: None) -> None:
    with pytest.raises(ToolError, match=r"has no folder config\.json at main; `read` shows a file"):
        await call(REPO_FILES, operation="list", repo_id="me/m", path="config.json")
    with pytest.raises(ToolError, match="offset is 0 to"):
        await call(REPO_FILES, operation="list", repo_id="me/m", offset=-5)


async def test_a_text_is_read_a_page_at_a_time(call: Call, model: None, golden: Golden) -> None:
    args = {"operation": "read", "repo_id": "me/m", "path": "logs/run 1.txt"}
    first = (await call(REPO_FILES, **args)).text
    golden("hub/repo_files_read.txt", first[:200] + "\n(...)\n" + first[-200:])
    offset = int(first.rpartition("offset=")[2].partition(")")[0])
    second = (await call(REPO_FILES, **args, offset=offset)).text
    last = (await call(REPO_FILES, **args, offset=-10)).text
    whole = [line for page in (first, second) for line in page.splitlines() if line[:5] == "line "]
    assert whole == [f"line no {n}" for n in range(len(whole))]
    assert last.endswith(" no 4999\n")
    with pytest.raises(ToolError, match="give a smaller offset"):
        await call(REPO_FILES, **args, offset=10**8)


async def test_of_a_file_of_ten_gigabytes_only_what_is_shown_is_asked_for(
    call: Call, state: HubRepos, site: Site
) -> None:
    state.add("me/big", {"huge.txt": Huge(GIGABYTES)}, type="dataset")
    text = (
        await call(REPO_FILES, operation="read", repo_id="me/big", repo_type="dataset",
                   path="huge.txt", offset=5_000_000_000)
    ).text  # fmt: skip
    assert "10,000,000,000 bytes, bytes 5,000,000,000 to 5,000,016,000:" in text
    assert text.count("0123456789abcde") == 1000
    ranges = [a.headers["range"] for a in site.ledger if "/resolve/" in a.path]
    assert ranges == ["bytes=0-511", "bytes=5000000000-5000015999"]


async def test_what_is_binary_is_described_and_not_shown(
    call: Call, model: None, golden: Golden
) -> None:
    args = {"operation": "read", "repo_id": "me/m"}
    tensors = (await call(REPO_FILES, **args, path="model.safetensors")).text
    table = (await call(REPO_FILES, **args, path="data/x.parquet")).text
    golden("hub/repo_files_read_binary.txt", f"{tensors}\n\n{table}\n")


async def test_a_folder_or_nothing_to_read_is_listed(call: Call, model: None) -> None:
    folder = (await call(REPO_FILES, operation="read", repo_id="me/m", path="data/")).text
    assert folder.splitlines()[1:] == ["data/x.parquet  11"]
    root = (await call(REPO_FILES, operation="read", repo_id="me/m")).text
    assert "config.json  9" in root


async def test_odd_texts_are_read(call: Call, state: HubRepos) -> None:
    wide = "ü" * 20_000
    state.add("me/odd", {"empty": "", "wide": wide, "latin": "caf\xe9".encode("latin-1"),
                         "bom": "\ufeffhi", "esc": "a\x1b[31mb"})  # fmt: skip
    args = {"operation": "read", "repo_id": "me/odd"}
    assert (await call(REPO_FILES, **args, path="empty")).text.endswith("0 bytes:\n(empty)")
    first = (await call(REPO_FILES, **args, path="wide")).text
    second = (await call(REPO_FILES, **args, path="wide", offset=16_001)).text
    assert first.count("ü") == 8_000
    assert second.count("ü") == 8_000 - 1
    assert "caf\\xe9" in (await call(REPO_FILES, **args, path="latin")).text
    assert (await call(REPO_FILES, **args, path="bom")).text.endswith(":\nhi")
    assert "a\\x1b[31mb" in (await call(REPO_FILES, **args, path="esc")).text


@pytest.fixture
def cdn(state: HubRepos) -> Iterator[Site]:
    with Site() as cdn:
        add_storage(cdn, state)
        state.cdn = cdn.url
        yield cdn


async def test_the_token_does_not_reach_the_storage_of_large_files(
    call: Call, state: HubRepos, site: Site, cdn: Site
) -> None:
    state.add("me/m", {"a.txt": Blob(b"hello\n", lfs=True)}, private=True)
    text = (await call(REPO_FILES, operation="read", repo_id="me/m", path="a.txt")).text
    assert text.endswith("hello\n")
    assert state.repo("me/m").head.oid in text
    assert [ask.token for ask in cdn.ledger] == [""]
    assert {ask.token for ask in site.ledger} == {TOKEN}


async def test_a_storage_without_ranges_is_read_from_its_start_only(
    call: Call, state: HubRepos, site: Site
) -> None:
    state.add("me/m", {"a.txt": "x" * 50_000})
    whole = Reply(body=b"y" * 50_000)
    args = {"operation": "read", "repo_id": "me/m", "path": "a.txt"}
    site.fail("GET .*/resolve/", whole)
    assert "y" * 16_000 in (await call(REPO_FILES, **args)).text
    site.fail("GET .*/resolve/", whole, times=2)
    with pytest.raises(ToolError, match="can only be read from its start"):
        await call(REPO_FILES, **args, offset=20_000)


async def test_a_bare_name_is_the_users_own_or_one_of_the_oldest(
    call: Call, state: HubRepos, site: Site
) -> None:
    state.add("me/tiny", {"own": ""})
    state.add("gpt2", {"old": ""})
    assert "own  0" in (await call(REPO_FILES, operation="list", repo_id="tiny")).text
    assert "old  0" in (await call(REPO_FILES, operation="list", repo_id="gpt2")).text
    url = f"{site.url}/datasets/me/d"
    state.add("me/d", {"rows": ""}, type="dataset")
    assert "rows  0" in (await call(REPO_FILES, operation="list", repo_id=url)).text
    assert len(asked(site, "whoami")) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"repo_id": "me/none"}, "does not exist on the Hub, or is private"),
        ({"repo_id": "other/secret"}, "does not exist on the Hub, or is private"),
        ({"repo_id": "me/m", "revision": "dev"}, "has no such revision"),
        ({"repo_id": ""}, "repo_id is missing"),
        ({"repo_id": "a/b/c"}, "did not accept"),
    ],
)
async def test_what_cannot_be_read_says_why(
    call: Call, state: HubRepos, model: None, args: dict[str, str], words: str
) -> None:
    state.add("other/secret", private=True)
    for operation in ("list", "read"):
        with pytest.raises(ToolError, match=words):
            await call(REPO_FILES, operation=operation, path="README.md" * (operation == "read"),
                       **args)  # fmt: skip


async def test_a_file_that_is_not_there_or_not_for_us_is_told_apart(
    call: Call, state: HubRepos, model: None
) -> None:
    with pytest.raises(ToolError, match=r"has no nope\.txt at main"):
        await call(REPO_FILES, operation="read", repo_id="me/m", path="nope.txt")
    state.add("other/gated", {"w.txt": "x"}, gated="manual")
    with pytest.raises(HubError, match="is gated: its owner grants access"):
        await call(REPO_FILES, operation="read", repo_id="other/gated", path="w.txt")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=500, body={"error": "x"}), "did not answer"),
        (Reply(status=429, body={"error": "x"}), "asked too often"),
        (Reply(status=401, body={"error": "Invalid credentials"}), "the token does not allow it"),
        (Reply(body="<html>"), "in a form that is not known"),
        (Reply(body=[{"type": "file", "size": 3}]), "in a form that is not known"),
        (Reply(body={"a": 1}), "in a form that is not known"),
    ],
)
async def test_trouble_of_the_hub_is_told(
    call: Call, state: HubRepos, site: Site, reply: Reply, words: str
) -> None:
    state.add("me/m")
    site.fail("/tree/main", reply, times=3)
    with pytest.raises(ToolError, match=words):
        await call(REPO_FILES, operation="list", repo_id="me/m")


async def test_a_break_is_read_again(call: Call, state: HubRepos, site: Site) -> None:
    state.add("me/m", {"a.txt": "hello"})
    site.fail("/resolve/", Reply(status=206, body=b"hello", cut=True))
    site.fail("paths-info", Reply(status=503, body={}))
    text = (await call(REPO_FILES, operation="read", repo_id="me/m", path="a.txt")).text
    assert text.endswith(":\nhello")


@pytest.mark.parametrize("path", [".", "./", "/"])
async def test_the_root_may_be_named(call: Call, state: HubRepos, path: str) -> None:
    state.add("me/m", {"a.txt": "x"})
    whole = await call(REPO_FILES, operation="list", repo_id="me/m")
    assert await call(REPO_FILES, operation="list", repo_id="me/m", path=path) == whole
    assert await call(REPO_FILES, operation="read", repo_id="me/m", path=path) == whole
