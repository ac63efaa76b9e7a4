"""The demo plays on this machine alone, whatever the caller's environment says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_settings_and_proxies_of_the_caller_do_not_reach_it(tmp_path: Path) -> None:
    elsewhere = {
        "GITHUB_APP_ID": "12",
        "GITHUB_WEBHOOK_SECRET": "@Microsoft.KeyVault(SecretUri=https://vault.example)",
        "ORCHESTRATOR_PATIENCE_SECONDS": "never",
        "MLFLOW_TRACKING_URI": "no address",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), "http://127.0.0.1:9"),
    }

    played = subprocess.run(
        [sys.executable, "-m", "orchestrator", "demo", "--policy", str(ROOT / "policy.yaml")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | elsewhere,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert played.returncode == 0, played.stdout + played.stderr
    assert "Done." in played.stdout
