"""Whether models rank in a part of a corpus, `eval.corpus`, as they do in all of it.

    uv run python benchmarks/subcorpus.py --data FOLDER [--sizes 500,1000,2000] [--length 96]

The models are cheap: linear maps trained on the embeddings of a base model that is left as it is, twelve of them by
their learning rates and steps, so that texts are encoded once (in bf16, cut to `--length` tokens). Each scores the
validation split in the whole corpus and in parts of several sizes, drawn as `eval.corpus` draws them and, beside that,
at random but for the judged passages. Printed are the rank correlations of the twelve scores, Kendall's tau and
Spearman's rho, and by how much scores are higher in the part.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau, spearmanr
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from embedtune.config import DataConfig, ModelConfig
from embedtune.data import load_task
from embedtune.data.group_split import rank
from embedtune.evaluation import score_embeddings
from embedtune.evaluation.subcorpus import draw, hardest, judged_passages, narrowed
from embedtune.models.encoder import TokenEncoder
from embedtune.models.load import load_model
from embedtune.records import RetrievalSet, TrainingSet

RATES = (3e-4, 1e-3, 3e-3, 1e-2)
STEPS = (10, 40, 160)
BATCH, SCALE = 64, 20.0
METRICS = ("cosine_map@100", "cosine_ndcg@10")


@dataclass(frozen=True)
class Embedded:
    """Embeddings of the validation split, in the form in which the package asks a model for them."""

    queries: Tensor
    corpus: Tensor

    def encode_query(self, inputs: list[str], **_: Any) -> Tensor:
        """Of the queries."""
        return self.queries

    def encode_document(self, inputs: list[str], **_: Any) -> Tensor:
        """Of the passages."""
        return self.corpus


def embed(encoder: TokenEncoder, texts: Sequence[str], *, query: bool) -> Tensor:
    """Embeddings in fp32, computed in bf16."""
    encode = encoder.encode_query if query else encoder.encode_document
    with torch.autocast("cpu", torch.bfloat16):
        return encode(list(texts), batch_size=32, convert_to_tensor=True, show_progress_bar=False).float().clone()


def heads(anchors: Tensor, positives: Tensor) -> Iterator[Tensor]:
    """Twelve linear maps, by the loss with negatives from the batch."""
    for rate in RATES:
        for steps in STEPS:
            torch.manual_seed(0)
            weights = torch.eye(anchors.shape[1], requires_grad=True)
            optimiser = torch.optim.Adam([weights], lr=rate)
            for _ in range(steps):
                rows = torch.randperm(len(anchors))[:BATCH]
                one, other = (normalize(part[rows] @ weights, dim=-1) for part in (anchors, positives))
                loss = cross_entropy(SCALE * one @ other.T, torch.arange(len(rows)))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            yield weights.detach()


def scores(models: Sequence[Tensor], embedded: Embedded, retrieval: RetrievalSet, rows: Tensor) -> np.ndarray:
    """Of each model in a corpus of these rows, by metric; of shape (metrics, models)."""
    found = []
    for weights in models:
        vectors = embedded.queries @ weights, embedded.corpus[rows] @ weights
        metrics = score_embeddings(*vectors, retrieval, [len(weights)]).metrics[str(len(weights))]
        found.append([metrics[name] for name in METRICS])
    return np.array(found).T


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a folder as data.path takes it, with a large corpus")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--sizes", default="500,1000,2000")
    parser.add_argument("--length", type=int, default=96)
    options = parser.parse_args()
    started = time.perf_counter()
    task = load_task(DataConfig(name="files", source="files", path=options.data))
    retrieval: RetrievalSet = task.splits["validation"]
    training: TrainingSet = task.training[0]
    encoder = TokenEncoder(load_model(ModelConfig(name=options.model, max_seq_length=options.length)))
    embedded = Embedded(
        embed(encoder, list(retrieval.queries.values()), query=True),
        embed(encoder, list(retrieval.corpus.values()), query=False),
    )
    pairs = [embed(encoder, training.columns[role], query=role == "anchor") for role in ("anchor", "positive")]
    models = list(heads(*pairs))
    place = {passage: row for row, passage in enumerate(retrieval.corpus)}
    whole = scores(models, embedded, retrieval, torch.arange(len(place)))
    print(f"{len(retrieval.queries)} queries, {len(place)} passages, {len(judged_passages(retrieval))} judged")
    for name, values in zip(METRICS, whole, strict=True):
        print(f"{name} in the whole corpus: {values.min():.4f} to {values.max():.4f}")
    rankings = hardest(embedded, retrieval, 32, cosine=True)
    print("| passages | drawn | metric | tau | rho | higher by |\n|---|---|---|---|---|---|")
    for size in map(int, options.sizes.split(",")):
        for how, used in (("eval.corpus", rankings), ("at random", [])):
            ids = draw(retrieval, size, used, lambda text: rank(12, text))
            part = scores(models, embedded, narrowed(retrieval, ids), torch.tensor([place[own] for own in ids]))
            for name, values, all_values in zip(METRICS, part, whole, strict=True):
                tau, rho = kendalltau(values, all_values).statistic, spearmanr(values, all_values).statistic
                higher = float((values - all_values).mean())
                print(f"| {size:,} | {how} | {name} | {tau:.3f} | {rho:.3f} | {higher:+.4f} |", flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
