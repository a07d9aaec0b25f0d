"""The first start without a key: what is said, each way on, and that a token goes nowhere else."""

from __future__ import annotations

import io
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from huggingface_hub import constants
from rich.console import Console

from emulators.hub import WHOAMI, Hub
from emulators.json_server import JsonServer
from emulators.local import Ollama
from ml_intern.cli import hubtoken
from ml_intern.cli.firstrun import first_run
from ml_intern.configs.errors import CredentialError, Exit
from ml_intern.configs.load import LOCAL_SERVERS, load_settings
from ml_intern.configs.settings import Settings
from ml_intern.llm import choice as choice_module
from ml_intern.llm.choice import Choice

TOKEN = "hf_CaNaRyCaNaRyCaNaRy"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not look like a server that is not there."""
    monkeypatch.setattr(choice_module, "_WAIT", 20.0)


@pytest.fixture(autouse=True)
def token_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """huggingface_hub read the real one when it was imported."""
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(tmp_path / "hf" / "stored"))
    return tmp_path / "hf" / "token"


class Person:
    """Answers what they are asked in a fixed order, and leaves when there is no more to say."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []
        self.keys: dict[str, str] = {}
        self.out = io.StringIO()

    async def ask(self, question: str, hidden: bool) -> str:
        self.asked.append((question, hidden))
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    @property
    def shown(self) -> str:
        return self.out.getvalue() + "".join(question for question, _ in self.asked)


def settings(hub: JsonServer | None = None, **servers: JsonServer) -> Settings:
    variables = {variable: NOWHERE for variable, _ in LOCAL_SERVERS.values()}
    variables |= {name: server.root for name, server in servers.items()}
    variables["HF_ENDPOINT"] = hub.root if hub else NOWHERE
    return load_settings({"XDG_CONFIG_HOME": "/nowhere", **variables}, Path("/nowhere"), {})


async def begin(person: Person, of: Settings, cwd: Path) -> Choice:
    console = Console(file=person.out, width=200)
    return await first_run(of, person.keys, cwd, console=console, ask=person.ask)


async def left(person: Person, of: Settings, cwd: Path) -> str:
    with pytest.raises(CredentialError) as caught:
        await begin(person, of, cwd)
    assert caught.value.exit is Exit.CREDENTIALS
    assert TOKEN not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("answers", [[], [""], ["x", "9", "0", ""]])
async def test_whoever_leaves_is_told_what_was_looked_for(
    tmp_path: Path, answers: list[str]
) -> None:
    person = Person(answers)
    assert "HF_TOKEN" in await left(person, settings(), tmp_path)
    for what in ("ANTHROPIC_API_KEY", f"{tmp_path / '.env'} (not there)", "huggingface/token",
                 f"{NOWHERE}/v1: nobody answers", "demo", "Hugging Face token"):  # fmt: skip
        assert what in person.shown
    assert person.shown.count("A number from 1 to 4") == max(0, len(answers) - 1)


async def test_a_token_is_checked_saved_and_used(tmp_path: Path, token_path: Path) -> None:
    with Hub(**{TOKEN: "julia"}) as hub:
        person = Person(["1", f"  {TOKEN}\n"])
        choice = await begin(person, settings(hub), tmp_path)
        assert choice.model == settings().model_name
        assert [(asked.line, asked.key) for asked in hub.ledger] == [(WHOAMI, f"Bearer {TOKEN}")]
    assert person.keys == {"HF_TOKEN": TOKEN}
    assert token_path.read_text() == TOKEN
    assert stat.S_IMODE(token_path.stat().st_mode) == 0o600
    assert "[ml-intern-laptop]" in (tmp_path / "hf" / "stored").read_text()
    assert "Signed in as julia." in person.shown
    assert str(token_path) in person.shown
    assert TOKEN not in person.shown
    hidden = [hide for question, hide in person.asked if question.startswith("Token")]
    assert hidden == [True]


async def test_a_wrong_one_is_said_so_and_asked_for_again(tmp_path: Path, token_path: Path) -> None:
    with Hub(**{TOKEN: "julia"}) as hub:
        person = Person(["1", "hf_wRoNgWrOnG", "two words", "hf_“curly”", TOKEN])
        await begin(person, settings(hub), tmp_path)
        assert len(hub.ledger) == 2  # what no header can carry is not sent
    assert "refuses this token" in person.shown
    assert person.shown.count("That is not a token") == 2
    assert "wRoNg" not in person.shown


@pytest.mark.parametrize(
    ("how", "said"),
    [("down", "cannot be reached"), ("broken", "HTTP 500"), ("other", "is not the Hub's"),
     ("list", "is not the Hub's"), ("slow", "did not answer within")],
)  # fmt: skip
async def test_a_hub_that_does_not_tell_is_no_approval(
    tmp_path: Path, token_path: Path, how: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(**{TOKEN: "julia"}) as hub:
        hub.failing = 500 if how == "broken" else None
        hub.whole = {"other": b"<html>", "list": [1]}.get(how)
        if how == "slow":
            hub.delay = 3.0
            monkeypatch.setattr(hubtoken, "_PATIENCE", 0.2)
        person = Person(["1", TOKEN, "", ""])
        await left(person, settings(None if how == "down" else hub), tmp_path)
    assert said in person.shown
    assert TOKEN not in person.shown
    assert person.keys == {}
    assert not token_path.exists()


async def test_the_token_does_not_follow_to_another_host(tmp_path: Path) -> None:
    with Hub(**{TOKEN: "julia"}) as other, Hub(**{TOKEN: "julia"}) as hub:
        hub.location = f"{other.root}/api/whoami-v2"
        person = Person(["1", TOKEN, "", ""])
        await left(person, settings(hub), tmp_path)
        assert [asked.key for asked in other.ledger] in ([], [None])
    assert person.keys == {}


async def test_what_cannot_be_saved_is_used_for_this_session(
    tmp_path: Path, token_path: Path
) -> None:
    token_path.parent.write_text("a file where the folder should be")
    with Hub(**{TOKEN: "julia"}) as hub:
        person = Person(["1", TOKEN])
        await begin(person, settings(hub), tmp_path)
    assert "this session only" in person.shown.replace("\n", " ")
    assert person.keys == {"HF_TOKEN": TOKEN}
    assert TOKEN not in person.shown


async def test_a_hostile_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    with Hub(**{TOKEN: "ju\x1b]0;x\x07lia[bold]"}) as hub:
        hub.display_name = "]\n[other]\nhf_token = evil"
        person = Person(["1", TOKEN])
        await begin(person, settings(hub), tmp_path)
    assert "\x1b" not in person.shown
    assert "lia[bold]" in person.shown
    assert (tmp_path / "hf" / "stored").read_text().count("[") == 1


async def test_a_key_of_another_provider_is_for_this_session(tmp_path: Path) -> None:
    person = Person(["2", "1", "sk bad", "sk-ant-CaNaRy"])
    choice = await begin(person, settings(), tmp_path)
    assert choice.model.startswith("anthropic/")
    assert person.keys == {"ANTHROPIC_API_KEY": "sk-ant-CaNaRy"}
    assert "export ANTHROPIC_API_KEY=" in person.shown
    assert "CaNaRy" not in person.shown
    assert ("ANTHROPIC_API_KEY (not shown): ", True) in person.asked


async def test_the_way_back_from_each_way(tmp_path: Path) -> None:
    person = Person(["1", "", "2", "", "2", "1", "", "3", ""])
    await left(person, settings(), tmp_path)
    assert person.shown.count("Ways to go on") == 5
    assert "No server has a model at" in person.shown


async def test_a_server_that_was_started_meanwhile(tmp_path: Path) -> None:
    with Ollama("nomic-embed-text") as server:
        of = settings(OLLAMA_BASE_URL=server)

        class Starter(Person):
            async def ask(self, question: str, hidden: bool) -> str:
                server.names = ("nomic-embed-text", "qwen3:8b", "gemma3:4b")
                return await super().ask(question, hidden)

        person = Starter(["3", "2"])
        assert (await begin(person, of, tmp_path)).model == "ollama/gemma3:4b"
        assert "runs, but has no model for chat" in person.shown
        assert f"ollama/qwen3:8b at {server.base_url}" in person.shown
        assert "embed" not in person.shown
    assert person.keys == {}
