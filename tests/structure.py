"""Figures of the code's structure, counted from its source: ``python tests/structure.py`` prints them.

``tests/test_layers.py`` holds the code to them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "embedtune"

Graph = Mapping[str, frozenset[str]]
"""Name -> the names it imports."""

UNTYPED = re.compile(r"\b(?:dict|Mapping)\[str, Any\]")
MOST_PARAMETERS = 6


def modules(package: Path) -> dict[str, Path]:
    """Dotted name -> file, for the package itself and all below it."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = [package.name, *file.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def file_imports(package: Path) -> Graph:
    """Module -> modules of the package it imports, wherever in the file: inside functions and for type checkers too."""
    files = modules(package)
    return {
        name: frozenset(target for parts in imported(file) if (target := _module_of(parts, files)) and target != name)
        for name, file in files.items()
    }


def imported(file: Path) -> Iterator[list[str]]:
    """The parts of every imported name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative imports hide the layer"
            yield from ([*str(node.module).split("."), alias.name] for alias in node.names)


def _module_of(parts: list[str], files: Mapping[str, Path]) -> str | None:
    return next((name for end in (len(parts), len(parts) - 1) if (name := ".".join(parts[:end])) in files), None)


def room_imports(package: Path, room: str) -> Graph:
    """The modules and packages directly in a package, each with those beside it that it imports.

    A package's own ``__init__`` stands above all that is in it, and is left out.
    """
    graph: dict[str, set[str]] = {}
    for owner, targets in file_imports(package).items():
        child = _child(owner, room)
        if child is not None:
            beside = {own for target in targets if (own := _child(target, room)) is not None}
            graph.setdefault(child, set()).update(beside - {child})
    return {name: frozenset(targets) for name, targets in graph.items()}


def _child(module: str, room: str) -> str | None:
    return module.removeprefix(f"{room}.").partition(".")[0] if module.startswith(f"{room}.") else None


def rooms(package: Path) -> list[str]:
    """The package and every package below it."""
    return [name for name, file in modules(package).items() if file.name == "__init__.py"]


def circles(graph: Graph) -> list[list[str]]:
    """Groups of names that reach each other (Tarjan, Depth-first search and linear graph algorithms, 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in sorted(graph.get(name, ())):
            if target not in order:
                visit(target)
            if target in stack:
                low[name] = min(low[name], low[target])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            found.extend([group] if len(group) > 1 else [])

    for name in graph:
        if name not in order:
            visit(name)
    return found


def largest_folder(package: Path) -> tuple[str, int]:
    """The folder with the most modules beside each other, and how many."""
    counts = {folder: len(list(folder.glob("*.py"))) for folder in {file.parent for file in package.rglob("*.py")}}
    folder = max(counts, key=lambda own: (counts[own], str(own)))
    return str(folder.relative_to(package.parent)), counts[folder]


def long_signatures(package: Path) -> list[str]:
    """Functions with more than six parameters."""
    return [
        f"{name}.{node.name}"
        for name, file in modules(package).items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _parameters(node) > MOST_PARAMETERS
    ]


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    own = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in own)


def untyped_mappings(package: Path) -> int:
    """How often the code says ``dict[str, Any]`` or ``Mapping[str, Any]``."""
    return sum(len(UNTYPED.findall(file.read_text(encoding="utf-8"))) for file in package.rglob("*.py"))


def circles_anywhere(package: Path) -> list[list[str]]:
    """Circles of files, and of the modules and packages in any package."""
    graphs: Iterable[Graph] = [file_imports(package), *(room_imports(package, room) for room in rooms(package))]
    return [circle for graph in graphs for circle in circles(graph)]


def main() -> None:
    """Print the figures."""
    folder, most = largest_folder(PACKAGE)
    for name, value in {
        "modules": len(modules(PACKAGE)),
        "packages": len(rooms(PACKAGE)),
        "circles": circles_anywhere(PACKAGE) or 0,
        "top-level modules": len(list(PACKAGE.glob("*.py"))),
        "most modules in a folder": f"{most} ({folder})",
        f"functions with more than {MOST_PARAMETERS} parameters": long_signatures(PACKAGE),
        "dict[str, Any] and Mapping[str, Any]": untyped_mappings(PACKAGE),
    }.items():
        print(f"{name}: {value}")  # noqa: T201


if __name__ == "__main__":
    main()
