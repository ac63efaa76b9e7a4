"""The arrows between the packages, what may be known where, and how long a file may be."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "orchestrator"
FUNCTION_APP = ROOT / "function_app.py"

# Each part, and the parts that it may import. `cli` is orchestrator/console/cli: like function_app and local a place
# where a program starts, not a part of the console.
MAY_IMPORT = {
    "errors": "",
    "signals": "errors",
    "policy": "errors",
    "decide": "errors signals policy",
    "promotion": "errors signals policy decide",
    "ports": "errors signals policy decide promotion",
    "flow": "errors signals policy decide promotion ports",
    "adapters": "errors signals policy decide promotion ports",
    "settings": "errors",
    "logs": "",
    "console": "errors signals policy decide promotion ports flow settings",
    "wiring": "errors signals policy decide promotion ports flow adapters settings console",
    "function_app": "errors signals policy decide promotion ports flow adapters settings console wiring logs",
    "local": "errors signals policy decide promotion ports flow adapters settings console wiring logs",
    "cli": "errors signals policy decide promotion ports flow adapters settings console wiring local logs",
    "__main__": "cli",
}

DECIDES_WITHOUT_DOING = ("signals", "policy", "decide", "promotion")

TOUCHES_THE_WORLD = set(
    """
    asyncio ftplib getpass http logging multiprocessing os platform random secrets select shutil signal smtplib socket
    sqlite3 ssl subprocess sys tempfile threading time urllib.request
    azure fastapi github httpx jinja2 mlflow requests rich starlette structlog tenacity typer uvicorn
    datetime.date.today datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow
    uuid.uuid1 uuid.uuid4 input print
    """.split()
)
OPENS_FILES = set("open io.open importlib.resources pathlib.Path.cwd pathlib.Path.home".split())
PATH_METHODS = set("is_dir is_file iterdir read_bytes read_text rglob write_bytes write_text".split())

HEAVY = set(
    "azure.ai azure.data azure.identity azure.monitor azure.storage fastapi github mlflow typer uvicorn".split()
)
# httpx and structlog bring a part of rich along, so it can be watched for only in our own files.
HEAVY_IN_OUR_FILES = HEAVY | {"rich"}

LONGEST_FILE = 300
NAMES_NOTHING = set("base common constants freight helper manager misc process request stage util".split())
PROMISES_LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
OURS = ("orchestrator", "tests", "bench", "docs", "infra", "workflows", ".ci", ".github")
WRITTEN_ELSEWHERE = {"node_modules", "__pycache__", ".hypothesis"}


def our_files() -> list[Path]:
    """Every file that this project wrote: the known folders, and what lies beside them."""
    inside = [path for folder in OURS for path in (ROOT / folder).rglob("*")]
    beside = [path for path in ROOT.iterdir() if path.name != "local.settings.json"]
    return sorted(
        path
        for path in (*inside, *beside)
        if path.is_file() and not path.is_symlink() and WRITTEN_ELSEWHERE.isdisjoint(path.parts)
    )


def named(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


OUR_PYTHON = [path for path in our_files() if path.suffix == ".py"]
SHIPPED_PYTHON = [path for path in OUR_PYTHON if PACKAGE in path.parents or path == FUNCTION_APP]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module: str) -> str | None:
    """The part that a module of ours belongs to; None for a module of somebody else."""
    match module.split("."):
        case ["function_app", *_]:
            return "function_app"
        case ["orchestrator", "console", "cli", *_]:
            return "cli"
        case ["orchestrator", part, *_]:
            return part
        case _:
            return None


def names_used(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a file imports or reaches through an import, and of bare names it calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known_as: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for name in names:
                    known_as[name.asname or name.name.partition(".")[0]] = (
                        name.name if name.asname else name.name.partition(".")[0]
                    )
                    yield node.lineno, name.name
            case ast.ImportFrom(names=names):
                origin = absolute(node, module_of(path), is_package=path.name == "__init__.py")
                for name in names:
                    known_as[name.asname or name.name] = f"{origin}.{name.name}"
                    yield node.lineno, f"{origin}.{name.name}"
            case _:
                pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := written(node)):
            first, _, rest = dotted.partition(".")
            if first in known_as:
                yield node.lineno, f"{known_as[first]}.{rest}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, known_as.get(node.func.id, node.func.id)


def absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    up = node.level - is_package
    package = module.split(".")[:-up] if up else module.split(".")
    return ".".join([*package, *([node.module] if node.module else [])])


def written(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            before = written(value)
            return before and f"{before}.{attribute}"
        case _:
            return None


def within(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def test_every_part_has_its_place_in_the_order() -> None:
    on_disk = {part_of(module_of(path)) for path in SHIPPED_PYTHON if path != PACKAGE / "__init__.py"}

    assert on_disk - MAY_IMPORT.keys() == set(), "give the new part its line in MAY_IMPORT"


def test_the_order_has_no_circle() -> None:
    so_far: set[str] = set()
    for part, allowed in MAY_IMPORT.items():
        assert set(allowed.split()) <= so_far, f"{part} may import a part that stands below it"
        so_far.add(part)


@pytest.mark.parametrize("path", SHIPPED_PYTHON, ids=named(SHIPPED_PYTHON))
def test_imports_follow_the_arrows(path: Path) -> None:
    part = part_of(module_of(path)) or "the package itself"
    allowed = {part, *MAY_IMPORT.get(part, "").split()}
    against = [
        f"line {line}: {part} imports {name}"
        for line, name in names_used(path)
        if (target := part_of(name)) in MAY_IMPORT and target not in allowed
    ]

    assert against == []


PURE = [path for path in SHIPPED_PYTHON if part_of(module_of(path)) in DECIDES_WITHOUT_DOING]


@pytest.mark.parametrize("path", PURE, ids=named(PURE))
def test_what_decides_touches_no_clock_no_network_and_no_environment(path: Path) -> None:
    touched = [f"line {line}: {name}" for line, name in names_used(path) if within(name, TOUCHES_THE_WORLD)]

    assert touched == []


@pytest.mark.parametrize("path", PURE, ids=named(PURE))
def test_what_decides_reads_no_file_but_the_policy(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loads_policy = any(isinstance(node, ast.FunctionDef) and node.name == "load_policy" for node in tree.body)
    touched = [f"line {line}: {name}" for line, name in names_used(path) if within(name, OPENS_FILES)]
    touched += [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in PATH_METHODS
    ]

    assert loads_policy or touched == []


def test_a_cold_start_imports_nothing_heavy() -> None:
    loaded = modules_after_importing("function_app")

    assert [module for module in loaded if within(module, HEAVY)] == []


def test_a_cold_start_finds_no_heavy_import_at_the_top_of_our_files() -> None:
    loaded = modules_after_importing("function_app")
    heavy = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in SHIPPED_PYTHON
        if module_of(path) in loaded
        for line, name in imported_at_the_top(path)
        if within(name, HEAVY_IN_OUR_FILES)
    ]

    assert heavy == []


def modules_after_importing(module: str) -> set[str]:
    """What a fresh interpreter holds once it imported `module`, with the example settings as its environment."""
    settings = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    answer = subprocess.run(
        [sys.executable, "-c", f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout.splitlines()[-1]))


def imported_at_the_top(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=str(module)):
                yield node.lineno, module
            case _:
                pass


@pytest.mark.parametrize("path", SHIPPED_PYTHON, ids=named(SHIPPED_PYTHON))
def test_a_file_is_short_enough_to_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_a_file_is_named_after_its_subject() -> None:
    places = {path.relative_to(ROOT) for path in OUR_PYTHON} | {path.parent.relative_to(ROOT) for path in OUR_PYTHON}
    vague = {
        str(place) for place in places for word in re.split(r"[_.]", place.stem) if word in plurals_too(NAMES_NOTHING)
    }

    assert vague == set()


def plurals_too(words: set[str]) -> set[str]:
    return words | {f"{word}s" for word in words} | {f"{word}es" for word in words}


def test_nothing_is_left_for_later() -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in our_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if PROMISES_LATER.search(line)
    ]

    assert left == []
