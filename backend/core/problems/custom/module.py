"""Anybody's module as a pure function of its parameters.

Shapes: N examples, C outputs.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from backend.core.problems.batch_norm import BatchNorm
from backend.core.problems.params import Layout
from backend.core.problems.units import Units

if TYPE_CHECKING:
    from backend.core.problems.custom.first_layer import LedModule


class ModuleModel:
    """A module whose trainable parameters come as a vector; its buffers and frozen parameters stay as they were made.

    Attention is computed by its definition and not by a fused kernel: those cannot be differentiated twice, which
    every curvature needs. And a call puts the parameters into the module for its time, so each thread calls a copy.

    Args:
        make: makes the module, with fresh weights from torch's generator.
        input_shape: of one example.
        dtype: of its constants.
        device: where they live.
    """

    def __init__(
        self, make: Callable[[], nn.Module], input_shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> None:
        for fused in (torch.backends.cuda.enable_flash_sdp, torch.backends.cuda.enable_mem_efficient_sdp):
            fused(False)  # of this process, for good; on a CPU too
        torch.backends.cuda.enable_cudnn_sdp(False)
        self._make, self._here = make, threading.local()
        self.module = seeded(make, 0).to(device=device, dtype=dtype).train()
        self.input_shape, self.dtype = input_shape, dtype
        self.led: tuple[LedModule | None] | None = None  # its first layer apart from the rest, once it was looked for
        trained = {name: each for name, each in self.module.named_parameters() if each.requires_grad}
        self.layout = Layout(tuple((name, tuple(each.shape)) for name, each in trained.items()))
        self.buffer_layout = Layout(())
        self.first_tensors = 0
        self.units: tuple[Units, ...] = ()
        self.activation: Callable[[Tensor], Tensor] = torch.tanh  # of no hidden units that are known
        self.activated: tuple[int, ...] = ()
        self._constants = {
            name: each.detach()
            for name, each in (*self.module.named_parameters(), *self.module.named_buffers())
            if name not in trained and each.is_floating_point()
        }

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Make the module anew; its parameters [P], float64 on the CPU, and no buffers."""
        seed = int(torch.randint(2**31 - 1, (), generator=generator))
        made = dict(seeded(self._make, seed).named_parameters())
        flat = [made[name].detach().cpu().to(torch.float64).flatten() for name, _ in self.layout.entries]
        return torch.cat(flat), torch.empty(0, dtype=torch.float64)

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return the inputs; for its first layer, where it has one, see ``first_layer.led``."""
        return x

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] at inputs [N, …]."""
        # Copies and not views of the flat vector: what listens to layers by where their weights lie
        # (gradients/taps.py) must not take one for a layer that keeps the examples apart.
        given = {name: tensor.clone() for (name, _), tensor in zip(self.layout.entries, params, strict=True)}
        out: Tensor = functional_call(self._mine(), {**self.constants(params[0].dtype), **given}, (z,))
        return out

    def constants(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return the frozen parameters and buffers that have to be put into this number format."""
        return {name: each.to(dtype) for name, each in self._constants.items() if each.dtype != dtype}

    def _mine(self) -> nn.Module:
        """Return this thread's copy of the module; its tensors are shared."""
        found: nn.Module | None = getattr(self._here, "module", None)
        if found is None:
            tensors = (*self.module.parameters(), *self.module.buffers())
            found = self._here.module = copy.deepcopy(self.module, {id(each): each for each in tensors})
        return found


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a module from a seed; torch's own generator goes on afterwards as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
