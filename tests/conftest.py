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
from embedtune.records import RetrievalSet, TrainingSet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SUBJECTS = ("harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon")
VERBS = ("finds", "keeps", "turns")


@pytest.fixture(scope="session")
def tiny() -> SentenceTransformer:
    """A tiny random model for reading; a test that trains loads its own."""
    from embedtune.model import load_model

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
