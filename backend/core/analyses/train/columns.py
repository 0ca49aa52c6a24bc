"""A lane's rows, gathered until the next chunk is sent."""

from dataclasses import dataclass, field

import numpy as np

from backend.schemas.events import TrainChunk


@dataclass
class Columns:
    """Rows of one lane since its last chunk."""

    lane: str
    repeat: int
    dtype: str  # of the problem
    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)  # empty where there is none, as is the next
    preconditioned_threshold: list[float] = field(default_factory=list)

    def add(self, step: int, loss: float, grad_norm: float, lr: float, seconds: float, evaluations: float) -> None:
        """Append a row."""
        self.step.append(step)
        self.loss.append(loss)
        self.grad_norm.append(grad_norm)
        self.lr.append(lr)
        self.seconds.append(seconds)
        self.evaluations.append(evaluations)

    def add_thresholds(self, threshold: float | None, preconditioned: float | None) -> None:
        """Append to the row the edges of stability at its learning rate; a rule has one or none, always the same."""
        if threshold is not None:
            self.threshold.append(threshold)
        if preconditioned is not None:
            self.preconditioned_threshold.append(preconditioned)

    def take(self) -> TrainChunk:
        """Return all rows as a chunk, and begin anew."""
        chunk = TrainChunk(
            lane=self.lane,
            repeat=self.repeat,
            step=np.array(self.step, np.int32),
            loss=self._array(self.loss),
            grad_norm=self._array(self.grad_norm),
            lr=self._array(self.lr),
            seconds=self._array(self.seconds),
            evaluations=np.array(self.evaluations),
            threshold=self._array(self.threshold) if self.threshold else None,
            preconditioned_threshold=self._array(edges) if (edges := self.preconditioned_threshold) else None,
        )
        for column in (
            self.step, self.loss, self.grad_norm, self.lr, self.seconds, self.evaluations, self.threshold, edges,
        ):  # fmt: skip
            column.clear()
        return chunk

    def _array(self, values: list[float]) -> np.ndarray:
        with np.errstate(over="ignore"):  # a diverging loss may exceed float32: infinity is what it is then
            return np.array(values).astype(self.dtype)
