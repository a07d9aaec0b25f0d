"""What lies in a model's folder without being the model: decided by name."""

from __future__ import annotations

from fnmatch import fnmatchcase

CREDENTIALS = "a credential, by its name"
REPOSITORY = "git's own"
NEVER = frozenset({CREDENTIALS, REPOSITORY})
"""Reasons that no request overrules."""
HIDDEN = "hidden"
PRIVATE_FOLDERS = {
    ".git": REPOSITORY, ".ssh": CREDENTIALS, ".aws": CREDENTIALS, ".gnupg": CREDENTIALS,
}  # fmt: skip
"""Why nothing in a folder of that name goes."""
_FOLDERS = {
    "a training checkpoint": ("checkpoint-*", "global_step*", "pytorch_model_fsdp_*"),
    "a log": ("runs", "logs", "wandb", "mlruns", "trackio", "tensorboard", "lightning_logs"),
    "a cache": ("__pycache__", "node_modules", "venv", "cache"),
}
_FILES = {
    CREDENTIALS: (
        ".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.ovpn", "id_rsa*",
        "id_ed25519*", "id_ecdsa*", ".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials",
        "credentials*", "*credentials.json", "secrets*", "secret.*", "token", "token.txt",
        "hf_token*", "kaggle.json", "service_account*.json", "service-account*.json", "*.keytab",
    ),
    REPOSITORY: (".git",),
    "a log": (
        "*.log", "nohup.out", "slurm-*.out", "events.out.tfevents*", "*.tfevents*",
        "trainer_log.jsonl",
    ),
    "training state": (
        "optimizer*.pt", "optimizer*.bin", "optimizer*.safetensors", "scheduler*.pt",
        "scheduler*.bin", "rng_state*", "random_states*.pkl", "scaler.pt", "trainer_state.json",
        "zero_to_fp32.py", "latest", "*_optim_states.pt",
    ),
    # A pickle of all the trainer's arguments: nothing loads it, and a token may be among them.
    "the trainer's pickled arguments, which may hold a token": ("training_args.bin",),
    "data, which has its place in a dataset": ("*.parquet", "*.arrow", "*.csv", "*.jsonl"),
    "unfinished or temporary": ("*.tmp", "*.part", "*.incomplete", "*.lock", "*.swp", "*~"),
}  # fmt: skip


def reason(name: str) -> str:
    """Why a file of this name stays behind; "" if it goes."""
    lower = name.lower()
    for why, patterns in _FILES.items():
        if any(fnmatchcase(lower, pattern) for pattern in patterns):
            return why
    return HIDDEN if name.startswith(".") else ""


def folder_reason(name: str) -> str:
    """Why a folder of this name is not looked into; "" if it is."""
    if name in PRIVATE_FOLDERS:
        return PRIVATE_FOLDERS[name]
    for why, patterns in _FOLDERS.items():
        if any(fnmatchcase(name.lower(), pattern) for pattern in patterns):
            return why
    return HIDDEN if name.startswith(".") else ""
