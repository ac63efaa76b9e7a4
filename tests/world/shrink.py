"""Shrinking: switch faults off, half of them, then fewer, for as long as the same promise still breaks."""

from tests.world.world import Outcome, play

MOST_WORLDS = 300


def shrunk(found: Outcome, *, most: int = MOST_WORLDS) -> Outcome:
    """Give the smallest world found in which the promise breaks that broke in this one."""
    if found.broken is None:
        raise ValueError(f"seed {found.seed} broke no promise")
    off: frozenset[str] = frozenset()
    smallest, played = found, 0
    size = max(1, len(found.fired) // 2)
    while played < most:
        shrank, start = False, 0
        while start < len(smallest.fired) and played < most:
            without = off | frozenset(smallest.fired[start : start + size])
            candidate = play(found.seed, off=without)
            played += 1
            if candidate.broken is not None and candidate.broken[0] == found.broken[0]:
                off, smallest, shrank = without, candidate, True
            else:
                start += size
        if size == 1 and not shrank:
            break
        size = max(1, size // 2)
    return smallest
