"""Time and peak memory of reading, checking and inspecting data at size, part by part, each in a process of its own.

    python benchmarks/data.py                                   # 1,000,000 passages, 100,000 pairs
    python benchmarks/data.py --passages 100000 --pairs 20000

The texts are drawn from 30,000 words, 40 to 80 a passage, so that near duplicates are only those planted: one passage
in a hundred repeats the one before it with a word more.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from embedtune.config import DataConfig, ModelConfig
from embedtune.data import inspect_task
from embedtune.data.findings import examine
from embedtune.data.near_duplicates import near_pairs

WORDS = 30_000
PLANTED = 100
NEAR = 100_000
"""Passages in which near duplicates are looked for."""


def write_task(folder: Path, passages: int, pairs: int) -> None:
    """A BEIR folder; one query in ten is for validation."""
    draw = random.Random(0)
    words = [f"word{number}" for number in range(WORDS)]
    (folder / "qrels").mkdir()
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        text: list[str] = []
        for number in range(passages):
            text = [*text, "more"] if number % PLANTED == PLANTED - 1 else draw.choices(words, k=draw.randrange(40, 80))
            corpus.write(json.dumps({"_id": f"d{number}", "text": " ".join(text)}) + "\n")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as queries:
        for number in range(pairs):
            queries.write(json.dumps({"_id": f"q{number}", "text": " ".join(draw.choices(words, k=12))}) + "\n")
    for split, chosen in (("train", range(pairs // 10, pairs)), ("validation", range(pairs // 10))):
        lines = (f"q{number}\td{draw.randrange(passages)}\t1" for number in chosen)
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")


def data(folder: Path) -> DataConfig:
    """The configuration of the written task."""
    return DataConfig(name="large", source="files", path=str(folder))


def load(folder: Path) -> str:
    """Read, check and build."""
    report = inspect_task(data(folder))
    assert report.task is not None, report.problems
    return f"{len(report.task.splits['train'].corpus):,} passages, {len(report.task.training[0]):,} pairs"


def passages(folder: Path, count: int) -> list[str]:
    """The first texts of the corpus."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as corpus:
        return [json.loads(line)["text"] for _, line in zip(range(count), corpus, strict=False)]


def near(folder: Path) -> str:
    """Near duplicates among the first passages; those planted are known."""
    texts = passages(folder, NEAR)
    found = sum(1 for _ in near_pairs(texts, 0.9))
    return f"{found} pairs among {len(texts):,}, {len(texts) // PLANTED} planted"


def findings(folder: Path) -> str:
    """Everything the command ``data`` looks for in texts, near duplicates among all passages included."""
    report = inspect_task(data(folder))
    return f"{sum(1 for _ in examine(report.splits, report.extra, None))} kinds"


def tokenise(folder: Path) -> str:
    """Tokens of the first passages, as training and evaluation keep them."""
    from embedtune.models.load import load_model
    from embedtune.models.token_cache import Role
    from embedtune.models.tokens import read_tokens

    tokens = read_tokens(load_model(ModelConfig(name="minilm"), "cpu"), Role.DOCUMENT)
    assert tokens is not None
    texts = passages(folder, NEAR)
    tokens.read(texts)
    return f"{len(texts):,} passages"


PARTS: dict[str, Callable[[Path], str]] = {
    "read and check": load, "near duplicates": near, "all findings": findings, "tokenise": tokenise,
}  # fmt: skip


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    options = parser.parse_args()
    if options.part:
        started = time.perf_counter()
        said = PARTS[options.part](options.folder)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        sys.stdout.write(f"| {options.part} | {said} | {time.perf_counter() - started:.1f} s | {memory:.2f} GB |\n")
        return
    with tempfile.TemporaryDirectory() as scratch:
        write_task(Path(scratch), options.passages, options.pairs)
        sys.stdout.write("| part | of | time | peak memory |\n|---|---|---|---|\n")
        for part in [options.only] if options.only else PARTS:
            sys.stdout.flush()
            subprocess.run([sys.executable, __file__, "--part", part, "--folder", scratch], check=True)


if __name__ == "__main__":
    main()
