"""Per-query scores as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.errors import DataError
from embedtune.evaluation import METRIC_NAMES, read_scores, write_scores
from embedtune.records import RetrievalScores


def random_scores(query_ids: tuple[str, ...], dims: tuple[int, ...]) -> RetrievalScores:
    rng = np.random.default_rng(0)
    return RetrievalScores(
        query_ids, {dim: {name: rng.random(len(query_ids)) for name in METRIC_NAMES} for dim in dims}
    )


def assert_same(found: RetrievalScores, expected: RetrievalScores) -> None:
    assert found.query_ids == expected.query_ids
    assert list(found.per_query) == list(expected.per_query)
    for dim, metrics in expected.per_query.items():
        assert list(found.per_query[dim]) == list(metrics)
        for name, values in metrics.items():
            assert found.per_query[dim][name].dtype == np.float64
            np.testing.assert_array_equal(found.per_query[dim][name], values)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.lists(text, min_size=1, max_size=6, unique=True), st.sets(st.integers(1, 4096), min_size=1, max_size=4))
def test_scores_survive_the_file(tmp_path_factory: pytest.TempPathFactory, ids: list[str], dims: set[int]) -> None:
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    scores = random_scores(tuple(ids), tuple(sorted(dims, reverse=True)))
    write_scores(scores, path)
    assert_same(read_scores(path), scores)


def test_file_has_one_row_per_query_and_dimension(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "scores.parquet"
    write_scores(random_scores(("q\u20281", "q2", "q0"), (64, 32)), path)
    table = pq.read_table(path)
    assert table.column_names == ["query_id", "dim", *METRIC_NAMES]
    assert table["query_id"].to_pylist() == ["q\u20281", "q2", "q0"] * 2
    assert table["dim"].to_pylist() == [64] * 3 + [32] * 3
    assert [file.name for file in path.parent.iterdir()] == ["scores.parquet"]


def test_file_of_the_last_write_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_scores(random_scores(("a", "b"), (8,)), path)
    write_scores(random_scores(("c",), (8, 4)), path)
    assert_same(read_scores(path), random_scores(("c",), (8, 4)))


def test_folder_that_looks_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    path = tmp_path / "study=mine" / "scores.parquet"
    write_scores(random_scores(("a",), (8,)), path)
    assert tuple(read_scores(path).per_query[8]) == METRIC_NAMES


def test_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.parquet must be per-query scores in Parquet, but got .*Evaluate again"):
        read_scores(tmp_path / "gone.parquet")


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_torn_file_is_one_clear_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "scores.parquet"
    write_scores(random_scores(("a",), (8,)), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="must be per-query scores in Parquet") as raised:
        read_scores(path)
    assert "\n" not in str(raised.value)


def test_other_parquet_file_is_one_clear_error(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "other.parquet"
    pd.DataFrame({"text": ["a"]}).to_parquet(path)
    with pytest.raises(DataError, match="must be per-query scores in Parquet"):
        read_scores(path)
