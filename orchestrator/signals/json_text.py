"""JSON in, compact JSON out; whatever is wrong comes back as a reason, never as a traceback.

The standard library's parser, on purpose: a faster one (orjson) refuses a whole array for one half emoji in one event,
turns whole numbers over 64 bits into floats, and once installed also replaces the parser inside azure-functions. An
event takes a few microseconds either way.
"""

import json
import math

from orchestrator.signals.fields import Unfit, shown

# int() takes 640 digits under every setting of Python's limit:
# https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
_DIGITS = 640


class NotJson(Unfit):
    """The text breaks JSON's grammar."""


def decoded(text: bytes | str) -> object:
    """The JSON value in `text`; bytes are UTF-8, with or without a byte order mark.

    NaN, infinities and whole numbers of more than 640 digits come out as floats that are not finite, so that `compact`
    refuses the one event which holds them and not its neighbours.

    Raises NotJson, or Unfit for JSON that is nested too deeply to read.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotJson(f"not JSON: byte {error.start} is not UTF-8") from error
    except ValueError as error:
        raise NotJson(f"not JSON: {error}") from error
    except RecursionError as error:
        raise Unfit("nested too deeply to be read; a few levels are expected") from error


def compact(value: object) -> bytes:
    """`value` as JSON without spaces, in UTF-8; half a surrogate pair stays the escape that it was.

    Raises Unfit for what JSON has no words for, and for what is nested too deeply.
    """
    try:
        # Inside a JSON text the escape that backslashreplace writes, \udXXX, is JSON's own.
        return _ENCODER.encode(value).encode("utf-8", "backslashreplace")
    except RecursionError as error:
        raise Unfit("nested too deeply to be kept; a few levels are expected") from error
    except ValueError as error:
        raise Unfit("holds NaN, Infinity or a number too large to be kept; JSON numbers must be finite") from error
    except TypeError as error:
        raise Unfit(f"holds a value that JSON has no words for ({error})") from error


def clipped(text: bytes, limit: int = 4096) -> bytes:
    """The first `limit` bytes of `text` at most, always valid UTF-8."""
    return text[:limit].decode("utf-8", "ignore").encode()


def remains(value: object) -> bytes:
    """As much of a value that `compact` refused as can be written down, for a person to read."""
    try:
        return json.dumps(value, ensure_ascii=False, default=shown, skipkeys=True).encode("utf-8", "backslashreplace")
    except (RecursionError, ValueError):
        outline = {str(key): shown(item) for key, item in value.items()} if isinstance(value, dict) else shown(value)
        return json.dumps(outline).encode()


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else math.inf


_DECODER = json.JSONDecoder(parse_int=_integer)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
