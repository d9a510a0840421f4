"""Imports point down: between the rooms by the order below, inside each room and between files without any circle."""

from __future__ import annotations

import ast
from pathlib import Path

import structure

LAYERS = (
    "errors units typed",
    "machine records paths",
    "config",
    "archive ranking models",
    "data training evaluation statistics study tracking",
    "trial",
    "sweep reporting release",
    "reproduction inspection generation",
    "api",
    "cli",
    "__main__",
)
"""From the bottom up; what stands in one line does not import each other."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}


def upward(package: Path) -> set[tuple[str, str]]:
    """Imports between rooms that do not point down."""
    graph = structure.room_imports(package, package.name)
    return {(own, target) for own, targets in graph.items() for target in targets if RANK[target] >= RANK[own]}


def test_rooms_import_only_what_is_below_them() -> None:
    assert upward(structure.PACKAGE) == set()


def test_every_room_has_a_layer() -> None:
    assert set(structure.room_imports(structure.PACKAGE, "embedtune")) <= set(RANK)


def test_nothing_imports_in_a_circle() -> None:
    assert structure.circles_anywhere(structure.PACKAGE) == []


def test_every_room_says_what_it_is_for() -> None:
    folders = {file.parent for file in structure.PACKAGE.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_few_modules_stand_beside_each_other() -> None:
    assert len(list(structure.PACKAGE.glob("*.py"))) <= 9
    assert structure.largest_folder(structure.PACKAGE)[1] <= 20


def test_embedtune_never_imports_its_plugin() -> None:
    for file in structure.modules(structure.PACKAGE).values():
        assert "hydra_plugins" not in {parts[0] for parts in structure.imported(file)}, file


def test_no_module_needs_what_only_posix_has() -> None:
    """Imported without a second way, it would keep the package from loading on Windows."""
    for file in structure.modules(structure.PACKAGE).values():
        needed = [node for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.Import)]
        names = {alias.name for node in needed for alias in node.names}
        assert names.isdisjoint({"fcntl", "grp", "pwd", "resource", "termios"}), file


def write_package(folder: Path, files: dict[str, str]) -> Path:
    for name, code in {"__init__": "", **files}.items():
        (folder / "embedtune" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "embedtune" / f"{name}.py").write_text(code, encoding="utf-8")
    return folder / "embedtune"


def test_an_import_upwards_is_seen(tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        {
            "errors": "",
            "models": "from embedtune import errors\nimport embedtune.data.load\n",
            "trial": "def run():\n    from embedtune.sweep import space\n",
            "data/__init__": "from embedtune.data.load import load\n",
            "data/load": "import embedtune\nfrom embedtune.errors import DataError\n",
            "sweep/__init__": "",
            "sweep/space": "from embedtune.trial import run\n",
        },
    )
    assert upward(package) == {("models", "data"), ("trial", "sweep")}


def test_a_circle_is_seen_between_files_and_between_the_parts_of_a_room(tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        {
            "sweep/__init__": "",
            "sweep/space/__init__": "",
            "sweep/space/draw": "from embedtune.sweep.workers import worker\n",
            "sweep/space/rules": "",
            "sweep/workers/__init__": "",
            "sweep/workers/worker": "from embedtune.sweep.space import rules\n",
            "data/__init__": "",
            "data/load": "def load():\n    from embedtune.data.check import check\n",
            "data/check": "from embedtune.data.load import load\n",
        },
    )
    assert sorted(map(sorted, structure.circles_anywhere(package))) == [
        ["check", "load"],
        ["embedtune.data.check", "embedtune.data.load"],
        ["space", "workers"],
    ]
