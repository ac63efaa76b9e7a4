"""The tree of a CEL expression, read from the serialized form in which the library hands it out.

Only what this service asks about is kept. Field numbers are those of `cel.expr.ParsedExpr` in
https://github.com/google/cel-spec/blob/master/proto/cel/expr/syntax.proto, bytes those of
https://protobuf.dev/programming-guides/encoding/. A tree is as deep as the library lets an expression be.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: bool, int, float, str, bytes or None."""

    offset: int
    value: object


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or `has(operand.field)` when `has` is set."""

    offset: int
    operand: "Tree"
    field: str
    has: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator (`_>=_`, `_[_]`, `@in`); a method's target is the first argument."""

    offset: int
    function: str
    arguments: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """A list or a map that the expression writes out."""

    offset: int
    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A comprehension such as `tags.exists(k, ...)`: it runs over `over` and binds `names` in its `body`."""

    offset: int
    names: frozenset[str]
    over: "Tree"
    body: tuple["Tree", ...]


Tree = Literal | Name | Select | Call | Collection | Loop

_Field = int | bytes


def read_tree(serialized: bytes) -> Tree:
    """The tree of a serialized `google.protobuf.Any` that holds a `ParsedExpr`; offsets count characters from 0."""
    parsed = _message(_bytes(_message(serialized)[2]))
    positions = (_message(_bytes(entry)) for number, entry in _fields(_bytes(parsed[3])) if number == 4)
    offsets = {_int(position.get(1, 0)): _int(position.get(2, 0)) for position in positions}
    return _tree(_bytes(parsed[2]), offsets)


def _tree(encoded: bytes, offsets: Mapping[int, int]) -> Tree:
    fields = _message(encoded)
    offset = offsets.get(_int(fields.get(2, 0)), 0)
    if 4 in fields:
        return Name(offset, _text(_message(_bytes(fields[4])).get(1, b"")))
    if 5 in fields:
        select = _message(_bytes(fields[5]))
        return Select(offset, _tree(_bytes(select[1]), offsets), _text(select.get(2, b"")), bool(select.get(3, 0)))
    if 6 in fields:
        return _call(_bytes(fields[6]), offset, offsets)
    if 7 in fields:
        return Collection(offset, tuple(_tree(_bytes(v), offsets) for n, v in _fields(_bytes(fields[7])) if n == 1))
    if 8 in fields:
        entries = [_message(_bytes(value)) for number, value in _fields(_bytes(fields[8])) if number == 2]
        return Collection(offset, tuple(_tree(_bytes(e[n]), offsets) for e in entries for n in (3, 4) if n in e))
    if 9 in fields:
        return _loop(_bytes(fields[9]), offset, offsets)
    return Literal(offset, _constant(_bytes(fields.get(3, b""))))


def _call(encoded: bytes, offset: int, offsets: Mapping[int, int]) -> Call:
    fields = list(_fields(encoded))
    function = next(_text(value) for number, value in fields if number == 2)
    target = [_tree(_bytes(value), offsets) for number, value in fields if number == 1]
    arguments = [_tree(_bytes(value), offsets) for number, value in fields if number == 3]
    return Call(offset, function, tuple(target + arguments))


def _loop(encoded: bytes, offset: int, offsets: Mapping[int, int]) -> Loop:
    fields = _message(encoded)
    names = frozenset(_text(fields[number]) for number in (1, 3, 8) if number in fields)
    body = tuple(_tree(_bytes(fields[number]), offsets) for number in (4, 5, 6, 7))
    return Loop(offset, names, _tree(_bytes(fields[2]), offsets), body)


def _constant(encoded: bytes) -> object:
    for number, value in _fields(encoded):
        match number:
            case 2:
                return bool(value)
            case 3:
                return _int(value) - (1 << 64) if _int(value) >= 1 << 63 else _int(value)
            case 4:
                return _int(value)
            case 5:
                number_read: float = struct.unpack("<d", _bytes(value))[0]
                return number_read
            case 6:
                return _text(value)
            case 7:
                return _bytes(value)
            case _:
                return None
    return None


def _message(encoded: bytes) -> dict[int, _Field]:
    return dict(_fields(encoded))


def _fields(encoded: bytes) -> Iterator[tuple[int, _Field]]:
    """Field numbers and values in wire order: integers, and bytes for everything else."""
    at = 0
    while at < len(encoded):
        key, at = _varint(encoded, at)
        match key & 7:
            case 0:
                number, at = _varint(encoded, at)
                yield key >> 3, number
                continue
            case 1:
                size = 8
            case 2:
                size, at = _varint(encoded, at)
            case 5:
                size = 4
            case wire:
                raise ValueError(f"wire type {wire} in the tree of an expression")
        yield key >> 3, encoded[at : at + size]
        at += size


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = encoded[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def _int(value: _Field) -> int:
    if isinstance(value, int):
        return value
    raise ValueError("bytes where the tree of an expression has a number")


def _bytes(value: _Field) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError("a number where the tree of an expression has bytes")


def _text(value: _Field) -> str:
    return _bytes(value).decode()
