"""The rooms of the package: who imports whom, imports inside functions counted. Run as a script, it prints them."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

HELPERS = Path(__file__).parents[1] / "src" / "helpers"
# A room may use those of the floors below its own.
FLOORS = (
    {"_utils"}, {"noise", "information"}, {"store"}, {"preprocess", "laws"}, {"datasets", "design"},
    {"representations"}, {"sweep", "charts"}, {"findings"}, {"book"},
)  # fmt: skip
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {
    ".".join(path.relative_to(HELPERS).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HELPERS.rglob("*.py"))
}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of this package that a file imports, but for types alone."""
    tree = ast.parse(path.read_text("utf8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "helpers":
            package = (node.module or "").removeprefix("helpers").lstrip(".")
            for alias in node.names:
                inner = f"{package}.{alias.name}".lstrip(".")
                yield inner if inner in MODULES else package
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix("helpers.") for a in node.names if a.name.startswith("helpers."))


GRAPH = {module: {used for used in imports(path) if used not in ("", module)} for module, path in MODULES.items()}


def room(module: str) -> str:
    return module.partition(".")[0]


def test_no_room_uses_one_that_stands_on_it_or_beside_it():
    against = [
        f"{module} imports {used}"
        for module, all_used in GRAPH.items()
        for used in sorted(all_used)
        if module not in ("", "__init__") and room(module) != room(used) and FLOOR[room(module)] <= FLOOR[room(used)]
    ]
    assert not against


def test_no_circle_of_modules():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        raise AssertionError(" ← ".join(error.args[1])) from None


def test_the_root_is_an_entrance_hall():
    entries = {p.stem for p in HELPERS.iterdir() if p.name != "py.typed"} - {"__pycache__", "__init__"}
    assert len(entries) <= 13
    assert entries == set(FLOOR)


def main() -> None:
    """Print each room with the rooms that it uses and its modules with the modules that they use."""
    for rooms in FLOORS:
        for name in sorted(rooms):
            used = sorted({room(u) for m, us in GRAPH.items() if room(m) == name for u in us} - {name}, key=FLOOR.get)
            print(f"{name} → {', '.join(used) or 'none'}")
            for module in sorted(m for m in GRAPH if room(m) == name):
                print(f"    {module} → {', '.join(sorted(GRAPH[module])) or 'none'}")


if __name__ == "__main__":
    main()
