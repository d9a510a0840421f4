"""Rows made once for all trials: by one process of several, whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder, SentenceTransformer

from embedtune.config import Config, LossConfig, ModelConfig, NegativesConfig, TrainConfig
from embedtune.errors import UserError
from embedtune.models.cross_encoder import load_cross_encoder
from embedtune.records import RetrievalSet, TaskData, TrainingSet
from embedtune.training import teacher_scores
from embedtune.trial.bench import Bench
from embedtune.trial.prepared import made_once, ordered_digest, prepared_rows
from families import cross_encoder


def with_teacher(folder: Path) -> Config:
    return Config(
        model=ModelConfig("tiny"),
        train=TrainConfig(device="cpu"),
        loss=LossConfig(name="margin_mse", teacher=str(folder)),
    )


@pytest.fixture
def bench(tiny: SentenceTransformer, small_training: TrainingSet, small_set: RetrievalSet) -> Bench:
    task = TaskData("small", "here", (small_training,), {"validation": small_set}, {"training": "digest"})
    return Bench.of(Config(model=ModelConfig("tiny")), task, tiny)


@pytest.fixture
def triples(small_training: TrainingSet) -> TrainingSet:
    positives = small_training.columns["positive"]
    return replace(small_training, columns={**small_training.columns, "negative": (*positives[5:], *positives[:5])})


def test_the_scores_are_those_of_the_cross_encoder(bench: Bench, triples: TrainingSet, tmp_path: Path) -> None:
    folder = cross_encoder(tmp_path / "teacher")
    (found,) = prepared_rows(with_teacher(folder), bench, [triples], tmp_path / "prepared").training
    own = CrossEncoder(str(folder), device="cpu")
    rows = list(zip(*triples.columns.values(), strict=True))
    for place in (1, 2):
        expected = own.predict([(row[0], row[place]) for row in rows], show_progress_bar=False)
        assert [scores[place - 1] for scores in found.scores] == pytest.approx(list(map(float, expected)), abs=1e-6)


def test_they_are_made_once(
    bench: Bench, triples: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_teacher(cross_encoder(tmp_path / "teacher"))
    first = prepared_rows(config, bench, [triples], tmp_path / "prepared")
    monkeypatch.setattr("embedtune.trial.prepared.load_cross_encoder", lambda *_: pytest.fail("scored again"))
    assert prepared_rows(config, bench, [triples], tmp_path / "prepared") == first


def test_other_rows_and_another_teacher_of_the_same_name_are_scored_anew(
    bench: Bench, triples: TrainingSet, tmp_path: Path
) -> None:
    config = with_teacher(cross_encoder(tmp_path / "teacher"))
    prepared_rows(config, bench, [triples], tmp_path / "prepared")
    prepared_rows(config, bench, [triples.select(range(10))], tmp_path / "prepared")
    (tmp_path / "teacher" / "note.txt").write_text("changed")
    prepared_rows(config, bench, [triples], tmp_path / "prepared")
    assert len(list((tmp_path / "prepared").glob("scores-*.json"))) == 3


def test_the_order_of_the_rows_counts(triples: TrainingSet) -> None:
    assert ordered_digest([triples]) != ordered_digest([triples.select([*range(1, len(triples)), 0])])


def test_without_a_teacher_nothing_is_made(bench: Bench, triples: TrainingSet, tmp_path: Path) -> None:
    assert prepared_rows(Config(), bench, [triples], tmp_path / "prepared").training == (triples,)
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize("count", [0, 2, 3])
def test_a_teacher_must_be_a_cross_encoder_of_one_score(tmp_path: Path, count: int) -> None:
    folder = tmp_path / "no model"
    folder.mkdir()
    if count:
        cross_encoder(folder, count)
    with pytest.raises(UserError, match=r"loss\.teacher must"):
        load_cross_encoder(str(folder), "loss.teacher", "cpu")


def test_equal_pairs_are_scored_once(triples: TrainingSet) -> None:
    class Counting:
        pairs = 0

        def predict(self, pairs: list[tuple[str, str]], **_: object) -> list[float]:
            self.pairs += len(pairs)
            return [float(len(a) + len(b)) for a, b in pairs]

    teacher = Counting()
    twice = triples.select([0, 0, 0])
    ((first, second, third),) = teacher_scores(teacher, [twice], 4)  # type: ignore[arg-type]
    assert first == second == third
    assert teacher.pairs == 2


def slowly(folder: Path, log: Path) -> None:
    def make() -> list[int]:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return [1, 2]

    assert made_once(folder, "test", {"of": "this"}, make) == [1, 2]


def test_of_two_processes_one_makes_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=slowly, args=(tmp_path / "prepared", tmp_path / "log")) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len((tmp_path / "log").read_text().split()) == 1


def test_one_that_is_killed_leaves_nothing_half(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    worker = context.Process(target=slowly, args=(tmp_path / "prepared", tmp_path / "log"))
    worker.start()
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    assert not list((tmp_path / "prepared").glob("*.json"))
    assert made_once(tmp_path / "prepared", "test", {"of": "this"}, lambda: [3]) == [3]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made_from": {}}', '{"made": 7}'])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: str) -> None:
    made_once(tmp_path, "test", {"of": "this"}, lambda: [3])
    (file,) = tmp_path.glob("test-*.json")
    file.write_text(content)
    assert made_once(tmp_path, "test", {"of": "this"}, lambda: [3]) == [3]
    assert json.loads(file.read_text())["made"] == [3]


def mining(**options: object) -> Config:
    train = TrainConfig(device="cpu", negatives=NegativesConfig(count=2, margin=None, **options))  # type: ignore[arg-type]
    return Config(model=ModelConfig("tiny"), train=train)


def test_mined_negatives_become_columns_of_the_rows(bench: Bench, small_training: TrainingSet, tmp_path: Path) -> None:
    prepared = prepared_rows(mining(), bench, [small_training], tmp_path)
    (rows,) = prepared.training
    assert list(rows.columns) == ["anchor", "positive", "negative_1", "negative_2"]
    assert {name: rows.columns[name] for name in small_training.columns} == small_training.columns
    mined = {"mined": 2, "drawn": 0, "model": "tiny", "margin": None, "first": 0, "last": 100, "refreshed": 0}
    assert prepared.facts == {"negatives_mined": 2, "negatives_drawn": 0, "negatives": mined}


def test_two_workers_that_mine_at_once_have_the_same_negatives(
    bench: Bench, small_training: TrainingSet, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(prepared_rows, mining(), bench, [small_training], tmp_path) for _ in range(2)]
        one, other = (own.result().training for own in work)
    assert one == other
    assert len(list(tmp_path.glob("negatives-*.json"))) == 1


def test_a_reranker_scores_what_the_base_ranks(bench: Bench, small_training: TrainingSet, tmp_path: Path) -> None:
    plain = prepared_rows(mining(), bench, [small_training], tmp_path).training
    folder = cross_encoder(tmp_path / "reranker")
    again = prepared_rows(mining(model=str(folder)), bench, [small_training], tmp_path).training
    assert again != plain


def test_other_options_are_mined_anew(bench: Bench, small_training: TrainingSet, tmp_path: Path) -> None:
    for options in ({}, {"range": [1, 50]}, {"model": "tiny"}):
        prepared_rows(mining(**options), bench, [small_training], tmp_path)
    assert len(list(tmp_path.glob("negatives-*.json"))) == 2, "the base by its name is the base"
