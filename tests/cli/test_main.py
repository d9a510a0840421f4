from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtune.cli.main import FLAGS, main
from embedtune.cli.usage import COMMANDS, usage

Typed = Callable[..., Any]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == usage()
    assert all(name in usage() for name in COMMANDS)


def test_every_command_has_its_function() -> None:
    import importlib

    for command in COMMANDS.values():
        module, _, function = command.target.partition(":")
        assert callable(getattr(importlib.import_module(f"embedtune.cli.commands.{module}"), function))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["leaderbord"], "command must be one of data, .*, but got leaderbord. Did you mean leaderboard?"),
        (["-m", "data"], "-m must stand without a command, but got data."),
        (["train.learning_rte=1"], "train.learning_rte must be a key .* Did you mean train.learning_rate?"),
        (["train.epochs=abc"], "train.epochs must be of its type, but got abc"),
        (["model=nope"], "model must be one of arctic_embed, .*, minilm, .*, tiny, but got nope"),
        (["train.x=choice(1"], "ConfigError: .*choice"),
        (["data=files"], "data.path must be given, but got None"),
        (["data=files", "data.path=nowhere", "model=tiny"], "data.path .*nowhere"),
        (
            ["model=tiny", "loss.matryoshka.dims=[128]"],
            "loss.matryoshka.dims must not exceed the model's 64, but got 128",
        ),
        (["model=tiny", "train.device=cuda:99"], "train.device must be a device of this machine, but got cuda:99"),
        (["model.name=./nowhere"], "model.name must name a folder, but got ./nowhere"),
        (["leaderboard", "study.name=none"], "study.name must name a study, but got none. .*: none yet"),
        (["evaluate", "model=tiny", "run=abc"], "run must be the MLflow run id or the folder of a trial"),
        (
            ["-m", "sweep=optuna", "model=tiny", "train.epochs=choice(0, 1)"],
            "train.epochs must be above 0 and at most 1000000, but got 0",
        ),
        (["-m", "sweep=optuna", "model=tiny", "data.seed=choice(1, 2)"], "data.seed must have one value"),
        (
            ["-m", "sweep=optuna", "model=tiny", "hydra.sweeper.sampler._target_=optuna.No"],
            "hydra.sweeper.sampler._target_ must be a sampler of Optuna",
        ),
    ],
)
def test_wrong_input_is_one_clear_error(typed: Typed, workdir: Path, arguments: list[str], message: str) -> None:
    result = typed(*arguments)
    assert result.status == 2
    assert "Traceback" not in result.err
    assert result.out == ""
    assert re.search(message, result.err), result.err
    assert not (workdir / "sweeps").exists()


ODD = [
    (["data=-1"], "data must be one of files, hub, pydocs, but got -1"),
    (["data=null"], "data must be one of files, hub, pydocs, but got null"),
    (["data="], "data must be one of files, hub, pydocs, but got"),
    (["loss=[matryoshka,plain]"], "loss must be one of"),
    (["sampler=tpe"], "sampler must stand with a sweep, .* Add -m sweep=optuna"),
    (["hydra.sweeper.worker=cpu"], "hydra.sweeper.worker must stand with a sweep"),
    (["train.epochs=1,2"], "train.epochs must have one value, but got 1,2. Add -m sweep=optuna to search it"),
    (["train.epochs=choice(1,2)"], r"train.epochs must have one value, but got choice\(1,2\). Add -m sweep=optuna"),
    (["~train.epochs"], "train.epochs must not be removed"),
    (["train.seed=" + "1" * 5_000], "a number must have at most 4300 digits"),
    (["train.seed=" + "1" * 50], "train.seed must be a number of at most 19 digits"),
    (["data.path=" + "[" * 3_000], "overrides must follow Hydra's grammar"),
    (["data.path=" + "[" * 3_000 + "]" * 3_000], "overrides must not nest so deeply"),
    (["data=files", "data.path='a\0b'"], r"data.path must be text without NUL, in UTF-8, but got 'a\\x00b'"),
    (["data=files", "data.path='a\udcff'"], "data.path must be text without NUL, in UTF-8"),
    (["loss.matryoshka.dims=${train}"], "loss.matryoshka.dims must be one value, but got TrainConfig"),
    (["loss.matryoshka.dims=${train.epochs}"], "loss.matryoshka.dims must be a list of dimensions, but got 5"),
    (["data.extra=${train}"], "data.extra must be a mapping, but got TrainConfig|What was typed|data.extra"),
    (["train.epochs=${nothing}"], "train.epochs must have a value, but Interpolation key 'nothing' not found"),
    (["train.epochs=${oc.env:NOTHING}"], "train.epochs must have a value, but Environment variable 'NOTHING'"),
    (["train.epochs=${train.epochs}"], "Recursive interpolation"),
    (["loss=plain", "loss.matryoshka.dims=[64]"], "one names a key below one that is null"),
    (["train.scheduler=it's"], "overrides must follow Hydra's grammar, .* Quote one text"),
    (["train.learning_rate=interval(1,a)"], "str is incompatible with Union"),
    (["train.epochs"], "command must be one of .* For a key type train.epochs=VALUE"),
    (["--data=1"], "--data=1 must be a flag or KEY=VALUE"),
    (["--experimental-rerun=x.pickle"], "must be a flag or KEY=VALUE"),
    (["model=tiny", "-m", "sweep=optuna", "hydra.sweeper.worker=-1"], "hydra.sweeper.worker must be set by"),
    (["-m", "sweep=optuna", "hydra.sweeper.worker=cpu"], "hydra.sweeper.worker must be set by a supervisor alone"),
    (["-m", "sweep=optuna", "hydra.sweeper.sampler=tpe"], "hydra.sweeper.sampler must be a class and its arguments"),
    (["-m", "sweep=optuna", "hydra.sweeper._recursive_=true"], "must not say how Hydra instantiates"),
    (["-m", "sweep=optuna", "hydra.sweeper.params.a=1"], "hydra.sweeper.params.a must stand in a file"),
    (["-m", "sweep=random", "model=glob(*)"], "model must be a sweep .*a glob cannot be searched"),
    (["-m", "sweep=random", "loss=glob(m*)"], "loss must be a sweep .*a glob cannot be searched"),
    (["-m", "sweep=random", "train.epochs=str(choice(1,2))"], "train.epochs must be a number, or true or false, but"),
    (["-m", "sweep=optuna", "model.name=choice(ü,b)"], "quote texts in it that are no plain words"),
]


@pytest.mark.parametrize(("arguments", "message"), ODD, ids=[" ".join(words)[:40] for words, _ in ODD])
def test_odd_input_is_a_sentence_that_says_what_works(typed: Typed, arguments: list[str], message: str) -> None:
    result = typed(*arguments)
    assert result.status == 2
    assert "Traceback" not in result.err
    assert len(result.err) < 1_000
    assert re.search(message, result.err), result.err


def test_a_name_that_no_file_can_have_is_wrong_input(typed: Typed) -> None:
    result = typed("data", "data=files", f"data.path={'a' * 400}")
    assert (result.status, "Traceback" in result.err) == (2, False)


def test_flags_are_those_of_hydra() -> None:
    from hydra._internal.utils import get_args_parser

    theirs = {flag for action in get_args_parser()._actions for flag in action.option_strings}
    assert FLAGS | {"-h", "--help", "--version", "--experimental-rerun"} == theirs


def test_wrong_input_reports_every_problem(typed: Typed) -> None:
    result = typed("train.epochs=-1", "train.batch_size=1", "eval.every=x")
    assert result.status == 2
    for key in ("train.epochs", "train.batch_size", "eval.every"):
        assert f"{key} must" in result.err


def test_wrong_data_and_wrong_dimension_are_reported_together(typed: Typed) -> None:
    result = typed("model=tiny", "data=files", "data.path=nowhere", "eval.dim=999")
    assert "nowhere" in result.err
    assert "eval.dim must not exceed the model's 64, but got 999" in result.err


def test_empty_query_is_refused_with_its_place(typed: Typed, task_folder: Path) -> None:
    file = task_folder / "val.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("tell me who finds the kettle", "   "), encoding="utf-8")
    result = typed("model=tiny", "data=files", f"data.path={task_folder}")
    assert result.status == 2
    assert "q7-finds" in result.err
    assert "Traceback" not in result.err


def test_data_describes_and_answers_json(typed: Typed, task_folder: Path) -> None:
    result = typed("data", "data=files", f"data.path={task_folder}", "format=json")
    assert result.status == 0
    assert result.json["splits"]["validation"]["queries"] == 30


def test_evaluate_answers_the_documented_json(typed: Typed, task_folder: Path) -> None:
    result = typed("evaluate", "model=tiny", "data=files", f"data.path={task_folder}", "format=json")
    assert result.status == 0
    assert set(result.json) == {"model", "data", "dims"}
    assert result.json["data"] == {"name": "small task", "split": "validation", "queries": 30, "corpus": 10}
    assert list(result.json["dims"]) == ["64", "32", "16", "8", "4"]
    assert len(result.json["dims"]["64"]) == 30


def test_studies_without_any(typed: Typed) -> None:
    result = typed("studies")
    assert result.status == 0
    assert "No study" in result.out


def test_doctor_answers(typed: Typed) -> None:
    document = typed("doctor", "format=json").json
    assert document["checks"]["sweeper plugin"] == "ok"
    assert "torch" in document["versions"]


def test_ui_without_a_store_says_so(typed: Typed) -> None:
    result = typed("ui")
    assert result.status == 1
    assert result.err.startswith("TrackingError: ")


def test_cfg_prints_the_composed_configuration(typed: Typed) -> None:
    result = typed("--cfg", "job", "train.epochs=7")
    assert result.status == 0
    assert "epochs: 7" in result.out


def test_help_is_a_command_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert capsys.readouterr().out == usage()
