"""The tally of many worlds, and how they are shared out between processes."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.world import play

ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """What many worlds came to. `broken` holds seed, promise and how, in the order of seeds."""

    seeds: int = 0
    steps: int = 0
    days: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another tally in."""
        self.seeds += other.seeds
        self.steps += other.steps
        self.days += other.days
        self.faults += other.faults
        self.broken = sorted([*self.broken, *other.broken])

    def lines(self) -> list[str]:
        """Say it for people."""
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.faults.items(), key=lambda one: -one[1]))
        years = f"{self.days / 365.25:,.1f} years of virtual time"
        return [
            f"worlds: {self.seeds:,} seeds, {self.steps:,} steps, {years}, {len(self.broken)} promises broken",
            f"faults: {sum(self.faults.values()):,}: {kinds}",
        ]


def played(first: int, seeds: int, *, until_broken: bool = False) -> Tally:
    """Play worlds one after the other."""
    tally = Tally()
    for seed in range(first, first + seeds):
        outcome = play(seed)
        tally.seeds += 1
        tally.steps += outcome.steps
        tally.days += outcome.days
        tally.faults += outcome.faults
        if outcome.broken is not None:
            tally.broken.append((seed, *outcome.broken))
            if until_broken:
                break
    return tally


def shared_out(first: int, seeds: int, *, jobs: int) -> Tally:
    """Play worlds in several processes, each a share of the seeds."""
    share = -(-seeds // jobs)
    starts = range(first, first + seeds, share)
    children = [child(start, min(share, first + seeds - start)) for start in starts]
    total = Tally()
    for one in children:
        total.add(harvest(one))
    return total


def child(
    first: int, seeds: int, *, until_broken: bool = False, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start a process that plays a share and prints its tally."""
    command = [sys.executable, "-m", "tests.world", "--first", str(first), "--seeds", str(seeds), "--json"]
    if until_broken:
        command.append("--until-broken")
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd, env=environment)


def harvest(process: "subprocess.Popen[str]") -> Tally:
    """Wait for a share and read its tally. Raises `CalledProcessError` when the process failed otherwise."""
    output, _ = process.communicate()
    if process.returncode not in (0, 1) or not output:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    told = json.loads(output)
    return Tally(
        seeds=told["seeds"],
        steps=told["steps"],
        days=told["days"],
        faults=Counter(told["faults"]),
        broken=[(seed, promise, how) for seed, promise, how in told["broken"]],
    )


def written(tally: Tally) -> str:
    """Write a tally as one line of JSON."""
    return json.dumps(
        {
            "seeds": tally.seeds,
            "steps": tally.steps,
            "days": tally.days,
            "faults": dict(tally.faults),
            "broken": tally.broken,
        }
    )
