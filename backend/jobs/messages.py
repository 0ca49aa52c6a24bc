"""What the parent and a worker tell each other: frames of pickle over the worker's standard input and output."""

import pickle
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from backend.jobs.engine import Ended, Task
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl
from backend.schemas.events import AnyEvent

LENGTH: Final = struct.Struct("<Q")


@dataclass(frozen=True)
class Begin:
    """Parent: work on this task, with so many threads; of several GPUs, take the one of the worker's place."""

    task: Task
    threads: int
    place: int


@dataclass(frozen=True)
class Control:
    """Parent: a control message for the present task (part of a run); ignored where that has ended meanwhile."""

    run: str
    part: int
    control: AnyControl


@dataclass(frozen=True)
class Threads:
    """Parent: use so many threads from now on."""

    threads: int


@dataclass(frozen=True)
class Hello:
    """Worker: warm and ready; this is what there is."""

    catalog: Catalog


@dataclass(frozen=True)
class Told:
    """Worker: events of the present task."""

    events: list[AnyEvent]


@dataclass(frozen=True)
class Done:
    """Worker: the present task has ended."""

    ended: Ended


Message = Begin | Control | Threads | Hello | Told | Done


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write a frame: eight bytes of length, then the pickle.

    Raises:
        OSError: where the other side has gone.
    """
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Read a frame; None where the other side has gone (in the midst of one, perhaps)."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        return None
    message: Message = pickle.loads(data)
    return message
