"""Hard negatives for training rows: passages that a model ranks high for a query that they do not answer.

NV-Retriever: Improving text embedding models with effective hard-negative mining, Moreira et al., 2024, for the margin
relative to the positive; the search is sentence-transformers' ``mine_hard_negatives``.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from datasets import Dataset
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.util import mine_hard_negatives

from embedtune.config import NegativesConfig
from embedtune.errors import TrialError
from embedtune.models.encoder import TokenEncoder
from embedtune.records import RetrievalSet, TrainingSet
from embedtune.training.batches import same_text
from embedtune.training.collate import prompted

SPARE = 4
"""Further candidates of each row, for those that turn out to answer its query."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Mined:
    """Negatives of one training set.

    Attributes:
        rows: Those of each row, as many as asked for.
        filled: How many of them were drawn at random or stand there twice, because no more were found.
    """

    rows: tuple[tuple[str, ...], ...]
    filled: int


class _Encoder:
    """A model as ``mine_hard_negatives`` asks for it: texts are tokenised once, prompts are added here."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._encoder = TokenEncoder(model)
        self._corpus: tuple[list[str], Any] = ([], None)
        self.device = model.device
        self.similarity, self.similarity_pairwise = model.similarity, model.similarity_pairwise

    def encode_query(self, inputs: list[str], *, batch_size: int, **_: Any) -> Any:
        return self._numbers(self._encoder.encode_query, inputs, batch_size)

    def encode_document(self, inputs: list[str], *, batch_size: int, **_: Any) -> Any:
        if self._corpus[0] != inputs:  # all training sets are mined from the same passages
            self._corpus = inputs, self._numbers(self._encoder.encode_document, inputs, batch_size)
        return self._corpus[1]

    def _numbers(self, encode: Any, inputs: list[str], batch_size: int) -> Any:
        from torch.nn.functional import normalize

        found = encode(inputs, batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False)
        return normalize(found.float(), dim=-1).cpu().numpy()


@dataclass(frozen=True)
class Miner:
    """Looks for hard negatives.

    Attributes:
        model: Ranks the candidates, with the prompts of a set or else its own.
        reranker: Scores those it ranks high, where there is one.
        options: ``train.negatives.*``.
        batch_size: Texts encoded at once.
        seed: Of the passages drawn where too few are found.
    """

    model: SentenceTransformer
    reranker: CrossEncoder | None
    options: NegativesConfig
    batch_size: int
    seed: int


def mine(miner: Miner, training: Sequence[TrainingSet], splits: Mapping[str, RetrievalSet]) -> list[Mined]:
    """Negatives for every row of every set.

    Candidates are the passages of the training rows and of the training split's corpus, so that nothing is learnt from
    a passage that stands in an evaluation split alone. None that answers the query in any row or split, or repeats the
    text of one that does but for case and blanks, becomes its negative.

    Args:
        miner: Who looks, and for how many.
        training: The rows.
        splits: The judgements of all splits.
    """
    options = miner.options
    candidates = _candidates(training, splits.get("train"))
    answers = _answers(training, splits.values())
    low, high = options.range
    own = max(sum(name.startswith("negative") for name in part.columns) for part in training)
    barred = own + max(map(len, answers.values()))  # at most so many candidates of a row turn out to be none
    wanted = min(options.count + SPARE + barred, high - low)
    encoders, found = dict[str, _Encoder](), list[Mined]()
    for part in training:
        prompts = repr(sorted(part.prompts.items()))
        encoder = encoders.setdefault(prompts, _Encoder(prompted(miner.model, part)))
        pairs = Dataset.from_dict({"anchor": part.columns["anchor"], "positive": part.columns["positive"]})
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bars cannot be turned off
            mined = mine_hard_negatives(
                pairs,
                encoder,
                corpus=candidates,
                cross_encoder=miner.reranker,
                range_min=low,
                range_max=high,
                relative_margin=options.margin,
                min_score=None if miner.reranker is None else -math.inf,  # without a threshold it is not asked
                num_negatives=wanted,
                batch_size=miner.batch_size,
                verbose=False,
            )
        found.append(_chosen(part, mined, candidates, answers, options.count, random.Random(miner.seed)))
    return found


def with_negatives(part: TrainingSet, mined: Sequence[Sequence[str]]) -> TrainingSet:
    """The rows with further negatives, after those that they have."""
    own = [texts for name, texts in part.columns.items() if name.startswith("negative")]
    every = [*own, *map(tuple, zip(*mined, strict=True))]
    names = ["negative"] if len(every) == 1 else [f"negative_{number}" for number in range(1, len(every) + 1)]
    pairs = {name: part.columns[name] for name in ("anchor", "positive")}
    return replace(part, columns={**pairs, **dict(zip(names, every, strict=True))})


def _candidates(training: Sequence[TrainingSet], corpus: RetrievalSet | None) -> list[str]:
    passages = (text for part in training for name, texts in part.columns.items() if name != "anchor" for text in texts)
    whole = dict.fromkeys([*passages, *(corpus.corpus.values() if corpus is not None else ())])
    return [text for text in whole if text.strip()]


def _answers(training: Sequence[TrainingSet], splits: Iterable[RetrievalSet]) -> dict[str, set[str]]:
    """Query -> everything that answers it, by :func:`same_text`."""
    found: dict[str, set[str]] = {}
    for part in training:
        for anchor, positive in zip(part.columns["anchor"], part.columns["positive"], strict=True):
            found.setdefault(same_text(anchor), set()).add(same_text(positive))
    for split in splits:
        for query, passages in split.relevant.items():
            known = (split.corpus[passage] for passage in passages if passage in split.corpus)
            found.setdefault(same_text(split.queries[query]), set()).update(map(same_text, known))
    return found


def _chosen(
    part: TrainingSet,
    mined: Dataset,
    candidates: Sequence[str],
    answers: Mapping[str, Collection[str]],
    count: int,
    draw: random.Random,
) -> Mined:
    """The first ``count`` of each row that answer nothing; where there are fewer, others at random."""
    ranked: dict[Pair, list[str]] = {}
    for row in mined:
        ranked.setdefault((row["anchor"], row["positive"]), []).append(row["negative"])
    rows, filled = [], 0
    for number, (anchor, positive) in enumerate(zip(part.columns["anchor"], part.columns["positive"], strict=True)):
        taken = {same_text(texts[number]) for name, texts in part.columns.items() if name.startswith("negative")}
        barred = {*answers[same_text(anchor)], *taken, same_text(anchor)}
        chosen: list[str] = []
        for text in ranked.get((anchor, positive), ()):
            if len(chosen) < count and same_text(text) not in barred:
                chosen.append(text)
                barred.add(same_text(text))
        found = len(chosen)
        chosen += _drawn(candidates, barred, count - found, draw)
        filled += count - found
        if not chosen:
            raise TrialError(
                "train.negatives.count must be 0 where every passage answers a query, but no passage is left for "
                f"{anchor!r:.80}. Add passages, or set it to 0."
            )
        chosen = [chosen[place % len(chosen)] for place in range(count)]
        rows.append(tuple(chosen))
    return Mined(tuple(rows), filled)


def _drawn(candidates: Sequence[str], barred: Collection[str], count: int, draw: random.Random) -> list[str]:
    """At most ``count`` passages that are not barred."""
    if count == 0:
        return []
    order = draw.sample(range(len(candidates)), len(candidates))
    free = (candidates[place] for place in order if same_text(candidates[place]) not in barred)
    return list(itertools.islice(free, count))
