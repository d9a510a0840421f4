"""Prompts by key: searched, saved with the model, and measured as they are saved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sentence_transformers import SentenceTransformer

from embedtune import load_study
from embedtune.evaluation import evaluate_retrieval
from embedtune.records import RetrievalSet
from embedtune.study.default_trial import default_trial

Typed = Callable[..., Any]
QUERY = "query: "


def sweep(folder: Path, *more: str) -> list[str]:
    where = ("data=files", f"data.path={folder}", "train.device=cpu", "study.name=s", "study.workers=0", "format=json")
    quick = ("sweep=grid", "loss=plain", "train.epochs=1", "train.precision=fp32", "model=tiny", "train.batch_size=20")
    return ["-m", *quick, "train.learning_rate=1e-3", "tracking.enabled=false", *where, *more]


def test_prompts_are_searched_and_saved_with_the_model(
    typed: Typed, task_folder: Path, workdir: Path, small_set: RetrievalSet
) -> None:
    command = sweep(task_folder, "model.prompts.query=choice('', 'query: ')", "model.prompts.document='passage: '")
    result = typed(*command)
    assert result.status == 0, result.err
    assert "outside the space" not in result.err
    trials = {entry["number"]: entry for entry in result.json["trials"]}
    assert trials[0]["params"] == {"model.prompts.query": ""}, "the model's own is no prompt"
    assert trials[1]["params"] == {"model.prompts.query": QUERY}
    assert "baselines" not in result.json, "another prompt is no other base model"
    assert [trials[number]["prompts"] for number in (0, 1)] == [
        {"document": "passage: "}, {"query": QUERY, "document": "passage: "},
    ]  # fmt: skip
    assert result.json["baseline"]["prompts"] == {"document": "passage: "}
    loaded = load_study("s", workdir / "sweeps")
    default = default_trial(loaded.paths, loaded.definition, loaded.trials)
    assert default is not None
    assert default.number == 0

    folder = loaded.paths.checkpoint(1)
    saved = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))["prompts"]
    assert saved == {"query": QUERY, "document": "passage: "}
    task = json.loads((task_folder / "val.jsonl").read_text(encoding="utf-8"))
    relevant = {query: frozenset(ids) for query, ids in task["relevant_contexts"].items()}
    retrieval = RetrievalSet(task["questions"], task["corpus"], relevant)
    found = evaluate_retrieval(SentenceTransformer(str(folder), device="cpu"), retrieval, [64]).metrics["64"]
    assert found == pytest.approx(trials[1]["metrics"]["64"], abs=1e-6)
    assert typed(*command).json == result.json


def test_a_study_begun_before_there_were_prompts_goes_on(typed: Typed, task_folder: Path, workdir: Path) -> None:
    command = sweep(task_folder, "train.seed=choice(1, 2)")
    assert typed(*command, "study.n_trials=1").status == 0
    file = workdir / "sweeps" / "s" / "study.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    del values["model"]["prompts"]
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    assert typed(*command, "study.n_trials=2").status == 0
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    other = typed(*command, "study.n_trials=2", "model.prompts.query='ask: '")
    assert other.status == 2
    assert "model.prompts.query was None, now ask: " in other.err


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (r"'Instruct: find\nQuery:'", r"model\.prompts\.query must have line breaks as they are"),
        (
            f"'{'word ' * 40}'",
            r"model\.prompts\.query must leave room for a text, but got .* 64 tokens that tiny reads",
        ),
    ],
)
def test_prompts_that_cannot_be_meant_are_refused(typed: Typed, task_folder: Path, prompt: str, message: str) -> None:
    result = typed(*sweep(task_folder, "train.seed=1", f"model.prompts.query={prompt}"))
    assert result.status == 2
    assert re.search(message, result.err), result.err


def test_commands_say_which_prompts_are_in_use(typed: Typed, task_folder: Path, workdir: Path, tiny: Any) -> None:
    tiny.save(str(workdir / "saved"))
    file = workdir / "saved" / "config_sentence_transformers.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**values, "prompts": {"query": "own: ", "document": "text: "}}), encoding="utf-8")
    where = ("data=files", f"data.path='{task_folder}'", "model=tiny", "model.name=saved", "train.device=cpu")
    assert typed("data", *where, "format=json").json["prompts"] == {"query": "own: ", "document": "text: "}
    assert "Prompt of a query: 'ask: '" in typed("data", *where, "model.prompts.query='ask: '").out
    assert typed("doctor", *where, "format=json").json["prompt of a query"] == "'own: '"
    found = typed("evaluate", *where, "model.prompts.query=''", "format=json").json
    assert found["prompts"] == {"document": "text: "}
    assert "Prompt of a document: 'text: '" in typed("evaluate", *where).out
    hub = typed("data", *where, "model.name=nobody/nothing", "format=json").json["prompts"]
    assert hub == {"query": None, "document": None}, "only the hub could tell"


def test_a_sweep_over_models_made_for_prompts_warns_of_those_that_get_none(
    typed: Typed, task_folder: Path, workdir: Path, tiny: Any
) -> None:
    tiny.save(str(workdir / "some" / "e5-small"))
    names = "model.name=choice(tiny, 'some/e5-small')"
    result = typed(*sweep(task_folder, names, "study.n_trials=1", "train.epochs=0.1"))
    assert result.status == 0, result.err
    assert result.err.count("some/e5-small was made for prompts, but has none here.") == 1


def test_a_further_training_set_has_prompts_of_its_own(typed: Typed, task_folder: Path, workdir: Path) -> None:
    rows = [{"anchor": f"where is number {i}", "positive": f"number {i} is here"} for i in range(12)]
    (workdir / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    where = ("data=files", f"data.path='{task_folder}'", "model=tiny", "data.extra.faq=rows.jsonl", "train.device=cpu")
    quick = ("train.epochs=1", "train.batch_size=6", "loss=plain", "tracking.enabled=false", "study.name=s")
    result = typed(*where, *quick, "data.prompts.faq.query='ask: '", "format=json")
    assert result.status == 0, result.err
    trial = workdir / "sweeps" / "s" / "trials" / "0000"
    recorded = yaml.safe_load((trial / "config.yaml").read_text(encoding="utf-8"))["data"]["prompts"]
    assert recorded == {"faq": {"query": "ask: "}}
    facts = json.loads((trial / "training.json").read_text(encoding="utf-8"))["hyperparameters"]["prompts"]
    assert facts["faq"] == {"anchor": "ask: ", "positive": ""}
    refused = typed(*where, *quick, "data.prompts.other.query='ask: '")
    assert refused.status == 2
    odd = typed(*where, *quick, "data.prompts.faq.anchor='ask: '")
    assert (odd.status, "data.prompts.faq.anchor must be query or document" in odd.err) == (2, True)
    assert "data.prompts.other must be the prompts of a set of data.extra, but got faq" in refused.err
