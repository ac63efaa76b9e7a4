"""The trace: one line for each thing that happened, the same byte for byte whenever the seed is the same."""

from hashlib import sha256

from tests.world.chance import DAY, HOUR, MINUTE, SECOND


class Trace:
    """Collects lines. `digest` tells two runs of one seed apart."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, at: int, who: str, what: str) -> None:
        """Add a line; `at` in microseconds since the world began."""
        self.lines.append(f"t={at} {who} {what}")

    @property
    def digest(self) -> str:
        """The sha256 of all lines."""
        return sha256("\n".join(self.lines).encode()).hexdigest()


def readable(line: str) -> str:
    """Write the time of a line as people read it: 1d02:03:04.5."""
    at, _, rest = line.removeprefix("t=").partition(" ")
    left = int(at)
    days, left = divmod(left, DAY)
    hours, left = divmod(left, HOUR)
    minutes, left = divmod(left, MINUTE)
    clock = f"{hours:02}:{minutes:02}:{left // SECOND:02}.{left % SECOND // 1000:03}"
    return f"{f'{days}d' if days else ''}{clock}  {rest}"
