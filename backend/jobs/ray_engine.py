"""Workers on a Ray cluster: on this machine alone, or on many that share the data directory."""

import logging
import os
import pickle
import secrets
import threading
from functools import partial
from typing import Any, Final

from backend.jobs.engine import Task
from backend.jobs.errors import Unavailable
from backend.jobs.machine import pinned_share
from backend.jobs.messages import Message
from backend.jobs.pool import GRACE, Heard, PoolEngine
from backend.jobs.process import PATIENCE
from backend.jobs.ray_actor import GROUPS, RayActor
from backend.jobs.slots import Slot
from backend.jobs.workshop import CORE_WORKSHOP

LOG = logging.getLogger(__name__)
LEAST: Final = 2  # workers: one for races, one for analyses
MISSING: Final = "Ray is not installed"


class RayEngine(PoolEngine):
    """Runs tasks in Ray actors, each on a GPU of the cluster, or on a CPU where it has none.

    The last actor takes analyses only. A large surface is split over all of them, a long race or a sweep over those
    that are free. An actor that dies is replaced; what becomes of its run is the same as for a worker process.

    Args:
        address: of the cluster, as ``host:6379``; None: a head of its own on this machine, which ends with the engine.
        workers: how many actors; None: one for each GPU of the cluster, or for each CPU.
        workshop: dotted name of where analyses come from.
        threads: torch threads of every task; None: the CPUs of an actor (half of this machine's cores for a run that
            must repeat exactly, as in the other engines).
        grace: seconds between asking an actor to stop and killing it.

    Raises:
        Unavailable: where Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        workshop: str = CORE_WORKSHOP,
        threads: int | None = None,
        grace: float = GRACE,
    ) -> None:
        self._ray = _joined(address)
        there = self._ray.cluster_resources()
        gpus, cpus = int(there.get("GPU", 0)), int(there.get("CPU", 1))
        count = max(LEAST, gpus or cpus) if workers is None else workers
        each = max(1, cpus // count)

        def share(task: Task, busy: int) -> int:
            return threads or (each if task.request.tune else pinned_share())

        # Fewer CPUs than actors: they share them, rather than wait for one another for ever.
        needs = {"num_gpus": min(1.0, gpus / count)} if gpus else {"num_cpus": min(1.0, cpus / count)}
        super().__init__(
            "ray",
            [Slot(i, "analyses" if count > 1 and i == count - 1 else "anything") for i in range(count)],
            (),
            partial(RayWorker, self._ray, workshop, needs),
            share,
            grace,
            width=count,
            steady=pinned_share() if threads is None else None,
        )

    def close(self, grace: float = GRACE) -> None:
        """Cancel everything, wait for the grace time, end the actors, leave the cluster. Idempotent."""
        super().close(grace)
        self._ray.shutdown()


class RayWorker:
    """An actor as the engine sees it.

    Args:
        ray: the module, joined to a cluster.
        workshop: dotted name of where its analyses come from.
        needs: what of the cluster it takes.
        heard: is called from the reading thread with each message, and with None once the actor has died.
    """

    def __init__(self, ray: Any, workshop: str, needs: dict[str, float], heard: Heard) -> None:
        self._ray, self._heard = ray, heard
        self.pid = 0
        self.exit_code: int | None = None
        actor = ray.remote(concurrency_groups=GROUPS, max_restarts=0, **{"num_cpus": 0, **needs})(RayActor)
        self._actor = actor.remote(workshop)
        self._reader = threading.Thread(target=self._read, name="gradscape-ray-reader", daemon=True)
        self._reader.start()

    def send(self, message: Message) -> None:
        """Say something to it; lost where it has died, which is heard elsewhere."""
        frame = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._actor.hear.options(concurrency_group="hear").remote(frame)

    def kill(self) -> None:
        """End it now; idempotent."""
        self._ray.kill(self._actor)

    def close(self, grace: float) -> None:
        """End it; idempotent."""
        self.kill()
        self._reader.join(grace)

    def _read(self) -> None:
        try:
            self.pid = self._ray.get(self._actor.pid.remote())
            while True:
                for message in pickle.loads(self._ray.get(self._actor.tell.options(concurrency_group="tell").remote())):
                    self._heard(self, message)
        except Exception as error:  # Ray has many words for it: the actor, its machine or the cluster has gone
            LOG.debug("actor %s: %s", self.pid, error)
        self._heard(self, None)


def _joined(address: str | None) -> Any:
    """Join a cluster, or start one; callers of its ports must know a token.

    Returns:
        Ray's module.

    Raises:
        Unavailable: where Ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if address is None:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError:
        raise Unavailable(MISSING, hint="Install it: pip install 'gradscape[ray]'.") from None
    try:
        ray.init(
            address=address or "local",
            include_dashboard=False if address is None else None,
            configure_logging=False,
            log_to_driver=True,
            runtime_env={"env_vars": PATIENCE},
        )
    except Exception as error:  # whatever it is: there is no cluster
        raise Unavailable(
            f"cannot join the Ray cluster at {address or 'this machine'}: {str(error).strip().splitlines()[0][:200]}",
            hint="Look whether it runs there, and whether RAY_AUTH_TOKEN is the cluster's token.",
        ) from error
    return ray
