"""A callback of transformers: put ``Recorded(problem="mine")`` among the Trainer's callbacks, to record a training.

Give the Trainer ``logging_steps=1``: it tells of its losses only when it logs. The Trainer wants a ``TrainerCallback``;
where transformers is installed this is one.
"""

from typing import Any

from gradscape import Recorder

try:
    from transformers import TrainerCallback as Base  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    Base = object


class Recorded(Base):  # type: ignore[misc,unused-ignore]
    """Begins with the training, tells of every logged step, and ends with it.

    Args:
        recorder: what ``gradscape.Recorder`` takes besides the model.
    """

    def __init__(self, **recorder: Any) -> None:
        self._given = recorder
        self.record: Recorder | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Begin."""
        self.record = Recorder(model, **{"steps": max(1, state.max_steps), **self._given}).start()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Tell of a step; the last log, of the whole training, has no loss of a step."""
        if self.record is not None and logs and "loss" in logs:
            rate, norm = logs.get("learning_rate", float("nan")), logs.get("grad_norm", float("nan"))
            self.record.step(logs["loss"], lr=rate, grad_norm=norm)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End."""
        if self.record is not None:
            self.record.finish()
