"""Every place ml-intern keeps something."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml_intern.configs.errors import ConfigError

PACKAGED_CONFIG = Path(__file__).parent / "main_agent_config.json"
PROMPTS = Path(__file__).parent / "prompts"
PROJECT_CONFIG = Path(".ml-intern") / "config.json"


def as_name(session_id: str) -> str:
    """A session's id as the name of a file: whoever shares a database could have put anything."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,64}", session_id):
        return session_id
    return hashlib.sha256(session_id.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Home:
    """The user's state folder; made private (0700) before anything is put into it."""

    root: Path

    @property
    def database(self) -> Path:
        """Checkpoints, writes and the session index, in one SQLite file."""
        return self.root / "sessions.sqlite"

    @property
    def snapshots(self) -> Path:
        """Files as they were before the agent changed them."""
        return self.root / "snapshots"

    @property
    def cache(self) -> Path:
        """What can be had again."""
        return self.root / "cache"

    def outputs(self, session_id: str, *, shared: bool = False) -> Path:
        """Where the full text of clipped tool outputs of a session is kept.

        Those of sessions in a `shared` database are apart: nobody may take them for leftovers.
        """
        return self.root / ("outputs-shared" if shared else "outputs") / as_name(session_id)

    def create(self) -> None:
        """Make the folder, readable by its owner only.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
        except OSError as error:
            raise ConfigError(
                f"Cannot keep sessions in {self.root}: {error.strerror or error}. "
                "Set ML_INTERN_HOME to a folder you may write to."
            ) from error


def home(environ: Mapping[str, str]) -> Home:
    """`ML_INTERN_HOME`, else the platform's folder for application state."""
    if override := environ.get("ML_INTERN_HOME"):
        return Home(Path(override).expanduser().absolute())
    import platformdirs

    return Home(platformdirs.user_state_path("ml-intern"))


def user_config(environ: Mapping[str, str]) -> Path:
    """`ML_INTERN_CONFIG`, else the user's own configuration file, which need not exist."""
    if override := environ.get("ML_INTERN_CONFIG"):
        return Path(override).expanduser()
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "ml-intern" / "config.json"


def user_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's own texts and permissions are: beside their configuration file.

    Not beside one that ML_INTERN_CONFIG names: that may lie in a cloned repository.
    """
    return user_config({k: v for k, v in environ.items() if k != "ML_INTERN_CONFIG"}).parent
