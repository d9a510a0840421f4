"""Code search in the standard library of the running Python: docstring summary -> code without its docstring.

Modules are parsed, never imported. The task depends on the Python version and on nothing else, as long as the library
is installed whole.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedtune.config import DataConfig
from embedtune.data.digest import text_id
from embedtune.data.drafts import Collection, Draft, Problem, Relevance, Rows, Texts
from embedtune.data.group_split import rank
from embedtune.data.readers.library.source_code import Snippet, read_snippets

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Of the snippets; a module goes to the split that is furthest behind its share."""

MAX_PER_MODULE = 40
"""Snippets; a few modules (tkinter has hundreds) would otherwise make up the task."""

_SKIPPED = frozenset(
    {"site-packages", "dist-packages", "lib-dynload", "test", "tests", "idlelib", "idle_test", "lib2to3", "turtledemo"}
)
_CORPUS_PER_QUERY = 1.5
# Ambiguous snippets are dropped after reading, so more are read than are needed.
_SPARE_SHARE, _SPARE_COUNT = 0.3, 20


def read_pydocs(config: DataConfig) -> Draft:
    """Training rows, and collections for validation and test; about a third of a corpus are distractors."""
    version = ".".join(map(str, sys.version_info[:3]))
    source = f"standard library of Python {version}"
    needed = _needed(config)
    snippets = read_modules(Path(sysconfig.get_path("stdlib")), config.seed, needed)
    if not all(snippets.values()):
        message = (
            f"data.source=pydocs must find the sources of the {source} in {sysconfig.get_path('stdlib')}, but got "
            "none. Use a Python that is installed with its .py files, or your own texts with data=files."
        )
        return Draft(source, problems=(Problem("pydocs", message),))
    clear = _without_ambiguous(snippets)
    drawn = {split: _draw(found, needed[split], config.seed) for split, found in clear.items()}
    rows = Rows("pydocs train", ("anchor", "positive"), [(s.summary, s.code) for s in _in_order(drawn["train"])])
    evaluation = {
        split: _collection(f"pydocs {split}", drawn[split], config.max_queries) for split in ("validation", "test")
    }
    return Draft(source, {"train": rows, **evaluation})


def standard_modules(root: Path) -> dict[str, Path]:
    """Module name -> file of everything below ``root`` that is neither a test, an application nor third-party."""
    found = {}
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in _SKIPPED]
        for file in files:
            path = Path(folder, file)
            if path.suffix == ".py" and path.stem != "__main__":
                name = ".".join(path.relative_to(root).with_suffix("").parts)
                found[name.removesuffix(".__init__")] = path
    return dict(sorted(found.items()))


def _needed(config: DataConfig) -> dict[str, int | None]:
    """How many snippets each split is made of; None takes all."""
    corpus = None if config.max_queries is None else round(config.max_queries * _CORPUS_PER_QUERY)
    return {"train": config.max_train, "validation": corpus, "test": corpus}


def read_modules(root: Path, seed: int, needed: Mapping[str, int | None]) -> dict[str, list[Snippet]]:
    """Snippets of each split, read module by module in an order drawn by the seed until every split has enough.

    Args:
        root: Folder of the library.
        seed: Draws the order of the modules and, of the large ones, the snippets.
        needed: Split -> how many; None reads every module.
    """
    modules = standard_modules(root)
    found: dict[str, list[Snippet]] = {split: [] for split in SHARES}
    for name in sorted(modules, key=lambda name: rank(seed, name)):
        behind = min(SHARES, key=lambda split: len(found[split]) / SHARES[split])
        found[behind] += _draw(read_snippets(modules[name], name), MAX_PER_MODULE, seed)
        if all(_enough(len(found[split]), needed[split]) for split in SHARES):
            break
    return found


def _enough(count: int, needed: int | None) -> bool:
    return needed is not None and count >= needed * (1 + _SPARE_SHARE) + _SPARE_COUNT


def _without_ambiguous(snippets: Mapping[str, Sequence[Snippet]]) -> dict[str, list[Snippet]]:
    """Drops every snippet whose summary or code occurs twice, in whichever split: it has no single answer."""
    everything = [snippet for found in snippets.values() for snippet in found]
    summaries = Counter(snippet.summary.casefold() for snippet in everything)
    codes = Counter(snippet.code for snippet in everything)
    return {
        split: [s for s in found if summaries[s.summary.casefold()] == 1 and codes[s.code] == 1]
        for split, found in snippets.items()
    }


def _draw(snippets: list[Snippet], count: int | None, seed: int) -> list[Snippet]:
    return sorted(snippets, key=lambda snippet: rank(seed, snippet.summary))[:count]


def _in_order(snippets: Sequence[Snippet]) -> list[Snippet]:
    return sorted(snippets, key=lambda snippet: (snippet.module, snippet.line))


def _collection(place: str, drawn: Sequence[Snippet], max_queries: int | None) -> Collection:
    """The first snippets are asked for, the others only stand in the corpus."""
    asked = _in_order(drawn[:max_queries])
    queries = {text_id(snippet.summary): snippet.summary for snippet in asked}
    corpus = {text_id(snippet.code): snippet.code for snippet in _in_order(drawn)}
    relevant = {text_id(snippet.summary): (text_id(snippet.code),) for snippet in asked}
    return Collection(Texts(place, "query", queries), Texts(place, "passage", corpus), Relevance(place, relevant))
