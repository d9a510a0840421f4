"""A part of a corpus for the trials of a study, the same for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, EvalConfig, ModelConfig, TrainConfig
from embedtune.data.digest import retrieval_digest
from embedtune.errors import DataError
from embedtune.paths import StudyPaths
from embedtune.records import CORPUS_DIGEST, RetrievalSet, TaskData, TrainingSet
from embedtune.trial.bench import Bench, Benches
from embedtune.trial.corpus import judged_bench

CONFIG = Config(model=ModelConfig("tiny"), train=TrainConfig(device="cpu"), eval=EvalConfig(corpus=14))


@pytest.fixture
def bench(tiny: SentenceTransformer, small_training: TrainingSet, small_set: RetrievalSet) -> Bench:
    others = {f"x{number}": f"Nothing is said here about {number} things." for number in range(20)}
    retrieval = replace(small_set, corpus={**small_set.corpus, **others})
    digests = {"validation": retrieval_digest(retrieval)}
    return Bench.of(CONFIG, TaskData("small", "here", (small_training,), {"validation": retrieval}, digests), tiny)


def test_every_process_and_every_base_model_searches_the_same(bench: Bench, tmp_path: Path) -> None:
    study = StudyPaths(tmp_path)
    first = judged_bench(CONFIG, bench, study)
    assert len(first.task.splits["validation"].corpus) == 14
    assert judged_bench(CONFIG, replace(bench, model=None), study).drawn == first.drawn  # type: ignore[arg-type]
    benches = Benches(CONFIG, bench)
    benches.judged_on(first)
    assert benches.get(CONFIG).drawn == first.drawn
    assert benches.get(CONFIG).task is first.task


def test_the_order_of_the_data_does_not_matter_and_the_seed_does(bench: Bench, tmp_path: Path) -> None:
    whole = bench.task.splits["validation"]
    turned = replace(whole, corpus=dict(reversed(whole.corpus.items())))
    other = replace(bench, task=replace(bench.task, splits={"validation": turned}))
    config = replace(CONFIG, eval=EvalConfig(corpus=24))
    first = judged_bench(config, bench, StudyPaths(tmp_path / "a")).drawn
    assert judged_bench(config, other, StudyPaths(tmp_path / "b")).drawn == first
    seeded = replace(config, data=replace(CONFIG.data, seed=7))
    assert judged_bench(seeded, bench, StudyPaths(tmp_path / "c")).drawn[CORPUS_DIGEST] != first[CORPUS_DIGEST]


def test_other_passages_than_recorded_are_refused(bench: Bench, tmp_path: Path) -> None:
    drawn = judged_bench(CONFIG, bench, StudyPaths(tmp_path)).drawn
    judged_bench(CONFIG, bench, StudyPaths(tmp_path), drawn[CORPUS_DIGEST])
    with pytest.raises(DataError, match=r"eval\.corpus=14 must be the passages"):
        judged_bench(CONFIG, bench, StudyPaths(tmp_path), "another")


def test_the_whole_corpus_is_not_drawn(bench: Bench, tmp_path: Path) -> None:
    for size in (None, 30, 31):
        config = replace(CONFIG, eval=EvalConfig(corpus=size))
        assert judged_bench(config, bench, StudyPaths(tmp_path)) is bench
    assert not list(tmp_path.iterdir())
