"""Ids say the intent, so that opening a promotion twice is opening it once.

    promote     ENVIRONMENT:MODEL:VERSION            staging:diabetes-clf:7
    rollback    rollback:ENVIRONMENT:MODEL:VERSION:CAUSE
    retrain     retrain:ENVIRONMENT:MODEL:CAUSE
    shadow      shadow:ROUTE:ENVIRONMENT:MODEL:VERSION

A taken id gets `@FROM` for a candidate from another environment. Every part is escaped, so that an id is safe in a
URL, in a table key and in the name of a run.
"""

import re
from hashlib import sha256

_ESCAPED = re.compile(rb"[^A-Za-z0-9._-]")
_MARKER = re.compile(r"\[[A-Za-z0-9._~=:@-]+#[0-9]+\]")
_LONGEST = 100
_KEPT = 87
_DIGEST = 12


def escape(part: str) -> str:
    """Write one part of an id: bytes outside `[A-Za-z0-9._-]` as `=2F`, at most 100 characters.

    A longer part keeps its beginning and ends in `~` and 12 hex digits of the sha256 of the whole.
    """
    raw = part.encode()
    escaped = _ESCAPED.sub(lambda byte: b"=%02X" % byte.group()[0], raw).decode()
    if len(escaped) <= _LONGEST:
        return escaped
    return f"{escaped[:_KEPT]}~{sha256(raw).hexdigest()[:_DIGEST]}"


def promotion_id(environment: str, model: str, version: str) -> str:
    """Name the promotion of a version into an environment."""
    return f"{escape(environment)}:{escape(model)}:{escape(version)}"


def shadow_id(route: str, environment: str, model: str, version: str) -> str:
    """Name what a shadow route decides about a version."""
    return f"shadow:{escape(route)}:{promotion_id(environment, model, version)}"


def from_other_environment(identity: str, from_environment: str) -> str:
    """Name the promotion of a candidate whose id is taken by one from another environment."""
    return f"{identity}@{escape(from_environment)}"


def cause_of(*what: str) -> str:
    """Name what asked for an opening in 12 hex digits."""
    return shortened(sha256("\n".join(what).encode()).hexdigest())


def shortened(digest: str) -> str:
    """Give the first 12 hex digits of a sha256: as much of it as an id carries."""
    return digest[:_DIGEST]


def slot_of(identity: str) -> str:
    """Give the key of the slot that a promotion stands for: one model in one environment.

    Promotions, their facts and their slot live side by side under this key, so that they change in one transaction.
    Retraining and each shadow route have keys of their own.
    """
    match identity.partition("@")[0].split(":"):
        case ["rollback", environment, model, _, _]:
            return f"{environment}:{model}"
        case ["retrain", environment, model, _]:
            return f"retrain:{environment}:{model}"
        case ["shadow", route, environment, model, _]:
            return f"shadow:{route}:{environment}:{model}"
        case [environment, model, _]:
            return f"{environment}:{model}"
        case _:
            raise ValueError(f"{identity!r} is not the id of a promotion; one looks like staging:diabetes-clf:7")


def is_shadow(identity: str) -> bool:
    """Tell whether the id belongs to a shadow route."""
    return identity.startswith("shadow:")


def last_marker(title: str) -> str | None:
    """Find the last bracket of a run's name that is shaped like a marker; a model's own name may hold others."""
    found = _MARKER.findall(title)
    return found[-1] if found else None


def marker(identity: str, attempt: int) -> str:
    """Give the bracket that the run's name carries; the whole of it is compared, so `:1]` is not found in `:10]`."""
    return f"[{identity}#{attempt}]"
