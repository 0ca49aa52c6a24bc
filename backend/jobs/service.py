"""What the API, the command line and tests ask for: runs are submitted, steered, read and forgotten here."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

from backend.jobs.blobs import Place, remove_folder
from backend.jobs.clock import now
from backend.jobs.costs.estimator import Estimator
from backend.jobs.costs.limits import Limits
from backend.jobs.custom_file import CustomFile
from backend.jobs.directory_lock import DirectoryLock
from backend.jobs.engine import Ended, Engine, EngineState, Handle, Task
from backend.jobs.errors import Conflict, Unavailable, no_such_run
from backend.jobs.feed import Feed
from backend.jobs.naming import default_name
from backend.jobs.placed import placed
from backend.jobs.points import Archive, Resolved, request_of, resolve
from backend.jobs.recorder import Recorder, Steering
from backend.jobs.recordings import Recordings
from backend.jobs.recovery import Recovery
from backend.jobs.snapshot_files import list_snapshots
from backend.jobs.split import split
from backend.jobs.steering import check_control, ends_in
from backend.jobs.store import EventFilter, Row, Store
from backend.jobs.weights.folder import CheckpointFolder
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl, Cancel
from backend.schemas.estimate import Estimate
from backend.schemas.events import AnyEvent
from backend.schemas.ids import new_run_id
from backend.schemas.run import ENDED, AnyRequest, Run, TrainRequest
from backend.schemas.snapshot import KeptSnapshot

PAGE = 100


class Service:
    """Runs, over a store, an engine and a feed; safe to call from several threads. It never imports torch.

    Args:
        store: keeps runs and events.
        engine: runs them.
        feed: over the same store.
        data_dir: held by one service at a time.
        datasets: folder of the files of data sets; None: ``datasets`` in the data directory.
        custom: the problems of the user's own; none by default.
        limits: of what one run may take; none by default.
        kept: takes the runs' snapshots, checkpoints and planes; None: ``runs`` in the data directory.

    Raises:
        Unavailable: where another process holds the directory.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        feed: Feed,
        data_dir: Path,
        datasets: Path | None = None,
        custom: CustomFile | None = None,
        limits: Limits | None = None,
        kept: Place | None = None,
    ) -> None:
        self._lock = DirectoryLock(data_dir)
        self._store, self._engine, self.feed = store, engine, feed
        self._folders, self.checkpoints = kept or data_dir / "runs", CheckpointFolder(data_dir / "checkpoints")
        self._datasets, self.custom = datasets or data_dir / "datasets", custom or CustomFile()
        self._estimator = Estimator(store, lambda: self.custom.entries, limits or Limits())
        self._recovery = Recovery(store, feed, self.folder, self.submit)
        self._recorder = Recorder(feed, Steering(self._abandon, self._send, self._recovery.died))
        self.recordings = Recordings(store, self._recorder, self.folder)
        self._handles: dict[str, Handle] = {}
        self._submitting = threading.Lock()
        self._catalog: Catalog | None = None

    def submit(self, request: AnyRequest, idempotency_key: str | None = None, *, parent: str | None = None) -> Run:
        """Store a run and queue it.

        Args:
            request: validated by its schema.
            idempotency_key: the same key with the same request gives the same run again.
            parent: the run that it goes on from; None: the one that its points lie in.

        Returns:
            The run.

        Raises:
            InvalidRequest: where a point, or a problem of one's own, is not there, or it is above the limits.
            Conflict: where the key was used with another request.
            Unavailable: where the engine is being stopped.
        """
        request, resolved = self._resolved(request)
        self._estimator.check(resolved.request)
        digest = hashlib.sha256(request.encode().encode()).hexdigest()
        key = None if idempotency_key is None else (idempotency_key, digest)
        new = Run(
            id=new_run_id(), kind=request.kind, name=default_name(resolved.request), tags=request.tags,
            status="queued", created=now(), parent=parent or resolved.parent, request=request.to_json(),
        )  # fmt: skip
        task = Task(
            new.id, resolved.request, self.folder(new.id),
            sources=resolved.sources, planes=resolved.planes, datasets=self._datasets, custom=self.custom.place,
        )  # fmt: skip
        with self._submitting:
            run = self._store.create(new, key)
            if run.id == new.id:
                self._handles = {known: handle for known, handle in self._handles.items() if handle.wait(0.0) is None}
                self._recorder.expect(run.id, isinstance(request, TrainRequest) and request.recovery == "resume")
                try:
                    self._handles[run.id] = self._engine.submit(split(task, self._engine.width), self._recorder)
                except Unavailable as error:
                    self._recorder.ended(run.id, Ended("failed", error.detail))
                    raise
        return self.get(run.id)

    def estimate(self, request: AnyRequest) -> Estimate:
        """Say what a run would take, without starting it."""
        return self._estimator.estimate(self._resolved(request)[1].request)

    def get(self, run: str) -> Run:
        """Return a run, with its place in the queue.

        Returns:
            The run as it is now.

        Raises:
            NotFound: where there is no such run.
        """
        return self._placed([self._stored(run)])[0]

    def page(
        self,
        *,
        status: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> tuple[list[Run], str | None]:
        """Return runs, newest first, and the cursor of the next page (None: this is the last)."""
        runs, following = self._store.page(status=status, kind=kind, tag=tag, limit=limit, cursor=cursor)
        return self._placed(runs), following

    def patch(self, run: str, *, name: str | None = None, tags: tuple[str, ...] | None = None) -> Run:
        """Change what a run is called and found by; None leaves it."""
        self._stored(run)
        given = {"name": name, "tags": tags}
        return self._store.update(run, **{field: value for field, value in given.items() if value is not None})

    def delete(self, run: str) -> None:
        """Forget a run: its events, snapshots and planes.

        Raises:
            NotFound: where there is no such run.
            Conflict: where it has not ended.
        """
        found = self._stored(run)
        if found.status not in ENDED:
            raise Conflict(f"run {run} is {found.status}", hint="Cancel it first, and delete it when it has ended.")
        self._store.delete(run)
        self._handles.pop(run, None)
        remove_folder(self.folder(run))

    def control(self, run: str, control: AnyControl) -> Run:
        """Pass a control message on to a run.

        Returns:
            The run as it is now; the message is obeyed a little later.

        Raises:
            NotFound: where there is no such run.
            Conflict: where the run or the lane has ended, or cannot be controlled so.
            InvalidRequest: where the lane, field or value is not as expected.
        """
        found = self._stored(run)
        check_control(found, request_of(found), control, ends_in(self._store, run))
        handle, whole = self._handles.get(run), isinstance(control, Cancel) and control.lane is None
        if handle is None:
            if whole and self.recordings.cancel(run):
                return self.get(run)
            raise Conflict(f"run {run} belongs to no worker", hint="It is recorded elsewhere, or the server starts.")
        if whole:
            self._recorder.cancelling(run)
            handle.cancel()
        else:
            handle.send(control)
        return self.get(run)

    def resume(self, run: str) -> Run:
        """Go on with a race that was cut off or cancelled, as a new run (:meth:`Recovery.resume`)."""
        return self._recovery.resume(run)

    def wait(self, run: str, timeout: float | None = None) -> Run:
        """Wait until a run has ended, or the time is over."""
        handle = self._handles.get(run)
        if handle is not None:
            handle.wait(timeout)
        return self.get(run)

    def events(self, run: str, which: EventFilter) -> tuple[list[Row], int | None]:
        """Return events of a run, and the seq to go on after (None: there are no more)."""
        self._stored(run)
        rows = self._store.read(run, which)
        more = which.last is None and len(rows) == which.limit
        return rows, rows[-1].seq if more else None

    def snapshots(self, run: str) -> list[KeptSnapshot]:
        """Tell what a run has kept."""
        self._stored(run)
        return list_snapshots(self.folder(run))

    def adopt(self, run: Run, events: Sequence[AnyEvent]) -> Run:
        """Store a run that ran elsewhere, with all its events; snapshots do not travel, and a taken id is a new one."""
        taken = self._store.get(run.id) is not None
        new = run.model_copy(update={"id": new_run_id() if taken else run.id, "status": "running", "last_seq": 0})
        self._store.create(new)
        self.feed.publish(new.id, 1, events, {"status": run.status, "error": run.error})
        return self.get(new.id)

    def folder(self, run: str) -> Place:
        """Return the folder of a run's snapshots, checkpoints and planes."""
        return self._folders / run

    def catalog(self, timeout: float = 30.0) -> Catalog:
        """Return what this installation can do; a worker makes it, and it is kept.

        Returns:
            Everything by family.

        Raises:
            Unavailable: where no worker has come up in time.
        """
        if self._catalog is None:
            made = self._engine.catalog(timeout)
            known = () if made is None else made.problems
            self._catalog = made and made.model_copy(update={"problems": (*known, *self.custom.catalog())})
        if self._catalog is None:
            raise Unavailable(
                "no worker has come up yet", hint="Try again in a few seconds; the log says what happens."
            )
        return self._catalog

    def state(self) -> EngineState:
        """What the engine is doing."""
        return self._engine.state()

    def recover(self) -> list[str]:
        """End the runs that an earlier server left unfinished; call once, before the first submit.

        Races that are to go on without being asked (``recovery: resume``) do, as new runs.

        Returns:
            The ids of those that have ended.
        """
        return self._recovery.sweep()

    def close(self, grace: float = 3.0) -> None:
        """Stop the engine (what is under way ends as lost), end all readers, let the store and the directory go."""
        self._recorder.stop()
        self._engine.close(grace)
        self.recordings.close()
        self._recorder.close()
        self.feed.close()
        self._store.close()
        self._lock.release()

    def _resolved(self, request: AnyRequest) -> tuple[AnyRequest, Resolved]:
        request = self.custom.completed(request)
        return request, resolve(request, Archive(self._store.get, self.folder, self.checkpoints.path))

    def _stored(self, run: str) -> Run:
        found = self._store.get(run)
        if found is None:
            raise no_such_run(run)
        return found

    def _placed(self, runs: list[Run]) -> list[Run]:
        """Add what is not stored: places in the queue, and why a run is held."""
        return placed(runs, self._recorder.held, self._engine.queue)

    def _send(self, run: str, control: AnyControl) -> None:
        if (handle := self._handles.get(run)) is not None:
            handle.send(control)

    def _abandon(self, run: str) -> None:
        if (handle := self._handles.get(run)) is not None:
            handle.cancel()
