"""``release`` on real studies of a tiny model: one that learns, one that is made worse on purpose."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from sentence_transformers import SentenceTransformer

import embedtune.release.choice.case
from embedtune import archive
from embedtune.cli.main import main
from embedtune.config import Config, ModelConfig, ReleaseConfig, TrainConfig
from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.evaluation import read_scores
from embedtune.paths import StudyPaths
from embedtune.release.card.inputs import SearchSummary
from embedtune.release.choice.candidates import Kind
from embedtune.release.choice.case import open_case
from embedtune.release.choice.gather import gather
from embedtune.release.export.product import make_product
from embedtune.release.export.writing import Release, write_release
from embedtune.release.gate.forward import put_forward
from embedtune.release.gate.measurements import RELEASED, measure_all
from embedtune.statistics import Criterion
from embedtune.study.definition import require_definition

SUBJECTS = ["harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon"]
SUBJECTS += ["saddle", "mirror", "copper", "walnut", "timber", "engine", "basket", "candle", "button", "anchor"]
VERBS = ("finds", "keeps", "turns")
OFF = "tracking.enabled=false"
PARTS = (
    "# SentenceTransformer based on tiny", "## Model Details", "### Model Description", "### Model Sources",
    "### Full Model Architecture", "## Usage", "### Direct Usage (Sentence Transformers)", "## Evaluation",
    "### Metrics", "#### Information Retrieval", "##### 64 dimensions", "##### 4 dimensions",
    "## Bias, Risks and Limitations", "### Recommendations", "## Training Details", "### Training Dataset",
    "#### sealed", "### Training Hyperparameters", "#### Non-Default Hyperparameters", "#### All Hyperparameters",
    "### Training Logs", "### Framework Versions", "## Decision", "## Search Behind This Model", "## Citation",
    "### BibTeX", "#### Sentence Transformers", "#### MatryoshkaLoss", "#### MultipleNegativesRankingLoss",
    "## Glossary", "## Model Card Authors", "## Model Card Contact",
)  # fmt: skip
"""Headings of a card as sentence-transformers writes it, and embedtune's own two."""
FIELDS = (
    "Model Type:** Sentence Transformer", "Base model:** tiny", "Maximum Sequence Length:** 64 tokens",
    "Output Dimensionality:** 64 dimensions", "Similarity Function:** Cosine Similarity",
    "Training Dataset:** sealed", "Gate:** one-sided, level 0.95", "Openings of the test split:** 1",
)  # fmt: skip

Run = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with ``good``, ``worse`` and ``unsealed``, whose data has no test split."""
    folder = tmp_path_factory.mktemp("release")
    for name, splits in (("sealed", ("training", "val", "test")), ("unsealed", ("training", "val"))):
        write_task(folder / name, splits)
    with working_in(folder):
        sweep("good", "sealed", "train.learning_rate=1e-3", "study.n_trials=2")
        sweep("worse", "sealed", "train.learning_rate=1", "study.n_trials=1")
        sweep("unsealed", "unsealed", "train.learning_rate=1e-3", "study.n_trials=2")
    return folder


@pytest.fixture
def run(studies: Path, tmp_path: Path) -> Iterator[Run]:
    """Types ``release`` in a copy of the workspace."""
    folder = shutil.copytree(studies, tmp_path / "wörk dir")
    with working_in(folder):
        yield lambda *arguments: typed("release", OFF, "format=json", *arguments)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def write_task(folder: Path, splits: tuple[str, ...]) -> None:
    folder.mkdir()
    for split in splits:
        queries = {f"q{i}-{verb}": f"{split} who {verb} the {s}" for i, s in enumerate(SUBJECTS) for verb in VERBS}
        document = {
            "questions": queries,
            "relevant_contexts": {query: [f"{split}{query[1:].partition('-')[0]}"] for query in queries},
            "corpus": {f"{split}{i}": f"The {subject} stands there, café." for i, subject in enumerate(SUBJECTS)},
        }
        (folder / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")


def sweep(name: str, data: str, *more: str) -> None:
    arguments = ("-m", "sweep=optuna", "data=files", f"data.path={data}", "model=tiny", "train.device=cpu",
                 "train.precision=fp32", "train.epochs=2", "sampler=random", "pruner=none", f"study.name={name}",
                 OFF, "format=json", *more)  # fmt: skip
    assert typed(*arguments)[0] == 0


def typed(*arguments: str) -> tuple[int, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main(arguments)
    return status, json.loads(out.getvalue()) if out.getvalue() else None


def decisions(study: str) -> list[Any]:
    return [json.loads(file.read_text()) for file in sorted(Path("sweeps", study, "decisions").glob("*.json"))]


def test_a_good_study_is_promoted_with_its_evidence(run: Run) -> None:
    status, answer = run("study.name=good")

    assert status == 0
    decision = answer["decision"]
    assert decision["verdict"] == "promote"
    assert decision["gated"] is True
    (comparison,) = decision["comparisons"]
    assert comparison["split"] == "test"
    assert comparison["against"] == "untuned model"
    assert (comparison["queries"], comparison["groups"]) == (60, 20)
    assert comparison["adjusted_p"] <= 0.05
    by_name = {entry["name"]: entry for entry in decision["candidates"]}
    assert set(by_name) == {"trial 0", "trial 1", "untuned model"}
    chosen = by_name[decision["chosen"]["name"]]
    assert chosen["chosen"]
    assert chosen["interval"][0] < chosen["value"] < chosen["interval"][1]
    assert decision["openings"][0]["reason"] == "release good"
    assert decisions("good") == [{"release": "good", "study": "good", **decision}]

    evidence = Path(answer["folder"]) / "evidence"
    assert json.loads((evidence / "decision.json").read_text()) == decision
    for role, split in ((role, split) for role in ("released", "untuned") for split in ("validation", "test")):
        scores = read_scores(evidence / f"scores-{role}-{split}.parquet")
        expected = answer["scores" if role == "released" else "untuned"][split]
        assert scores.metrics["64"]["cosine_map@100"] == pytest.approx(expected["64"]["cosine_map@100"])


def test_a_release_loads_its_model_once_and_what_it_wrote_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = embedtune.release.choice.case.load_model

    def counted(model: ModelConfig, device: str) -> SentenceTransformer:
        loaded.append(model.name)
        return load(model, device)

    monkeypatch.setattr(embedtune.release.choice.case, "load_model", counted)
    status, answer = run("study.name=good")
    assert status == 0
    number = answer["decision"]["chosen"]["trials"][0]
    product, written, *more = [name for name in loaded if name != "tiny"]
    assert Path(product) == Path("sweeps/good/checkpoints").resolve() / f"{number:04d}"
    assert Path(written).parent == Path("releases").resolve()
    assert more == []


def test_the_document_of_a_release_keeps_its_keys_and_their_order(run: Run) -> None:
    _, answer = run("study.name=good")
    assert list(answer) == [
        "release", "folder", "study", "trial", "objective", "version", "onnx", "hub", "scores", "untuned", "decision",
    ]  # fmt: skip
    decision = answer["decision"]
    assert list(decision) == [
        "verdict", "gated", "reasons", "chosen", "selection", "candidates", "comparisons", "dims", "queries_needed",
        "openings", "objective", "dim", "level", "margin", "resamples", "time",
    ]  # fmt: skip
    assert list(decision["candidates"][0]) == [
        "name", "kind", "trials", "value", "interval", "shrunken", "seconds", "seed_seconds", "seeds", "default",
        "releasable", "tied", "chosen",
    ]  # fmt: skip
    assert list(decision["comparisons"][0]) == [
        "candidate", "against", "split", "mean", "interval", "p_value", "adjusted_p", "effect_size", "margin",
        "queries", "groups", "passed", "queries_needed",
    ]  # fmt: skip
    assert list(decision["dims"]) == ["split", "margin", "smallest", "cheapest", "rows"]
    study = json.loads((Path(answer["folder"]) / "evidence" / "study.json").read_text())
    assert list(study) == [*read_definition("good"), "states", "seconds", "leakage"]


def test_the_card_of_a_release_has_every_part_and_tells_the_truth(run: Run) -> None:
    answer = run("study.name=good")[1]
    folder = Path(answer["folder"])
    text = (folder / "README.md").read_text(encoding="utf-8")

    data = ModelCard(text).data.to_dict()
    assert data["library_name"] == "sentence-transformers"
    assert data["pipeline_tag"] == "sentence-similarity"
    assert data["metrics"] == list(OBJECTIVES)
    assert {"dataset_size:60", "loss:MatryoshkaLoss", "loss:MultipleNegativesRankingLoss"} <= set(data["tags"])
    assert [len(example["sentences"]) for example in data["widget"]] == [3] * 5
    results = data["model-index"][0]["results"]
    assert len(results) == 2 * 5  # splits x dimensions
    for result in results:
        split, dim = result["dataset"]["split"], result["dataset"]["config"].removeprefix("dim_")
        assert {metric["type"]: metric["value"] for metric in result["metrics"]} == answer["scores"][split][dim]

    outside_code = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert [heading for heading in PARTS if f"\n{heading}" not in outside_code] == []
    for field in FIELDS:
        assert f"- **{field}" in text
    for digest in read_definition("good")["digests"].values():
        assert digest in text

    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    shapes = io.StringIO()
    with contextlib.redirect_stdout(shapes):
        exec(code.replace("SentenceTransformer('good')", f"SentenceTransformer({str(folder)!r})"), {})
    documented = re.findall(r"^# \[(\d+), (\d+)\]$", code, re.MULTILINE)
    assert re.findall(r"\[?\(?(\d+), (\d+)", shapes.getvalue()) == documented == [("3", "64"), ("3", "3")]


def read_definition(study: str) -> Any:
    return yaml.safe_load(Path("sweeps", study, "study.yaml").read_text(encoding="utf-8"))


def test_a_second_release_says_that_the_test_split_was_read_before(run: Run) -> None:
    run("study.name=good")
    status, answer = run("study.name=good", "release.overwrite=true")

    assert status == 0
    assert len(answer["decision"]["openings"]) == 2
    card = Path(answer["folder"], "README.md").read_text(encoding="utf-8")
    assert "The test data was read 2 times" in card
    assert "**Openings of the test split:** 2" in card
    assert len(decisions("good")) == 2

    document = run("study.name=worse", "release.trial=0")[1]
    reasons = [opening["reason"] for opening in document["decision"]["openings"]]
    assert reasons == ["release good", "release good", "release worse"]


def test_what_cannot_be_written_leaves_the_test_split_alone(run: Run) -> None:
    openings = Path("sweeps/good/test_openings.jsonl")
    Path("releases/good").mkdir(parents=True)
    for overwrite in ("false", "true"):
        assert run("study.name=good", f"release.overwrite={overwrite}")[0] == 2
    assert not openings.exists()


def test_a_score_that_is_not_reproduced_leaves_the_test_split_alone(run: Run) -> None:
    for result in Path("sweeps/good/trials").glob("*/result.json"):
        document = json.loads(result.read_text())
        document["metrics"]["64"]["cosine_map@100"] = 0.123
        result.write_text(json.dumps(document))

    assert run("study.name=good", "release.gate=false")[0] != 0
    assert not Path("sweeps/good/test_openings.jsonl").exists()


def test_a_promotion_that_cannot_be_written_opens_and_notes_nothing(run: Run) -> None:
    Path("releases").write_text("in the way")

    assert run("study.name=good")[0] != 0
    assert not Path("sweeps/good/test_openings.jsonl").exists()
    assert decisions("good") == []


def test_a_study_made_worse_is_refused_without_a_look_at_the_test_split(run: Run) -> None:
    status, answer = run("study.name=worse")

    assert status == 1
    assert answer["folder"] is answer["version"] is None
    assert answer["decision"]["verdict"] == "refuse"
    assert answer["decision"]["chosen"]["kind"] == "untuned"
    assert answer["decision"]["reasons"][0].startswith("Keep the untuned model")
    assert not Path("releases").exists()
    assert not Path("sweeps/worse/test_openings.jsonl").exists()
    assert decisions("worse")[0]["verdict"] == "refuse"


def test_a_named_trial_is_refused_by_the_gate(run: Run) -> None:
    status, answer = run("study.name=worse", "release.trial=0")

    assert status == 1
    (reason,) = answer["decision"]["reasons"]
    assert reason.startswith("trial 0 was not shown to be better than the untuned model: -")
    assert "more queries alone would not help" in reason
    assert answer["decision"]["queries_needed"] is None
    assert answer["scores"]["test"]["64"]["cosine_map@100"] < answer["untuned"]["test"]["64"]["cosine_map@100"]
    assert not Path("releases").exists()


def test_without_the_gate_even_a_worse_model_is_exported_and_says_so(run: Run) -> None:
    status, answer = run("study.name=worse", "release.gate=false")

    assert status == 0
    assert answer["decision"]["gated"] is False
    assert answer["decision"]["comparisons"][0]["passed"] is False
    assert "**not gated:**" in Path(answer["folder"], "README.md").read_text(encoding="utf-8")


def test_without_a_test_split_validation_judges_and_every_trial_counts(run: Run) -> None:
    status, answer = run("study.name=unsealed")

    assert status == 0
    comparison = answer["decision"]["comparisons"][0]
    assert comparison["split"] == "validation"
    assert comparison["adjusted_p"] >= comparison["p_value"]
    assert answer["decision"]["openings"] == []
    assert not Path("sweeps/unsealed/test_openings.jsonl").exists()
    assert "**on the validation data that chose it**" in Path(answer["folder"], "README.md").read_text(encoding="utf-8")


def test_a_chosen_dimension_is_that_of_the_exported_model(run: Run) -> None:
    status, answer = run("study.name=good", "release.dim=16", "release.gate=false")

    assert status == 0
    assert answer["decision"]["dim"] == 16
    assert list(answer["scores"]["test"]) == ["16", "8", "4"]
    assert {row["dim"] for row in answer["decision"]["dims"]["rows"]} == {16, 8, 4}
    assert SentenceTransformer(answer["folder"], device="cpu").encode(["a", "b", "c"]).shape == (3, 16)
    card = Path(answer["folder"], "README.md").read_text(encoding="utf-8")
    assert "- **Output Dimensionality:** 16 dimensions" in card
    assert "# [3, 16]" in card
    assert run("study.name=good", "release.dim=17", "release.overwrite=true")[0] == 2


def test_fresh_seeds_are_trained_once_and_a_soup_is_one_more_candidate(run: Run) -> None:
    status, answer = run("study.name=good", "release.seeds=1", "release.gate=false")

    assert status == 0
    confirmations = Path("sweeps/good/confirmations")
    for number in (0, 1):
        fresh = read_scores(confirmations / f"{number:04d}-s1042" / "scores.parquet")
        entry = next(entry for entry in answer["decision"]["candidates"] if entry["trials"] == [number])
        assert entry["value"] == pytest.approx(fresh.metrics["64"]["cosine_map@100"])
        assert entry["seeds"] == 1
        assert entry["shrunken"] is None
    assert not list(confirmations.glob("*/checkpoint"))
    before = {path: path.stat().st_mtime_ns for path in confirmations.glob("*/result.json")}
    assert len(before) == 2

    again, answer = run("study.name=good", "release.seeds=1", "release.soup=true", "release.overwrite=true",
                        "release.gate=false")  # fmt: skip

    assert again == 0
    soup = next(entry for entry in answer["decision"]["candidates"] if entry["kind"] == "soup")
    assert sorted(soup["trials"]) == [0, 1]
    assert {path: path.stat().st_mtime_ns for path in confirmations.glob("*/result.json")} == before
    assert not list(Path("sweeps/good").glob("release-*"))


@pytest.mark.slow
def test_the_champion_is_the_one_to_beat(studies: Path, tmp_path: Path) -> None:
    with working_in(shutil.copytree(studies, tmp_path / "copy")):
        status, answer = typed("release", "study.name=good", "format=json")
        assert (status, answer["version"]) == (0, "1")

        status, answer = typed("release", "study.name=good", "release.overwrite=true", "format=json")
        assert status == 1
        assert answer["decision"]["chosen"] == {"name": "champion version 1", "kind": "incumbent", "trials": []}
        assert answer["decision"]["reasons"][0].startswith("Keep the model in use: champion version 1 ")
        assert len(answer["decision"]["openings"]) == 1

        named = f"release.trial={decisions('good')[0]['chosen']['trials'][0]}"
        status, answer = typed("release", "study.name=good", named, "release.overwrite=true", "format=json")
        assert (status, answer["version"]) == (0, "2")
        better, not_worse = answer["decision"]["comparisons"]
        assert better["against"] == "untuned model"
        assert not_worse["against"] == "incumbent"
        assert (not_worse["mean"], not_worse["margin"]) == (0, 0.01)
        assert Path(answer["folder"], "evidence", "scores-incumbent-test.parquet").is_file()


def test_data_that_moved_is_known_by_its_content(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("moved").mkdir()
    Path("sealed").rename("moved/data")
    status, _ = run("study.name=good")
    assert status == 2
    assert "data.path must be where the data of study good is now, but got sealed" in capsys.readouterr().err
    status, answer = run("study.name=good", "data.path=moved/data")
    assert (status, answer["decision"]["verdict"]) == (0, "promote")

    write_task(Path("sealed"), ("training", "val"))
    status, _ = run("study.name=good", "data.path=sealed", "release.overwrite=true")
    assert status == 2
    assert "but test changed since (digests differ)" in capsys.readouterr().err


def test_an_average_of_trials_can_be_released(studies: Path, tmp_path: Path) -> None:
    """Whether it is chosen hangs on the scores, so it is put forward here by hand."""
    with working_in(shutil.copytree(studies, tmp_path / "copy")):
        study = StudyPaths(Path("sweeps/good").resolve())
        records = list(archive.read_records(study))
        definition = require_definition(study, [])
        case = open_case(
            study,
            definition,
            records[0],
            Config(release=ReleaseConfig(soup=True), train=TrainConfig(device="cpu")),
            archive.read_recipe(study.trial(records[0].number)),
        )
        pool = gather(case, records, None, tmp_path)
        soup = next(candidate for candidate in pool.candidates if candidate.kind is Kind.SOUP)
        product = make_product(case, soup, {record.number: record for record in records}, tmp_path)
        model = case.load(product.folder)
        measured = measure_all(case, product.record, model, case.measure(model, "validation"), None)
        product = product.scored(measured.metrics(RELEASED)["validation"], case.objective, case.bench.dim)
        noted = put_forward(case, pool, Criterion(margin=0.01))
        search = SearchSummary(definition, {}, 0.0, ())
        write_release(Release("out", case, product, measured, noted, search), tmp_path / "out")

        assert product.record.value == pytest.approx(soup.value)
        assert sorted(product.parts) == [0, 1]
        assert "none alone: the uniform average of the weights of 000" in (tmp_path / "out" / "README.md").read_text()
        assert SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(["a"]).shape == (1, 64)


def test_the_command_refuses_a_named_trial_beside_a_choice(run: Run) -> None:
    assert run("study.name=good", "release.trial=0", "release.soup=true")[0] == 2
    assert run("study.name=good", "release.level=1")[0] == 2
