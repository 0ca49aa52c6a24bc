"""A Lightning callback that records a fit: put ``Recorded(problem="mine")`` among the Trainer's callbacks.

The Trainer wants a ``Callback``; where lightning (or pytorch_lightning) is installed this is one.
"""

import contextlib
from typing import Any

from gradscape import Recorder

Base: type = object
with contextlib.suppress(ImportError):
    from pytorch_lightning import Callback as Base  # type: ignore[import-not-found,no-redef,unused-ignore]
with contextlib.suppress(ImportError):
    from lightning.pytorch import Callback as Base  # type: ignore[import-not-found,no-redef,unused-ignore]


class Recorded(Base):  # type: ignore[misc,unused-ignore]
    """Begins with the fit, tells of every batch, and ends with it.

    Args:
        model: name of the module's attribute that holds the network; empty for the module itself.
        recorder: what ``gradscape.Recorder`` takes besides.
    """

    def __init__(self, model: str = "", **recorder: Any) -> None:
        self._model, self._given = model, recorder
        self.record: Recorder | None = None

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        """Begin."""
        steps = max(1, int(trainer.estimated_stepping_batches))
        self.record = Recorder(
            getattr(module, self._model) if self._model else module, **{"steps": steps, **self._given}
        ).start()

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Tell of an update; with accumulated gradients only the batches that end in one count."""
        if self.record is None or (batch_idx + 1) % getattr(trainer, "accumulate_grad_batches", 1):
            return
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        rates = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self.record.step(loss, lr=float(rates[0]) if rates else float("nan"))

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        """End."""
        if self.record is not None:
            self.record.finish()

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        """End, as what it was."""
        if self.record is not None:
            self.record.finish("cancelled" if isinstance(exception, KeyboardInterrupt) else "failed")
