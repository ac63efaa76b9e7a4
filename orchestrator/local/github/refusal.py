"""The one error of the stand-in: GitHub says no."""


class Refusal(Exception):
    """What was asked is refused with this HTTP status (400 to 499) and this message, in GitHub's words where known."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def not_found() -> Refusal:
    """GitHub's answer to everything that does not exist or may not be seen."""
    return Refusal(404, "Not Found")
