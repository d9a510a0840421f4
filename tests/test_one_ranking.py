"""Every place that orders trials, or names the best one, gives the same answer."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from rich.console import Console

from embedtune import api, archive
from embedtune.config import Config, TrainConfig
from embedtune.paths import StudyPaths, Workspace
from embedtune.records import Objective, State, StudyDefinition, TrialRecord
from embedtune.release.choice.candidates import finalists
from embedtune.reporting.leaderboard import leaderboard
from embedtune.reporting.live import View
from embedtune.reporting.page.inputs import ReportInputs
from embedtune.reporting.page.trial_table import trial_table
from embedtune.reporting.page.verdict import give_verdict
from embedtune.reporting.tables import leaderboard_table
from embedtune.study.checkpoints import keep_best
from embedtune.sweep.space.rules import Rules
from embedtune.sweep.space.space import build_space
from embedtune.sweep.space.starts import warm_start
from embedtune.tracking.notes import study_note
from embedtune.tracking.study_run import FRONT, history, study_content
from embedtune.tracking.views import StudyShape, study_tags, view_key
from embedtune.tracking.views import View as SavedView

METRIC = "cosine_map@100"
DEFINITION: dict[str, Any] = {
    "name": "s", "kind": "sweep", "objective": METRIC, "direction": "maximize", "dim": 64, "n_trials": 6,
    "space": {"train.epochs": "range(1, 9)"}, "sampler": {}, "pruner": {}, "digests": {}, "model": {"name": "tiny"},
    "data": {"name": "d", "source": "x"}, "recipe": {"train": {"epochs": 5.0}, "loss": {}, "eval": {}},
}  # fmt: skip
BROKEN = {"constraints": {"seconds <= 1": 3.0}}


def trial(number: int, value: float | None, state: State = State.COMPLETE, **changes: Any) -> TrialRecord:
    """A trial of as many epochs as its number, and one."""
    params = {"train.epochs": number + 1}
    return TrialRecord("s", number, state, params=params, value=value, started=1000, seconds=number + 1.0, **changes)


def point(number: int, value: float, second: float, state: State = State.COMPLETE) -> TrialRecord:
    return trial(number, value, state, second=second, facts={"second": 16})


STUDIES: dict[str, tuple[list[TrialRecord], list[int]]] = {
    "a pruned trial above the best complete one": (
        [trial(0, 0.5), trial(1, 0.9, State.PRUNED), trial(2, 0.7), trial(3, None, State.FAIL)],
        [1, 2, 0],
    ),
    "a failed trial with the largest value": (
        [trial(0, 0.5), trial(1, 0.6, State.PRUNED), trial(2, 0.9, State.FAIL, reason="RuntimeError: no")],
        [1, 0],
    ),
    "equal values": ([trial(0, 0.5, State.PRUNED), trial(1, 0.5), trial(2, 0.5), trial(3, 0.4)], [1, 2, 0, 3]),
    "constraints": ([trial(0, 0.9, facts=BROKEN), trial(1, 0.5), trial(2, 0.6, State.PRUNED)], [2, 1, 0]),
    "two objectives": (
        [point(0, 0.9, 0.1), point(1, 0.89, 0.05), point(2, 0.6, 0.5, State.PRUNED), point(3, 0.3, 0.8)],
        [0, 2, 3, 1],
    ),
}


@pytest.fixture(params=list(STUDIES))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StudyPaths, list[TrialRecord], list[int]]:
    """A study in its folder, its records, and the numbers of those with a score, best first."""
    records, order = STUDIES[request.param]
    study = Workspace(tmp_path / "sweeps", tmp_path / "mlruns", tmp_path / "releases").study("s")
    study.root.mkdir(parents=True)
    study.definition.write_text(yaml.safe_dump(definition_of(records).to_dict()), encoding="utf-8")
    for record in records:
        folder = study.trial(record.number)
        folder.checkpoint.mkdir(parents=True)
        config = OmegaConf.structured(Config(train=TrainConfig(epochs=record.number + 1)))
        values = OmegaConf.to_container(config, enum_to_str=True)
        assert isinstance(values, dict)
        archive.write_header(folder, record, {str(key): part for key, part in values.items()})
        archive.write_result(folder, record)
    return study, list(archive.read_records(study)), order


def definition_of(records: list[TrialRecord]) -> StudyDefinition:
    second = {} if records[0].second is None else {"second": 16}
    return StudyDefinition.from_dict({**DEFINITION, **second})


def report_of(records: list[TrialRecord]) -> ReportInputs:
    space = build_space((), DEFINITION["space"], ())
    return ReportInputs(leaderboard(definition_of(records), records), {}, space.distributions)


def test_leaderboard_and_api(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    study, records, order = case
    board = leaderboard(definition_of(records), records)
    assert [entry["number"] for entry in board.to_dict()["trials"]][: len(order)] == order
    loaded = api.load_study("s", study.root.parent)
    assert loaded.best is not None
    assert loaded.best.number == order[0]


def test_report(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    _, records, order = case
    inputs = report_of(records)
    assert [row.cells[1] for row in trial_table(inputs).rows][: len(order)] == list(map(str, order))
    headline = give_verdict(inputs).headline
    assert re.findall(r"[Tt]rial (\d+)", headline)[0] == str(order[0])


def test_live_view(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    _, records, order = case
    console = Console(file=io.StringIO(), width=200, force_terminal=True, legacy_windows=False)
    with View(console) as view:
        view.study_began(definition_of(records), [])
        for record in reversed(records):
            view.ended(record)
    assert isinstance(console.file, io.StringIO)
    last = console.file.getvalue().rpartition("seconds")[2]
    assert re.findall(r"\(trial (\d+)\)", last) == [str(order[0])]
    assert [int(number) for number in re.findall(r"(?<!\()trial (\d+)", last)][: len(order)] == order


def test_note_and_tags_of_the_study_run(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    _, records, order = case
    content = study_content("s", definition_of(records), records, {record.number: "#" for record in records})
    lines = content.tags["mlflow.note.content"].splitlines()
    assert re.findall(r"\*\*s-(\d+)\*\*", lines[0])[0] == f"{order[0]:04d}"
    assert [int(number) for number in re.findall(r"\[s-(\d+)\]", "\n".join(lines))][: len(order)] == order
    if records[0].second is not None:
        assert content.tags[FRONT] == "0, 2, 3"
    points = [own.value for own in history(records, METRIC) if own.key.startswith("best/")]
    assert points[-1] == next(record.value for record in records if record.number == order[0])


def test_only_a_score_has_a_rank() -> None:
    records = [trial(0, 0.5), trial(1, None, State.FAIL), trial(2, 0.7, State.PRUNED), trial(3, None, State.RUNNING)]
    note = study_note(records, METRIC, 4, {}).splitlines()[4:]
    assert [line.split("|")[1].strip() for line in note] == ["1", "2", "", ""]
    table = leaderboard_table(leaderboard(definition_of(records), records))
    assert list(map(str, table.columns[0].cells)) == ["1", "2", "", ""]
    assert [row.cells[0] for row in trial_table(report_of(records)).rows] == ["1", "2", "", ""]


def test_a_trial_gains_on_its_own_base_model_and_the_note_begins_with_the_best_untuned_one() -> None:
    trials = [trial(0, 0.7, facts={"base_model": "tiny"}), trial(1, 0.6, facts={"base_model": "minilm"})]
    untuned = [
        TrialRecord("s", number, State.COMPLETE, value=value, facts={"base_model": name})
        for number, value, name in ((-1, 0.5, "tiny"), (-2, 0.65, "minilm"))
    ]
    lines = study_note([*trials, *untuned], METRIC, 2, {}).splitlines()
    assert "untuned 0.6500 (+0.0500)" in lines[0]
    assert ["+0.2000" in lines[4], "-0.0500" in lines[5]] == [True, True]
    assert [line.split("|")[3].strip() for line in lines[6:]] == ["untuned", "untuned"]


def test_checkpoints_that_are_kept(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    study, records, order = case
    spread = records[0].second is not None  # of a front the ends keep their weights first
    for keep in range(1, len(order)):
        keep_best(study, keep, reversed(records))
        if not spread or keep in (1, 3):
            break
    assert study.kept() == order[:keep]


def test_warm_start(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    study, _, order = case
    space = build_space((), DEFINITION["space"], ())
    known = warm_start(study, len(order), Rules(space))
    assert [own.origin for own in known] == [f"trial {number} of s" for number in order]


def test_candidates_of_a_release(case: tuple[StudyPaths, list[TrialRecord], list[int]]) -> None:
    _, records, order = case
    kept = [replace(record, checkpoint="/c") for record in records]
    feasible = [number for number in order if next(r for r in records if r.number == number).feasible]
    assert [record.number for record in finalists(kept, None, limit=len(order), number=None)] == feasible


def shared_filters(tags: dict[str, str]) -> Iterator[str]:
    for value in tags.values():
        packed = json.loads(value)["state"].partition(";")[2]
        yield json.loads(zlib.decompress(base64.b64decode(packed)))["searchFilter"]


def test_the_saved_leaderboard_leaves_out_what_its_one_key_would_put_on_top() -> None:
    tags = study_tags(StudyShape("s", Objective(METRIC, 64), (64,), ()))
    key = f"mlflow.sharedViewState.{view_key(SavedView.LEADERBOARD, 's')}"
    (found,) = shared_filters({key: tags[key]})
    for state in ("fail", "interrupted", "infeasible"):
        assert f'tags.`embedtune.state` != "{state}"' in found
    assert "pruned" not in found
