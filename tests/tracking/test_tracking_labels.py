from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config.redaction import HIDDEN, redact, redact_text
from embedtune.tracking.labels import LOG10_RATE, MAX_PARAM, datasets, params, tags


def test_params_are_dotted_and_read_like_overrides() -> None:
    found = params({"train": {"learning_rate": 5e-5, "seed": None}, "loss": {"dims": [384, 64], "weights": {}}})
    assert found == {
        "train.learning_rate": "5e-05",
        "train.seed": "null",
        "loss.dims": "[384, 64]",
        "loss.weights": "{}",
        LOG10_RATE: "-4.301",
    }


def test_params_keep_unicode_and_cut_what_mlflow_would_refuse() -> None:
    found = params({"data": {"path": "/daten/Übung №1 \u2028", "spalte@1/ä": "x" * 7000}})
    assert found["data.path"] == "/daten/Übung №1 \u2028"
    assert found["data.spalte_1_ä"] == "x" * MAX_PARAM


def test_tags_leave_out_what_is_unknown() -> None:
    assert tags({"state": "complete", "reason": None, "digests": {"train": "ab"}, "dim": 384}) == {
        "embedtune.state": "complete",
        "embedtune.digests.train": "ab",
        "embedtune.dim": "384",
    }


def test_datasets_name_what_is_trained_and_measured_but_not_the_test_split() -> None:
    digests = {"train": "a" * 64, "validation": "b" * 64, "test": "c" * 64}
    found = datasets("rights", "hf://anna:geheim@host/x", digests)
    assert [(use.name, use.digest, use.context) for use in found] == [
        ("rights-train", "a" * 12, "training"),
        ("rights-validation", "b" * 12, "validation"),
    ]
    assert "geheim" not in found[0].source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://anna:ge@heim@db:5432/optuna", "postgresql://***@db:5432/optuna"),
        ("https://token@host/path and http://u:p@x", "https://***@host/path and http://***@x"),
        ("https://host/x?a=1&api_key=geheim&b=2", "https://host/x?a=1&api_key=***&b=2"),
        ("https://host/x?hf_token=geheim", "https://host/x?hf_token=***"),
        ("sqlite:////home/anna@work/mlflow.db", "sqlite:////home/anna@work/mlflow.db"),
        ("cosine_map@100 and a@b.de", "cosine_map@100 and a@b.de"),
    ],
)
def test_redact_text_blanks_credentials_and_nothing_else(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize("key", ["password", "hf_token", "api-key", "db.PASSWORD", "secret", "aws_access_key_id"])
def test_redact_blanks_values_of_secret_keys(key: str) -> None:
    assert redact({"a": {key: "geheim"}}) == {"a": {key: HIDDEN}}
    assert redact({key: ["geheim", "x"]}) == {key: HIDDEN}


@pytest.mark.parametrize("key", ["tokenizer", "max_tokens", "keys", "secretary", "passwordless"])
def test_redact_keeps_values_of_harmless_keys(key: str) -> None:
    assert redact({key: "value"}) == {key: "value"}


def test_redact_keeps_a_secret_that_is_not_set() -> None:
    assert redact({"token": None, "password": ""}) == {"token": None, "password": ""}


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text(max_size=6), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))))
def test_redacting_twice_is_redacting_once(values: dict[str, object]) -> None:
    assert redact(redact(values)) == redact(values)
