"""`python -m orchestrator.local.github --port P [--host H] [--seed FILE.json]`: the stand-in as a program."""

import argparse
import json
import sys
from pathlib import Path

from orchestrator.local.github.fields import Fields
from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.seed import plant
from orchestrator.local.github.server import LOOPBACK, serve
from orchestrator.local.github.state import StandIn


def main() -> int:
    """Serves until interrupted. Gives 2 when the seed or the port is no good."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.local.github", description="A GitHub in memory.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, picks a free one")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--seed", type=Path, help="JSON as described in orchestrator/local/github/seed.py")
    asked = parser.parse_args()
    stand_in = StandIn()
    try:
        if asked.seed is not None:
            plant(stand_in, Fields(json.loads(asked.seed.read_text(encoding="utf-8")), "The seed"))
        serve(stand_in, port=asked.port, host=asked.host, on_ready=_announce)
    except (OSError, ValueError, Refusal) as error:
        print(f"The GitHub stand-in cannot start: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _announce(url: str) -> None:
    print(f"GitHub stand-in on {url}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
