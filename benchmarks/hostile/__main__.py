"""Hostile input of one kind, thrown at embedtune: nothing may end in a traceback, hang, run code or write elsewhere.

uv run python benchmarks/hostile KIND [--cases N] [--seed 0] [--limit SECONDS] [--memory GIB]

Each kind is a module beside this one: it has ``CASES``, how many are tried by default, and ``cases(chance, count)``,
which yields them. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from attempt import Limit, attempt

OWN = ("__main__", "attempt", "damage")
KINDS = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in OWN)
SHOWN = 20
"""Faults that are printed whole."""


def main() -> int:
    """Try every case of one kind, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--cases", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that one case may take")
    parser.add_argument("--memory", type=float, default=8.0, help="GiB that this process may grow by")
    options = parser.parse_args()
    kind = importlib.import_module(options.kind)
    chance = random.Random(options.seed)
    limit = Limit(options.limit, int(options.memory * 2**30))
    began, slowest = time.monotonic(), ("none", 0.0)
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in kind.cases(chance, options.cases or kind.CASES, Path(folder)):
            outcome, seconds = attempt(case, limit)
            slowest = max(slowest, (case.name, seconds), key=lambda own: own[1])
            outcomes[outcome.kind] += 1
            if outcome.fault:
                faults.append(f"{outcome.kind}: {case.name!r:.300}: {outcome.detail}")
    for fault in faults[:SHOWN]:
        print(fault)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(outcomes.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{options.kind}: {outcomes.total()} cases in {time.monotonic() - began:.0f} s: {told}; {len(faults)} faults")
    print(f"slowest {slowest[1]:.1f} s: {slowest[0]!r:.200}; peak memory {peak:.2f} GiB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
