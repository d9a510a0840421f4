"""Which base models a study searches over."""

from __future__ import annotations

from embedtune.config import Config, ModelConfig
from embedtune.sweep.space.bases import Base, base_models
from embedtune.sweep.space.space import build_space

FOLDERS = {"tiny": "tiny", "mine": "/models/mine", "yours": "/yours/mine", "bge": "BAAI/bge-small-en-v1.5"}


def compose(overrides: list[str]) -> Config:
    values = dict(text.split("=", 1) for text in overrides)
    name = values.get("model.name", FOLDERS[values["model"]] if "model" in values else "minilm")
    revision = values.get("model.revision")
    return Config(model=ModelConfig(name, None if revision in (None, "null") else revision))


def bases(searched: dict[str, str], conditions: dict[str, str] | None = None) -> dict[str, str]:
    space = build_space((), searched, (64,), conditions=conditions, default=lambda key: None)
    found = base_models(space, compose([]), compose)
    assert found[0] == Base(compose([]), -1, "")
    assert [base.number for base in found] == [-1 - place for place in range(len(found))]
    return {base.word: base.config.model.name for base in found[1:]}


def test_a_study_of_one_model_has_the_default_one() -> None:
    assert bases({"train.epochs": "choice(1, 2)", "model.max_seq_length": "choice(64, 128)"}) == {}


def test_every_other_model_has_a_word_of_its_own() -> None:
    searched = {"model": "choice(tiny, mine, yours, bge)", "train.epochs": "choice(1, 2)"}
    assert bases(searched) == {
        "tiny": "tiny", "mine": "/models/mine", "mine-2": "/yours/mine", "bge-small-en-v1.5": "BAAI/bge-small-en-v1.5",
    }  # fmt: skip


def test_the_default_model_is_not_there_twice() -> None:
    assert bases({"model.name": "choice(minilm, tiny)"}) == {"tiny": "tiny"}


def test_two_revisions_are_two_models() -> None:
    assert bases({"model.revision": "choice(a, b)"}) == {"minilm": "minilm", "minilm-2": "minilm"}


def test_only_what_can_be_together_is_a_model() -> None:
    searched = {"model.name": "choice(minilm, tiny)", "model.revision": "choice(a, b)"}
    assert len(bases(searched)) == 4
    assert bases(searched, {"model.revision": "model.name=tiny"}) == {"tiny": "tiny", "tiny-2": "tiny"}
