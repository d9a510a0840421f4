"""The commands and their help; nothing heavy is imported, so that help comes at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        does: What, in one line.
        target: ``module:function`` below ``embedtune.cli.commands``.
        loads: Whether it needs a model and data, which takes a while.
    """

    does: str
    target: str
    loads: bool = False


COMMANDS: dict[str, Command] = {
    "": Command("fine-tune and evaluate one configuration, recorded", "single:train", loads=True),
    "data": Command("read, check and describe the data", "data:describe"),
    "generate": Command("write questions for documents that have none", "generate:generate", loads=True),
    "evaluate": Command("score any model on a split, for every dimension", "evaluate:evaluate", loads=True),
    "studies": Command("list the studies", "studies:studies"),
    "leaderboard": Command("rank the trials of a study", "studies:leaderboard"),
    "report": Command("a study, or with data=... data, as one HTML page", "report:report"),
    "release": Command("choose a checkpoint, judge it on test, export it; or refuse", "release:release", loads=True),
    "reproduce": Command("run one recorded trial again and compare", "reproduce:reproduce", loads=True),
    "rollback": Command("put the previous champion of a registered model in use again", "rollback:rollback"),
    "ui": Command("serve the MLflow UI on the right store", "ui:ui"),
    "sync": Command("deliver to MLflow what could not be delivered before", "tracking:sync"),
    "relocate": Command("mend a tracking store whose folder was moved", "tracking:relocate"),
    "doctor": Command("what this machine has: devices, versions, storage", "doctor:doctor"),
}

_USAGE = """\
embedtune fine-tunes sentence-transformers models: Hydra composes, Optuna searches, MLflow records.

  python -m embedtune [COMMAND] [KEY=VALUE ...]

  python -m embedtune -m sweep=optuna          search; the same command again continues
  python -m embedtune ui                       browse the results
  python -m embedtune release study.name=...   export the best checkpoint

Commands
{commands}

Keys are those of conf/: model.*, data.*, train.*, loss.*, eval.*, study.*, tracking.*, release.*,
  reproduce.*, generate.*, paths.*
  model=minilm|bge_base|bge_small|tiny  data=pydocs|files|hub  loss=matryoshka|plain  sweep=optuna|random|grid|pareto
  sampler=tpe|gp|cmaes|random|qmc|nsgaii|motpe|grid
  pruner=schedule|median|percentile|halving|hyperband|wilcoxon|threshold|patient|none
  format=json          one JSON document on stdout instead of tables
  --cfg job            print the composed configuration and stop
  --debug              tracebacks and library logs
  --hydra-help         the flags of Hydra itself

Exit status: 0 done, 1 the work failed or a gate said no, 2 the input was wrong, 130 interrupted.
"""


def usage() -> str:
    """The help text."""
    rows = [(name or "(none)", command) for name, command in COMMANDS.items()]
    rows.insert(1, ("-m sweep=optuna", Command("run a study up to its total; again continues it", "")))
    lines = [f"  {name:<16} {command.does}" for name, command in rows]
    return _USAGE.format(commands="\n".join(lines))
