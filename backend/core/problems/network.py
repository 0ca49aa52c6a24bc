"""Networks that fit data.

Shapes: N examples, P parameters in all, B buffer values in all, C outputs.
"""

from typing import Final

import torch
from torch import Tensor

from backend.core.problems.batch_norm import BatchNorm, Observer, frozen, of_batch, updating
from backend.core.problems.hidden import Listener
from backend.core.problems.losses import Criterion, Second
from backend.core.problems.model import Model, forward
from backend.core.problems.problem import BatchNormPolicy, Data, Solution, View
from backend.core.problems.splits import Examples, Splits
from backend.core.runtime.seeding import generator

REESTIMATION_BATCH: Final = 256  # most examples of one microbatch when BatchNorm's statistics are re-estimated


class NetworkProblem:
    """The mean loss of a network over a data set: L(θ) = (1/N) Σᵢ ℓ(f(xᵢ; θ), yᵢ), a whole split in one pass."""

    view: View | None = None
    solution: Solution | None = None

    def __init__(
        self,
        model: Model,
        criterion: Criterion,
        splits: Splits,
        classes: int | None,
        dtype: torch.dtype,
        device: torch.device,
        image: tuple[int, int, int] | None = None,
    ) -> None:
        self.image = image
        self.layout, self.buffer_layout = model.layout, model.buffer_layout
        self.dtype, self.device, self.classes = dtype, device, classes
        self.units, self.activated, self.activation = model.units, model.activated, model.activation
        self.model: Model | None = model
        self._model, self._criterion = model, criterion
        self._train = self._place(splits.train)
        self.train: Data | None = self._train
        self.test: Data | None = self._place(splits.test) if splits.test is not None else None

    def _place(self, examples: Examples) -> Data:
        # Rounded before it travels: not every device knows float64.
        # Whole numbers (classes, tokens) stay whole.
        x, y = (
            values.to(self.dtype) if values.is_floating_point() else values
            for values in (torch.from_numpy(examples.x_NF), torch.from_numpy(examples.y))
        )
        shape = (-1, *self._model.input_shape)
        inside = None if examples.inside_NF is None else torch.from_numpy(examples.inside_NF).to(self.device)
        return Data(
            x.to(self.device).reshape(shape), y.to(self.device), None if inside is None else inside.reshape(shape)
        )

    def params0(self, seed: int) -> tuple[Tensor, Tensor]:
        """Draw the initial point from the seed's stream ``init``: parameters [P] and buffers [B]."""
        params_P, buffers_B = self._model.initial(generator(seed, "init"))
        return params_P.to(self.dtype).to(self.device), buffers_B.to(self.dtype).to(self.device)

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Mean loss of a batch in training mode; the running statistics in ``buffers_B`` are updated in place."""
        return self._criterion.loss(self._forward(params_P, buffers_B, x, updating), y)

    def loss(
        self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: BatchNormPolicy = "frozen"
    ) -> Tensor:
        """Mean loss over a split (None: all training data); see :meth:`outputs` for the policies."""
        data = self._train if data is None else data
        return self._criterion.loss(self.outputs(params_P, buffers_B, data.x, batchnorm), data.y)

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        """The network's outputs [N, C] at inputs of any one split.

        BatchNorm normalises by

        - ``frozen``: the running statistics in ``buffers_B``;
        - ``batch``: the statistics of ``x`` itself, all of it one batch;
        - ``reestimated``: statistics of the training split at these parameters, the averages (weighted by examples)
          of the means and unbiased variances of microbatches of at most 256 in their fixed order. This is
          ``update_bn`` of dnn-mode-connectivity (Garipov et al. 2018), and with equal microbatches what
          ``torch.nn.BatchNorm2d`` with ``momentum=None`` accumulates in one epoch.

        Returns:
            The outputs; nothing is written to.
        """
        if batchnorm == "batch":
            return self._forward(params_P, buffers_B, x, of_batch)
        if batchnorm == "reestimated" and self.buffer_layout.entries:
            buffers_B = self._reestimated(params_P, buffers_B)
        return self._forward(params_P, buffers_B, x, frozen)

    def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean loss (1/N) Σᵢ ℓ(outputsᵢ, yᵢ) of outputs [N, C]."""
        return self._criterion.loss(outputs, y)

    def second(self, outputs: Tensor) -> Second:
        """The criterion's second derivatives at outputs [N, C], as the map v ↦ S·v of vectors [K, N, C]."""
        return self._criterion.second(outputs)

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss ℓ(outputsᵢ, yᵢ) of every example alone [N]."""
        return self._criterion.each(outputs, y)

    def slopes(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of every example alone [N], and its derivative by the example's outputs [N, C]; no graph is kept."""
        if self._criterion.slope is not None:
            with torch.no_grad():
                return self._criterion.slope(outputs, y)
        with torch.enable_grad():
            free_NC = outputs.detach().requires_grad_()
            each_N = self._criterion.each(free_NC, y)
            (slope_NC,) = torch.autograd.grad(each_N, free_NC, torch.ones_like(each_N))
        return each_N.detach(), slope_NC

    def accuracy(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> float | None:
        """Share of a split that is classified rightly; None for a regression."""
        return self.evaluate(params_P, buffers_B, data)[1]

    @torch.no_grad()
    def evaluate(
        self, params_P: Tensor, buffers_B: Tensor, data: Data, batchnorm: BatchNormPolicy = "frozen"
    ) -> tuple[float, float | None]:
        """Loss and accuracy of a split from one forward pass."""
        out_NC = self.outputs(params_P, buffers_B, data.x, batchnorm)
        return float(self._criterion.loss(out_NC, data.y)), self._criterion.accuracy(out_NC, data.y)

    @torch.no_grad()
    def hidden(self, params_P: Tensor, buffers_B: Tensor, x: Tensor) -> list[Tensor]:
        """Return what each group of units says at some inputs: [units, F], all its nonlinearities' values in a row."""
        with Listener(self.activation) as heard:
            self.outputs(params_P, buffers_B, x)
        values: list[list[Tensor]] = [[] for _ in self.units]
        for group, value in zip(self.activated, heard.values, strict=True):
            values[group].append(value.movedim(1, 0).flatten(1))
        return [torch.cat(parts, 1) for parts in values]

    def check_deterministic(self) -> str | None:
        """Return None: no model here has dropout, evaluation never updates BatchNorm, and the data's order is fixed."""
        return None

    def _forward(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batch_norm: BatchNorm) -> Tensor:
        params, buffers = self.layout.parts(params_P), self.buffer_layout.parts(buffers_B)
        return forward(self._model, params, buffers, x, batch_norm)

    def _reestimated(self, params_P: Tensor, buffers_B: Tensor) -> Tensor:
        x = self._train.x
        mean_B = torch.zeros_like(buffers_B)
        for part in microbatches(x):
            observer = Observer()
            self._forward(params_P, buffers_B, part, observer)
            mean_B = mean_B + observer.buffers() * (len(part) / len(x))
        return mean_B


def microbatches(x: Tensor) -> tuple[Tensor, ...]:
    """Return the training inputs in parts of at most 256 for BatchNorm's re-estimation.

    They are nearly equal: a last one of a single example would have no variance.
    """
    return torch.tensor_split(x, -(-len(x) // REESTIMATION_BATCH))
