from __future__ import annotations

from sentence_transformers import SentenceTransformer

from embedtune.records import TrainingSet
from embedtune.training.collate import token_collator


def test_the_collator_names_keys_by_column(tiny: SentenceTransformer) -> None:
    collator = token_collator(tiny, [TrainingSet("t", {"anchor": ("a", "ccc"), "positive": ("bb", "a")})])
    assert collator is not None
    rows = [{"anchor": "a", "positive": "bb", "dataset_name": "t"}, {"anchor": "ccc", "positive": "a"}]
    batch = collator(rows)
    assert {"anchor_input_ids", "anchor_attention_mask", "positive_input_ids"} <= set(batch)
    assert not [key for key in batch if key.startswith("dataset_name")]
    assert batch["anchor_input_ids"].shape == (2, 5)
    assert batch["positive_input_ids"].shape == (2, 4)
