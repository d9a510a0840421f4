"""The values that a key may take, where they are a few words; lower case, because OmegaConf matches members by name."""

from __future__ import annotations

from enum import Enum


class Precision(Enum):
    """Arithmetic of the training step; weights, gradients and evaluation stay in ``model.dtype``."""

    auto = "auto"
    bf16 = "bf16"
    fp16 = "fp16"
    fp32 = "fp32"


class Dtype(Enum):
    """Type of a model's weights; ``auto`` is the one they are saved in."""

    auto = "auto"
    bf16 = "bf16"
    fp16 = "fp16"
    fp32 = "fp32"


class Attention(Enum):
    """Implementation of attention in an encoder, by transformers' names."""

    eager = "eager"
    sdpa = "sdpa"
    flash_attention_2 = "flash_attention_2"
    flex_attention = "flex_attention"


class BatchSampler(Enum):
    """How a batch is drawn: ``no_duplicates`` keeps equal texts apart, ``relevance`` answers to others' queries."""

    plain = "plain"
    no_duplicates = "no_duplicates"
    relevance = "relevance"


class Average(Enum):
    """Which mean of the weights over the end of a training is evaluated too."""

    none = "none"
    ema = "ema"
    tail = "tail"


class Mix(Enum):
    """How several training sets are visited."""

    round_robin = "round_robin"
    proportional = "proportional"


class OnLeak(Enum):
    """What becomes of a query or an answer that two splits have."""

    error = "error"
    drop = "drop"
    warn = "warn"


class Baselines(Enum):
    """Whether the command ``data`` scores the untuned model and BM25: ``auto`` does where that is quick."""

    auto = "auto"
    all = "all"
    none = "none"


class Method(Enum):
    """Where the command ``generate`` has its questions from: a server that is asked, or the documents themselves."""

    ask = "ask"
    extract = "extract"


class Gain(Enum):
    """What a grade of relevance is worth in ndcg: itself, 2 to its power less 1, or 1."""

    linear = "linear"
    exponential = "exponential"
    binary = "binary"


class Kernels(Enum):
    """Implementation of attention and dropout for training on the CPU."""

    auto = "auto"
    stock = "stock"


class Similarity(Enum):
    """How a loss compares two embeddings."""

    cosine = "cosine"
    dot = "dot"


class Directions(Enum):
    """Which texts of a batch are set against which."""

    query = "query"
    symmetric = "symmetric"
    all = "all"


class Partition(Enum):
    """Whether the directions share one softmax or have one each."""

    joint = "joint"
    per_direction = "per_direction"


class HardnessOn(Enum):
    """Which negatives weigh more, the more similar they are."""

    in_batch = "in_batch"
    hard = "hard"
    all = "all"


class MarginStrategy(Enum):
    """How the margin of a guide is taken: as a difference or as a share of the positive's similarity."""

    absolute = "absolute"
    relative = "relative"


class Distractors(Enum):
    """Further passages to search in: those of the training rows, or none."""

    none = "none"
    train = "train"


class OnChange(Enum):
    """How to treat a study that was begun with another definition."""

    refuse = "refuse"
    new = "new"


class Format(Enum):
    """How a command answers on stdout."""

    table = "table"
    json = "json"
