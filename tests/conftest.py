"""Fixtures every test may use: a tiny random model and a small corpus, both made here."""

from __future__ import annotations

import os

# Before torch is imported: tests run beside each other and must neither look for a hub nor report home.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes run tests at the same time

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from embedtune.config import ModelConfig
from embedtune.records import DatasetFacts, RetrievalSet, TrainingFacts, TrainingSet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SUBJECTS = ("harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon")
VERBS = ("finds", "keeps", "turns")


@pytest.fixture(scope="session")
def tiny() -> SentenceTransformer:
    """A tiny random model for reading; a test that trains loads its own."""
    from embedtune.models.load import load_model

    return load_model(ModelConfig(name="tiny"), "cpu")


@pytest.fixture(scope="session")
def small_set() -> RetrievalSet:
    """Ten passages, three queries for each; one passage has unicode, one query has two answers."""
    corpus = {f"d{i}": f"The {subject} stands at number {i}, café №{i}." for i, subject in enumerate(SUBJECTS)}
    queries = {f"q{i}-{verb}": f"who {verb} the {subject}" for i, subject in enumerate(SUBJECTS) for verb in VERBS}
    relevant = {query: frozenset({f"d{query[1]}"}) for query in queries}
    relevant["q0-finds"] = frozenset({"d0", "d1"})
    return RetrievalSet(queries, corpus, relevant)


@pytest.fixture(scope="session")
def small_training() -> TrainingSet:
    """Thirty rows of anchor and positive."""
    rows = [(f"who {verb} the {s}", f"The {s} stands at number {i}.") for i, s in enumerate(SUBJECTS) for verb in VERBS]
    return TrainingSet("small", {"anchor": tuple(a for a, _ in rows), "positive": tuple(p for _, p in rows)})


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a space and a non-ASCII letter in its name."""
    folder = tmp_path / "wörk dir"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def training_facts() -> TrainingFacts:
    """What a trial was trained on and how, as its folder tells it."""
    return TrainingFacts(
        losses=("MatryoshkaLoss", "MultipleNegativesRankingLoss"),
        loss_parameters={
            "loss": "MultipleNegativesRankingLoss",
            "matryoshka_dims": [384, 256, 128],
            "matryoshka_weights": [1.0, 1.0, 0.5],
            "n_dims_per_step": -1,
        },
        citations={
            "MatryoshkaLoss": "\n@misc{kusupati2024matryoshka,\n    title={Matryoshka Representation Learning}\n}\n",
            "MultipleNegativesRankingLoss": "\n@misc{oord2019,\n    title={Contrastive Predictive Coding}\n}\n",
        },
        hyperparameters={
            "output_dir": "/home/somebody/sweeps/rights/trials/0003/trainer",
            "do_predict": False,
            "per_device_train_batch_size": 32,
            "learning_rate": 0.00012,
            "lr_scheduler_kwargs": {},
            "debug": [],
            "accelerator_config": {"split_batches": False, "even_batches": True},
            "mp_parameters": "",
            "hub_token": None,
            "multi_dataset_batch_sampler": "round_robin",
        },
        non_default=("output_dir", "per_device_train_batch_size", "learning_rate", "multi_dataset_batch_sampler"),
        datasets=(
            DatasetFacts(
                name="ai_rights",
                size=1600,
                statistics={
                    "anchor": {"min": 10.0, "mean": 19.8838, "max": 36.0},
                    "positive": {"min": 6.0, "mean": 115.61, "max": 223.0},
                },
                samples=(
                    {"anchor": "What is the purpose?", "positive": "BLUEPRINT FOR AN \nAI BILL OF RIGHTS"},
                    {"anchor": "When was it published?", "positive": "OCTOBER 2022"},
                    {"anchor": "Who wrote it?", "positive": "The Office of Science and Technology Policy"},
                ),
            ),
        ),
        architecture="SentenceTransformer(\n  (0): Transformer({'architecture': 'BertModel'})\n  (1): Normalize({})\n)",
        base_model="minilm",
        base_revision=None,
        dimension=384,
        max_seq_length=256,
        similarity="cosine",
        device="cpu",
        precision="fp32",
        versions={
            "python": "3.11.7",
            "embedtune": "0.1.0",
            "sentence-transformers": "6.2.0",
            "transformers": "5.23.0",
            "torch": "2.15.0+cu132",
            "accelerate": "1.15.0",
            "datasets": "5.1.0",
            "tokenizers": "0.23.0",
            "optuna": "5.0.0",
            "hydra-core": "1.3.8",
            "mlflow": "3.17.2",
        },
    )
