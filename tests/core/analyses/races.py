"""Small races: made, run to their end, and read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from backend.core.analyses.base import Context, LaneState, Moment, Tick
from backend.core.analyses.train import TRAIN
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.control import CONTROL, AnyControl
from backend.schemas.events import AnyEvent, TrainChunk
from backend.schemas.run import TrainRequest

E = TypeVar("E")
SGD = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.1}}
MOMENTUM = {"name": "Momentum", "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9}}
RMSPROP = {"name": "RMSProp", "optimizer": {"kind": "rmsprop", "lr": 0.001}}
ADAM = {"name": "Adam", "optimizer": {"kind": "adam", "lr": 0.001}}
WILD = {"name": "Wild", "optimizer": {"kind": "sgd", "lr": 1000.0}}
DIGITS = {
    "data": {"kind": "digits", "examples": 100},
    "model": {"kind": "mlp", "hidden": [8]},
    "loss": {"kind": "cross_entropy"},
}
BOWL = {"function": {"kind": "quadratic", "condition": 10.0, "start": [1.5, 1.0]}}
BATCH_NORM = {
    "data": {"kind": "digits", "examples": 60},
    "model": {"kind": "cnn", "channels": [3], "norm": "batch"},
    "loss": {"kind": "cross_entropy"},
}


def race(*lanes: dict[str, Any], **fields: Any) -> TrainRequest:
    """Make a request; SGD on a few digits where nothing else is said."""
    request = {"kind": "train", "problem": DIGITS, "steps": 20, "lanes": list(lanes or [SGD])} | fields
    return TrainRequest.model_validate_json(json.dumps(request))


def problem_of(request: TrainRequest) -> Problem:
    """Build what a race is about, on the CPU."""
    return build_problem(request.problem, getattr(torch, request.dtype), torch.device("cpu"))


def told(request: TrainRequest, ctx: Context | None = None, problem: Problem | None = None) -> list[AnyEvent]:
    """Run a race to its end; its events without the ticks."""
    work = TRAIN.run(problem or problem_of(request), request, ctx or Context(seed=request.seed))
    return [event for event in work if not isinstance(event, Tick)]


def ended(request: TrainRequest, ctx: Context) -> tuple[list[AnyEvent], str | None]:
    """Run a race to its end; its events, and the value that the generator ends with."""
    outcome: list[str | None] = []

    def run() -> Iterator[AnyEvent | Tick]:
        outcome.append((yield from TRAIN.run(problem_of(request), request, ctx)))

    return [event for event in run() if not isinstance(event, Tick)], outcome[0]


def of(kind: type[E], events: Sequence[AnyEvent], **fields: Any) -> list[E]:
    """The events of one kind, with these fields."""
    return [
        event
        for event in events
        if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
    ]


def column(events: Sequence[AnyEvent], lane: str, name: str = "loss", repeat: int = 0) -> NDArray[Any]:
    """A lane's column, whole."""
    return np.concatenate([getattr(chunk, name) for chunk in of(TrainChunk, events, lane=lane, repeat=repeat)])


@dataclass
class Kept:
    """A keeper that remembers all it was given, in order."""

    snapshots: dict[tuple[str, int], dict[int, Moment]] = field(default_factory=dict)
    checkpoints: list[LaneState] = field(default_factory=list)
    planes: list[str] = field(default_factory=list)

    def snapshot(self, lane: str, repeat: int, moment: Moment) -> None:
        self.snapshots.setdefault((lane, repeat), {})[moment.step] = moment

    def thin(self, lane: str, repeat: int, steps: Sequence[int]) -> None:
        kept = self.snapshots[lane, repeat]
        self.snapshots[lane, repeat] = {step: moment for step, moment in kept.items() if step in set(steps)}

    def checkpoint(self, state: LaneState) -> None:
        self.checkpoints.append(state)

    def plane(self, plane: str, origin: Moment, u_P: torch.Tensor, v_P: torch.Tensor, about: object = None) -> None:
        self.planes.append(plane)


class Script:
    """Control messages that come at given looks into the mailbox: ``{look: [message, …]}``, counted from 0."""

    def __init__(self, messages: dict[int, list[dict[str, Any]]]) -> None:
        self._messages, self.looks = messages, 0

    def __call__(self) -> Sequence[AnyControl]:
        found = self._messages.get(self.looks, [])
        self.looks += 1
        return [CONTROL.validate_python(message) for message in found]


def controlled(request: TrainRequest, messages: dict[int, list[dict[str, Any]]]) -> list[AnyEvent]:
    """Run a race that gets messages; while nothing is asked of it, one look is one step."""
    return told(request, Context(seed=request.seed, controls=Script(messages)))
