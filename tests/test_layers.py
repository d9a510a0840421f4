"""Imports point down: a module may import what lies on a lower layer, never its siblings or what is above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "embedtune"
LAYERS = (
    "errors",
    "disk",
    "config records paths processes storage tiny environment quiet usage units",
    "front",
    "model data training evaluation statistics tracking study archive",
    "bench hooks resume meter",
    "measuring",
    "recorder",
    "cross_validation",
    "trial",
    "sweep reporting release",
    "api",
    "commands",
    "cli",
    "__main__ __init__",
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}


def module_names(package: Path) -> set[str]:
    """The modules and packages directly in ``package``."""
    files = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in package.glob("*/*.py")}


def internal_imports(package: Path) -> Iterator[tuple[str, str]]:
    """Every (module, module it imports) of ``package``, both by the name directly in it."""
    modules = module_names(package)
    for file in sorted(package.rglob("*.py")):
        owner = file.relative_to(package).with_suffix("").parts[0]
        for parts in imported(ast.parse(file.read_text(encoding="utf-8"))):
            if parts[0] == package.name and len(parts) > 1 and parts[1] in modules:
                yield owner, parts[1]


def imported(tree: ast.Module) -> Iterator[list[str]]:
    """The parts of every imported name, wherever in the file: inside functions and for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the layer"
            yield from ([*str(node.module).split("."), alias.name] for alias in node.names)


def upward(package: Path) -> set[tuple[str, str]]:
    """Imports that do not point down; the package's own ``__init__`` stands above all."""
    return {
        (owner, target)
        for owner, target in internal_imports(package)
        if owner != target and RANK.get(target, 0) >= RANK.get(owner, -1)
    }


def test_imports_point_down() -> None:
    assert upward(PACKAGE) == set()


def test_every_module_has_a_layer() -> None:
    assert module_names(PACKAGE) <= set(RANK)


def test_embedtune_never_imports_its_plugin() -> None:
    for file in PACKAGE.rglob("*.py"):
        roots = {parts[0] for parts in imported(ast.parse(file.read_text(encoding="utf-8")))}
        assert "hydra_plugins" not in roots, file


def test_the_check_sees_what_it_forbids(tmp_path: Path) -> None:
    package = tmp_path / "embedtune"
    for name, code in {
        "__init__": "",
        "errors": "",
        "model": "from embedtune import errors\nimport embedtune.data.load\n",
        "trial": "def run():\n    from embedtune.sweep import space\n",
        "data/__init__": "from embedtune.data.load import load\n",
        "data/load": "import embedtune\nfrom embedtune.errors import DataError\n",
        "sweep/space": "from embedtune.trial import run\n",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").write_text(code, encoding="utf-8")
    assert upward(package) == {("model", "data"), ("trial", "sweep")}
