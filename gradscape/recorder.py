"""Sends what a training loop does to a running app: its losses, and its parameters from time to time.

The loop hands over and goes on: conversion and sending happen in a thread of their own, once a second. An app
that cannot be reached, or refuses, ends the recording with one warning; it never ends the training.
"""

import base64
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
from gradscape.pages import Pages

EVERY: Final = 1.0  # seconds between two messages; less where many snapshots wait. Each costs the app 10 ms and more
BEAT: Final = 20.0  # seconds of silence after which the app is told that the loop is alive
DENSE: Final = 64  # snapshots until they are taken half as often
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
        self._lane, self._every, self._steps, self._kept = lane, max(1, every), 0, 0
        self._rows: deque[tuple[int, Any, Any, float, float]] = deque()  # filled by the loop, emptied by the thread
        self._wake, self._over, self._broken = threading.Event(), threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="gradscape-recorder", daemon=True)
        self._named = threading.Event()
        self._id: str | None = None
        self._began, self._said, self._status = 0.0, 0.0, "succeeded"

    @property
    def run(self) -> str | None:
        """Its id, for which the app's first answer is waited for; None before it begins, and where the app refuses."""
        if self._began:
            self._named.wait()
        return self._id

    @property
    def address(self) -> str:
        """Where to look at it."""
        return f"{self._client.url}/?runs={self.run or ''}"

    def start(self) -> Self:
        """Begin: the run appears in the app, with the parameters as they are now."""
        self._began = self._said = time.perf_counter()
        self._pages = Pages(self._tensors)  # now, as the model may have been moved to its device meanwhile
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
        if self._broken or not self._began:
            return
        seconds = time.perf_counter() - self._began
        self._rows.append((self._steps, _handed_over(loss), _handed_over(grad_norm), lr, seconds))
        if self._steps % self._every == 0:
            self._keep()

    def finish(self, status: str = "succeeded") -> None:
        """End: send what is left, and the last parameters.

        Args:
            status: how the loop ended: succeeded, failed or cancelled.
        """
        if self._over.is_set() or not self._began:
            return
        if not self._broken and self._steps % self._every:
            self._keep()
        self._status = status
        self._over.set()
        self._wake.set()
        self._thread.join(LAST)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.finish("succeeded" if kind is None else "cancelled" if stopped else "failed")

    def _keep(self) -> None:
        try:
            if not self._pages.put(self._steps):
                return
        except RuntimeError as error:  # the model has changed its form
            self._give_up(error)
            return
        self._kept += 1
        if self._pages.half_full:
            self._wake.set()
        if self._kept % DENSE == 0:
            self._every *= 2

    def _work(self) -> None:
        self._try(self._begin)
        self._named.set()
        while not self._broken:
            self._wake.wait(EVERY)
            self._wake.clear()
            over = self._over.is_set()
            self._try(self._send_last if over else self._send)
            if over:
                return

    def _begin(self) -> None:
        self._id = self._client.ask("POST", "/api/recordings", self._request)["id"]

    def _send(self) -> None:
        events = self._chunks()
        self._send_snapshots()
        if events or time.perf_counter() - self._said > BEAT:  # without any: a long step, or a debugger
            self._tell(events)

    def _send_last(self) -> None:
        events = {"events": self._chunks()}
        self._send_snapshots()
        self._client.ask("POST", f"/api/recordings/{self._id}/finish", events, status=self._status)

    def _send_snapshots(self) -> None:
        steps, raw = self._pages.take()
        if steps:
            listed = ",".join(map(str, steps))
            self._client.ask("POST", f"/api/recordings/{self._id}/snapshots", raw, steps=listed)
            self._said = time.perf_counter()

    def _chunks(self) -> list[dict[str, Any]]:
        """Return the rows since the last call, as the API takes them."""
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        if rows:
            step_n, loss_n, grad_n, lr_n, seconds_n = zip(*rows, strict=True)
            chunk = {
                "kind": "train_chunk", "lane": self._lane, "step": _column(step_n, "int32"), "loss": _column(loss_n),
                "grad_norm": _column(grad_n), "lr": _column(lr_n), "seconds": _column(seconds_n),
            }  # fmt: skip
            return [chunk]
        return []

    def _tell(self, events: list[Any]) -> None:
        self._client.ask("POST", f"/api/recordings/{self._id}/events", {"events": events})
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


def _handed_over(value: Any) -> Any:
    """Return a value as the thread may read it later: a number, or a tensor whose number is not there yet."""
    if not isinstance(value, torch.Tensor):
        return value
    return value.item() if value.is_cpu and value.numel() == 1 else value.detach()


def _column(values: Sequence[Any], dtype: str = "float32") -> dict[str, Any]:
    """Write numbers, or tensors of one number, as the API's arrays are written."""
    array = _numbers(values).astype(f"<{np.dtype(dtype).str[1:]}")
    return {"shape": list(array.shape), "dtype": dtype, "base64": base64.b64encode(array.tobytes()).decode()}


def _numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Read numbers and tensors: those of a device in one go, as each by itself would take its turn with the loop."""
    if not any(isinstance(value, torch.Tensor) for value in values):
        return np.fromiter(values, np.float64, len(values))
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
