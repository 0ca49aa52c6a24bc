"""A network's losses at points of a span, one block of examples after the other.

The first layer is linear in its parameters, so that on a block x it is applied once to the origin and to each
direction, and what it makes at any point follows without the data: (W + aD₁ + bD₂)x = Wx + a·D₁x + b·D₂x.

Shapes: n examples of a block, K points, D directions, P parameters after the first layer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import local
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from backend.core.geometry.evaluate.arithmetic import Arithmetic, computing_in
from backend.core.geometry.evaluate.sample import Sample
from backend.core.geometry.evaluate.span import Span, combined
from backend.core.problems.batch_norm import BatchNorm, Observer, frozen, of_batch
from backend.core.problems.chain import Chain
from backend.core.problems.custom.first_layer import led
from backend.core.problems.custom.module import ModuleModel
from backend.core.problems.mlp import Mlp
from backend.core.problems.model import Model
from backend.core.problems.network import microbatches
from backend.core.problems.params import Layout
from backend.core.problems.problem import Data, Problem

ELEMENT: Final = 20  # products that a value of the first layer costs: it is added up, activated and written
KEPT: Final = 1 << 28  # bytes of first layers that are kept from one call to the next


class _Row(NamedTuple):
    """Where the points of a row have got to before their last summand."""

    coefficients: tuple[float, ...]
    z: Tensor
    tail_P: Tensor


@dataclass(frozen=True, eq=False)
class Block:
    """Some examples, and what the first layer makes of them at the origin and along each direction.

    With statistics to be re-estimated the first layers are those of the whole training split, of which ``y`` belongs
    to the front.
    """

    blocks: "Blocks"
    origin: Tensor
    directions: tuple[Tensor, ...]
    y: Tensor

    @torch.no_grad()
    def losses(self, points: Sequence[Sequence[float]], together: int = 1) -> Tensor:
        """Evaluate the examples' losses at some points.

        Args:
            points: coefficients [K, D].
            together: how many of them under one vmap; 1 is a plain loop.

        Returns:
            The losses [K, n].
        """
        if together > 1:
            columns_KD = torch.tensor(points, dtype=self.blocks.dtype, device=self.y.device)
            return torch.cat([self.together(columns_kD) for columns_kD in columns_KD.split(together)])
        found: list[Tensor] = []
        row: _Row | None = None
        chain = self.blocks.chain(self.origin) if self.directions else None
        with computing_in(self.blocks.arithmetic):
            for point in points:
                row, z, tail_P = self._place(tuple(point), row, chain)
                if chain is None:
                    found.append(self._alone(z, tail_P))
                else:
                    found.append(self.blocks.problem.each(chain.outputs(), self.y))
        return torch.stack(found)

    def _alone(self, z: Tensor, tail_P: Tensor) -> Tensor:
        """The losses [n] where the first layer makes z of the block and the other parameters [P] are these."""
        blocks = self.blocks
        params = blocks.layout.parts(tail_P)
        buffers = self._reestimated(params, z) if blocks.reestimated else blocks.buffers
        return blocks.losses(params, buffers, z[: len(self.y)], self.y)

    @torch.no_grad()
    def together(self, coefficients_KD: Tensor) -> Tensor:
        """Evaluate the examples' losses [K, n] at K points under one vmap; not with re-estimated statistics."""
        blocks = self.blocks
        z_Kn, params_KP = self.origin.unsqueeze(0), blocks.tail.origin_P.unsqueeze(0)
        with computing_in(blocks.arithmetic):
            for column_K, direction_P in zip(coefficients_KD.unbind(1), blocks.tail.directions, strict=True):
                params_KP = params_KP + direction_P * column_K[:, None]
            for column_K, z in zip(
                coefficients_KD.unbind(1), self.directions, strict=False
            ):  # none without such a layer
                z_Kn = z_Kn + z * column_K.view(-1, *(1 for _ in z.shape))
            # The same first layer for all points where there is none that changes.
            z_in = 0 if len(z_Kn) == len(params_KP) else None
            z_Kn = z_Kn if z_in == 0 else z_Kn[0]

            def alone(params_P: Tensor, z: Tensor) -> Tensor:
                return blocks.losses(blocks.layout.parts(params_P), blocks.buffers, z, self.y)

            losses_Kn: Tensor = vmap(alone, in_dims=(0, z_in))(params_KP, z_Kn)
            return losses_Kn

    def _place(
        self, coefficients: tuple[float, ...], row: _Row | None, chain: Chain | None
    ) -> tuple[_Row | None, Tensor, Tensor]:
        """Go to a point, in a chain's memory if there is one; points of a row share all but the last summand.

        Returns:
            The row, what the first layer makes of the block there, and the other parameters [P].
        """
        tail, shared = self.blocks.tail, coefficients[:-1]
        if not coefficients:
            return None, self.origin, tail.origin_P
        if row is None or row.coefficients != shared:
            spare = None if chain is None else chain.spare
            z = combined(self.origin, self.directions[:-1], shared, spare) if self.directions else self.origin
            row = _Row(shared, z, combined(tail.origin_P, tail.directions[:-1], shared))
        last = coefficients[-1]
        z_to, tail_to = (None, None) if chain is None else (chain.z, chain.params_P)
        z = torch.add(row.z, self.directions[-1], alpha=last, out=z_to) if self.directions else row.z
        return row, z, torch.add(row.tail_P, tail.directions[-1], alpha=last, out=tail_to)

    def _reestimated(self, params: Sequence[Tensor], z: Tensor) -> list[Tensor]:
        blocks, mean_B = self.blocks, None
        for part in microbatches(z):
            observer = Observer()
            blocks.model.rest(params, blocks.buffers, part, observer)
            share_B = observer.buffers() * (len(part) / len(z))
            mean_B = share_B if mean_B is None else mean_B + share_B
        return blocks.buffers if mean_B is None else blocks.problem.buffer_layout.parts(mean_B)


class Blocks:
    """The blocks of a sample, and how a network is evaluated on them."""

    def __init__(self, where: Sample, model: Model, data: Data, span: Span, arithmetic: Arithmetic) -> None:
        self.problem: Problem = where.problem
        two = led(model, data.x) if isinstance(model, ModuleModel) else None
        if two is not None:
            model = two
            span = Span(two.sorted(span.origin_P), span.buffers_B, tuple(two.sorted(d_P) for d_P in span.directions))
        self.model, self.arithmetic = model, arithmetic
        self.dtype = torch.float64 if arithmetic == "float64" else where.problem.dtype
        self.reestimated = where.mixed and where.batchnorm == "reestimated"
        entries, first = model.layout.entries, model.first_tensors
        head = Layout(entries[:first])
        span = span if span.origin_P.dtype == self.dtype else span.to(self.dtype)
        self._heads = [head.parts(each_P[: head.size]) for each_P in (span.origin_P, *span.directions)]
        self.layout, self.tail = Layout(entries[first:]), span.after(head.size)
        self.buffers = where.problem.buffer_layout.parts(span.buffers_B)
        self._batch_norm: BatchNorm = of_batch if where.mixed and where.batchnorm == "batch" else frozen
        self._data = data
        whole = where.problem.train
        self._inputs = whole.x if self.reestimated and whole is not None else data.x
        self._kept: dict[tuple[int, int], Block] = {}
        self._own = local()  # each thread's memory
        example = self._first(self._heads[0], self._inputs[:1])
        self.shape = tuple(example.shape[1:])
        self.bytes = example.nbytes * len(self._inputs) * (len(self._heads) if first else 1)

    @property
    def products(self) -> int:
        """About how many products an example takes at a point: a weight's for every pixel, and what is elementwise."""
        pixels = math.prod(self.shape[1:])
        return self.tail.origin_P.numel() * pixels + ELEMENT * math.prod(self.shape)

    def open(self, start: int, stop: int, keep: bool = True) -> Block:
        """Return the block of some examples; all of them, where statistics are re-estimated."""
        key = (start, stop)
        block = self._kept.get(key)
        if block is None:
            rows = slice(None) if self.reestimated else slice(start, stop)
            x, y = self._inputs[rows], self._data.y[start:stop]
            origin = self._first(self._heads[0], x)
            # Without a first layer that depends on the parameters, there is nothing to add along the directions.
            moving = self._heads[1:] if self.model.first_tensors else ()
            block = Block(self, origin, tuple(self._first(head, x) for head in moving), y.to(self._real(y)))
            if keep and self.bytes <= KEPT:
                self._kept[key] = block
        return block

    @property
    def in_place(self) -> bool:
        """Whether the layers after the first are a dense chain, which is evaluated in memory that is used again."""
        return isinstance(self.model, Mlp) and self.problem.device.type == "cpu"

    def chain(self, z: Tensor) -> Chain | None:
        """Return a dense chain in this thread's memory, for first layers like these; None for any other network."""
        if not isinstance(self.model, Mlp) or not self.in_place:
            return None
        chain: Chain | None = getattr(self._own, "chain", None)
        if chain is None or len(chain.z) != len(z):
            chain = self._own.chain = Chain(self.model, z)
        return chain

    def losses(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, y: Tensor) -> Tensor:
        """Return the examples' losses [n] from what the first layer made of them."""
        out = self.model.rest(params, buffers, z, self._batch_norm)
        return self.problem.each(out.to(self.dtype), y)

    @torch.no_grad()
    def _first(self, tensors: Sequence[Tensor], x: Tensor) -> Tensor:
        with computing_in(self.arithmetic):
            return self.model.first(tensors, x.to(self._real(x)))

    def _real(self, values: Tensor) -> torch.dtype:
        return self.dtype if values.is_floating_point() else values.dtype
