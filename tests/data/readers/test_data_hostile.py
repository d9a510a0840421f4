"""What is no file of texts is refused in a sentence: soon, and without the memory it asks for."""

from __future__ import annotations

import io
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config import DataConfig
from embedtune.data import DataReport, inspect_task
from embedtune.data.readers import room

Inspect = Callable[..., DataReport]


def refused(path: Path | str, **keys: Any) -> str:
    report = inspect_task(DataConfig(name="hostile", source="files", path=str(path), **keys))
    assert report.task is None
    assert report.problems
    text = "\n".join(report.problems)
    assert text.isprintable() or "\n" in text
    return text


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.jsonl")
    for path in (tmp_path, tmp_path / "train.jsonl"):
        assert "train.jsonl must be a regular file, but got a named pipe." in refused(path)
    (tmp_path / "corpus.jsonl").symlink_to(tmp_path / "train.jsonl")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "a"}')
    assert "corpus.jsonl must be a regular file" in refused(tmp_path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/random", "/dev/tty", "/dev/stdin"])
def test_a_device_is_not_opened(device: str) -> None:
    assert "must be" in refused(device)


def test_a_socket_and_a_folder_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("test.csv")
        assert "test.csv must be a regular file, but got a socket" in refused("test.csv")
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.csv").mkdir()
    assert "train.csv must be a regular file, but got a folder" in refused("rows")


def test_a_sparse_file_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "train.jsonl").open("wb") as file:
        file.truncate(40 * 2**30)
    assert "train.jsonl must hold at most 8.59 GB, but got 42.9 GB" in refused(tmp_path)
    with (tmp_path / "train.jsonl").open("wb") as file:
        file.truncate(6 * 2**30)
    assert "train.jsonl:1 must be text, but got a NUL byte" in refused(tmp_path)


def test_a_file_that_grows_while_it_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_BYTES", 100)
    (tmp_path / "train.csv").write_text("anchor,positive\n" + "a,b\n" * 50)
    assert "must hold at most 0.1 kB" in refused(tmp_path)


def parquet_bytes(columns: Mapping[str, Any]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream, compression="zstd", row_group_size=10**9)
    return stream.getvalue()


def bombs() -> dict[str, Any]:
    import pyarrow

    count = 20_000_000
    nulls = pyarrow.nulls(count, pyarrow.string())
    long = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 100_000, pyarrow.int32()), pyarrow.array(["x" * 1_000_000])
    )
    return {
        "many nulls": {"anchor": nulls, "positive": nulls},
        "one long text repeated": {"anchor": long, "positive": long},
        "one list of many": {"anchor": ["a"], "positive": pyarrow.ListArray.from_arrays([0, count], nulls)},
        "one text of zeros": {"anchor": ["x" * 200_000_000], "positive": ["y"]},
    }


@pytest.mark.parametrize("kind", ["many nulls", "one long text repeated", "one list of many", "one text of zeros"])
def test_a_small_parquet_file_does_not_unpack_to_much(tmp_path: Path, kind: str) -> None:
    content = parquet_bytes(bombs()[kind])
    (tmp_path / "train.parquet").write_bytes(content)
    assert "must unpack to at most 1000 times its " in refused(tmp_path), len(content)


def test_a_row_of_many_positives_and_negatives_does_not_multiply(tmp_path: Path) -> None:
    row = {"query": "q", "pos": ["p"] * 20_000, "neg": ["n"] * 20_000}
    (tmp_path / "train.jsonl").write_text(json.dumps(row))
    assert "must hold at most" in refused(tmp_path) or "must unpack to at most" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08\x00rest", "must be a whole gzip file, but got"),
        (b"\x28\xb5\x2f\xfdrest", "must be a whole zstd file, but got"),
        (b"BZh91AY", "must be text or Parquet, but got bzip2"),
        (b"PK\x03\x04rest", "but got zip, as Excel's .xlsx is"),
        ("anchor,positive\na,b\n".encode("utf-16")[:-1], "must be UTF-16, as it begins, but got something else"),
        ("anchor,positive\na,b\n".encode("utf-16-le"), "csv:1 must be text, but got a NUL byte"),
        (b"anchor,positive\na,b\nc,\0\n", "csv:3 must be text, but got a NUL byte"),
        (b"anchor,positive\na,\xff\n", "csv:2 must be UTF-8, but got the byte 0xff"),
        (
            b'{"anchor": "\\ud800", "positive": "b"}',
            "csv:1 anchor must be valid Unicode, but got half a surrogate pair",
        ),
        (b"anchor\x1b[31m,positive\na,b\n", "but got anchor\\x1b[31m, positive"),
    ],
)
def test_other_content_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.csv").write_bytes(content)
    assert message in refused(tmp_path)


def test_ids_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    content = {"queries": {"\ud800": "a"}, "relevant_docs": {"\ud800": "x"}, "corpus": {"x": "b"}}
    (tmp_path / "test.json").write_text(json.dumps(content))
    assert "must have an id of valid Unicode" in refused(tmp_path)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "\ud800", "~nobody/x"])
def test_odd_paths_are_refused(path: str) -> None:
    assert "must be" in refused(path)
    assert "must be" in refused("/", splits={"test": path})


SEEDS = (
    b'{"anchor": "a", "positive": "b", "negative_1": "c"}\n{"anchor": "d", "positive": ["e"], "negative_1": "f"}\n',
    b'[\n{"query": "a", "pos": ["b"], "neg": [{"title": "t", "text": "c"}]}\n]',
    b'{"queries": {"a": "b"}, "relevant_docs": {"a": ["c"]}, "corpus": {"c": "d"}}',
    b'anchor,positive\n"a","b"\nc,d\n',
    b'anchor\tpositive\n"a\tb\n',
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from((*SEEDS, parquet_bytes({"anchor": ["a", "b"], "positive": ["c", "d"]})))))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, len(content)))
        insert = draw(st.sampled_from([b"", b"\0", b'"', b"{", b"[", b",", b"\n", b"\t", b"\xff", b"\\u", b"9" * 5000]))
        content[position : position + draw(st.integers(0, 8))] = insert or draw(st.binary(max_size=4))
    return bytes(content)


@settings(deadline=None, max_examples=150)
@given(mutated(), st.sampled_from(["train.jsonl", "train.csv", "train.tsv", "corpus.jsonl", "qrels/test.tsv"]))
def test_mutated_files_are_used_or_refused(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if not name.startswith("train"):
            (Path(folder) / "qrels").mkdir()
            (Path(folder) / "corpus.jsonl").write_text('{"_id": "a", "text": "b"}')
            (Path(folder) / "queries.jsonl").write_text('{"_id": "c", "text": "d"}')
            (Path(folder) / "qrels" / "test.tsv").write_text("c\ta\t1\n")
        (Path(folder) / name).write_bytes(content)
        report = inspect_task(DataConfig(name="mutated", source="files", path=folder))
        assert (report.task is None) == bool(report.problems)
        json.dumps(report.to_dict(), ensure_ascii=False).encode()
