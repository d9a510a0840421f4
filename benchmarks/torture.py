"""Kill the processes of a study at random moments, start it again until it is done, and look for anything lost.

uv run python benchmarks/torture.py [--kills 100] [--workers 2] [--trials 8] [--polite 10] [--minutes N] [--device cpu]
                                    [--again 5] [--seed 0] [--keep FOLDER]

A study of the tiny model runs with several workers. Each kill is a SIGKILL to one worker, to the command, or to all of
them at once, most of them while a trial runs; beside them there may be polite interruptions (SIGTERM, or
Ctrl-C twice). When the study reaches its total before all kills are done, the total is raised. At the end everything is
checked, and trials that went on from a state are run again without a kill. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUBJECTS = ("harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon")
VERBS = ("finds", "keeps", "turns", "sells", "paints")
STUDY = "torture"
EPOCHS = 12
PATIENCE = 300.0
"""Seconds in which something must happen: a trial begins, or the command ends."""
BROKEN = 5
"""So often in a row the command may fail by itself: workers killed while they load make it give up once."""


@dataclass
class Torture:
    """One study under torture.

    Attributes:
        folder: Its working directory, with the data.
        workers: Processes beside the command; 0 runs the trials in the command itself.
        total: The budget, raised whenever it is reached too early.
        chance: Seeded.
        device: As train.device has it.
        done: How often what was killed.
    """

    folder: Path
    workers: int
    total: int
    chance: random.Random
    device: str = "cpu"
    done: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    broken: int = 0
    process: subprocess.Popen[bytes] | None = None

    def run(self, kills: int, polite: int, minutes: float) -> None:
        """Kill that many times, or for that long, then let the study end."""
        until = time.monotonic() + 60 * minutes
        acts = ["kill"] * kills + ["polite"] * polite
        self.chance.shuffle(acts)
        for index, act in enumerate(acts):
            if time.monotonic() > until:
                break
            if act == "polite" or self.chance.random() < 0.75:
                self._await_a_trial()
                time.sleep(self.chance.uniform(0.0, 4.0))
            else:  # wherever they are: loading, measuring the baseline, mending what the kill before left
                self._keep_up()
                time.sleep(self.chance.uniform(0.0, 12.0))
            self._kill() if act == "kill" else self._interrupt()
            print(f"{index + 1}/{len(acts)} {dict(self.done)} {self._states()}", file=sys.stderr, flush=True)
        self._finish()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        arguments = [
            "-m", "sweep=optuna", "model=tiny", "data=files", f"data.path={self.folder / 'task'}",
            f"study.name={STUDY}", f"study.n_trials={self.total}", f"study.workers={self.workers}",
            f"train.epochs={EPOCHS}", f"train.device={self.device}",
            "train.precision=fp32", "study.attempts=1000",
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "embedtune", *arguments],
                cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _await_a_trial(self) -> None:
        """Until a living process runs a trial; starts the command again where it has ended."""
        deadline = time.monotonic() + PATIENCE
        while not self._runs_a_trial():
            self._keep_up()
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing happened for {PATIENCE:.0f} s; see {self.folder / 'log.txt'}")
            time.sleep(0.1)

    def _keep_up(self) -> None:
        """Start the command again if it has ended, with a larger total if it reached it."""
        if self.process is not None and self.process.poll() is None:
            return
        status = self.process.returncode if self.process is not None else None
        self.total += max(1, self.workers) if status == 0 else 0
        self.broken = self.broken + 1 if status in (1, 2) else 0
        if self.broken == BROKEN:
            raise RuntimeError(f"the command fails again and again; see {self.folder / 'log.txt'}")
        self.process = self._start()

    def _runs_a_trial(self) -> bool:
        from embedtune.machine.processes import worker_alive

        if self.process is None or self.process.poll() is not None:
            return False
        for header in (self.folder / "sweeps" / STUDY / "trials").glob("*/trial.json"):
            if not header.with_name("result.json").is_file():
                worker = json.loads(header.read_text(encoding="utf-8"))["facts"]["worker"]
                if worker_alive(worker):
                    return True
        return False

    def _kill(self) -> None:
        assert self.process is not None
        workers = list(children(self.process.pid))
        what = self.chance.choices(["worker", "command", "all"], weights=[7 if workers else 0, 2, 1])[0]
        victims = {"worker": [self.chance.choice(workers or [0])], "command": [self.process.pid]}
        for pid in victims.get(what, [self.process.pid, *workers]):
            send(pid, signal.SIGKILL)
        self.done[what] += 1
        if what != "worker":
            self.process.wait()

    def _interrupt(self) -> None:
        assert self.process is not None
        number = self.chance.choice([signal.SIGTERM, signal.SIGINT])
        send(self.process.pid, number)
        if number == signal.SIGINT:
            time.sleep(self.chance.uniform(0.2, 2.0))
            send(self.process.pid, number)
        self.done[number.name] += 1
        self.process.wait(120)

    def _finish(self) -> None:
        for _ in range(10):
            if self.process is None or self.process.poll() is not None:
                self.process = self._start()
            if self.process.wait(3600) == 0 and not (self.total - sum(self._states().get(s, 0) for s in ENDED)):
                return
        raise TimeoutError("the study does not reach its total")

    def _states(self) -> dict[str, int]:
        from embedtune.paths import StudyPaths
        from embedtune.study import load_study, states

        study = load_study(StudyPaths(self.folder / "sweeps" / STUDY))
        return {state.value: count for state, count in states(study).items() if count} if study else {}


ENDED = ("complete", "pruned", "fail")


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may just have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def children(pid: int) -> Iterator[int]:
    """The processes that ``pid`` started and that still run."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            yield int(stat.parent.name)


def write_task(folder: Path) -> None:
    """Fifty questions about ten passages, the same in other words for validation."""
    folder.mkdir(parents=True)
    for split, prefix in (("training", ""), ("val", "tell me "), ("test", "say ")):
        document: dict[str, Any] = {"questions": {}, "relevant_contexts": {}, "corpus": {}}
        for number, subject in enumerate(SUBJECTS):
            document["corpus"][f"d{number}"] = f"{split}: the {subject} stands at number {number}."
            for verb in VERBS:
                document["questions"][f"q{number}-{verb}"] = f"{prefix}who {verb} the {subject}"
                document["relevant_contexts"][f"q{number}-{verb}"] = [f"d{number}"]
        (folder / f"{split}.jsonl").write_text(json.dumps(document), encoding="utf-8")


def problems(folder: Path, total: int) -> list[str]:
    """Everything that is not as it must be at the end."""
    from embedtune.paths import StudyPaths
    from embedtune.study import load_study

    paths = StudyPaths(folder / "sweeps" / STUDY)
    study = load_study(paths)
    assert study is not None
    trials = study.optuna.get_trials(deepcopy=False)
    return [*wrong_in_optuna(trials, total), *wrong_in_folders(paths, trials), *wrong_in_mlflow(folder, trials),
            *orphans(folder)]  # fmt: skip


def wrong_in_optuna(trials: Any, total: int) -> Iterator[str]:
    """Exactly the total, nothing runs or waits, every interrupted trial has one successor with its parameters."""
    from embedtune.study import REPLACED, RETRY_OF, takes_part

    counted = [trial for trial in trials if takes_part(trial)]
    if len(counted) != total:
        yield f"Optuna has {len(counted)} trials of {total}"
    for trial in trials:
        if not trial.state.is_finished():
            yield f"Optuna: trial {trial.number} is {trial.state.name}"
        successors = [other for other in trials if other.user_attrs.get(RETRY_OF) == trial.number]
        if len(successors) != int(REPLACED in trial.user_attrs):
            yield f"Optuna: trial {trial.number} has {len(successors)} successors"
        for other in successors:
            if any(other.params.get(key) != value for key, value in trial.params.items()):
                yield f"Optuna: trial {other.number} has other parameters than {trial.number}"


def wrong_in_folders(paths: Any, trials: Any) -> Iterator[str]:
    """Every finished trial's folder is complete, and nothing half done lies about."""
    from embedtune import archive
    from embedtune.ranking import rank
    from embedtune.study import takes_part

    for path in paths.root.rglob("*"):
        if path.name in ("resume", "checkpoint.new") or path.name.startswith(("trainer-", ".")):
            yield f"left behind: {path.relative_to(paths.root)}"
    records = {record.number: record for record in archive.read_records(paths)}
    for number in records:
        if not paths.trial(number).result.is_file():
            yield f"trial {number} has no result"
    counted = [trial for trial in trials if takes_part(trial)]
    for trial in counted:
        yield from wrong_in_folder(paths.trial(trial.number), records.get(trial.number), trial)
    ranked = rank([records[trial.number] for trial in counted if trial.number in records])
    kept = sorted(int(path.name) for path in paths.checkpoints.iterdir())
    if kept != sorted(record.number for record in ranked[:3]):
        yield f"weights are kept of {kept}, the best are {[record.number for record in ranked[:3]]}"


def wrong_in_folder(folder: Any, record: Any, trial: Any) -> Iterator[str]:
    """The record of one trial says what Optuna says, and is whole."""
    from embedtune import archive

    if record is None or record.state.name != trial.state.name:
        yield f"trial {trial.number} is {trial.state.name} in Optuna, but {record and record.state} in its folder"
        return
    steps = [evaluation.step for evaluation in archive.read_evaluations(folder)]
    if steps != sorted(set(steps)):
        yield f"trial {trial.number} was evaluated at {steps}"
    if record.state.value != "complete":
        return
    if len(steps) != EPOCHS:
        yield f"trial {trial.number} has {len(steps)} evaluations"
    for path in (folder.config, folder.metrics, folder.scores, folder.training, folder.log):
        if not path.is_file():
            yield f"trial {trial.number} lacks {path.name}"
    if record.value != trial.value:
        yield f"trial {trial.number} has {record.value} in its folder, {trial.value} in Optuna"


def wrong_in_mlflow(folder: Path, trials: Any) -> Iterator[str]:
    """No run is running, each trial has one run, and it has all points once."""
    from mlflow import MlflowClient

    from embedtune.study import takes_part

    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=5000)
    for run in runs:
        if run.info.status == "RUNNING":
            yield f"MLflow: {run.info.run_name} is RUNNING"
    uids = Counter(run.data.tags["embedtune.uid"] for run in runs)
    yield from (f"MLflow: {uid} has {count} runs" for uid, count in uids.items() if count > 1)
    by_uid = {run.data.tags["embedtune.uid"]: run for run in runs}
    for trial in trials:
        run = by_uid.get(f"{STUDY}/{trial.number:04d}")
        if not takes_part(trial):
            continue
        if run is None or run.data.tags["embedtune.state"] != trial.state.name.lower():
            yield f"MLflow: trial {trial.number} is {run and run.data.tags['embedtune.state']}"
            continue
        points = Counter(point.step for point in client.get_metric_history(run.info.run_id, "train/loss"))
        if trial.state.name == "COMPLETE" and (len(points) != EPOCHS or max(points.values()) > 1):
            yield f"MLflow: trial {trial.number} has points {dict(points)}"


def orphans(folder: Path) -> Iterator[str]:
    """Processes that still work in the folder, after a time to end."""
    deadline = time.monotonic() + 30
    while (found := [pid for pid in _working_in(folder)]) and time.monotonic() < deadline:
        time.sleep(0.5)
    yield from (f"process {pid} is left" for pid in found)


def _working_in(folder: Path) -> Iterator[int]:
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.resolve() == folder.resolve() and int(link.parent.name) != os.getpid():
                yield int(link.parent.name)
        except OSError:
            continue


def run_again(folder: Path, most: int) -> tuple[int, list[str]]:
    """Run trials that went on from a state once more without a kill; how many, and which differ."""
    import torch

    from embedtune import archive
    from embedtune.paths import StudyPaths, TrialPaths
    from embedtune.records import State, TrialRecord
    from embedtune.trial.bench import prepare
    from embedtune.trial.run import run_trial
    from embedtune.trial.watching import Hooks

    torch.set_num_threads(1)
    study = StudyPaths(folder / "sweeps" / STUDY)
    resumed = [r for r in archive.read_records(study) if r.state == State.COMPLETE and r.facts.get("resumed_from")]
    different = []
    for record in resumed[-most:]:
        config = archive.read_recipe(study.trial(record.number))
        again = run_trial(
            config, prepare(config), TrialPaths(folder / "again" / record.name),
            TrialRecord("again", record.number, State.RUNNING), Hooks(Silent()),
        )  # fmt: skip
        if again.metrics != record.metrics:
            different.append(f"trial {record.number} scored {record.value}, never killed it scores {again.value}")
    return len(resumed[-most:]), different


class Silent:
    """A watcher that shows nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def torture(
    folder: Path,
    *,
    kills: int,
    workers: int,
    trials: int,
    polite: int,
    seed: int,
    again: int,
    minutes: float = 1e6,
    device: str = "cpu",
) -> tuple[str, list[str]]:
    """A summary of what was done, and what was found wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    write_task(folder / "task")
    study = Torture(folder, workers, trials, random.Random(seed), device)
    started = time.monotonic()
    try:
        study.run(kills, polite, minutes)
    finally:
        if study.process is not None and study.process.poll() is None:
            study.process.kill()
    seconds = time.monotonic() - started
    found = problems(folder, study.total)
    count, different = run_again(folder, again)
    attempts = [json.loads(path.read_text())["facts"] for path in folder.glob(f"sweeps/{STUDY}/trials/*/result.json")]
    went_on = sum("resumed_from" in facts for facts in attempts)
    summary = (
        f"{sum(study.done.values())} interruptions {dict(study.done)} in {seconds:.0f} s, {study.starts} commands, "
        f"{study.total} trials in {len(attempts)} attempts, {went_on} of them went on from a state, "
        f"{count - len(different)} of {count} scored as if never killed"
    )
    return summary, [*found, *different]


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trials", type=int, default=8, help="the total at first")
    parser.add_argument("--polite", type=int, default=10, help="SIGTERMs and double Ctrl-Cs beside the kills")
    parser.add_argument("--again", type=int, default=5, help="trials run again without a kill")
    parser.add_argument("--minutes", type=float, default=1e6, help="kill for at most this long")
    parser.add_argument("--device", default="cpu", help="train.device")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a new folder that is left there to be looked at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        summary, found = torture(
            (options.keep or Path(scratch) / "torture").absolute(),
            kills=options.kills, workers=options.workers, trials=options.trials, polite=options.polite,
            seed=options.seed, again=options.again, minutes=options.minutes, device=options.device,
        )  # fmt: skip
    print(summary)
    print("\n".join(found) or "nothing is wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
