from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.release import CardInputs, render_card
from embedtune.release.card.markdown import clean
from embedtune.release.card.metadata import front_matter, metadata

FIELDS = ["base_model", "library_name", "metrics", "pipeline_tag", "tags", "widget", "model-index"]


def test_every_field_in_order(inputs: CardInputs) -> None:
    found = yaml.safe_load(front_matter(inputs))

    assert list(found) == FIELDS
    assert found["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert found["library_name"] == "sentence-transformers"
    assert found["pipeline_tag"] == "sentence-similarity"
    assert found["metrics"] == list(OBJECTIVES)
    assert len(found["metrics"]) == 30
    assert found["metrics"][0] == "cosine_accuracy@1"
    assert found["metrics"][-1] == "dot_map@100"
    assert found["tags"] == [
        "sentence-transformers",
        "sentence-similarity",
        "feature-extraction",
        "generated_from_trainer",
        "dataset_size:1600",
        "loss:MatryoshkaLoss",
        "loss:MultipleNegativesRankingLoss",
    ]
    assert found["widget"][0]["source_sentence"] == "What are the risks?"
    assert len(found["widget"][0]["sentences"]) == 3


def test_model_index_has_each_split_and_dimension_in_full_precision(inputs: CardInputs) -> None:
    (entry,) = metadata(inputs)["model-index"]

    assert entry["name"] == "SentenceTransformer based on sentence-transformers/all-MiniLM-L6-v2"
    places = [(result["dataset"]["split"], result["dataset"]["config"]) for result in entry["results"]]
    assert places == [(split, f"dim_{dim}") for split in ("validation", "test") for dim in (384, 256, 128)]
    for result in entry["results"]:
        assert result["task"] == {"type": "information-retrieval", "name": "Information Retrieval"}
        dim = result["dataset"]["config"].removeprefix("dim_")
        expected = inputs.scores[result["dataset"]["split"]][dim]
        assert {metric["type"]: metric["value"] for metric in result["metrics"]} == expected
    assert entry["results"][0]["metrics"][0] == {
        "type": "cosine_accuracy@1",
        "value": inputs.scores["validation"]["384"]["cosine_accuracy@1"],
        "name": "Cosine Accuracy@1",
    }


def test_hub_library_reads_the_metadata(inputs: CardInputs) -> None:
    data = ModelCard(render_card(inputs)).data

    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert data.model_name == "SentenceTransformer based on sentence-transformers/all-MiniLM-L6-v2"
    assert len(data.eval_results) == 2 * 3 * 30
    assert len({result.unique_identifier for result in data.eval_results}) == 2 * 3
    # What the library writes again is what was written.
    assert data.to_dict()["model-index"] == metadata(inputs)["model-index"]


@pytest.mark.parametrize("base", ["tiny", "/home/somebody/models/mine", "./mine"])
def test_a_base_model_off_the_hub_is_not_linked_nor_its_folder_told(inputs: CardInputs, base: str) -> None:
    inputs = replace(inputs, facts=replace(inputs.facts, base_model=base))

    assert "base_model" not in metadata(inputs)
    assert inputs.title in ("SentenceTransformer based on tiny", "SentenceTransformer based on mine")
    assert "/home/somebody" not in render_card(inputs)


def test_a_hub_id_is_the_base_model(inputs: CardInputs) -> None:
    inputs = replace(inputs, facts=replace(inputs.facts, base_model="BAAI/bge-base-en-v1.5", base_revision="a5beb1e3"))

    assert metadata(inputs)["base_model"] == "BAAI/bge-base-en-v1.5"
    assert (
        "- **Base model:** [BAAI/bge-base-en-v1.5](https://huggingface.co/BAAI/bge-base-en-v1.5)"
        " <!-- at revision a5beb1e3 -->"
    ) in render_card(inputs)


@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters() | st.sampled_from("-\n:'\"#{}[]|>\u2028\u0085\ufeff "), max_size=40))
def test_any_widget_text_survives_line_by_line(short_inputs: CardInputs, text: str) -> None:
    written = front_matter(replace(short_inputs, examples=((text, (text,)),)))

    assert re.search("^---", written, re.MULTILINE) is None
    (entry,) = yaml.safe_load(written)["widget"]
    assert entry["source_sentence"] == entry["sentences"][0] == "\n".join(clean(text).splitlines())


def test_licence_and_languages_come_first_if_they_are_said(short_inputs: CardInputs) -> None:
    assert {"language", "license"}.isdisjoint(metadata(short_inputs))
    one = metadata(replace(short_inputs, license="apache-2.0", languages=("en",)))
    assert list(one)[:2] == ["language", "license"]
    assert (one["language"], one["license"]) == ("en", "apache-2.0")
    assert metadata(replace(short_inputs, languages=("de", "en")))["language"] == ["de", "en"]
