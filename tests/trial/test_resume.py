"""A trial whose process died goes on from its last evaluation and ends as if nothing had happened."""

from __future__ import annotations

import json
import logging
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from embedtune import archive
from embedtune.config import Config, ModelConfig, Precision, TrainConfig
from embedtune.models.load import load_model
from embedtune.paths import StudyPaths, TrialPaths
from embedtune.records import (
    Evaluation,
    Interruption,
    Objective,
    RetrievalSet,
    State,
    TaskData,
    TrainingSet,
    TrialRecord,
)
from embedtune.training import Progress
from embedtune.trial import resume
from embedtune.trial.bench import Bench
from embedtune.trial.run import run_trial
from embedtune.trial.watching import Hooks
from reporters import Answering


class Killed(BaseException):
    """Stands in for SIGKILL: nothing is recorded after it."""


class Watcher:
    """Kills in the step after ``step``."""

    def __init__(self, step: int | None = None) -> None:
        self.step = step

    def began(self, record: TrialRecord) -> None: ...

    def stepped(self, number: int, progress: Progress) -> None:
        if self.step is not None and progress.step > self.step:
            raise Killed

    def evaluated(self, number: int, evaluation: Evaluation) -> None: ...

    def fold_ended(self, number: int, fold: str, value: float) -> None: ...

    def ended(self, record: TrialRecord) -> None: ...


@pytest.fixture(scope="module")
def bench(small_set: RetrievalSet, small_training: TrainingSet) -> Bench:
    task = TaskData("small", "made here", (small_training,), {"validation": small_set}, {"validation": "v"})
    return Bench(task, load_model(ModelConfig(name="tiny"), "cpu"), 64, Objective("cosine_map@100", 64))


@pytest.fixture(scope="module")
def config() -> Config:
    """Four evaluations, after steps 3, 6, 9 and 12."""
    train = TrainConfig(batch_size=8, epochs=3, learning_rate=1e-3, precision=Precision.fp32, device="cpu")
    config = Config(model=ModelConfig(name="tiny"), train=train)
    config.eval.every = 3
    return config


def run(bench: Bench, config: Config, trial: TrialPaths, watcher: Watcher | None = None, **more: Any) -> TrialRecord:
    number = int(trial.root.name)
    record = TrialRecord("s", number, State.RUNNING, params={"train.epochs": 3}, facts={"attempt": number + 1})
    hooks = Hooks(watcher or Watcher(), **more)
    return run_trial(config, bench, trial, record, hooks, resumable=True)


@pytest.fixture(scope="module")
def whole(bench: Bench, config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrialPaths, TrialRecord]:
    """A trial that was never killed."""
    trial = StudyPaths(tmp_path_factory.mktemp("whole")).trial(0)
    return trial, run(bench, config, trial)


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "s")


@pytest.fixture
def killed(bench: Bench, config: Config, study: StudyPaths) -> TrialPaths:
    """A trial that was killed after its second evaluation."""
    with suppress(Killed):
        run(bench, config, study.trial(0), Watcher(6))
    return study.trial(0)


def measured(trial: TrialPaths) -> list[Evaluation]:
    """What was measured, without the clock."""
    return [replace(evaluation, seconds=0.0, timestamp=0) for evaluation in archive.read_evaluations(trial)]


def weights(trial: TrialPaths) -> dict[str, torch.Tensor]:
    return load_file(trial.checkpoint / "model.safetensors")


def same(one: TrialPaths, other: TrialPaths) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_killed_trial_ends_as_one_never_killed(
    bench: Bench, config: Config, study: StudyPaths, killed: TrialPaths, whole: tuple[TrialPaths, TrialRecord]
) -> None:
    assert [path.name for path in killed.resume.iterdir()] == ["00000006"]
    reported: list[int] = []
    steps: list[int] = []

    class Counting(Watcher):
        def stepped(self, number: int, progress: Progress) -> None:
            steps.append(progress.step)

    def report(ordinal: int, value: float) -> bool:
        reported.append(ordinal)
        return ordinal <= 2  # what was reported again decides nothing

    resume.take_over([killed], study.trial(1))
    record = run(bench, config, study.trial(1), Counting(), reporter=Answering(report))
    assert record.state == State.COMPLETE
    assert reported == [1, 2, 3, 4]
    assert steps == [7, 8, 9, 10, 11, 12]
    assert record.facts["resumed_from"] == 6
    assert same(study.trial(1), whole[0])
    assert measured(study.trial(1)) == measured(whole[0])
    expected = whole[1]
    assert (record.value, record.best_step, record.metrics) == (expected.value, expected.best_step, expected.metrics)
    assert (record.facts["tokens"], record.facts["steps"]) == (expected.facts["tokens"], expected.facts["steps"])
    assert study.trial(1).scores.read_bytes() == whole[0].scores.read_bytes()
    assert [len(archive.read_evaluations(study.trial(n))) for n in (0, 1)] == [2, 4]
    seconds = [evaluation.seconds for evaluation in archive.read_evaluations(study.trial(1))]
    assert seconds == sorted(seconds)
    assert record.seconds >= seconds[-1]
    assert not list(study.root.rglob("resume"))


def test_what_was_measured_after_the_last_state_is_forgotten(
    bench: Bench, config: Config, study: StudyPaths, whole: tuple[TrialPaths, TrialRecord]
) -> None:
    def report(ordinal: int, value: float) -> bool:
        if ordinal == 3:
            raise Killed
        return False

    with suppress(Killed):
        run(bench, config, study.trial(0), reporter=Answering(report))
    assert len(archive.read_evaluations(study.trial(0))) == 3
    # A checkpoint that came later than the state must not pass for the best one so far.
    tensors = weights(study.trial(0))
    save_file({name: torch.zeros_like(value) for name, value in tensors.items()}, study.trial(0).root / "zero")
    (study.trial(0).root / "zero").replace(study.trial(0).checkpoint / "model.safetensors")
    resume.take_over([study.trial(0)], study.trial(1))
    assert run(bench, config, study.trial(1)).facts["resumed_from"] == 6
    assert measured(study.trial(1)) == measured(whole[0])
    assert same(study.trial(1), whole[0])


def test_a_trial_is_killed_as_often_as_you_like(
    bench: Bench, config: Config, study: StudyPaths, whole: tuple[TrialPaths, TrialRecord]
) -> None:
    for number, step in enumerate((4, 7, 7, 10)):
        with suppress(Killed):
            resume.take_over([study.trial(n) for n in reversed(range(number))], study.trial(number))
            run(bench, config, study.trial(number), Watcher(step))
    # The one after was killed before it could take anything over.
    resume.take_over([study.trial(n) for n in (4, 3, 2, 1, 0)], study.trial(5))
    assert run(bench, config, study.trial(5)).facts["resumed_from"] == 9
    assert measured(study.trial(5)) == measured(whole[0])
    assert same(study.trial(5), whole[0])
    assert not list(study.root.rglob("resume"))


def test_an_interruption_keeps_what_to_go_on_from(bench: Bench, config: Config, study: StudyPaths) -> None:
    class Interrupting(Watcher):
        def stepped(self, number: int, progress: Progress) -> None:
            if progress.step == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(bench, config, study.trial(0), Interrupting())
    record = archive.read_record(study, 0)
    assert record is not None
    assert (record.state, record.interrupted) == (State.FAIL, Interruption.STOPPED)
    assert [path.name for path in study.trial(0).resume.iterdir()] == ["00000003"]


@pytest.mark.parametrize("ending", ["pruned", "fail"])
def test_a_trial_that_ended_keeps_no_state(bench: Bench, config: Config, study: StudyPaths, ending: str) -> None:
    def report(ordinal: int, value: float) -> bool:
        if ordinal == 2 and ending == "fail":
            raise RuntimeError("broken")
        return ordinal == 2

    assert run(bench, config, study.trial(0), reporter=Answering(report)).state == ending
    assert not study.trial(0).resume.exists()


def test_a_trial_that_shall_not_be_resumed_keeps_and_takes_no_state(
    bench: Bench, config: Config, study: StudyPaths, killed: TrialPaths
) -> None:
    resume.take_over([killed], study.trial(1))
    record = TrialRecord("s", 1, State.RUNNING)
    with suppress(Killed):
        run_trial(config, bench, study.trial(1), record, Hooks(Watcher(6)))
    assert not study.trial(1).resume.exists()
    assert [evaluation.step for evaluation in archive.read_evaluations(study.trial(1))] == [3, 6]


def change_record(folder: Path, **values: Any) -> None:
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(record | values))


def tear(folder: Path) -> None:
    file = folder / "training.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def lose_a_version(folder: Path) -> None:
    identity = json.loads((folder / "record.json").read_text())["identity"]
    change_record(folder, identity=identity | {"versions": identity["versions"] | {"torch": "0.1"}})


def lose_a_weight(folder: Path) -> None:
    from safetensors import safe_open

    with safe_open(folder / "training.safetensors", framework="pt") as file:
        metadata, names = file.metadata(), sorted(file.keys())
        tensors = {name: file.get_tensor(name).clone() for name in names[:-1]}
    save_file(tensors, folder / "training.safetensors", metadata)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (tear, "SafetensorError"),
        (lose_a_version, "another versions"),
        (lose_a_weight, "its weights differ"),
        (lambda folder: (folder / "record.json").unlink(), "No such file"),
        (lambda folder: change_record(folder, progress={}), "required positional"),
        (lambda folder: change_record(folder, best=7), "its evaluations are not"),
    ],
)
def test_a_state_that_cannot_be_used_starts_the_trial_anew(
    bench: Bench, config: Config, study: StudyPaths, killed: TrialPaths, damage: Any, said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    damage(killed.resume / "00000006")
    resume.take_over([killed], study.trial(1))
    with caplog.at_level(logging.WARNING), suppress(Killed):
        run(bench, config, study.trial(1), Watcher(3))
    assert said in caplog.text
    assert "anew" in study.trial(1).log.read_text(encoding="utf-8")
    assert [evaluation.step for evaluation in archive.read_evaluations(study.trial(1))] == [3]
    assert [path.name for path in study.trial(1).resume.iterdir()] == ["00000003"]
    header = json.loads(study.trial(1).header.read_text())
    assert "resumed_from" not in header["facts"]


def test_another_configuration_starts_anew(bench: Bench, config: Config, study: StudyPaths, killed: TrialPaths) -> None:
    resume.take_over([killed], study.trial(1))
    other = replace(config, train=replace(config.train, epochs=1))
    record = run(bench, other, study.trial(1))
    assert (record.state, record.facts["steps"]) == (State.COMPLETE, 4)
    assert "resumed_from" not in record.facts


@pytest.fixture
def small_files() -> Iterator[Any]:
    """Lets the system refuse files above so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_costs_the_state_alone(
    bench: Bench, config: Config, study: StudyPaths, killed: TrialPaths, small_files: Any,
    whole: tuple[TrialPaths, TrialRecord], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    small_files((killed.resume / "00000006" / "training.safetensors").stat().st_size - 1)
    record = run(bench, config, study.trial(1))
    assert record.state == State.COMPLETE
    assert "would begin anew if it were killed" in caplog.text
    assert caplog.text.count("would begin anew") == 1
    assert same(study.trial(1), whole[0])
    assert not study.trial(1).resume.exists()


def test_a_state_is_not_written_into_the_last_room(
    bench: Bench, config: Config, study: StudyPaths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = resume.shutil.disk_usage
    monkeypatch.setattr(resume.shutil, "disk_usage", lambda path: real(path)._replace(free=1000))
    assert run(bench, config, study.trial(0)).state == State.COMPLETE
    assert "must keep room for the next checkpoint" in caplog.text


def test_running_out_of_memory_late_forgets_what_was_recorded(
    bench: Bench, config: Config, study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_forward, evaluated = type(bench.model).forward, []

    class Noting(Watcher):
        def evaluated(self, number: int, evaluation: Evaluation) -> None:
            evaluated.append(evaluation.step)

    def forward(model: Any, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if model.training and evaluated and len(next(iter(features.values()))) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory, injected")
        return whole_forward(model, features, **kwargs)

    monkeypatch.setattr(type(bench.model), "forward", forward)
    steps: list[list[int]] = []
    run_: Any = run(
        bench, config, study.trial(0), Noting(),
        deliver=lambda trial: steps.append([e.step for e in archive.read_evaluations(trial)]),
    )  # fmt: skip
    assert (run_.state, run_.facts["mini_batch_size"], run_.facts["restarts"]) == (State.COMPLETE, 2, 1)
    assert steps == [[], [3], [3], [3, 6], [3, 6, 9], [3, 6, 9, 12], [3, 6, 9, 12]]
    assert evaluated == [3, 3, 6, 9, 12]
    assert [evaluation.step for evaluation in archive.read_evaluations(study.trial(0))] == [3, 6, 9, 12]
