"""`local.settings.json`: what the Functions tools read on a developer's machine, read here in the same way.

https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
"""

import json
from pathlib import Path

from orchestrator.settings import SettingMistake, SettingsMistakes

FILE = "local.settings.json"


def local_values(folder: Path) -> dict[str, str]:
    """Give `Values` of the file in a folder; empty where there is no file. Raises `SettingsMistakes`."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _wrong(f"can't be read: {error.strerror}") from error
    except ValueError as error:
        raise _wrong(f"is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _wrong("holds no JSON object")
    if content.get("IsEncrypted") is True:
        raise _wrong("is encrypted; `func settings decrypt` makes it readable")
    values = content.get("Values", {})
    if not isinstance(values, dict):
        raise _wrong("has Values that are no object")
    not_text = sorted(name for name, value in values.items() if not isinstance(value, str))
    if not_text:
        raise _wrong(f"has values that are not text: {', '.join(not_text)}")
    return values


def _wrong(what: str) -> SettingsMistakes:
    allowed = 'a JSON object such as {"IsEncrypted": false, "Values": {"ORCHESTRATOR_POLICY": "policy.yaml"}}'
    return SettingsMistakes(SettingMistake(FILE, what, allowed))
