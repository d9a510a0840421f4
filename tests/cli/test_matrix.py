"""Every key and every choice through the real command line; the short form runs many keys at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from matrix import MATRIX, OFFLINE, ROWS, TOGETHER, Row

from embedtune.config import Config, conf_dir, group_choices, plain, register_schema, to_config, value_of
from embedtune.config.explain import leaves
from embedtune.config.grammar import parse, quote
from embedtune.sweep.space.space import build_space, split_arguments
from families import cross_encoder

Typed = Callable[..., Any]
GROUPS = sorted(folder.name for folder in conf_dir().iterdir() if folder.is_dir())
CHOICES = [(group, name) for group in GROUPS for name in group_choices(group)]
SEARCHED = sorted(key for key, row in MATRIX.items() if row.searched)
NEEDS = {("data", "files"): ("data.path=x",), ("data", "hub"): ("data.path=x",)}


def expected(row: Row, places: dict[str, str]) -> Any:
    if row.value is not None:
        return row.value
    text = filled(row.typed, places)
    return parse([f"key={text}"])[0].value() if text == row.typed else text


def filled(text: str, places: dict[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return text


def override(key: str, row: Row, places: dict[str, str]) -> str:
    text = filled(row.typed, places)
    return f"{key}{row.below}={text if text == row.typed else quote(text)}"


PLACES = {"model": "/a model", "teacher": "/a teacher", "work": "/a folder"}


def test_every_key_has_a_row() -> None:
    assert set(MATRIX) == set(leaves(Config()))


def test_every_row_is_not_the_default() -> None:
    register_schema()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        usual = plain(to_config(compose("config", ["data=files", "data.path=x"])))
    off = {"train.lora"}  # a group that is left out by default has no values
    known = {key: row for key, row in MATRIX.items() if key.rpartition(".")[0] not in off}
    same = [key for key, row in known.items() if value_of(usual, key) == expected(row, PLACES)]
    assert same == []


@pytest.mark.parametrize("key", MATRIX)
def test_a_typed_value_arrives_in_the_configuration(key: str) -> None:
    row = MATRIX[key]
    register_schema()
    needs = [filled(need, PLACES) for need in row.needs if not need.startswith("pruner")]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["data=files", "data.path=x", *needs, override(key, row, PLACES)])
    assert value_of(plain(to_config(cfg)), key) == expected(row, PLACES)


@pytest.mark.parametrize("key", SEARCHED)
def test_a_searched_value_is_in_the_space(key: str) -> None:
    fixed, searched = split_arguments([f"{key}={filled(str(MATRIX[key].searched), PLACES)}"], {})
    assert (fixed, list(build_space(fixed, searched, (64,)).distributions)) == ([], [key])


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_a_choice_composes(group: str, choice: str) -> None:
    register_schema()
    sweep = ["sweep=optuna"] if group in ("sampler", "pruner") else []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        words = [*sweep, f"{group}={choice}", *NEEDS.get((group, choice), ())]
        assert isinstance(to_config(compose("config", words)), Config)


@pytest.fixture
def places(task_folder: Path, workdir: Path, tiny: Any) -> dict[str, str]:
    """A folder of data at another place, rows beside, and a model on disk."""
    shutil.copytree(task_folder, workdir / "other task")
    tiny.save(str(workdir / "saved model"))
    rows = [{"anchor": f"where is number {i}", "positive": f"number {i} is here"} for i in range(12)]
    (workdir / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    cross_encoder(workdir / "a teacher")
    for name, more in (("triples", {"negative": "nothing is here", "score": [1.0, 0.2]}), ("labels", {"score": 1})):
        write_splits(workdir / name, rows, more)
    return {"model": str(workdir / "saved model"), "teacher": str(workdir / "a teacher"), "work": str(workdir)}


def write_splits(folder: Path, rows: list[dict[str, str]], more: dict[str, Any]) -> None:
    """Rows with further columns, as training and as validation; half of those with a label are unrelated."""
    folder.mkdir()
    every = [{**row, **more} for row in rows]
    if "negative" not in more:
        every += [{**row, "positive": "nothing is here", "score": 0} for row in rows]
    for split in ("train", "validation"):
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, every)), encoding="utf-8")


def line(task_folder: Path, *more: str) -> list[str]:
    usual = ["model=tiny", "train.epochs=1", "train.batch_size=10", "tracking.enabled=false", "study.name=matrix"]
    return ["data=files", f"data.path={quote(str(task_folder))}", *usual, "format=json", *more]


def trial_of(workdir: Path) -> Path:
    (trial,) = [path.parent for path in workdir.glob("*sweeps*/*/trials/0000/config.yaml")]
    return trial


def recorded(trial: Path) -> Any:
    return yaml.safe_load((trial / "config.yaml").read_text(encoding="utf-8"))


def assert_effect(trial: Path, row: Row) -> None:
    if row.effect is None:
        return
    name, value = row.effect
    text = (trial / "training.json").read_text(encoding="utf-8")
    assert any(found == pytest.approx(value) if isinstance(value, float) else found == value
               for found in _values(json.loads(text), name)), (name, value)  # fmt: skip


def _values(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from _values(value, name)


def test_many_keys_at_once_arrive_where_they_act(
    typed: Typed, task_folder: Path, workdir: Path, places: dict[str, str]
) -> None:
    words = [override(key, MATRIX[key], places) for key in TOGETHER]
    result = typed(*line(task_folder, *words))
    assert result.status == 0, result.err
    trial = trial_of(workdir)
    values = recorded(trial)
    assert {key: value_of(values, key) for key in TOGETHER} == {key: expected(MATRIX[key], places) for key in TOGETHER}
    for key in TOGETHER:
        assert_effect(trial, MATRIX[key])


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [False, True], ids=["single", "sweep"])
@pytest.mark.parametrize("key", MATRIX)
def test_each_key_runs(
    typed: Typed, task_folder: Path, workdir: Path, places: dict[str, str], key: str, sweep: bool
) -> None:
    row = MATRIX[key]
    search = ["-m", "sweep=random", "hydra.sweeper.params=null", "study.n_trials=1"]
    if sweep and not key.startswith("train.seed"):
        search.append("train.seed=choice(7, 8)")
    needs = [filled(need, places) for need in row.needs if sweep or not need.startswith("pruner")]
    result = typed(*line(task_folder, *(search if sweep else []), *needs, override(key, row, places)))
    assert result.status == 0, result.err
    assert "Traceback" not in result.err
    trial = trial_of(workdir)
    assert value_of(recorded(trial), key) == expected(row, places)
    assert_effect(trial, row)


@pytest.mark.slow
@pytest.mark.parametrize("key", SEARCHED)
def test_each_key_is_searched(typed: Typed, task_folder: Path, workdir: Path, places: dict[str, str], key: str) -> None:
    words = ["-m", "sweep=random", "hydra.sweeper.params=null", "study.n_trials=2"]
    words += [
        filled(need, places)
        for need in MATRIX[key].needs
        if key.startswith(("loss.", "train.lora.", "train.negatives."))
    ]
    result = typed(*line(task_folder, *words, f"{key}={filled(str(MATRIX[key].searched), places)}"))
    assert result.status == 0, result.err
    for entry in result.json["trials"]:
        (config,) = workdir.glob(f"sweeps/matrix/trials/{entry['number']:04d}/config.yaml")
        assert value_of(recorded(config.parent), key) == entry["params"][key]


RUN = [(group, name) for group, name in CHOICES if name in OFFLINE.get(group, (name,))]


@pytest.mark.slow
@pytest.mark.parametrize(("group", "choice"), RUN)
def test_each_choice_runs(typed: Typed, task_folder: Path, places: dict[str, str], group: str, choice: str) -> None:
    words = ["-m", "hydra.sweeper.params=null", "study.n_trials=2", "train.learning_rate=choice(1e-4, 2e-4)"]
    sweep = ["sweep=optuna", "pruner=none"] if group in ("sampler", "pruner") else ["sweep=random"]
    limits = ["data.max_train=20", "data.max_queries=5"]
    words += [f"{group}={choice}"] if group == "sweep" else [*sweep, f"{group}={choice}"]
    if group == "loss" and choice in ROWS:
        task_folder = Path(places["work"]) / ROWS[choice]
    result = typed(*line(task_folder, *limits, *words))
    assert result.status == 0, result.err
    assert result.json["states"]["complete"] + result.json["states"]["pruned"] == 2
