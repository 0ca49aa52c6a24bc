"""The keeper of a worker: gathers what a race keeps and writes it a few times a second.

A file for every step would cost 0.4 ms a step; a file for every quarter of a second costs next to nothing.
"""

import errno
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from backend.jobs.blobs import Place, remove
from backend.jobs.snapshot_files import (
    KeptMoment,
    KeptPlane,
    KeptState,
    Segment,
    read_segment,
    write_checkpoint,
    write_plane,
    write_segment,
)
from backend.schemas.events import Plane

if TYPE_CHECKING:
    from torch import Tensor

    from backend.core.analyses.base import LaneState, Moment

EVERY: Final = 0.25  # seconds between two writes, at least;
SHARE: Final = 0.05  # more where they take more than this share of the time,
RARELY: Final = 2.0  # up to so many seconds
PATIENCE: Final = 1.0  # seconds until it is tried again where the disk was full
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
SMALL: Final = 1 << 20  # bytes; a smaller last segment is written again with the next moments in it
LARGEST: Final = 64 << 20  # bytes of moments that wait at most, and so about the largest segment
ROOM: Final = 128 << 20  # bytes that a lane's checkpoints may take; the last one is kept however large it is
Key = tuple[str, int]  # lane, repeat


class DiskKeeper:
    """Keeps moments, states and planes in a run's folder.

    Args:
        folder: the run's.
        part: which part of the run this is, so that parts write different files.
        clock: seconds, rising.
    """

    def __init__(self, folder: Place, part: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._part, self._clock = folder, part, clock
        self._written, self._pause = clock(), EVERY
        self._order: dict[Key, int] = {}
        self._segments: dict[Key, list[Segment]] = {}
        self._last: dict[Key, list[KeptMoment]] = {}  # of the last segment, where that is small
        self._moments: dict[Key, dict[int, Moment]] = {}
        self._only: dict[Key, frozenset[int]] = {}  # of the segments' steps, these stay
        self._states: dict[tuple[Key, int], LaneState] = {}
        self._kept_states: dict[Key, dict[Place, int]] = {}  # files and their sizes, the oldest first
        self._planes: dict[str, tuple[Moment, Tensor, Tensor, Plane | None]] = {}
        self._bytes = 0  # waiting
        self.full = False  # the last writing found no room on the disk; what waits is written when there is some

    def snapshot(self, lane: str, repeat: int, moment: "Moment") -> None:
        """Keep a moment."""
        key = self._key(lane, repeat)
        self._moments.setdefault(key, {})[moment.step] = moment
        self._bytes += moment.params_P.nbytes + moment.buffers_B.nbytes
        self.flush_when_due()

    def thin(self, lane: str, repeat: int, steps: Sequence[int]) -> None:
        """Of this lane's snapshots keep these steps only."""
        key, only = self._key(lane, repeat), frozenset(steps)
        waiting = self._moments.get(key, {})
        self._moments[key] = {step: moment for step, moment in waiting.items() if step in only}
        self._only[key] = only & self._only.get(key, only)

    def checkpoint(self, state: "LaneState") -> None:
        """Keep a lane's whole state beside its earlier ones, as long as those take little room."""
        self._states[self._key(state.lane, state.repeat), state.step] = state
        self.flush_when_due()

    def plane(self, plane: str, origin: "Moment", u_P: "Tensor", v_P: "Tensor", about: Plane | None = None) -> None:
        """Keep a plane by its id, with what was told about it; at once, as whoever is told of it may ask for it."""
        self._planes[plane] = (origin, u_P, v_P, about)
        if not self.full:
            self.flush()

    def flush_when_due(self) -> None:
        """Write what waits if the last writing was long ago, or if much waits."""
        since = self._clock() - self._written
        if since >= (PATIENCE if self.full else self._pause) or (self._bytes >= LARGEST and not self.full):
            self.flush()

    def flush(self) -> None:
        """Write what waits; where the disk has no room it goes on waiting, and ``full`` says so.

        Raises:
            OSError: where the folder cannot be written for another reason.
        """
        began = self._clock()
        try:
            self._flush()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.full = True
        else:
            self.full = False
        self._written = self._clock()
        self._pause = min(max((self._written - began) / SHARE, EVERY), RARELY)

    def _flush(self) -> None:
        for plane, (origin, u_P, v_P, about) in self._planes.items():
            write_plane(self._folder, plane, KeptPlane(_kept(origin), _numpy(u_P), _numpy(v_P), about))
        for key in self._only:
            self._drop(key)
        for key, moments in self._moments.items():
            if moments:
                self._add(key, [_kept(moments[step]) for step in sorted(moments)])
        for (key, _), state in self._states.items():
            self._add_state(key, state)
        for waiting in (self._planes, self._only, self._moments, self._states):
            waiting.clear()
        self._bytes = 0

    def _add_state(self, key: Key, state: "LaneState") -> None:
        """Write a state; then drop the oldest ones that there is no room for."""
        arrays = {name: _numpy(tensor) for name, tensor in state.tensors.items()}
        kept = KeptState(state.lane, state.repeat, state.step, arrays, state.values)
        file, size = write_checkpoint(self._folder, self._stem(key), kept)
        files = self._kept_states.setdefault(key, {})
        files[file] = size
        while len(files) > 1 and sum(files.values()) > ROOM:
            oldest = next(iter(files))
            del files[oldest]
            remove(oldest)

    def _drop(self, key: Key) -> None:
        """Write the segments that hold dropped steps again without them; the kept ones of all in one file."""
        only, segments = self._only[key], self._segments.get(key, [])
        touched = [segment for segment in segments if not only.issuperset(segment.steps)]
        left = [moment for segment in touched for moment in read_segment(segment, sorted(only & set(segment.steps)))]
        self._last.pop(key, None)
        self._replace(key, touched, left)

    def _add(self, key: Key, moments: list[KeptMoment]) -> None:
        segments = self._segments.setdefault(key, [])
        last = segments[-1:] if segments and segments[-1].bytes < SMALL else []
        known = self._last.get(key)
        earlier = [moment for segment in last for moment in known or read_segment(segment, segment.steps)]
        new = {moment.step for moment in moments}
        whole = sorted([*(m for m in earlier if m.step not in new), *moments], key=lambda m: m.step)
        self._replace(key, last, whole)
        self._last[key] = whole if self._segments[key][-1].bytes < SMALL else []

    def _replace(self, key: Key, old: list[Segment], moments: list[KeptMoment]) -> None:
        """Put one new segment in the place of old ones: the new file first, so that no moment is ever missing."""
        files = {segment.file for segment in old}
        kept = [segment for segment in self._segments.get(key, []) if segment not in old]
        if moments:
            written = write_segment(self._folder, self._stem(key), *key, moments)
            kept = sorted([*kept, written], key=lambda segment: segment.steps)
            files.discard(written.file)
        self._segments[key] = kept
        for file in files:
            remove(file)

    def _key(self, lane: str, repeat: int) -> Key:
        self._order.setdefault((lane, repeat), len(self._order))
        return (lane, repeat)

    def _stem(self, key: Key) -> str:
        return f"{self._part:03d}.{self._order[key]:03d}.{key[1]:03d}"


def _numpy(tensor: "Tensor") -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array


def _kept(moment: "Moment") -> KeptMoment:
    return KeptMoment(moment.step, _numpy(moment.params_P), _numpy(moment.buffers_B))
