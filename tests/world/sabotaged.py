"""Sabotaged copies: the product's package, edited, and the worlds that meet it in a process of their own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.world.sabotages import Sabotage
from tests.world.tally import ROOT, Tally, child, harvest


def sabotaged(sabotage: Sabotage, folder: Path) -> Path:
    """Copy the product into a folder and sabotage it. Raises `ValueError` where an edit no longer fits."""
    shutil.copytree(ROOT / "orchestrator", folder / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    for edit in sabotage.edits:
        path = folder / edit.path
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise ValueError(f"{sabotage.name}: {edit.path} has {text.count(edit.old)} times {edit.old!r}, not once")
        path.write_text(text.replace(edit.old, edit.new))
    return folder


def started(sabotage: Sabotage, folder: Path) -> "subprocess.Popen[str]":
    """Play worlds on the sabotaged copy until a promise breaks. The copy comes before the product on the path."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return child(0, sabotage.seeds, until_broken=True, cwd=folder, environment=environment)


def caught(sabotage: Sabotage, folder: Path) -> Tally:
    """Give what came of it: the last world broke a promise, or none did."""
    return harvest(started(sabotage, sabotaged(sabotage, folder)))
