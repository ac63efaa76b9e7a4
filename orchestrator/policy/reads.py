"""What an expression reads, and what is wrong with it that a type check cannot see.

Variables with parts (model, run, champion, event) are declared part by part, so that a misspelt one is found when
the policy is loaded; metrics are declared dynamic, so what is done with them is checked here.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from orchestrator.policy import cel_library
from orchestrator.policy.syntax_tree import Call, Literal, Loop, Name, Select, Tree
from orchestrator.policy.syntax_tree import Collection as Written
from orchestrator.policy.variables import ALL_SHOWN, ROOTS, Path, Variable, nearest, parts_of, spell, variable_of

LONGEST_PATTERN = 256
MOST_REPEATS = 64

_ARITHMETIC = {"_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%"}
_COMPARISONS = {"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in an expression, `offset` characters from its start."""

    offset: int
    message: str
    allowed: str = ""


@dataclass(slots=True)
class Survey:
    """What a tree reads, each path once and in order, and its faults."""

    environments: Collection[str] | None
    paths: dict[Path, None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def survey(tree: Tree, environments: Collection[str] | None) -> Survey:
    """What `tree` reads; `environments`, where known, are the names that may follow `evidence`."""
    found = Survey(environments)
    _walk(tree, frozenset(), found)
    return found


def is_number(tree: Tree) -> bool:
    """Whether the whole expression certainly gives a measured, decimal number."""
    return _is_double(tree, frozenset())


def _walk(tree: Tree, bound: frozenset[str], found: Survey) -> None:
    path = _path(tree, bound)
    if path is not None:
        _record(path, tree, found)
        return
    match tree:
        case Select(operand=operand):
            _walk(operand, bound, found)
        case Call():
            _walk_call(tree, bound, found)
        case Written(items=items):
            for item in items:
                _walk(item, bound, found)
        case Loop(names=names, over=over, body=body):
            _walk(over, bound, found)
            for part in body:
                _walk(part, bound | names, found)
        case Literal() | Name():
            pass


def _walk_call(call: Call, bound: frozenset[str], found: Survey) -> None:
    found.faults.extend(_operand_faults(call, bound))
    if _asks_for_a_champion(call, bound):
        found.paths[("champion",)] = None
        return
    match call:
        case Call(function="@in", arguments=(Literal(value=str() as key), container)):
            path = _path(container, bound)
            variable = variable_of(path) if path else None
            if path and variable and variable.depth == len(path) - len(variable.path) + 1:
                found.paths[(*path, key)] = None
                return
        case Call(function="matches"):
            found.faults.extend(_pattern_faults(call))
        case _:
            pass
    for argument in call.arguments:
        _walk(argument, bound, found)


def _asks_for_a_champion(call: Call, bound: frozenset[str]) -> bool:
    if call.function not in ("_==_", "_!=_") or "champion" in bound:
        return False
    names = [argument.name for argument in call.arguments if isinstance(argument, Name)]
    return names == ["champion"] and any(argument == Literal(argument.offset, None) for argument in call.arguments)


def _path(tree: Tree, bound: frozenset[str]) -> Path | None:
    """`tags.stage` and `tags["stage"]` as ("tags", "stage"); None for what is no path from a variable."""
    match tree:
        case Name(name=name) if name not in bound:
            return (name.lstrip("."),)
        case Select(operand=operand, field=name):
            above = _path(operand, bound)
        case Call(function="_[_]", arguments=(operand, Literal(value=str() as name))):
            above = _path(operand, bound)
        case _:
            return None
    return (*above, name) if above else None


def _record(path: Path, tree: Tree, found: Survey) -> None:
    fault = _path_fault(path, tree, found.environments)
    if fault:
        found.faults.append(fault)
    else:
        found.paths[path] = None


def _path_fault(path: Path, tree: Tree, environments: Collection[str] | None) -> Fault | None:
    root, parts = path[0], parts_of(path[0])
    spine = list(_spine(tree))
    start = spine[0].offset
    if root not in ROOTS:
        return Fault(start, f'there is no variable "{root}"{nearest(root, ROOTS)}', ALL_SHOWN)
    if parts and len(path) == 1:
        return _bare_fault(root, parts, start)
    if parts and path[1] not in parts:
        shown = ", ".join(f"{root}.{part}" for part in parts)
        return Fault(start, f'{root} has no "{path[1]}"{nearest(path[1], parts)}', shown)
    if parts and not isinstance(spine[1], Select):
        return Fault(start, f'write {root}.{path[1]} rather than {root}["{path[1]}"]')
    variable = variable_of(path)
    if variable is None:
        return Fault(start, f'there is no variable "{spell(path)}"', ALL_SHOWN)
    return _key_fault(path, variable, tree, start) or _evidence_fault(path, environments, start)


def _bare_fault(root: str, parts: tuple[str, ...], start: int) -> Fault:
    shown = ", ".join(f"{root}.{part}" for part in parts)
    if root == "champion":
        return Fault(start, "champion as a whole can only be compared with null", f"champion != null, {shown}")
    return Fault(start, f"{root} stands for nothing by itself", shown)


def _key_fault(path: Path, variable: Variable, tree: Tree, start: int) -> Fault | None:
    keys = path[len(variable.path) :]
    if len(keys) > variable.depth:
        if variable.depth == 0:
            return Fault(start, f"{variable.name} has no parts", variable.shown)
        whole = (*variable.path, *keys[: variable.depth - 1], ".".join(keys[variable.depth - 1 :]))
        what = f"{variable.shown} has no parts; a name with dots is written {spell(whole)}"
        return Fault(start, what, variable.shown)
    if not keys and isinstance(tree, Select) and tree.has:
        return Fault(start, f"has() asks for a name in tags, properties or metrics; {variable.name} is one whole")
    return None


def _evidence_fault(path: Path, environments: Collection[str] | None, start: int) -> Fault | None:
    if path[0] != "evidence":
        return None
    if len(path) > 1 and environments is not None and path[1] not in environments:
        what = f'evidence of "{path[1]}": there is no such environment{nearest(path[1], environments)}'
        return Fault(start, what, ", ".join(environments))
    if len(path) > 2 and path[2] != "metrics":
        return Fault(start, f'evidence.{path[1]} has no "{path[2]}"', "evidence.ENV.metrics.NAME")
    return None


def _spine(tree: Tree) -> Iterator[Tree]:
    """The nodes of a path, the name it begins with first."""
    match tree:
        case Select(operand=operand) | Call(function="_[_]", arguments=(operand, _)):
            yield from _spine(operand)
        case _:
            pass
    yield tree


def _is_double(tree: Tree, bound: frozenset[str]) -> bool:
    match tree:
        case Literal(value=float()) | Call(function="double"):
            return True
        case Call(function=function, arguments=arguments) if function in _ARITHMETIC or function == "-_":
            return any(_is_double(argument, bound) for argument in arguments)
        case Call(function="_[_]", arguments=(operand, _)) | Select(operand=operand, has=False):
            above = _path(operand, bound)
            variable = variable_of(above) if above else None
            return bool(
                above and variable and variable.holds_doubles and len(above) - len(variable.path) == variable.depth - 1
            )
        case _:
            return False


def _operand_faults(call: Call, bound: frozenset[str]) -> Iterator[Fault]:
    """Whole numbers and text beside a measured number: CEL's type check lets them pass, an evaluation does not."""
    if len(call.arguments) != 2 or not any(_is_double(argument, bound) for argument in call.arguments):
        return
    for argument in call.arguments:
        if not isinstance(argument, Literal) or isinstance(argument.value, float):
            continue
        if call.function in _ARITHMETIC and type(argument.value) is int:
            what = f'"{_ARITHMETIC[call.function]}" needs decimal numbers on both sides'
            yield Fault(argument.offset, what, f"{argument.value}.0 in place of {argument.value}")
        elif call.function in _COMPARISONS and type(argument.value) is not int:
            what = f'"{_COMPARISONS[call.function]}" compares a number with {_kind(argument)}'
            yield Fault(argument.offset, what, "a number; has(metrics.NAME) asks whether one was measured")


def _kind(literal: Literal) -> str:
    match literal.value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case _:
            return "text"


def _pattern_faults(call: Call) -> Iterator[Fault]:
    """Patterns are limited because their cost is the only one that the library's own budget does not count."""
    pattern = call.arguments[-1]
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        yield Fault(pattern.offset, "the pattern of matches() must be written out", 'matches("^v[0-9]+$")')
        return
    repeats = sum(int(high or low) for low, high in _REPEAT.findall(pattern.value))
    if len(pattern.value) > LONGEST_PATTERN:
        yield Fault(pattern.offset, "the pattern is too long", f"at most {LONGEST_PATTERN} characters")
    elif repeats > MOST_REPEATS:
        what = f"the counts in braces of the pattern add up to {repeats}"
        yield Fault(pattern.offset, what, f"at most {MOST_REPEATS} together")
    elif complaint := cel_library.pattern_complaint(pattern.value):
        yield Fault(pattern.offset, complaint, "RE2 syntax: https://github.com/google/re2/wiki/Syntax")
