"""Documents to a data set: read, cut, divided, asked, filtered, written."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedtune.config import Config, Method
from embedtune.data.drafts import Notes, summarise
from embedtune.data.group_split import SHARES, read_shares
from embedtune.errors import DataError, GenerationError, join_problems
from embedtune.generation.asking import Order, ask_all
from embedtune.generation.chunking import chunk
from embedtune.generation.documents import Document as File
from embedtune.generation.documents import read_documents
from embedtune.generation.extracting import extract
from embedtune.generation.filtering import Kept, Query, sift
from embedtune.generation.folder import Work, is_made, working
from embedtune.generation.passages import Passage, Question, assign, passage_id, unique
from embedtune.generation.round_trip import lost
from embedtune.generation.server import Address
from embedtune.generation.settings import check_keys, identity_of, key_of, out_of
from embedtune.models.load import load_model
from embedtune.models.token_counts import count_tokens
from embedtune.training import resolve_device
from embedtune.typed import Document

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

ENOUGH = 50
"""Queries of an evaluation split below which nothing can be told apart."""


def generate(config: Config) -> Document:
    """Write the folder, or go on with it; its ``synthetic.json``, and whether it was there already.

    Raises:
        ConfigError: A key is missing or wrong, or the place is taken.
        DataError: A document cannot be read, or there is too little text.
        GenerationError: The server does not answer, or no question is of use.
    """
    check_keys(config)
    files = _documents(config)
    model = load_model(config.model, "cpu")
    passages = _passages(config, files, model)
    splits = _splits(config, passages)
    out = out_of(config)
    identity = identity_of(config, passages)
    if (found := is_made(out, identity)) is not None:
        return {**found, "folder": str(out), "was_there": True}
    with working(out, identity) as work:
        work.write_passages(passages, splits)
        asked = [passage for passage in passages if passage.id in splits]
        answers = _answers(config, passages, asked, work)
        kept = _kept(config, model, passages, sift(asked, answers))
        queries = _by_split(kept, splits)
        facts = _facts(config, passages, answers, kept, queries, identity)
        facts["counts"]["documents"] = len(files)
        facts["counts"]["unanswered"] = sum(not answers.get(passage.id) for passage in asked)
        work.finish(passages, queries, facts)
    _say_few(queries)
    return {**facts, "folder": str(out), "was_there": False}


def _documents(config: Config) -> list[File]:
    notes = Notes()
    root = Path(config.data.path or "").expanduser()
    files = read_documents(root, notes)
    for warning in notes.warnings:
        logger.warning("%s", warning)
    if notes.problems:
        raise DataError(join_problems(summarise(notes.problems)))
    return files


def _passages(config: Config, files: Sequence[File], model: SentenceTransformer) -> list[Passage]:
    own = config.generate
    limit = model.max_seq_length
    if limit is not None and own.chunk_tokens > limit:
        logger.warning(
            "generate.chunk_tokens=%d is more than the %d tokens that %s reads: the rest of a passage is cut off.",
            own.chunk_tokens,
            limit,
            config.model.name,
        )
    count = count_tokens(model, config.model.name)
    found = []
    for file in files:
        for section in file.sections:
            # Extracted questions are the headings, so they must not stand in the passage.
            title = ": ".join(section.headings[-2:]) if own.method is Method.ask else ""
            for number, text in enumerate(chunk(section.text, own.chunk_tokens, own.overlap_tokens, count)):
                place = passage_id(title, text)
                found.append(Passage(place, title, text, file.file, section.headings, number == 0))
    return unique(found)


def _splits(config: Config, passages: Sequence[Passage]) -> dict[str, str]:
    shares = read_shares(config.data.split) if config.data.split else SHARES
    try:
        return assign(passages, shares, config.data.seed)
    except ValueError as error:
        raise DataError(
            f"data.path must have texts for {len(shares)} splits, but got {error}. Add documents, or make "
            "generate.chunk_tokens smaller."
        ) from None


def _answers(
    config: Config, passages: Sequence[Passage], asked: Sequence[Passage], work: Work
) -> Mapping[str, Sequence[Question]]:
    own = config.generate
    if own.method is Method.extract:
        found = extract(passages, own.per_passage)
        return {passage.id: found[passage.id] for passage in asked}
    address = Address(str(own.url), key_of(own.key_env), own.timeout, own.attempts)
    order = Order(
        str(own.model), own.prompt, own.per_passage, config.data.seed, own.concurrency, own.requests_per_minute
    )
    ask_all(asked, address, order, work)
    return work.answers()


def _kept(config: Config, model: SentenceTransformer, passages: Sequence[Passage], kept: Kept) -> Kept:
    top = config.generate.top
    if top is not None:
        model.to(resolve_device(config.train.device))
        kept = kept.without("not_found", lost(model, passages, kept.queries, top, config.eval.batch_size))
    if not kept.queries:
        dropped = ", ".join(f"{reason} {count}" for reason, count in kept.dropped.items() if count) or "none was asked"
        raise GenerationError(
            f"generate must keep some questions, but none is left ({dropped}). Try a larger generate.top."
        )
    return kept


def _by_split(kept: Kept, splits: Mapping[str, str]) -> dict[str, list[Query]]:
    found: dict[str, list[Query]] = {split: [] for split in SHARES if split in splits.values()}
    for query in kept.queries:
        found[splits[query.passage]].append(query)
    return found


def _facts(
    config: Config,
    passages: Sequence[Passage],
    answers: Mapping[str, Sequence[Question]],
    kept: Kept,
    queries: Mapping[str, Sequence[Query]],
    identity: Document,
) -> Document:
    return {
        "synthetic": True,
        "method": config.generate.method.value,
        "model": identity["model"],
        "counts": {
            "passages": len(passages),
            "questions": sum(map(len, answers.values())),
            "dropped": dict(kept.dropped),
            "queries": {split: len(own) for split, own in queries.items()},
        },
        "settings": identity,
    }


def _say_few(queries: Mapping[str, Sequence[Query]]) -> None:
    few = {split: len(own) for split, own in queries.items() if split != "train" and len(own) < ENOUGH}
    if few:
        said = " and ".join(f"{count} of {split}" for split, count in few.items())
        logger.warning(
            "Only %s queries are left: too few to tell models apart. More documents, or data.split, gives more.", said
        )
