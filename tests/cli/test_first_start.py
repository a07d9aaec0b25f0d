"""The first start in a real pseudo-terminal: from no key at all to the first answer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from emulators.hub import Hub
from emulators.openai_server import ModelServer, text
from emulators.router import model, offer
from process import COMMAND, environment, workdir

KIMI = "moonshotai/Kimi-K2.6"
TOKEN = "hf_CaNaRyCaNaRyCaNaRy"
MADE_FOR_A_KEY = ("ML_INTERN_MODEL_NAME", "OPENAI_API_KEY", "OPENAI_BASE_URL")


@contextmanager
def first_start(root: Path, **variables: str) -> Iterator[Any]:
    env = {k: v for k, v in environment(root).items() if k not in MADE_FOR_A_KEY}
    env |= {"LOCAL_LLM_BASE_URL": "http://127.0.0.1:9", "TERM": "xterm-256color",
            "PYTHONWARNINGS": "ignore", **variables}  # fmt: skip
    child = pexpect.spawn(
        COMMAND, cwd=str(workdir(root)), env=env, timeout=40, dimensions=(40, 100)
    )
    child.logfile_read = io.BytesIO()
    try:
        child.expect("Which one")
        yield child
    finally:
        child.close(force=True)


@pytest.mark.parametrize("key", ["\x03", "\x04", "\r"])
def test_it_is_left_without_a_traceback(tmp_path: Path, key: str) -> None:
    with first_start(tmp_path) as child:
        child.send(key)
        child.expect("No model was chosen")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 3
        assert b"Traceback" not in child.logfile_read.getvalue()


def test_a_token_leads_to_an_answer(tmp_path: Path) -> None:
    script, served = [text("Hello from the router.")], [model(KIMI, offer("novita"))]
    with Hub(**{TOKEN: "julia"}) as hub, ModelServer(script, models=served) as server:
        urls = {"HF_ENDPOINT": hub.root, "ML_INTERN_HF_ROUTER_URL": server.base_url}
        with first_start(tmp_path, **urls) as child:
            child.send("1\r")
            child.expect("Token")
            child.send("hf_wrong\r")
            child.expect("refuses this token")
            child.expect("Token")
            child.send(f"{TOKEN}\r")
            child.expect("Signed in as julia")
            child.expect("/help")
            child.send("hi\r")
            child.expect("Hello from the router")
            shown = child.logfile_read.getvalue()
        assert TOKEN.encode() not in shown
        assert {asked.headers.get("authorization") for asked in server.requests if asked.body} == {
            f"Bearer {TOKEN}"
        }
    saved = tmp_path / ".cache" / "huggingface" / "token"
    assert saved.read_text() == TOKEN


def test_ctrl_c_while_the_hub_is_asked(tmp_path: Path) -> None:
    with Hub(**{TOKEN: "julia"}) as hub:
        hub.delay = 15.0
        with first_start(tmp_path, HF_ENDPOINT=hub.root) as child:
            child.send("1\r")
            child.expect("Token")
            child.send(f"{TOKEN}\r")
            child.expect("checking")
            child.send("\x03")
            child.expect(pexpect.EOF)
            child.wait()
            assert child.exitstatus in (3, 130)
            shown = child.logfile_read.getvalue()
            assert b"Traceback" not in shown
            assert TOKEN.encode() not in shown


def test_after_the_demo_the_ways_are_offered_again(tmp_path: Path) -> None:
    with first_start(tmp_path) as child:
        child.send("4\r")
        child.expect("ml-intern-demo", timeout=60)
        child.expect("Which one", timeout=90)
        child.send("\r")
        child.expect("No model was chosen")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 3
        assert b"Traceback" not in child.logfile_read.getvalue()
    assert (workdir(tmp_path) / "ml-intern-demo").is_dir()
