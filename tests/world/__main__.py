"""Play worlds from the command line.

python -m tests.world --seed 131               one world; where a promise breaks, its story
python -m tests.world --seeds 200000 --jobs 8  many, and the stories of the first that break
"""

import argparse
import os
import sys

from tests.world.shrink import shrunk
from tests.world.story import story
from tests.world.tally import played, shared_out, written
from tests.world.trace import readable
from tests.world.world import play

STORIES = 3


def main() -> int:
    """Give 0 when every promise held, 1 when one broke."""
    arguments = _arguments()
    if arguments.seed is not None:
        return _one(arguments.seed, trace=arguments.trace)
    if arguments.digests:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            _say(f"{seed} {play(seed).digest}")
        return 0
    if arguments.json:
        tally = played(arguments.first, arguments.seeds, until_broken=arguments.until_broken)
        _say(written(tally))
        return 1 if tally.broken else 0
    tally = shared_out(arguments.first, arguments.seeds, jobs=arguments.jobs)
    _say("\n".join(tally.lines()))
    for seed, promise, how in tally.broken:
        _say(f"seed {seed}: {promise} {how}")
    for seed, *_ in tally.broken[:STORIES]:
        _say("\n" + story(shrunk(play(seed))))
    return 1 if tally.broken else 0


def _one(seed: int, *, trace: bool) -> int:
    outcome = play(seed)
    if trace:
        _say("\n".join(readable(line) for line in outcome.lines))
    _say(story(shrunk(outcome) if outcome.broken else outcome))
    _say(f"digest {outcome.digest}")
    return 1 if outcome.broken else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, help="play this one world")
    parser.add_argument("--trace", action="store_true", help="with --seed: print every event of it")
    parser.add_argument("--seeds", type=int, default=2000, help="how many worlds to play")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="in how many processes")
    parser.add_argument("--digests", action="store_true", help="print the digest of each trace")
    parser.add_argument("--json", action="store_true", help="in this process, and the tally as JSON")
    parser.add_argument("--until-broken", action="store_true", help="with --json: end with the first broken promise")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
