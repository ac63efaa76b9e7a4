"""Settings: what the environment says, read once into frozen values. Everything that is wrong is said in one go."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import PersonError

A_DAY = timedelta(days=1)

_SQLITE = "sqlite:///"
_TABLES = "tables"
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,19}://", re.IGNORECASE)
_APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INSTALLATION = re.compile(r"([1-9][0-9]{0,17})?")
_ONE_WORD = re.compile(r"[!-~]+")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_KEY_FORMS = "the App's private key: as PEM, as PEM with \\n for each line break, or the PEM in base64"
_CREDENTIALS = "GITHUB_TOKEN, or GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY"
# What Azure hands to the app when it could not read the secret:
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
_UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True)
class SettingMistake:
    """One setting that is missing or wrong. `what` never holds the value of a secret."""

    name: str
    what: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.name} {self.what}\n    allowed: {self.allowed}"


class SettingsMistakes(PersonError):
    """The service can't start; `mistakes` holds everything that is wrong with its settings."""

    def __init__(self, *mistakes: SettingMistake) -> None:
        self.mistakes = mistakes
        super().__init__(*mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        head = "1 setting is wrong:" if count == 1 else f"{count} settings are wrong:"
        return "\n".join([head, *(str(mistake) for mistake in self.mistakes)])


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The store in one file on a local disk."""

    path: Path


@dataclass(frozen=True, slots=True)
class GitHubToken:
    """GitHub is called with a token."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """GitHub is called as a GitHub App. `private_key` is PEM, whatever form it was set in."""

    app_id: str
    private_key: str = field(repr=False)
    installation_id: int | None


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """One MLflow server that gives the evidence for every environment."""

    uri: str
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a host is told from outside."""

    policy: Path
    store: SqliteFile
    github_api_url: str
    github: GitHubToken | GitHubApp
    webhook_secret: str | None = field(repr=False)
    sweep: timedelta
    patience: timedelta
    mlflow: MlflowServer | None


def read_settings(environ: Mapping[str, str], *, folder: Path, in_functions: bool = False) -> Settings:
    """Read all settings; paths are relative to `folder`. Raises `SettingsMistakes`, which names every mistake.

    In a Functions app the store has no default, and a file is refused: its instances have throw-away disks.
    """
    outside = _Outside(environ, folder, in_functions)
    values: dict[str, Any] = {}
    mistakes: list[SettingMistake] = []
    for name, read in _READ.items():
        try:
            values[name] = read(outside)
        except SettingsMistakes as error:
            mistakes += error.mistakes
    if mistakes:
        raise SettingsMistakes(*mistakes)
    return Settings(**values)


def read_store(environ: Mapping[str, str], *, folder: Path) -> SqliteFile:
    """Read only where the store is, for commands that look at it. Raises `SettingsMistakes`."""
    return _store(_Outside(environ, folder, in_functions=False))


def policy_path(environ: Mapping[str, str], *, folder: Path) -> Path:
    """Tell where the policy is, whether or not it is there."""
    return folder / (environ.get("ORCHESTRATOR_POLICY", "").strip() or "policy.yaml")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class _Outside:
    environ: Mapping[str, str]
    folder: Path
    in_functions: bool

    def text(self, name: str) -> str:
        """Give a setting without the white space around it; empty where there is none."""
        return self.environ.get(name, "").strip()


def _wrong(name: str, what: str, allowed: str) -> SettingsMistakes:
    return SettingsMistakes(SettingMistake(name, what, allowed))


def _policy(outside: _Outside) -> Path:
    path = policy_path(outside.environ, folder=outside.folder)
    if not path.exists():
        raise _wrong("ORCHESTRATOR_POLICY", f"names {path}, which is not there", "a policy file, or a folder of them")
    return path


def _store(outside: _Outside) -> SqliteFile:
    name, text = "ORCHESTRATOR_STORE", outside.text("ORCHESTRATOR_STORE")
    allowed = "sqlite:///PATH (sqlite:////PATH for a path from the root)"
    if not text and outside.in_functions:
        raise _wrong(name, "is missing; in a Functions app there is no default", allowed)
    text = text or f"{_SQLITE}var/orchestrator.db"
    if text == _TABLES:
        raise _wrong(name, "is tables, which this version can't use yet", allowed)
    path = text.removeprefix(_SQLITE)
    if path == text or not path or path.endswith("/") or path.startswith(":") or "\0" in path:
        scheme = _SCHEME.match(text)  # no more is shown: the address of a database may hold its password
        raise _wrong(name, f"begins with {scheme[0]} and names no file" if scheme else "names no file", allowed)
    if outside.in_functions and outside.text("AZURE_FUNCTIONS_ENVIRONMENT") != "Development":
        what = "is a file, but the instances of a Functions app have throw-away disks: promotions would be lost"
        raise _wrong(name, what, "a file only where AZURE_FUNCTIONS_ENVIRONMENT is Development")
    return SqliteFile(outside.folder / path)


def _github_api_url(outside: _Outside) -> str:
    url = outside.text("GITHUB_API_URL") or "https://api.github.com"
    allowed = "an https address; http only for this machine (localhost, 127.0.0.1, [::1])"
    return _web_address("GITHUB_API_URL", url, allowed=allowed, http_anywhere=False)


def _github(outside: _Outside) -> GitHubToken | GitHubApp:
    has_app = any(outside.text(name) for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"))
    token = _token(outside, "GITHUB_TOKEN")
    if token and has_app:
        what = "is set, and so is a GitHub App; which of them to use is open"
        raise _wrong("GITHUB_TOKEN", what, f"one of both: {_CREDENTIALS}")
    if has_app:
        return _github_app(outside)
    if token is None:
        raise _wrong("GITHUB_TOKEN", "is missing: GitHub must know who starts the workflows", _CREDENTIALS)
    return GitHubToken(token)


def _github_app(outside: _Outside) -> GitHubApp:
    mistakes: list[SettingMistake] = []
    app_id, installation = outside.text("GITHUB_APP_ID"), outside.text("GITHUB_APP_INSTALLATION_ID")
    if not _APP_ID.fullmatch(app_id):
        what = "holds characters that no id has" if app_id else "is missing, but GITHUB_APP_PRIVATE_KEY is set"
        mistakes.append(SettingMistake("GITHUB_APP_ID", what, "the App's id or client id, from its page on GitHub"))
    if not _INSTALLATION.fullmatch(installation):
        allowed = "the number of an installation; without it the installation is looked up"
        mistakes.append(SettingMistake("GITHUB_APP_INSTALLATION_ID", "is no number", allowed))
    try:
        key = _private_key(outside)
    except SettingsMistakes as error:
        raise SettingsMistakes(*mistakes, *error.mistakes) from error
    if mistakes:
        raise SettingsMistakes(*mistakes)
    return GitHubApp(app_id, key, int(installation) if installation else None)


def _private_key(outside: _Outside) -> str:
    """Bring the key to PEM, and see that it is an RSA key: that is what GitHub gives out."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    name = "GITHUB_APP_PRIVATE_KEY"
    text = _secret(outside, name)
    if text is None:
        raise _wrong(name, "is missing, but GITHUB_APP_ID is set", _KEY_FORMS)
    try:
        if "-----BEGIN" not in text:
            text = b64decode("".join(text.split()), validate=True).decode("ascii")
        found = _PRIVATE_KEY.search(text.replace("\\r", "").replace("\\n", "\n"))
        key = found and load_pem_private_key(found.group().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without `from`: such an error may quote the key.
        raise _wrong(name, "holds no RSA private key that can be read", _KEY_FORMS) from None
    if found is None or not isinstance(key, RSAPrivateKey):
        raise _wrong(name, "holds no RSA private key that can be read", _KEY_FORMS)
    return f"{found.group()}\n"


def _mlflow(outside: _Outside) -> MlflowServer | None:
    uri, token = outside.text("MLFLOW_TRACKING_URI"), _token(outside, "MLFLOW_TRACKING_TOKEN")
    if not uri:
        return None
    allowed = "an http or https address; with MLFLOW_TRACKING_TOKEN http only for this machine"
    return MlflowServer(_web_address("MLFLOW_TRACKING_URI", uri, allowed=allowed, http_anywhere=token is None), token)


def _seconds(outside: _Outside, name: str, *, default: str) -> timedelta:
    text = outside.text(name) or default
    span = timedelta(seconds=float(text)) if _DECIMAL.fullmatch(text) else timedelta(0)
    if not timedelta(0) < span <= A_DAY:
        raise _wrong(name, f"is {text!r}", f"seconds as a number above 0, at most {A_DAY.total_seconds():.0f}")
    return span


def _sweep(outside: _Outside) -> timedelta:
    if outside.in_functions:
        return timedelta(minutes=1)  # the timer of function_app.py, which no setting changes
    return _seconds(outside, "ORCHESTRATOR_SWEEP_SECONDS", default="60")


def _secret(outside: _Outside, name: str) -> str | None:
    text = outside.text(name)
    if text.startswith(_UNRESOLVED):
        allowed = "a reference that the identity of the app may read; the portal shows its status"
        raise _wrong(name, "is a Key Vault reference that Azure could not resolve", allowed)
    return text or None


def _token(outside: _Outside, name: str) -> str | None:
    text = _secret(outside, name)
    if text is not None and not _ONE_WORD.fullmatch(text):
        raise _wrong(name, "holds white space or characters that no token has", "the token alone, on one line")
    return text


def _web_address(name: str, url: str, *, allowed: str, http_anywhere: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # it quotes parts of the address, which may be a password
        raise _wrong(name, "is no web address", allowed) from None
    if not host or parts.scheme not in {"http", "https"}:
        raise _wrong(name, "is no web address", allowed)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _wrong(name, "holds more than an address: a name, a password, a query or a fragment", allowed)
    if parts.scheme == "http" and not http_anywhere and not is_loopback(host):
        raise _wrong(name, f"is plain http to {host}, where others could read the credentials", allowed)
    return url.rstrip("/")


_READ: dict[str, Callable[[_Outside], object]] = {
    "policy": _policy,
    "store": _store,
    "github_api_url": _github_api_url,
    "github": _github,
    "webhook_secret": partial(_secret, name="GITHUB_WEBHOOK_SECRET"),
    "sweep": _sweep,
    "patience": partial(_seconds, name="ORCHESTRATOR_PATIENCE_SECONDS", default="120"),
    "mlflow": _mlflow,
}
