"""Products through a retained gradient graph, averaged over microbatches by their examples.

Shapes: P parameters, K vectors at once, N examples.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import torch
from torch import Tensor

from backend.core.curvature.operator import require_finite
from backend.core.problems.problem import Data

GRAPH_MB: Final = 1024  # default budget of a retained graph
BATCHED_WORK: Final = 2e6  # examples · parameters below which a block of vectors goes through the graph at once
BATCHED_FROM: Final = 3  # vectors in such a block at least
SAMPLE: Final = 4  # examples of the graphs that are measured: this many, and twice as many


class Stage(NamedTuple):
    """A linear map kept as a graph: v ↦ (∂outputs/∂inputs)ᵀ·v, one pass backward."""

    outputs: Tensor
    inputs: Tensor

    def one(self, v: Tensor) -> Tensor:
        """Apply to one vector, of the shape of ``outputs``."""
        if not self.outputs.requires_grad:  # a constant: its derivative is zero
            return torch.zeros_like(self.inputs)
        (found,) = torch.autograd.grad(self.outputs, self.inputs, v, retain_graph=True, materialize_grads=True)
        return found

    def block(self, V: Tensor) -> Tensor:
        """Apply to K vectors at once, along a batch axis in front."""
        if not self.outputs.requires_grad:
            return self.inputs.new_zeros(len(V), *self.inputs.shape)
        (found,) = torch.autograd.grad(
            self.outputs, self.inputs, V, retain_graph=True, materialize_grads=True, is_grads_batched=True
        )
        return found


class Kept(Protocol):
    """What is kept of the loss at a point so that products can be made."""

    @property
    def bytes(self) -> int:
        """Memory that autograd does not know of."""
        ...

    @property
    def gradient_P(self) -> Tensor | None:
        """∇L there, where it comes along."""
        ...

    def through(self, V_KP: Tensor, batched: bool) -> Tensor:
        """Return the products of K vectors [K, P], all at once or one after the other."""
        ...


@dataclass(frozen=True, eq=False)
class Graph:
    """Linear maps applied from first to last."""

    stages: tuple[Stage, ...]
    gradient_P: Tensor | None = None

    @property
    def bytes(self) -> int:
        """None: all of it is autograd's."""
        return 0

    def through(self, V_KP: Tensor, batched: bool) -> Tensor:
        """Return the products of K vectors [K, P], all at once where they are 3 or more, or one after the other."""
        if batched and len(V_KP) >= BATCHED_FROM:
            for stage in self.stages:
                V_KP = stage.block(V_KP)
            return V_KP
        rows = []
        for v in V_KP:
            for stage in self.stages:
                v = stage.one(v)
            rows.append(v)
        return torch.stack(rows)


Build = Callable[[Data | None], Kept]  # of these examples' mean; None for a function


@dataclass(frozen=True, eq=False)
class Plan:
    """How products are made: microbatches with their shares of the examples, and whether their graph is retained."""

    parts: tuple[tuple[Data | None, float], ...]
    retained: bool
    batched: bool


class GraphOperator:
    """A = Σ_b (n_b/N)·A_b over microbatches b of n_b examples, exact for ragged ones.

    One microbatch whose graph fits the memory is built once and retained; otherwise each microbatch's graph is built
    anew for every block of vectors, used and freed.

    Measured on two cores, digits nets of 3,466 and 26,122 parameters, 1,700 examples, in gradients: a product through
    the retained graph costs 1.6–2.1, building the graph 1.1–1.3, forward-over-reverse 4.5–5.6, reverse-over-forward
    3.6–4.5. So building the graph again for each block is cheaper than forward-over-reverse, from K = 1 on; and that
    needs more memory, not less: 1.8, 1.8 and 1.5 times a rebuilt graph's peak (an MLP 512-512-512, two convolutions,
    the same with GroupNorm), in 1.1, 0.9 and 1.3 of its time. K vectors
    at once through ``is_grads_batched`` are faster only where calls cost more than arithmetic: K ≥ 3 and examples ·
    parameters below 2·10⁶ (up to 3.4 times at 701 parameters and 20 examples; 0.5–0.9 times as fast above).
    """

    def __init__(self, build: Build, plan: Plan, params_P: Tensor) -> None:
        self.size, self.dtype, self.device = params_P.numel(), params_P.dtype, params_P.device
        self.plan = plan
        self._build = build
        self._kept = build(plan.parts[0][0]) if plan.retained else None

    @property
    def gradient_P(self) -> Tensor | None:
        """∇L, where it comes along: with a retained graph of H."""
        return None if self._kept is None else self._kept.gradient_P

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return A·v for each row; see the class for the cost.

        Raises:
            NotFiniteCurvature: where a product is not finite.
        """
        if self._kept is not None:
            return require_finite(self._kept.through(V_KP, self.plan.batched))
        product_KP = torch.zeros_like(V_KP)
        for part, share in self.plan.parts:
            product_KP += share * self._build(part).through(V_KP, self.plan.batched)
        return require_finite(product_KP)


def make_plan(build: Build, data: Data | None, params_P: Tensor, microbatch: int | None, graph_mb: float) -> Plan:
    """Choose how products are made, by measuring graphs of 4 and 8 examples.

    A graph's bytes are a + b·n for n examples (what autograd saves, each storage once). All N examples are one
    retained graph where that stays within ``graph_mb``; otherwise microbatches as large as fit, at least one example.

    Args:
        build: makes the graph of some examples.
        data: all examples; None for a function.
        params_P: θ, for its size, number format and device.
        microbatch: so many examples a microbatch (None: as many as fit).
        graph_mb: memory of a graph, in megabytes.

    Returns:
        The plan.

    Raises:
        ValueError: where ``microbatch`` is below 1.
    """
    if microbatch is not None and microbatch < 1:
        raise ValueError(f"expected a microbatch of 1 example or more, got {microbatch}")
    examples = 1 if data is None else len(data)
    most = examples if microbatch is None else microbatch
    if data is not None and microbatch is None and examples > 2 * SAMPLE:
        small, large = (graph_bytes(build, front(data, n)) for n in (SAMPLE, 2 * SAMPLE))
        each = max((large - small) / SAMPLE, 1.0)
        most = max(1, math.floor((graph_mb * 1e6 - max(small - SAMPLE * each, 0.0)) / each))
    parts = ((data, 1.0),) if data is None else split(data, most)
    work = params_P.numel() * examples / len(parts)
    trial = data if data is None else front(data, 2)
    return Plan(parts, retained=len(parts) == 1, batched=work < BATCHED_WORK and batches(build(trial), params_P))


def split(data: Data, most: int) -> tuple[tuple[Data, float], ...]:
    """Cut examples into microbatches of at most so many, the last one ragged, each with its share of all."""
    starts = range(0, len(data), most)
    cut = [Data(data.x[at : at + most], data.y[at : at + most]) for at in starts]
    return tuple((part, len(part) / len(data)) for part in cut)


def front(data: Data, count: int) -> Data:
    """Return the first examples."""
    return Data(data.x[:count], data.y[:count])


def graph_bytes(build: Build, data: Data | None) -> int:
    """Return the bytes that are kept for some examples; what autograd saves counts each storage once."""
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # the tensor itself would tie a knot that is never freed

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        more = build(data).bytes
    return sum(saved.values()) + more


def batches(kept: Kept, params_P: Tensor) -> bool:
    """Whether a block of vectors may go through at once, with the same result.

    Not every operation can be batched so: the double backward of GroupNorm raises, others fall back to a loop with a
    warning. A trial says so.

    Returns:
        True where the trial gives what one vector after the other gives.
    """
    count = BATCHED_FROM * params_P.numel()
    V_KP = torch.linspace(-1, 1, count, dtype=params_P.dtype, device=params_P.device).view(BATCHED_FROM, -1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            at_once_KP = kept.through(V_KP, batched=True)
    except (RuntimeError, UserWarning):
        return False
    one_by_one_KP = kept.through(V_KP, batched=False)
    tolerance = math.sqrt(torch.finfo(params_P.dtype).eps)
    return bool(torch.allclose(at_once_KP, one_by_one_KP, rtol=tolerance, atol=tolerance, equal_nan=True))
