"""Mutated data files over every reader: each is used, or refused in sentences that can be shown."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from attempt import Case, Outcome

from embedtune.config import DataConfig
from embedtune.data import inspect_task

CASES = 10_000

ROWS = [{"anchor": f"query {i}", "positive": f"passage {i}", "negative_1": "no", "negative_2": "nor"} for i in range(8)]
LISTS = [
    {"query": f"query {i}", "pos": ["a", "b"], "neg": [{"title": "t", "text": "c"}], "pos_scores": [1]} for i in "ab"
]
OBJECT = {"queries": {"a": "b", "c": "d"}, "relevant_docs": {"a": ["x"], "c": "y"}, "corpus": {"x": "e", "y": "f"}}
BEIR = {
    "corpus.jsonl": b'{"_id": "d1", "title": "a", "text": "b"}\n{"_id": "d2", "text": ""}\n',
    "queries.jsonl": b'{"_id": "q1", "text": "c", "metadata": {}}\n',
    "qrels/test.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n",
    "qrels/dev.tsv": b"q1 0 d1 1\nq1 0 d2 0\n",
}
PIECES = (
    b"", b"\0", b'"', b"'", b"{", b"}", b"[", b"]", b",", b";", b":", b"\t", b"\n", b"\r", b"\\", b"\\ud800", b"\xff",
    b"\xef\xbb\xbf", "é\u2028\u202e".encode(), b"null", b"true", b"NaN", b"1e999", b"-1", b"9" * 5_000, b"[" * 3_000,
    b"{\"a\":" * 1_500, b"\x1b[31m", b"PAR1", b"\x1f\x8b", b"_id", b"anchor", b"negative_999999", b"x" * 200_000,
)  # fmt: skip


def cases(chance: random.Random, count: int, folder: Path) -> Iterator[Case]:
    """Files of every form with a few bytes cut, repeated, exchanged or put in, under every ending."""
    seeds, folders = _seeds(), [BEIR, *_folders(folder)]
    for number in range(count):
        place = folder / str(number)
        if chance.random() < 0.4:
            files = dict(chance.choice(folders))
            name = chance.choice(list(files))
            files[name] = _mutated(files[name], chance)
        else:
            form = chance.choice(list(seeds))
            endings = (form.rpartition(" ")[2], "json", "jsonl", "csv", "tsv", "parquet", "csv.gz", "jsonl.zst")
            name = f"train.{chance.choice(endings)}"
            files = {name: _mutated(seeds[form], chance)}
        yield Case(f"{number} {name}: {files[name][:200]!r}", lambda files=files, place=place: _read(files, place))


def _read(files: dict[str, bytes], folder: Path) -> Outcome:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    try:
        report = inspect_task(DataConfig(name="mutated", source="files", path=str(folder)))
        json.dumps(report.to_dict(), ensure_ascii=False).encode()
    finally:
        shutil.rmtree(folder)
    if report.task is not None:
        return Outcome("used")
    return Outcome("refused") if report.problems else Outcome("silent", True, "neither a task nor a problem")


def _mutated(content: bytes, chance: random.Random) -> bytes:
    own = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        start = chance.randint(0, len(own))
        end = min(len(own), start + chance.choice((0, 1, 4, 30, len(own))))
        match chance.randrange(5):
            case 0:
                del own[start:end]
            case 1:
                own[start:start] = own[start:end] * chance.choice((1, 3, 50))
            case 2:
                own[start:end] = chance.randbytes(end - start)
            case _:
                own[start:end] = chance.choice(PIECES)
    return bytes(own)


def _seeds() -> dict[str, bytes]:
    """Form and ending -> content."""
    import pyarrow
    from pyarrow import parquet

    lines = [",".join(row.values()) for row in ROWS]
    texts = {
        "lines jsonl": "\n".join(map(json.dumps, ROWS)),
        "lists jsonl": "\n".join(map(json.dumps, LISTS)),
        "array json": json.dumps(ROWS, indent=1),
        "columns json": json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}),
        "object json": json.dumps(OBJECT, indent=1),
        "grades json": json.dumps({**OBJECT, "relevant_docs": {"a": {"x": 2}, "c": {"y": 0.5, "x": 0}}}),
        "squad json": json.dumps({"data": [{"paragraphs": [{"context": "b", "qas": [{"id": "c", "question": "d"}]}]}]}),
        "commas csv": "\n".join([",".join(ROWS[0]), '"a ""b""","c\nd",e,f', *lines]),
        "semicolons csv": "\n".join([";".join(ROWS[0]), *(line.replace(",", ";") for line in lines)]),
        "tabs tsv": "\n".join(["\t".join(ROWS[0]), *(line.replace(",", "\t") for line in lines)]),
        "triples tsv": "what is it\tIt is this and that.\tIt is nothing of that.\n" * 3,
    }
    packed = {}
    for name, rows in (("rows", ROWS), ("lists", LISTS)):
        stream = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), stream, compression="zstd")
        packed[f"{name} parquet"] = stream.getvalue()
    packed["gzip csv.gz"] = gzip.compress(texts["commas csv"].encode())
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(texts["lines jsonl"].encode())
    packed["zstd jsonl.zst"] = bytes(sink.getvalue())
    packed["wide csv"] = texts["commas csv"].encode("utf-16")
    return {**{name: text.encode() for name, text in texts.items()}, **packed}


def _folders(scratch: Path) -> Iterator[dict[str, bytes]]:
    """Folders of several files: compressed BEIR, MTEB's Parquet, MS MARCO's tables, and a saved dataset."""
    import datasets
    import pyarrow
    from pyarrow import parquet

    def packed(**columns: list[object]) -> bytes:
        stream = io.BytesIO()
        parquet.write_table(pyarrow.table(columns), stream)
        return stream.getvalue()

    yield {f"{name}.gz": gzip.compress(content) for name, content in BEIR.items()}
    yield {
        "corpus/corpus-00000-of-00001.parquet": packed(_id=["d1", "d2"], text=["a", "b"]),
        "queries/queries-00000-of-00001.parquet": packed(_id=["q1"], text=["c"]),
        "qrels/test-00000-of-00001.parquet": packed(**{"query-id": ["q1"], "corpus-id": ["d1"], "score": [2]}),
    }
    yield {"collection.tsv": b"d1\ta b\nd2\tc\n", "queries.tsv": b"q1\td\n", "qrels.dev.tsv": b"q1\t0\td1\t1\n"}
    saved = scratch / "saved"
    datasets.Dataset.from_list(ROWS).save_to_disk(str(saved))
    yield {file.name: file.read_bytes() for file in saved.iterdir()}
    shutil.rmtree(saved)
