from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from embedtune.config import Config, MatryoshkaConfig, ModelConfig, Precision
from embedtune.errors import ConfigError
from embedtune.records import TrainingFacts, TrainingSet
from embedtune.training import training_facts


@pytest.fixture
def config() -> Config:
    config = Config(model=ModelConfig(name="tiny"))
    config.train.device = "cpu"
    config.train.precision = Precision.fp32
    return config


def test_facts_survive_json(tiny: SentenceTransformer, small_training: TrainingSet, config: Config) -> None:
    facts = training_facts(tiny, [small_training], config)
    assert TrainingFacts.from_dict(json.loads(json.dumps(asdict(facts)))) == facts


def test_facts_name_losses_parameters_and_citations(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config
) -> None:
    config.loss.matryoshka = MatryoshkaConfig(dims=[32, 64], weights={"32": 0.5})
    facts = training_facts(tiny, [small_training], config)
    assert facts.losses == ("MatryoshkaLoss", "MultipleNegativesRankingLoss")
    assert facts.loss_parameters == {
        "loss": "MultipleNegativesRankingLoss",
        "matryoshka_dims": [64, 32],
        "matryoshka_weights": [1.0, 0.5],
        "n_dims_per_step": -1,
    }
    assert all(citation.startswith("@") for citation in facts.citations.values())
    assert set(facts.citations) == set(facts.losses)


def test_facts_of_the_cached_loss_alone(tiny: SentenceTransformer, small_training: TrainingSet, config: Config) -> None:
    config.loss.name, config.loss.matryoshka = "cached_mnrl", None
    facts = training_facts(tiny, [small_training], config)
    assert facts.losses == ("CachedMultipleNegativesRankingLoss",)
    assert facts.loss_parameters["scale"] == 20.0


def test_facts_tell_the_prompts_that_are_trained_with(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert training_facts(tiny, [small_training], config).hyperparameters["prompts"] is None
    before = training_facts(tiny, [small_training], config).datasets[0].statistics
    monkeypatch.setattr(tiny, "prompts", {"query": "ask: ", "document": ""})
    facts = training_facts(tiny, [small_training], config)
    assert facts.hyperparameters["prompts"] == {"anchor": "ask: ", "positive": ""}
    assert facts.datasets[0].statistics["anchor"]["min"] > before["anchor"]["min"]
    assert facts.datasets[0].statistics["positive"] == before["positive"]


def test_non_default_are_the_arguments_that_differ(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config
) -> None:
    config.train.learning_rate, config.train.warmup_ratio = 2e-4, 0.1
    facts = training_facts(tiny, [small_training], config)
    assert {"per_device_train_batch_size", "num_train_epochs", "learning_rate", "warmup_steps"} <= set(
        facts.non_default
    )
    assert "multi_dataset_batch_sampler" in facts.non_default
    assert {"weight_decay", "lr_scheduler_type", "bf16", "batch_sampler"}.isdisjoint(facts.non_default)
    assert facts.hyperparameters["warmup_steps"] == 0.1
    assert facts.hyperparameters["multi_dataset_batch_sampler"] == "round_robin"


def test_facts_hold_no_path(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config, tmp_path: Path
) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    config.model = ModelConfig(name=str(folder), revision="abc")
    facts = training_facts(tiny, [small_training], config)
    assert (facts.base_model, facts.base_revision) == ("my-model", None)
    assert str(tmp_path) not in json.dumps(asdict(facts))
    assert {"output_dir", "logging_dir", "hub_token", "run_name"}.isdisjoint(facts.hyperparameters)


def test_token_statistics_count_what_the_model_reads(tiny: SentenceTransformer, config: Config) -> None:
    rows = TrainingSet("odd", {"anchor": ("", "ab"), "positive": ("x " * 500, "abc")})
    (facts,) = training_facts(tiny, [rows], config).datasets
    assert facts.statistics["anchor"] == {"min": 2.0, "mean": 3.0, "max": 4.0}
    assert facts.statistics["positive"]["max"] == 64.0
    assert facts.size == 2
    assert facts.samples == ({"anchor": "", "positive": "x " * 500}, {"anchor": "ab", "positive": "abc"})


def test_three_samples_and_every_version(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config
) -> None:
    facts = training_facts(tiny, [small_training], config)
    assert len(facts.datasets[0].samples) == 3
    libraries = {"sentence-transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers"}
    assert libraries | {"python"} <= set(facts.versions)
    assert (facts.dimension, facts.max_seq_length, facts.similarity) == (64, 64, "cosine")
    assert (facts.device, facts.precision) == ("cpu", "fp32")


def test_facts_of_weights_of_zero_are_refused(
    tiny: SentenceTransformer, small_training: TrainingSet, config: Config
) -> None:
    config.loss.matryoshka = MatryoshkaConfig(dims=[64], weights={"64": 0.0})
    with pytest.raises(ConfigError, match=r"loss\.matryoshka\.weights must have one above 0"):
        training_facts(tiny, [small_training], config)
