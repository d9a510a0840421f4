"""Studies that an earlier version wrote are read, go on, are released from and reproduced.

``tests/fixtures/old_study`` has the studies and what that version answered about them; its ``make.py`` says how they
were made. What is read from files is compared byte by byte. What is trained here is not: processors differ in the last
digits of a sum.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import embedtune
from embedtune.study.definition import with_address

Typed = Callable[..., Any]

FIXTURE = Path(__file__).parents[2] / "fixtures" / "old_study"
COMMANDS: dict[str, list[str]] = json.loads((FIXTURE / "commands.json").read_text(encoding="utf-8"))


@pytest.fixture
def old(workdir: Path) -> Path:
    """A copy of the workspace, in another place than that in which it was written."""
    return shutil.copytree(FIXTURE / "workspace", workdir, dirs_exist_ok=True)


@pytest.fixture
def expected(old: Path) -> Callable[[str], str]:
    """Reads what the earlier version answered, as if it had been asked in this workspace."""

    def read(name: str) -> str:
        text = (FIXTURE / "expected" / name).read_text(encoding="utf-8")
        return text.replace("WORKSPACE", str(old))

    return read


@pytest.mark.parametrize("study", COMMANDS)
def test_the_leaderboard_is_the_same_to_the_byte(typed: Typed, expected: Callable[[str], str], study: str) -> None:
    answer = typed("leaderboard", f"study.name={study}", "format=json")

    assert answer.status == 0, answer.err
    assert answer.out == expected(f"leaderboard-{study}.json")


def test_the_list_of_studies_is_the_same_to_the_byte(typed: Typed, expected: Callable[[str], str]) -> None:
    answer = typed("studies", "format=json")

    assert answer.status == 0, answer.err
    assert answer.out == expected("studies.json")


@pytest.mark.parametrize("study", COMMANDS)
def test_a_study_loads_in_python(old: Path, expected: Callable[[str], str], study: str) -> None:
    record = embedtune.load_study(study)

    board = json.loads(expected(f"leaderboard-{study}.json"))
    assert {trial.number: trial.value for trial in record.trials} == {
        entry["number"]: entry["value"] for entry in board["trials"]
    }
    assert record.best is not None
    assert record.best.number == board["trials"][0]["number"]
    assert record.checkpoint(record.best.number) == Path(board["trials"][0]["checkpoint"])
    assert len(record.scores(record.best.number).query_ids) == board["queries"]


def test_a_grid_goes_on_with_its_sampler_and_its_pruner(
    typed: Typed, old: Path, expected: Callable[[str], str]
) -> None:
    answer = typed(*COMMANDS["grid"], "study.n_trials=5")

    assert answer.status == 0, answer.err
    # Trial 3 is pruned by what the earlier version recorded of the queries of trial 0.
    check_continued(old / "sweeps" / "grid", answer.json, expected, new=(3, 4))

    released = typed("release", "study.name=grid", "release.gate=false", "release.register=false", "train.device=cpu",
                     "tracking.enabled=false", "format=json")  # fmt: skip
    assert released.status == 0, released.err
    assert released.json["trial"] == answer.json["trials"][0]["number"] == 4


def test_a_search_goes_on_with_the_trial_whose_process_was_killed(
    typed: Typed, old: Path, expected: Callable[[str], str]
) -> None:
    study = old / "sweeps" / "search"
    take_for_our_own(study)

    answer = typed(*COMMANDS["search"], "study.n_trials=4")

    assert answer.status == 0, answer.err
    check_continued(study, answer.json, expected, new=(3, 4))
    killed, resumed = (json.loads((study / "trials" / n / "result.json").read_text()) for n in ("0002", "0003"))
    assert (killed["state"], killed["reason"]) == ("fail", "interrupted: its worker died")
    assert resumed["params"] == killed["params"]
    assert resumed["facts"]["attempt"] == 2
    # It begins anew: since then a training counts the rows it saw, which the saved state does not say.
    assert "resumed_from" not in resumed["facts"]
    assert not (study / "trials" / "0003" / "resume").exists()


def test_a_single_run_stands_beside_the_earlier_one(typed: Typed, old: Path, expected: Callable[[str], str]) -> None:
    answer = typed(*COMMANDS["single"])

    assert answer.status == 0, answer.err
    (before,) = json.loads(expected("leaderboard-single.json"))["trials"]
    first, second = sorted(answer.json["trials"], key=lambda entry: entry["number"])
    assert recorded(first) == recorded(before)
    assert second["params"] == first["params"]
    assert second["value"] == pytest.approx(first["value"], abs=0.1)
    check_definition(old / "sweeps" / "single")


def test_recorded_weights_are_released(typed: Typed, old: Path, expected: Callable[[str], str]) -> None:
    answer = typed("release", "study.name=grid", "release.gate=false", "release.register=false", "train.device=cpu",
                   "tracking.enabled=false", "format=json")  # fmt: skip

    assert answer.status == 0, answer.err
    assert_close(steady(answer.json), steady(json.loads(expected("release-grid.json"))))
    assert files(old / "releases" / "grid") == expected("release-grid.txt").splitlines()


def test_recorded_weights_are_evaluated(typed: Typed, old: Path, expected: Callable[[str], str]) -> None:
    answer = typed("evaluate", "run=sweeps/single/trials/0000", "train.device=cpu", "format=json")

    assert answer.status == 0, answer.err
    assert_close(answer.json, json.loads(expected("evaluate-single.json")))


def test_a_recorded_trial_is_reproduced(typed: Typed, old: Path, expected: Callable[[str], str]) -> None:
    # On the processor that wrote it the deviation is 0, on others some 1e-6 in the weights and none in the scores.
    answer = typed("reproduce", "run=sweeps/grid/trials/0000", "train.device=cpu", "reproduce.tolerance=0.01",
                   "format=json")  # fmt: skip

    assert answer.status == 0, answer.err
    before = json.loads(expected("reproduce-grid-0000.json"))
    again = answer.json
    assert list(again) == list(before)
    measured = ("deviations", "differences", "max_deviation", "weights", "equal")
    assert without(again, *measured) == without(before, *measured)
    assert {dim: list(found) for dim, found in again["deviations"].items()} == {
        dim: list(found) for dim, found in before["deviations"].items()
    }
    changed = [difference["what"] for difference in again["differences"]]
    assert [what for what in changed if what != "git_revision" and not what.startswith("versions.")] == []


def check_continued(study: Path, board: dict[str, Any], expected: Callable[[str], str], new: tuple[int, ...]) -> None:
    """The study went on as it did by the earlier version: the same trials, in the same files with the same keys."""
    name = study.name
    before = json.loads(expected(f"continued-{name}.json"))
    assert list(board) == list(before)
    assert without(board, "trials", "baseline", "tie") == without(before, "trials", "baseline", "tie")
    assert recorded(board["baseline"]) == recorded(before["baseline"])
    entries, then = ({entry["number"]: entry for entry in found["trials"]} for found in (board, before))
    assert entries.keys() == then.keys()
    for number, entry in entries.items():
        assert only_adds(list(entry), list(then[number]))
        if number not in new:
            assert list(entry) == list(then[number])
            assert recorded(entry) == recorded(then[number])
            continue
        assert (entry["state"], entry["params"]) == (then[number]["state"], then[number]["params"])
        if entry["state"] == "complete":  # what diverged and was pruned has no value to rely on
            assert entry["value"] == pytest.approx(then[number]["value"], abs=0.1)
        trial, place = study / "trials" / f"{number:04d}", f"continued-{name}-{number:04d}"
        for file, read in (("config.yaml", yaml.safe_load), ("result.json", json.loads)):
            now, then_in_it = read((trial / file).read_text(encoding="utf-8")), read(expected(f"{place}-{file}"))
            assert set(keys(then_in_it)) - set(keys(now)) <= {"facts/resumed_from"}, file
            if file == "config.yaml":
                assert [leaf for leaf in leaves(then_in_it) if leaf not in leaves(now)] == []
    assert files(study) == expected(f"continued-{name}.txt").splitlines()
    check_definition(study)


def check_definition(study: Path) -> None:
    """``study.yaml`` says what it said, but for what is the last command's; newer keys may have come to it."""
    old = FIXTURE / "workspace" / "sweeps" / study.name / "study.yaml"
    then, now = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (old, study / "study.yaml"))
    for strategy in ("sampler", "pruner"):
        then[strategy] = with_address(then[strategy])
    moving = ("code_version", "git_revision", "n_trials")
    assert only_adds(keys(now), keys(then))
    assert [leaf for leaf in leaves(without(then, *moving)) if leaf not in leaves(now)] == []


def take_for_our_own(study: Path) -> None:
    """Write this machine's name for the old one: only of its own processes does a machine know that they are gone."""
    for file in (study / "optuna.journal", *study.glob("trials/*/*.json")):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('"old-host:', f'"{socket.gethostname()}:'), encoding="utf-8")


def recorded(entry: dict[str, Any]) -> dict[str, Any]:
    """A trial of a leaderboard without what later trials may change."""
    return without(entry, "checkpoint", "tied")


def steady(released: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``release`` without times of day, and without what rounding to int8 or to one bit can change.

    There a last digit may turn a whole bit, which many ranks depend on.
    """
    decision, dims = released["decision"], released["decision"]["dims"]
    rough = ("value", "comparison", "sufficient", "queries_needed")
    rows = [
        {key: None if key in rough and row["precision"] != "float32" else value for key, value in row.items()}
        for row in dims["rows"]
    ]
    openings = [without(opening, "time") for opening in decision["openings"]]
    kept = {**without(decision, "time"), "openings": openings, "dims": {**without(dims, "cheapest"), "rows": rows}}
    return {**released, "decision": kept}


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


def keys(values: dict[str, Any], prefix: str = "") -> list[str]:
    """Every key, in order, those of mappings within too."""
    found: list[str] = []
    for key, value in values.items():
        found += [f"{prefix}{key}", *(keys(value, f"{prefix}{key}/") if isinstance(value, dict) else [])]
    return found


def leaves(values: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Every value that is no mapping, with its full key."""
    if not isinstance(values, dict) or not values:
        return [(prefix, values)]
    return [leaf for key, value in values.items() for leaf in leaves(value, f"{prefix}/{key}")]


def only_adds(now: list[str], then: list[str]) -> bool:
    """Whether the keys of before are all there still, in their order."""
    return [key for key in now if key in set(then)] == then


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def assert_close(now: Any, then: Any, where: str = "") -> None:
    """Equal, keys in the same order, and numbers to within 1e-6."""
    if isinstance(then, dict):
        assert list(now) == list(then), where
        for key, value in then.items():
            assert_close(now[key], value, f"{where}/{key}")
    elif isinstance(then, list):
        assert len(now) == len(then), where
        for position, value in enumerate(then):
            assert_close(now[position], value, f"{where}/{position}")
    elif isinstance(then, float):
        assert now == pytest.approx(then, abs=1e-6), where
    else:
        assert now == then, where
