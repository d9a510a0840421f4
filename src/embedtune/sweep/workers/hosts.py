"""Workers that a Hydra launcher runs: started in rounds, watched through the study, stopped through it."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from optuna.trial import TrialState

from embedtune.errors import DiskFull, SpaceUsedUp, StudyError
from embedtune.machine.disk import is_full
from embedtune.machine.processes import repeating, worker_alive, worker_identity
from embedtune.study import Study, awaited, was_run
from embedtune.sweep.workers.follow import LOOK, MEND, Follower
from embedtune.sweep.workers.stopping import Stop, handling, stop_now
from embedtune.sweep.workers.supervisor import GRACE, STILLBORN

logger = logging.getLogger(__name__)

STOP = "stop"
"""User attribute of a study: whose workers must stop, and how."""
FINISH, NOW = "finish", "now"
"""Let the running trials end; drop them, to be queued again."""


@dataclass
class Launched:
    """Keeps the workers of a launcher running until the study is done.

    A launcher says nothing before all its jobs have ended, and may leave them running when it is interrupted. So
    workers are followed and told to stop through the study.

    Attributes:
        launch: Runs that many workers and returns when all have ended; raises when one of them died.
        count: How many at the same time.
        study: Where to look.
        follower: Tells what the workers do.
        left: How many trials can still be claimed.
        mend: Queues again what a dead worker left running.
        ended: Called when a trial has ended; raises StudyError to end the study.
    """

    launch: Callable[[int], None]
    count: int
    study: Study
    follower: Follower
    left: Callable[[], int]
    mend: Callable[[], object]
    ended: Callable[[], None]
    stop: Stop = field(default_factory=Stop)
    _error: Exception | None = None

    def run(self) -> None:
        """Launch workers until none of them is needed.

        Raises:
            KeyboardInterrupt: The study was asked to stop.
            StudyError: Workers die before they begin, or the study is hopeless.
        """
        fruitless = looks = 0
        with handling({signal.SIGINT: self.stop.finish_then_now, signal.SIGTERM: stop_now}):
            while self.left() > 0 and not self.stop.requested:
                free = self.count - self._busy()
                if free <= 0:
                    time.sleep(LOOK)
                    looks += 1
                    if looks % MEND == 0:
                        self.mend()
                    self._look()
                    continue
                before, self._error = self._begun(), None
                self._round(min(free, self.left()))
                self._raise_what_no_launch_mends()
                fruitless = 0 if self._begun() > before else fruitless + 1
                if fruitless >= STILLBORN:
                    raise StudyError(
                        f"workers must start, but {STILLBORN} launches ended before any trial began ({self._error}). "
                        f"See {self.study.paths.root / 'workers'}."
                    )
        if self.stop.requested and self.left() > 0:
            raise KeyboardInterrupt

    def _begun(self) -> int:
        """Trials that a worker has claimed."""
        return sum(trial.state != TrialState.WAITING and was_run(trial) for trial in self.study.trials())

    def _raise_what_no_launch_mends(self) -> None:
        """A launcher wraps what its job raised: the class is known by its name."""
        if is_full(self._error) or DiskFull.__name__ in repr(self._error):
            raise DiskFull(str(self._error))
        if SpaceUsedUp.__name__ in repr(self._error):
            while self._busy():
                time.sleep(LOOK)
                self.mend()
                self._look()
            if self.left() > 0 and not self.study.trials(TrialState.WAITING):
                raise SpaceUsedUp(str(self._error))

    def _busy(self) -> int:
        """Workers that outlived their launch: submitit's ends as soon as it comes to a worker that died."""
        return 0 if self.study.shared else len(awaited(self.study))  # other hosts' workers take no place here

    def _round(self, count: int) -> None:
        jobs = threading.Thread(target=self._run_jobs, args=(count,), daemon=True)
        jobs.start()
        told, looks = False, 0
        try:
            while jobs.is_alive():
                jobs.join(LOOK)
                looks += 1
                if looks % MEND == 0:
                    self.mend()
                if self.stop.requested and not told:
                    told = True
                    self._tell(FINISH)
                self._look()
        finally:
            with handling({signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_IGN}):  # it is being done
                if jobs.is_alive():  # interrupted, or the study is hopeless
                    with suppress(Exception):  # a database that is away: the workers see that this process ends
                        self._tell(NOW)
                    jobs.join(GRACE)
                self.mend()
        self._look()

    def _look(self) -> None:
        if self.follower.look():
            self.ended()

    def _run_jobs(self, count: int) -> None:
        try:
            self.launch(count)
        except Exception as error:  # a launcher raises classes of its own
            self._error = error
            logger.warning("A worker ended early (%s: %s)", type(error).__name__, str(error).partition("\n")[0])

    def _tell(self, how: str) -> None:
        self.study.optuna.set_user_attr(STOP, [worker_identity(), how])


@contextmanager
def leash(study: Study, sweeper: str, stop: Stop) -> Iterator[None]:
    """Inside the block this worker stops when its sweeper asks for it, or is gone.

    Args:
        study: Where the sweeper says so.
        sweeper: The identity of its process.
        stop: Requested to finish; to stop now, the main thread gets a SIGINT.
    """

    def watch() -> bool:
        with suppress(Exception):  # a database that is away for a moment
            who, how = study.optuna.user_attrs.get(STOP) or (None, None)
            if not worker_alive(sweeper) or (who, how) == (sweeper, NOW):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return True
            stop.requested = stop.requested or who == sweeper
        return False

    with handling({signal.SIGINT: stop_now, signal.SIGTERM: stop_now}), repeating(LOOK, watch):
        yield
