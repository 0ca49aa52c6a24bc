"""Sends what a training loop does to a running app: its losses, and its parameters from time to time.

The loop hands over and goes on: conversion and sending happen in a thread of their own, twice a second. An app
that cannot be reached, or refuses, ends the recording with one warning; it never ends the training.
"""

import base64
import queue
import threading
import time
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from gradscape.client import Client, Refused

EVERY: Final = 0.5  # seconds between two messages; less where many snapshots wait
BEAT: Final = 20.0  # seconds of silence after which the app is told that the loop is alive
DENSE: Final = 64  # snapshots until they are taken half as often
WAITING: Final = 64  # snapshots that wait at most, further ones are left out; half as many are sent at once
LARGEST: Final = 16 << 20  # bytes of one message, as long as a snapshot is not larger itself
LAST: Final = 60.0  # seconds that the end waits for what is still to be sent


class Recorder:
    """Records a loop; a context manager, so that the run ends with the loop.

    ::

        with Recorder(model, problem="mine", steps=1000) as record:
            for x, y in batches:
                loss = step(model, x, y)
                record.step(loss)

    Args:
        model: whose trainable parameters are kept, in their order.
        name: what the run is called.
        problem: name of a problem of the app's own file that has these parameters, or a whole problem as a request
            holds it; None: curves and the path alone.
        parameters: settings of that problem.
        steps: updates that are planned, for the progress.
        every: updates between two snapshots, at first; twice as many whenever 64 have been taken.
        lane: what its curve is called.
        optimizer: the update rule as a request holds it, as ``{"kind": "adam", "lr": 0.001}``.
        client: the way to the app; by default the one on this machine.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        name: str = "",
        *,
        problem: str | Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        steps: int = 1000,
        every: int = 1,
        lane: str = "mine",
        optimizer: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> None:
        self._tensors = [each for each in model.parameters() if each.requires_grad]
        self._client = client or Client()
        if isinstance(problem, str):
            problem = {"custom": {"name": problem, "parameters": dict(parameters or {})}}
        self._request: dict[str, Any] = {
            "name": name, "lane": lane, "steps": steps, "parameters": sum(each.numel() for each in self._tensors),
            "problem": None if problem is None else dict(problem),
        }  # fmt: skip
        if optimizer is not None:
            self._request["optimizer"] = dict(optimizer)
        self.run: str | None = None  # its id, once it has begun
        self._lane, self._every, self._steps, self._kept = lane, max(1, every), 0, 0
        self._rows: deque[tuple[int, Any, Any, float, float]] = deque()  # filled by the loop, emptied by the thread
        self._snapshots: queue.SimpleQueue[tuple[int, torch.Tensor]] = queue.SimpleQueue()
        self._wake, self._over, self._broken = threading.Event(), threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="gradscape-recorder", daemon=True)
        self._began, self._said = 0.0, 0.0

    @property
    def address(self) -> str:
        """Where to look at it."""
        return f"{self._client.url}/?runs={self.run or ''}"

    def start(self) -> Self:
        """Begin: the run appears in the app, with the parameters as they are now."""
        try:
            self.run = self._client.ask("POST", "/api/recordings", self._request)["id"]
        except Exception as error:
            self._give_up(error)
            return self
        self._began = self._said = time.perf_counter()
        self._keep()
        self._thread.start()
        return self

    def step(self, loss: Any, *, lr: float = float("nan"), grad_norm: Any = float("nan")) -> None:
        """Tell of an update that has been made; call it once after each.

        Args:
            loss: the batch's, before the update: a number, or a tensor of one, which is not waited for.
            lr: the learning rate.
            grad_norm: the gradient's length, a number or a tensor.
        """
        self._steps += 1
        if self._broken:
            return
        if isinstance(loss, torch.Tensor):
            loss = loss.detach()
        if isinstance(grad_norm, torch.Tensor):
            grad_norm = grad_norm.detach()
        self._rows.append((self._steps, loss, grad_norm, lr, time.perf_counter() - self._began))
        if self._steps % self._every == 0:
            self._keep()

    def finish(self, status: str = "succeeded") -> None:
        """End: send what is left, and the last parameters.

        Args:
            status: how the loop ended: succeeded, failed or cancelled.
        """
        if self._over.is_set() or self.run is None:
            return
        if not self._broken and self._steps % self._every:
            self._keep()
        self._over.set()
        self._wake.set()
        self._thread.join(LAST)
        if not self._broken:
            self._try(lambda: self._client.ask("POST", f"/api/recordings/{self.run}/finish", status=status))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.finish("succeeded" if kind is None else "cancelled" if stopped else "failed")

    def _keep(self) -> None:
        if self._snapshots.qsize() >= WAITING:
            return
        with torch.no_grad():
            flat_P = torch.cat([each.detach().reshape(-1) for each in self._tensors])
        self._snapshots.put((self._steps, flat_P))
        self._kept += 1
        if self._snapshots.qsize() >= WAITING // 2:
            self._wake.set()
        if self._kept % DENSE == 0:
            self._every *= 2

    def _work(self) -> None:
        while not self._broken:
            self._wake.wait(EVERY)
            self._wake.clear()
            over = self._over.is_set()
            self._try(self._send)
            if over:
                return

    def _send(self) -> None:
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        while not self._snapshots.empty():
            steps: list[str] = []
            parts: list[memoryview] = []
            size = 0
            while not self._snapshots.empty() and size < LARGEST:
                step, flat_P = self._snapshots.get()
                steps.append(str(step))
                parts.append(flat_P.to("cpu", torch.float32).numpy().astype("<f4", copy=False).data)
                size += parts[-1].nbytes
            self._client.ask("POST", f"/api/recordings/{self.run}/snapshots", b"".join(parts), steps=",".join(steps))
            self._said = time.perf_counter()
        if rows:
            step_n, loss_n, grad_n, lr_n, seconds_n = zip(*rows, strict=True)
            chunk = {
                "kind": "train_chunk", "lane": self._lane, "step": _column(step_n, "int32"), "loss": _column(loss_n),
                "grad_norm": _column(grad_n), "lr": _column(lr_n), "seconds": _column(seconds_n),
            }  # fmt: skip
            self._tell([chunk])
        elif time.perf_counter() - self._said > BEAT:  # a long step, or a debugger
            self._tell([])

    def _tell(self, events: list[Any]) -> None:
        self._client.ask("POST", f"/api/recordings/{self.run}/events", {"events": events})
        self._said = time.perf_counter()

    def _try(self, act: Any) -> None:
        try:
            act()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Say once why the recording ends here."""
        self._broken = True
        said = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
        warnings.warn(f"Gradscape records no further: {said}", RuntimeWarning, stacklevel=2)


def _column(values: Sequence[Any], dtype: str = "float32") -> dict[str, Any]:
    """Write numbers, or tensors of one number, as the API's arrays are written."""
    array = _numbers(values).astype(f"<{np.dtype(dtype).str[1:]}")
    return {"shape": list(array.shape), "dtype": dtype, "base64": base64.b64encode(array.tobytes()).decode()}


def _numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Read numbers and tensors: those of a device in one go, as each by itself would take its turn with the loop."""
    found_n = np.empty(len(values))
    there: dict[torch.device, list[int]] = {}
    for i, value in enumerate(values):
        if isinstance(value, torch.Tensor):
            there.setdefault(value.device, []).append(i)
        else:
            found_n[i] = value
    for places in there.values():
        tensors = [values[i] if values[i].ndim == 0 else values[i].reshape(()) for i in places]
        found_n[places] = torch.stack(tensors).tolist()
    return found_n
