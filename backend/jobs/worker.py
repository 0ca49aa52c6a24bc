"""A worker process: loads torch once, says hello when it is warm, then works on one task after another.

It is started by :mod:`backend.jobs.process`. It reads messages from its standard input in a thread, so that asking
for controls between two steps is a look at a deque, and dies when that input ends: it never outlives its parent.
"""

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from backend.jobs.controls import ControlBox
from backend.jobs.engine import Task
from backend.jobs.messages import Begin, Control, Done, Hello, Message, Threads, Told, read_message, write_message
from backend.jobs.runner import drive
from backend.jobs.workshop import Workshop, load_workshop

LOG = logging.getLogger(__name__)


Tell = Callable[[Message], None]


@dataclass
class Desk:
    """What lies before a worker: tasks to come, the present one's controls, the threads it may use."""

    tasks: queue.SimpleQueue[Begin] = field(default_factory=queue.SimpleQueue)
    present: tuple[str, int] | None = None
    controls: ControlBox = field(default_factory=ControlBox)
    threads: int = 1

    def take(self, message: Message) -> None:
        """Put what the parent says where the worker finds it."""
        match message:
            case Begin() as begin:  # comes only when the task before has ended
                self.present, self.controls = (begin.task.run, begin.task.part), ControlBox()
                self.threads = begin.threads
                self.tasks.put(begin)
            case Control(run, part, control) if (run, part) == self.present:
                self.controls.put(control)
            case Threads(threads):
                self.threads = threads


def serve(workshop_name: str) -> None:
    """Work until the parent goes.

    Args:
        workshop_name: dotted name of where analyses come from.
    """
    source, target = _streams()
    workshop = load_workshop(workshop_name)
    desk = Desk()
    threading.Thread(target=_read, args=(source, desk), name="gradscape-reader", daemon=True).start()
    work(workshop, desk, lambda message: write_message(target, message))


def work(workshop: Workshop, desk: Desk, tell: Tell) -> None:
    """Say hello, then work on one task after another, for ever.

    Args:
        workshop: where analyses come from.
        desk: where the tasks lie.
        tell: says something to the parent.
    """
    _warm(workshop)
    tell(Hello(workshop.catalog()))
    while True:
        begin = desk.tasks.get()
        ended = drive(
            _placed(begin),
            desk.controls,
            lambda events: tell(Told(events)),
            workshop,
            between=_Threads(desk, begin),
        )
        tell(Done(ended))


class _Threads:
    """Gives torch the threads of the present task: what the parent last said, or a fixed number."""

    def __init__(self, desk: Desk, begin: Begin) -> None:
        import torch

        self._desk, self._fixed = desk, not begin.task.request.tune
        self._set, self._now = torch.set_num_threads, begin.threads
        self._set(begin.threads)

    def __call__(self) -> None:
        """Follow a change; costs a comparison where there is none."""
        if not self._fixed and self._desk.threads != self._now:
            self._now = self._desk.threads
            self._set(self._now)


def _placed(begin: Begin) -> Task:
    """Where there are several GPUs, and the request leaves the choice, each worker takes its own."""
    import torch

    task, count = begin.task, torch.cuda.device_count()
    if task.request.device != "auto" or count < 2:
        return task
    return replace(task, request=task.request.model_copy(update={"device": f"cuda:{begin.place % count}"}))


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output for messages; what anyone prints goes to standard error."""
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, target


def _read(source: BinaryIO, desk: Desk) -> None:
    """Take what the parent says; die with the parent."""
    while (message := read_message(source)) is not None:
        desk.take(message)
    os._exit(0)


def _warm(workshop: Workshop) -> None:
    """Play tiny runs into the void, so that the first real one finds everything loaded; on one thread, as all start."""
    import torch

    torch.set_num_threads(1)
    for request in workshop.warm():
        ended = drive(Task("warm", request, folder=None), ControlBox(), lambda events: None, workshop)
        if ended.error is not None:
            LOG.error("the run that warms a worker failed: %s", ended.error.message)
