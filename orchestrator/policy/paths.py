"""What routes and environments say to each other: names, shared workspaces, cycles."""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.policy import Environment, Route, Trigger
from orchestrator.policy.shape import Section


def name_mistakes(sections: Sequence[Section]) -> Iterator[Mistake]:
    """Routes whose name another route has already."""
    seen: dict[str, Section] = {}
    for section in sections:
        name = section.text("name")
        first = seen.setdefault(name, section) if name else section
        if first is not section:
            place = first.at("name")
            what = f'the route "{name}" is here twice; the first is {place.file}:{place.line}'
            yield section.scalars["name"].place.mistake(what, "each name once, in all files together")


def workspace_mistakes(sections: Sequence[Section], environments: Sequence[Environment]) -> Iterator[Mistake]:
    """Routes from an environment that cannot be told from another one, because both are one workspace."""
    by_name = {environment.name: environment for environment in environments}
    for section in sections:
        source = by_name.get(section.text("from") or "")
        others = [
            environment.name
            for environment in environments
            if source and environment is not source and environment.workspace_key == source.workspace_key
        ]
        if source and others:
            what = f'"{source.name}" is on one workspace with {", ".join(others)}: their signals look the same'
            yield section.scalars["from"].place.mistake(
                what, "a workspace of its own for every environment named in from"
            )


def cycle_mistakes(sections: Sequence[Section], routes: Sequence[Route]) -> Iterator[Mistake]:
    """Routes on promotion-succeeded that lead back to where they began; each cycle is told once."""
    chained = [route for route in routes if Trigger.PROMOTION_SUCCEEDED in route.on]
    above: dict[str, list[Route]] = {}
    for route in chained:
        above.setdefault(route.from_environment, []).append(route)
    told: set[str] = set()
    for route in chained:
        back = None if route.to in told else _way_back(route, above)
        if back:
            told.update(step.to for step in back)
            way = " -> ".join([route.from_environment, *(step.to for step in back)])
            what = f"promotions would go round without end: {way}"
            section = next(section for section in sections if section.text("name") == route.name)
            yield section.at("to").mistake(what, "a path that ends")


def _way_back(start: Route, above: Mapping[str, list[Route]]) -> list[Route] | None:
    """The shortest way that begins with a route and ends where the route began, searched breadth first."""
    ways, seen = [[start]], {start.to}
    while ways:
        way = ways.pop(0)
        if way[-1].to == start.from_environment:
            return way
        for step in above.get(way[-1].to, []):
            if step.to not in seen:
                seen.add(step.to)
                ways.append([*way, step])
    return None
