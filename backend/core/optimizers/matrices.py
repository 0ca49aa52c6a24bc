"""Rules that look at the shapes of the parameters: Muon, PSGD and SOAP, on views of the flat vector."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from backend.core.optimizers.provided import Provided
from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import LossAndGrad, Problem
from backend.schemas.optimizer.muon import MuonOptimizer
from backend.schemas.optimizer.psgd import PsgdOptimizer
from backend.schemas.optimizer.soap import SoapOptimizer


def is_matrix(shape: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape, its later dimensions made one, has rows and columns."""
    return len(shape) >= 2


def no_matrices(spec: MuonOptimizer | PsgdOptimizer | SoapOptimizer, problem: Problem) -> str | None:
    """Return None, or the sentence that says that there is no matrix among the parameters."""
    if any(is_matrix(shape) for _, shape in problem.layout.entries):
        return None
    there = ", ".join(f"{name} {list(shape)}" for name, shape in problem.layout.entries)
    return (
        f"{spec.title} acts on matrices, the weights of a network's layers, and this problem has none "
        f"(its parameters: {there}); take adamw, or train a network."
    )


class Muon:
    """torch's Muon for the matrices, AdamW for all else, each on its own views of the leaf."""

    def __init__(self, spec: MuonOptimizer, around: Surroundings) -> None:
        views = around.layout.parts(around.params_P.detach())
        self._matrix = [is_matrix(tuple(view.shape)) for view in views]
        self._sizes = around.layout.sizes
        self._share = spec.share
        matrices = [view.flatten(1) for view, matrix in zip(views, self._matrix, strict=True) if matrix]
        others = [view for view, matrix in zip(views, self._matrix, strict=True) if not matrix]
        muon = torch.optim.Muon(
            matrices,
            lr=spec.lr,
            weight_decay=spec.weight_decay,
            momentum=spec.momentum,
            nesterov=spec.nesterov,
            ns_steps=spec.iterations,
        )
        self._muon = Provided(matrices, muon)
        adamw = (
            torch.optim.AdamW(
                others, lr=spec.lr * spec.share, betas=(spec.beta1, spec.beta2), weight_decay=spec.weight_decay
            )
            if others
            else None
        )
        self._others = None if adamw is None else Provided(others, adamw)

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Evaluate once, then move the matrices and the rest."""
        loss, grad_P = loss_and_grad()
        parts = grad_P.split(self._sizes)
        self._muon.move(torch.cat([part for part, matrix in zip(parts, self._matrix, strict=True) if matrix]))
        if self._others is not None:
            self._others.move(torch.cat([part for part, matrix in zip(parts, self._matrix, strict=True) if not matrix]))
        return loss, grad_P

    def set(self, field: str, value: float) -> None:
        """Change a live field; AdamW's rate stays the same share of Muon's."""
        self._muon.set(field, value)
        if self._others is not None and field != "momentum":
            self._others.set(field, value * self._share if field == "lr" else value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return what both remember."""
        state = {f"muon.{name}": value for name, value in self._muon.state_dict().items()}
        if self._others is not None:
            state |= {f"adamw.{name}": value for name, value in self._others.state_dict().items()}
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give both their state back."""
        self._muon.load_state_dict(_below("muon.", state))
        if self._others is not None:
            self._others.load_state_dict(_below("adamw.", state))


def psgd(spec: PsgdOptimizer, around: Surroundings) -> Provided:
    """Build PSGD with Kronecker factors; what it draws comes from the lane's own stream."""
    from pytorch_optimizer import Kron

    views = around.layout.parts(around.params_P.detach())
    inner = Kron(
        views,
        lr=spec.lr,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay,
        pre_conditioner_update_probability=spec.update_share,
        max_size_triangular=spec.max_size,
        precondition_dtype=around.params_P.dtype,
    )
    return Provided(views, inner, around_step=lambda: drawn_from(around.generator))


def soap(spec: SoapOptimizer, around: Surroundings) -> Provided:
    """Build SOAP."""
    from pytorch_optimizer import SOAP

    views = around.layout.parts(around.params_P.detach())
    inner = SOAP(
        views,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        precondition_frequency=spec.every,
        max_precondition_dim=spec.max_size,
    )
    return Provided(views, inner)


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[None]:
    """Let torch's and numpy's global random streams be a lane's for a while; then they are as they were before.

    Yields:
        Nothing.
    """
    seed = int(torch.randint(2**31, (), generator=generator))
    of_numpy = np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
