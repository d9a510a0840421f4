"""One task in many forms: the same digest, whatever it is read from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from embedtune.config import DataConfig
from embedtune.data import DataReport, inspect_task

CORPUS = {"d1": "Der Leuchtturm, hell", "d2": 'a "quoted" lamp; with\tno end'.replace("\t", " "), "d3": "№3 café"}
QUERIES = {"q1": "who shines", "q2": "what is quoted; and why", "q3": "which café", "q4": "who shines far"}
RELEVANT = {"q1": ["d1"], "q2": ["d2"], "q3": ["d3"], "q4": ["d1"]}
PAIRS = [(QUERIES[q], CORPUS[d]) for q, found in RELEVANT.items() for d in found]


def jsonl(records: Any) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def one_object(**changes: Any) -> dict[str, Any]:
    return {"queries": QUERIES, "corpus": CORPUS, "relevant_docs": RELEVANT, **changes}


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def table(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def delimited(delimiter: str) -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter).writerows([("anchor", "positive"), *PAIRS])
    return sink.getvalue()


ROWS = [{"anchor": anchor, "positive": positive} for anchor, positive in PAIRS]
QRELS = "\n".join(f"{q}\t{d}\t1" for q, found in RELEVANT.items() for d in found)
TREC = "\n".join(f"{q} 0 {d} 1" for q, found in RELEVANT.items() for d in found)
BEIR = {
    "corpus.jsonl": jsonl({"_id": d, "title": t.split()[0], "text": t.partition(" ")[2]} for d, t in CORPUS.items()),
    "queries.jsonl": jsonl({"_id": q, "text": t} for q, t in QUERIES.items()),
}
JUDGED = {
    "query-id": [q for q, found in RELEVANT.items() for _ in found],
    "corpus-id": [d for f in RELEVANT.values() for d in f],
    "score": [1.0] * 4,
}
SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": text,
                    "qas": [{"id": q, "question": QUERIES[q]} for q, found in RELEVANT.items() if d in found],
                }
                for d, text in CORPUS.items()
            ]
        }
    ]
}

FORMS: dict[str, dict[str, str | bytes]] = {
    "one object": {"val.json": json.dumps(one_object())},
    "one object with grades": {
        "val.json": json.dumps(one_object(relevant_docs={q: {d: 1, "d0": 0} for q, (d,) in RELEVANT.items()}))
    },
    "one object, pretty": {"dev.json": json.dumps(one_object(mode="text"), indent=2)},
    "squad": {"dev-v2.json": json.dumps(SQUAD, indent=1)},
    "beir": {**BEIR, "qrels/dev.tsv": f"query-id\tcorpus-id\tscore\n{QRELS}"},
    "beir, gzip": {
        f"{name}.gz": gzip.compress(text.encode()) for name, text in {**BEIR, "qrels/dev.tsv": QRELS}.items()
    },
    "mteb folder": {
        "corpus/corpus-00000-of-00001.parquet": table(_id=list(CORPUS), title=[""] * 3, text=list(CORPUS.values())),
        "queries/queries-00000-of-00001.parquet": table(_id=list(QUERIES), text=list(QUERIES.values())),
        "qrels/validation-00000-of-00001.parquet": table(**JUDGED),
    },
    "mteb, judgements in JSON": {
        **BEIR,
        "data/dev.jsonl": jsonl(dict(zip(JUDGED, row, strict=True)) for row in zip(*JUDGED.values(), strict=True)),
    },
    "trec": {
        "docs.tsv": "\n".join(map("\t".join, CORPUS.items())),
        "topics.tsv": "\n".join(map("\t".join, QUERIES.items())),
        "qrels/dev.txt": TREC,
    },
    "ms marco": {
        "collection.tsv": "\n".join(map("\t".join, CORPUS.items())),
        "queries.tsv": "\n".join(map("\t".join, QUERIES.items())),
        "qrels.dev.tsv": TREC.replace(" ", "\t"),
    },
    "rows, jsonl": {"validation.jsonl": jsonl(ROWS)},
    "rows, array": {"validation.json": json.dumps(ROWS, indent=4)},
    "rows, columns": {
        "validation.json": json.dumps({"anchor": [a for a, _ in PAIRS], "positive": [p for _, p in PAIRS]})
    },
    "rows, csv": {"valid.csv": delimited(",")},
    "rows, excel": {"valid.csv": b"\xef\xbb\xbf" + delimited(";").encode()},
    "rows, utf-16": {"valid.csv": delimited("\t").encode("utf-16")},
    "rows, tsv": {"valid.tsv": "\n".join("\t".join(row) for row in [("query", "answer"), *PAIRS])},
    "rows, gzip": {"valid.csv.gz": gzip.compress(delimited(",").encode())},
    "rows, zstd": {"valid.jsonl.zst": zstd(jsonl(ROWS).encode())},
    "rows, parquet": {"valid.parquet": table(anchor=[a for a, _ in PAIRS], positive=[p for _, p in PAIRS])},
    "rows, shards": {
        f"validation-0000{n}-of-00002.parquet": table(
            anchor=[a for a, _ in PAIRS[2 * n : 2 * n + 2]], positive=[p for _, p in PAIRS[2 * n : 2 * n + 2]]
        )
        for n in range(2)
    },
    "flagembedding": {"validation.jsonl": jsonl({"query": a, "pos": [p]} for a, p in PAIRS)},
    "tevatron": {
        "validation.jsonl": jsonl(
            {"query": a, "positive_passages": [{"docid": "1", "title": p.split()[0], "text": p.partition(" ")[2]}]}
            for a, p in PAIRS
        ),
    },
}


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def inspect(path: Path, **keys: Any) -> DataReport:
    return inspect_task(DataConfig(name="same", source="files", path=str(path), **keys))


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("first")
    write(folder, FORMS["one object"])
    task = inspect(folder).task
    assert task is not None
    return task.digests["validation"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_digest(form: str, digest: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder, größe=1"
    write(folder, FORMS[form])
    keys = {"splits": {"validation": "dev-v2.json"}} if form == "squad" else {}
    report = inspect(folder, **keys)
    assert report.problems == ()
    assert report.task is not None
    assert report.task.digests["validation"] == digest


def test_a_saved_dataset_has_the_same_digest(digest: str, tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"validation": rows, "odd": rows}).save_to_disk(str(tmp_path / "dict"))
    report = inspect(tmp_path / "dict")
    assert report.task is not None
    assert report.task.digests["validation"] == digest
    assert any("has splits that are not read: odd" in warning for warning in report.warnings)
    datasets.Dataset.from_list(ROWS * 10).save_to_disk(str(tmp_path / "one"))
    alone = inspect(tmp_path / "one")
    assert alone.task is not None, "it comes in one piece and is divided"


def test_a_saved_dataset_reads_its_own_files_alone(tmp_path: Path) -> None:
    import datasets

    folder = tmp_path / "saved"
    datasets.Dataset.from_list(ROWS).save_to_disk(str(folder))
    state = json.loads((folder / "state.json").read_text())
    for name in ("../elsewhere.arrow", "/dev/zero", "", 3):
        (folder / "state.json").write_text(json.dumps({**state, "_data_files": [{"filename": name}]}))
        assert "must name files of its own folder" in inspect(folder).problems[0]
    (folder / "state.json").write_text(json.dumps({**state, "_data_files": [{"filename": "link.arrow"}]}))
    (folder / "link.arrow").symlink_to(folder / "data-00000-of-00001.arrow")
    assert "must be a regular file" in inspect(folder).problems[0]
    for broken in ("[]", "{}", "{", '{"_data_files": 3}', '{"_data_files": [3]}'):
        (folder / "state.json").write_text(broken)
        assert "must be a dataset as save_to_disk writes it" in inspect(folder).problems[0]


def test_the_datasets_library_gives_the_form_of_mteb(
    digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    configs = [("corpus", "corpus"), ("queries", "queries"), ("default", "qrels")]
    card = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: {'validation' if name == 'default' else name}\n"
        f"    path: {folder}/*.parquet\n"
        for name, folder in configs
    )
    write(tmp_path / "repo", {**FORMS["mteb folder"], "README.md": f"---\nconfigs:\n{card}---\n"})
    report = inspect_task(DataConfig(name="same", source="hub", path=str(tmp_path / "repo")))
    assert report.problems == ()
    assert report.task is not None
    assert report.task.digests["validation"] == digest


def test_a_missing_shard_and_other_columns_are_named(tmp_path: Path) -> None:
    files = dict(FORMS["rows, shards"])
    del files["validation-00001-of-00002.parquet"]
    write(tmp_path, files)
    (problem,) = inspect(tmp_path).problems
    assert "must be 2 files, but got 1; of number 1 there is none" in problem
    write(tmp_path, {"validation-00001-of-00002.parquet": table(anchor=["a"], positive=["b"], negative=["c"])})
    assert "must have the same columns in all its files" in inspect(tmp_path).problems[0]
    write(tmp_path, {"validation-00001-of-00002.parquet": table(anchor=["a", ""], positive=["b", "c"])})
    (problem,) = inspect(tmp_path).problems
    assert problem.startswith(f"{tmp_path / 'validation-00001-of-00002.parquet'} row 2 anchor must not be empty")


def test_impossible_questions_and_broken_squad_are_said(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(SQUAD))
    broken["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = True
    write(tmp_path, {"dev.json": json.dumps(broken)})
    assert any("1 questions are left out" in warning for warning in inspect(tmp_path).warnings)
    broken["data"][0]["paragraphs"][1] = "text"
    write(tmp_path, {"dev.json": json.dumps(broken)})
    assert "must have a list of objects as 'paragraphs'" in inspect(tmp_path).problems[0]


def bomb(form: Callable[[bytes], bytes]) -> bytes:
    return form(b"anchor,positive\n" + b"a" * (80 << 20))


@pytest.mark.parametrize(("name", "form"), [("train.csv.gz", gzip.compress), ("train.csv.zst", zstd)])
def test_a_bomb_is_refused(tmp_path: Path, name: str, form: Callable[[bytes], bytes]) -> None:
    write(tmp_path, {name: bomb(form)})
    (problem,) = inspect(tmp_path).problems
    assert "must unpack to at most 1000 times its" in problem


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(sorted(FORMS)), seed=st.integers(0, 2**32))
def test_damaged_forms_are_problems_and_never_errors(form: str, seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    folder = tmp_path / f"{seed}"
    files = dict(FORMS[form])
    name = draw.choice(sorted(files))
    original = files[name]
    content = bytearray(original if isinstance(original, bytes) else original.encode())
    for _ in range(draw.randrange(1, 6)):
        place = draw.randrange(len(content))
        match draw.randrange(4):
            case 0:
                content[place] = draw.randrange(256)
            case 1:
                del content[place : place + draw.randrange(1, 40)]
            case 2:
                content[place:place] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 20)))
            case _:
                content = content[: place + 1]
        if not content:
            break
    files[name] = bytes(content)
    write(folder, files)
    report = inspect(folder)
    assert report.task is not None or report.problems
