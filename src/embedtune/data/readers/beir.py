"""Folders in which corpus, queries and judgements lie apart.

BEIR (Thakur et al. 2021, arXiv:2104.08663) has corpus.jsonl, queries.jsonl and one file a split in qrels; MTEB's
repositories have folders of Parquet; TREC and MS MARCO have tab-separated texts and qrels of four columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath

from embedtune.data.drafts import Collection, Notes, Texts
from embedtune.data.readers.boundary import boundary
from embedtune.data.readers.json_values import is_json, json_objects
from embedtune.data.readers.parquet import read_columns
from embedtune.data.readers.qrels import read_qrels
from embedtune.data.readers.regular_file import decode, inner_name, is_parquet, read_bytes
from embedtune.data.readers.shards import is_shard, stem_of, whole
from embedtune.data.readers.texts import PASSAGE_ID, QUERY_ID, SCORE, as_lines, read_texts

CORPUS = ("corpus", "collection", "docs", "documents")
QUERIES = ("queries", "topics")
QRELS = ("qrels", "default", "data")
ENDINGS = (".jsonl", ".json", ".parquet", ".tsv")
QREL_ENDINGS = (".tsv", ".txt", ".jsonl", ".parquet")

_QRELS_FILE = re.compile(r"qrels[._-]([a-z]+)", re.IGNORECASE)


def is_beir(folder: Path) -> bool:
    """Whether the folder holds a corpus and queries apart."""
    return bool(_files(folder, CORPUS)) and bool(_files(folder, QUERIES))


def missing_from_beir(folder: Path) -> str | None:
    """The one part that a folder lacks to be BEIR; None for one that is BEIR, or something else."""
    parts = {"corpus.jsonl": _files(folder, CORPUS), "queries.jsonl": _files(folder, QUERIES)}
    absent = [name for name, files in parts.items() if not files]
    return absent[0] if len(absent) == 1 and (folder / QRELS[0]).is_dir() else None


def qrels_folder(folder: Path) -> Path:
    """Where the judgements lie: a folder of their own, or beside the texts."""
    usual = folder if any(folder.glob("qrels*")) else folder / QRELS[0]
    return next((folder / name for name in QRELS if (folder / name).is_dir()), usual)


def split_of(name: str) -> str:
    """The split that a file of judgements is of, by its name: ``dev`` for qrels.dev.tsv and for dev.tsv."""
    match = _QRELS_FILE.match(name)
    return match[1] if match else stem_of(name)


def read_beir(folder: Path, qrels: Mapping[str, Path], notes: Notes) -> dict[str, Collection]:
    """Every split that ``qrels`` names a file for; each is searched in the whole corpus."""
    corpus = read_texts(_files(folder, CORPUS), "passage", notes)
    queries = read_texts(_files(folder, QUERIES), "query", notes)
    splits = {}
    for split, path in qrels.items():
        with boundary(str(path), notes):
            relevance = read_qrels(_judgements(path, notes), str(path), queries.values if queries else (), notes)
            if corpus is None or queries is None:
                continue
            judged = {query: text for query, text in queries.values.items() if query in relevance.values}
            splits[split] = Collection(Texts(queries.file, "query", judged, queries.lines), corpus, relevance)
    return splits


def _judgements(path: Path, notes: Notes) -> str:
    """Judgements as lines; those in records become such."""
    files = (
        whole((file for file in path.parent.glob("*") if stem_of(file.name) == stem_of(path.name)), notes)
        if is_shard(path.name)
        else (path,)
    )
    return "\n".join(_lines(file, notes) for file in files)


def _lines(path: Path, notes: Notes) -> str:
    content, file = read_bytes(path), str(path)
    if is_parquet(content):
        wanted = {*QUERY_ID, *PASSAGE_ID, *SCORE}
        cells = read_columns(content, file, lambda names: tuple(name for name in names if name in wanted))
        return as_lines(dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    text = decode(content, file)
    return as_lines(record for _, record in json_objects(text, file, notes)) if is_json(text) else text


def _files(folder: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The files of one part: in a folder of its name, else of its name in this folder."""
    for name in names:
        is_own = (folder / name).is_dir()
        found = sorted(
            file
            for file in (folder / name if is_own else folder).glob("*")
            if PurePath(inner_name(file.name)).suffix.lower() in ENDINGS
            and (is_own or stem_of(file.name) == name)
            and not file.is_dir()
        )
        if found:
            return tuple(found)
    return ()
