"""``evaluate``: distractors, and the sealed test split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune import archive
from embedtune.config import Config
from embedtune.models.token_cache import TokenCache
from embedtune.paths import StudyPaths
from embedtune.records import Objective, Search, TaskData
from embedtune.study.definition import define_study, save_definition

Typed = Callable[..., Any]
SMALL = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.epochs=1", "tracking.enabled=false")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that any model gets to see, in training and in evaluation."""
    from sentence_transformers import SentenceTransformer

    texts: list[str] = []
    original = SentenceTransformer.preprocess

    def noted(model: SentenceTransformer, inputs: list[str], *args: Any, **kwargs: Any) -> Any:
        texts.extend(inputs)
        return original(model, inputs, *args, **kwargs)

    monkeypatch.setattr(SentenceTransformer, "preprocess", noted)
    # What another test of this process read is kept, and would not be read again.
    monkeypatch.setattr(TokenCache, "table", lambda _cache, _model: {})
    return texts


def is_test(text: str) -> bool:
    return text.startswith(("say ", "test: "))


@pytest.mark.parametrize("more", [(), ("eval.folds=2", "eval.distractors=train")])
def test_a_sweep_never_reads_the_test_split(
    typed: Typed, task_folder: Path, workdir: Path, seen: list[str], more: tuple[str, ...]
) -> None:
    data = ("data=files", f"data.path={task_folder}", "study.name=s")
    swept = typed("-m", "sweep=optuna", *data, *SMALL, "study.n_trials=1", "format=json", *more)
    assert swept.status == 0, swept.err
    assert {"who finds the harbour", "tell me who finds the harbour"} <= set(seen)
    assert not [text for text in seen if is_test(text)]
    assert swept.json["test_openings"] == 0
    study = StudyPaths(workdir / "sweeps" / "s")
    assert archive.read_openings(study) == ()
    if more:
        check_folds(swept.json, study)
        again = typed("evaluate", f"run={study.trial(0).root}", "format=json").json
        assert again["data"]["corpus"] == 20
        assert again["dims"]["64"] == pytest.approx(swept.json["trials"][0]["metrics"]["64"])
        return

    plain = typed("evaluate", *data, *SMALL, "format=json").json
    harder = typed("evaluate", *data, *SMALL, "eval.distractors=train", "format=json").json
    assert "test_openings" not in plain
    assert (plain["data"]["corpus"], harder["data"]["corpus"]) == (10, 20)
    assert harder["dims"]["64"]["cosine_map@100"] <= plain["dims"]["64"]["cosine_map@100"]
    assert not [text for text in seen if is_test(text)]

    opened = typed("evaluate", *data, *SMALL, "eval.split=test", "tracking.uri=http://me:secret@127.0.0.1:9",
                   "format=json")  # fmt: skip
    assert [text for text in seen if is_test(text)]
    assert opened.json["test_openings"] == {"s": 1}
    assert "no longer blind" in opened.err
    (opening,) = archive.read_openings(study)
    assert opening.reason == "evaluate tiny"
    assert "eval.split=test" in opening.command
    assert "secret" not in study.test_openings.read_text()
    assert "was read" not in typed("leaderboard").out

    trial = workdir / "sweeps" / "s" / "trials" / "0000"
    again = typed("evaluate", f"run={trial}", "eval.split=test", "format=json")
    assert again.json["test_openings"] == {"s": 2}
    assert archive.read_openings(study)[1].reason == f"evaluate {trial}"
    assert typed("leaderboard", "format=json").json["test_openings"] == 2
    assert "The test split was read 2 times" in typed("leaderboard").out
    assert "The test split was read 2 times" in again.err


def check_folds(board: dict[str, Any], study: StudyPaths) -> None:
    (trial,), baseline = board["trials"], board["baseline"]
    assert board["queries"] == 30
    low, high = trial["interval"]
    assert low < trial["value"] < high
    assert trial["value"] != trial["metrics"]["64"]["cosine_map@100"]
    assert baseline["interval"] is not None
    assert study.trial(0).folds.is_file()


def test_other_data_opens_no_study(typed: Typed, task_folder: Path, workdir: Path) -> None:
    study = StudyPaths(workdir / "sweeps" / "s")
    other = TaskData("other", "elsewhere", (), {}, {"test": "of other texts"})
    save_definition(study, define_study(Config(), other, Objective("cosine_map@100", 64), Search()))
    found = typed("evaluate", "data=files", f"data.path={task_folder}", *SMALL, "eval.split=test", "format=json")
    assert found.json["test_openings"] == {}
    assert archive.read_openings(study) == ()


def test_more_folds_than_groups_is_said_with_all_other_problems(typed: Typed, task_folder: Path, workdir: Path) -> None:
    data = ("data=files", f"data.path={task_folder}")
    result = typed("-m", "sweep=optuna", *data, *SMALL, "study.name=s", "eval.folds=99", "eval.dim=4096")
    assert result.status == 2
    assert "eval.folds must not exceed the 9 groups" in result.err
    assert "eval.dim must not exceed" in result.err
    assert not (workdir / "sweeps").exists()
    one = typed("-m", "sweep=optuna", *data, *SMALL, "eval.folds=1")
    assert "eval.folds must be 0 or at least 2, but got 1" in one.err
