from __future__ import annotations

import pytest
import yaml

from embedtune.records import StudyDefinition

SWEEP = """\
name: mine
kind: sweep
objective: cosine_map@100
direction: maximize
dim: 64
second: dimension
n_trials: 6
space:
  train.learning_rate: tag(log, interval(1e-5, 2e-4))
  eval.dim: choice(16, 64)
sampler:
  _target_: optuna.samplers.TPESampler
  seed: 42
pruner: {}
conditions:
  train.warmup_ratio: train.scheduler=cosine
constraints:
- seconds <= 600
repeats: true
enqueue:
- train.learning_rate: 0.0001
warm_start: before
data:
  name: ünïcode
  source: rows.jsonl
digests:
  train: abc
model:
  name: tiny
  revision: null
recipe:
  train:
    epochs: 1.0
  loss:
    matryoshka:
      dims: null
  eval:
    folds: 3
code_version: 0.1.0
git_revision: null
id: 0123456789abcdef
"""

OLD = """\
name: old
kind: single
objective: cosine_map@100
direction: maximize
dim: 384
n_trials: 6
space: {}
sampler: {}
pruner: {}
data:
  name: faq
  source: x
digests: {}
model:
  name: minilm
code_version: 0.1.0
git_revision: abc
"""


def test_a_definition_is_written_as_it_was_read() -> None:
    definition = StudyDefinition.from_dict(yaml.safe_load(SWEEP))
    assert yaml.safe_dump(definition.to_dict(), sort_keys=False, allow_unicode=True) == SWEEP
    assert StudyDefinition.from_dict(definition.to_dict()) == definition


def test_what_readers_ask() -> None:
    definition = StudyDefinition.from_dict(yaml.safe_load(SWEEP))
    assert (definition.is_sweep, definition.base_model, definition.folds) == (True, "tiny", 3)
    assert definition.objective.second is not None
    assert definition.objective.second.is_size


def test_a_definition_of_an_older_version_lacks_keys() -> None:
    definition = StudyDefinition.from_dict(yaml.safe_load(OLD))
    assert (definition.is_sweep, definition.folds, definition.id) == (False, 0, None)
    assert definition.objective.second is None
    assert list(definition.search.to_dict().values()) == [{}, {}, {}, None, None, None, None, None]
    assert definition.recipe == {}


@pytest.mark.parametrize("values", [None, [], "x", {}, {"name": "s", "kind": "sweep"}])
def test_what_is_no_definition_is_refused(values: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        StudyDefinition.from_dict(values)  # type: ignore[arg-type]
