"""Settings: every mistake in one message, and no secret in any."""

import json
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orchestrator.local.settings_file import local_values
from orchestrator.settings import (
    GitHubApp,
    GitHubToken,
    MlflowServer,
    Settings,
    SettingsMistakes,
    SqliteFile,
    read_settings,
    read_store,
)

TOKEN = "ghp_thisIsTheToken"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    return tmp_path


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def read(folder: Path, **environ: str) -> Settings:
    return read_settings({"GITHUB_TOKEN": TOKEN} | environ, folder=folder)


def mistakes(folder: Path, *, in_functions: bool = False, **environ: str) -> dict[str, str]:
    with pytest.raises(SettingsMistakes) as caught:
        read_settings({"GITHUB_TOKEN": TOKEN} | environ, folder=folder, in_functions=in_functions)
    assert TOKEN not in str(caught.value)
    return {mistake.name: str(mistake) for mistake in caught.value.mistakes}


def test_a_token_is_all_that_must_be_set(folder: Path) -> None:
    settings = read(folder)

    assert settings == Settings(
        policy=folder / "policy.yaml",
        store=SqliteFile(folder / "var/orchestrator.db"),
        github_api_url="https://api.github.com",
        github=GitHubToken(TOKEN),
        webhook_secret=None,
        sweep=timedelta(seconds=60),
        patience=timedelta(seconds=120),
        mlflow=None,
    )


def test_an_empty_setting_is_one_that_is_not_set(folder: Path) -> None:
    names = json.loads((Path(__file__).parents[2] / "local.settings.example.json").read_text())["Values"]

    assert read_settings(dict.fromkeys(names, "") | {"GITHUB_TOKEN": f" {TOKEN}\n"}, folder=folder) == read(folder)


def test_all_mistakes_come_in_one_message(folder: Path) -> None:
    with pytest.raises(SettingsMistakes) as caught:
        read_settings(
            {
                "ORCHESTRATOR_POLICY": "elsewhere.yaml",
                "ORCHESTRATOR_STORE": "postgres://db",
                "GITHUB_API_URL": "http://github.example",
                "ORCHESTRATOR_SWEEP_SECONDS": "soon",
                "ORCHESTRATOR_PATIENCE_SECONDS": "-1",
                "MLFLOW_TRACKING_URI": "mlflow",
            },
            folder=folder,
        )

    message = str(caught.value)
    assert message.startswith("7 settings are wrong:")
    for name in (
        *("ORCHESTRATOR_POLICY", "ORCHESTRATOR_STORE", "GITHUB_API_URL", "GITHUB_TOKEN", "MLFLOW_TRACKING_URI"),
        *("ORCHESTRATOR_SWEEP_SECONDS", "ORCHESTRATOR_PATIENCE_SECONDS"),
    ):
        assert f"\n{name} " in message
    assert message.count("allowed: ") == 7


@pytest.mark.parametrize(
    ("text", "path"),
    [("sqlite:///a/b.db", "a/b.db"), ("sqlite:////data/b.db", "/data/b.db"), ("sqlite:///b c.db", "b c.db")],
)
def test_three_slashes_begin_at_the_folder_and_four_at_the_root(folder: Path, text: str, path: str) -> None:
    assert read(folder, ORCHESTRATOR_STORE=text).store == SqliteFile(folder / path)
    assert read_store({"ORCHESTRATOR_STORE": text}, folder=folder) == SqliteFile(folder / path)


@pytest.mark.parametrize(
    "text", ["sqlite://", "sqlite:///", "sqlite:///folder/", "sqlite:///:memory:", "b.db", "tables"]
)
def test_another_store_is_a_mistake(folder: Path, text: str) -> None:
    assert "sqlite:///PATH" in mistakes(folder, ORCHESTRATOR_STORE=text)["ORCHESTRATOR_STORE"]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://user:hunter2@db.example/orchestrator",
        "sqlite://user:hunter2@db",
        "DefaultEndpointsProtocol=https;AccountKey=hunter2",
    ],
)
def test_a_store_that_is_none_is_not_printed_whole(folder: Path, text: str) -> None:
    found = mistakes(folder, ORCHESTRATOR_STORE=text)["ORCHESTRATOR_STORE"]

    assert "hunter2" not in found
    assert text.partition("://")[0] in found or "://" not in text


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "MLFLOW_TRACKING_URI"])
@pytest.mark.parametrize(
    "url",
    ["https://user:hunter2@h", "https://user:hunter2", "https://[hunter2", "http://hunter2\u2100.example", "hunter2"],
)
def test_an_address_that_is_none_is_not_printed(folder: Path, name: str, url: str) -> None:
    wrong: dict[str, Any] = {name: url}

    assert "hunter2" not in mistakes(folder, **wrong)[name]


@pytest.mark.parametrize("name", ["GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID"])
def test_a_key_in_the_place_of_a_number_is_not_printed(folder: Path, pem: str, name: str) -> None:
    app: dict[str, Any] = {"GITHUB_TOKEN": "", "GITHUB_APP_ID": "12", "GITHUB_APP_PRIVATE_KEY": pem}

    found = mistakes(folder, **(app | {name: "hunter2 hunter2"}))

    assert found.keys() == {name}
    assert "hunter2" not in found[name]


def test_the_timer_of_a_functions_app_sweeps_each_minute_whatever_is_set(folder: Path) -> None:
    developing = {
        "GITHUB_TOKEN": TOKEN,
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "ORCHESTRATOR_STORE": "sqlite:///b.db",
    }
    for text in ("5", "3600", "soon"):
        environ = developing | {"ORCHESTRATOR_SWEEP_SECONDS": text}
        assert read_settings(environ, folder=folder, in_functions=True).sweep == timedelta(seconds=60)


def test_a_functions_app_must_say_where_its_store_is(folder: Path) -> None:
    assert "no default" in mistakes(folder, in_functions=True)["ORCHESTRATOR_STORE"]


def test_a_functions_app_keeps_nothing_in_a_file_unless_it_is_being_developed(folder: Path) -> None:
    store: dict[str, Any] = {"GITHUB_TOKEN": TOKEN, "ORCHESTRATOR_STORE": "sqlite:///b.db"}

    assert "throw-away" in mistakes(folder, in_functions=True, **store)["ORCHESTRATOR_STORE"]
    developing = store | {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    assert read_settings(developing, folder=folder, in_functions=True).store == SqliteFile(folder / "b.db")


@pytest.mark.parametrize(
    "url", ["https://github.example/api/v3/", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"]
)
def test_plain_http_is_for_this_machine(folder: Path, url: str) -> None:
    assert read(folder, GITHUB_API_URL=url).github_api_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        *("http://github.example", "http://127.0.0.1.example", "http://localhost.example", "http://0.0.0.0"),
        *(
            "ftp://localhost",
            "localhost",
            "https://",
            "https://user:word@github.example",
            "https://a:b",
            "https://a?b=c",
        ),
    ],
)
def test_another_address_of_github_is_a_mistake(folder: Path, url: str) -> None:
    assert mistakes(folder, GITHUB_API_URL=url).keys() == {"GITHUB_API_URL"}


@pytest.mark.parametrize(("text", "seconds"), [("2", 2), ("0.5", 0.5), ("86400", 86400)])
def test_times_are_seconds_and_may_have_decimals(folder: Path, text: str, seconds: float) -> None:
    settings = read(folder, ORCHESTRATOR_SWEEP_SECONDS=text, ORCHESTRATOR_PATIENCE_SECONDS=text)

    assert settings.sweep == settings.patience == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "nan", "inf", "1e3", "1_0", "86401", "99999999999999", "2s", "٣"])
def test_other_times_are_mistakes(folder: Path, text: str) -> None:
    assert mistakes(folder, ORCHESTRATOR_SWEEP_SECONDS=text).keys() == {"ORCHESTRATOR_SWEEP_SECONDS"}


def test_the_key_of_the_app_may_be_set_in_three_forms(folder: Path, pem: str) -> None:
    for form in (pem, pem.replace("\n", "\\n"), b64encode(pem.encode()).decode()):
        settings = read(folder, GITHUB_TOKEN="", GITHUB_APP_ID="12", GITHUB_APP_PRIVATE_KEY=form)
        assert settings.github == GitHubApp("12", pem, None)


def test_an_installation_may_be_named(folder: Path, pem: str) -> None:
    app: dict[str, Any] = {"GITHUB_TOKEN": "", "GITHUB_APP_ID": "Iv23abc", "GITHUB_APP_PRIVATE_KEY": pem}

    assert read(folder, **app, GITHUB_APP_INSTALLATION_ID="77").github == GitHubApp("Iv23abc", pem, 77)
    assert mistakes(folder, **app, GITHUB_APP_INSTALLATION_ID="mine").keys() == {"GITHUB_APP_INSTALLATION_ID"}


@pytest.mark.parametrize("kind", ["cut", "not base64", "an elliptic curve", "a certificate", "other base64"])
def test_another_key_is_a_mistake_that_does_not_show_it(folder: Path, pem: str, kind: str) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    key = {
        "cut": pem[:400],
        "not base64": "the-key-is-somewhere-else",
        "an elliptic curve": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "a certificate": pem.replace("RSA PRIVATE KEY", "CERTIFICATE"),
        "other base64": b64encode(b"\xff\xfe").decode(),
    }[kind]

    found = mistakes(folder, GITHUB_TOKEN="", GITHUB_APP_ID="12", GITHUB_APP_PRIVATE_KEY=key)

    assert found.keys() == {"GITHUB_APP_PRIVATE_KEY"}
    assert key[:20] not in found["GITHUB_APP_PRIVATE_KEY"]


def test_half_an_app_is_a_mistake(folder: Path, pem: str) -> None:
    assert mistakes(folder, GITHUB_TOKEN="", GITHUB_APP_ID="12").keys() == {"GITHUB_APP_PRIVATE_KEY"}
    assert mistakes(folder, GITHUB_TOKEN="", GITHUB_APP_PRIVATE_KEY=pem).keys() == {"GITHUB_APP_ID"}


def test_a_token_and_an_app_leave_open_which_one_to_use(folder: Path, pem: str) -> None:
    assert mistakes(folder, GITHUB_APP_ID="12", GITHUB_APP_PRIVATE_KEY=pem).keys() == {"GITHUB_TOKEN"}


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "schlüssel"])
def test_a_token_that_can_be_none_is_a_mistake_that_does_not_show_it(folder: Path, token: str) -> None:
    found = mistakes(folder, GITHUB_TOKEN=token)

    assert token not in found["GITHUB_TOKEN"]


def test_a_key_vault_reference_that_azure_left_as_it_is_is_a_mistake(folder: Path) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/token)"

    assert "Key Vault" in mistakes(folder, GITHUB_TOKEN=reference)["GITHUB_TOKEN"]
    assert "Key Vault" in mistakes(folder, GITHUB_WEBHOOK_SECRET=reference)["GITHUB_WEBHOOK_SECRET"]


def test_the_token_of_mlflow_goes_over_no_open_line(folder: Path) -> None:
    uri = "http://mlflow.example"

    assert read(folder, MLFLOW_TRACKING_URI=uri).mlflow == MlflowServer(uri, None)
    assert mistakes(folder, MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_TOKEN=TOKEN).keys() == {"MLFLOW_TRACKING_URI"}


def test_settings_show_no_secret(folder: Path, pem: str) -> None:
    secrets = {
        "GITHUB_WEBHOOK_SECRET": TOKEN,
        "MLFLOW_TRACKING_URI": "https://m.example",
        "MLFLOW_TRACKING_TOKEN": TOKEN,
    }
    app = {"GITHUB_TOKEN": "", "GITHUB_APP_ID": "12", "GITHUB_APP_PRIVATE_KEY": pem}

    assert TOKEN not in repr(read(folder, **secrets))
    assert "BEGIN" not in repr(read(folder, **app))


def test_local_settings_are_read_from_their_file(tmp_path: Path) -> None:
    content = {"IsEncrypted": False, "Values": {"ORCHESTRATOR_POLICY": "here.yaml"}, "Host": {}}
    (tmp_path / "local.settings.json").write_text("\ufeff" + json.dumps(content), encoding="utf-8")

    assert local_values(tmp_path) == {"ORCHESTRATOR_POLICY": "here.yaml"}
    assert local_values(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ('{"Values": []}', "no object"),
        ('{"Values": {"A": 1}}', "not text: A"),
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
    ],
)
def test_a_file_of_settings_that_can_t_be_used_is_a_mistake(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "local.settings.json").write_text(content)

    with pytest.raises(SettingsMistakes, match=said):
        local_values(tmp_path)
