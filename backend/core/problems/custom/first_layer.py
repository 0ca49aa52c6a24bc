"""The first layer of anybody's module, found by looking at what becomes of the inputs.

Shapes: N examples, C outputs, P parameters.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from backend.core.problems.batch_norm import BatchNorm, frozen
from backend.core.problems.custom.module import ModuleModel
from backend.core.problems.params import Layout

LINEAR: Final = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding)  # in their own weights and biases
ABOUT: Final = frozenset(("__get__", "size", "dim", "ndimension", "stride", "numel", "nelement", "__len__"))
SEVERAL: Final = 3  # examples that are looked at


class _Marked(Tensor):
    """Inputs whose traces are followed: whatever is computed from them is of this class too."""

    leaked = threading.local()  # whether one was read as a number, or written into another tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, and note what leaves no mark on its result."""
        found = super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]
        name = getattr(func, "__name__", "")
        read = not isinstance(found, Tensor | tuple) and name not in ABOUT
        in_place = name.endswith("_") and not name.endswith("__") and not isinstance(args[0], cls)
        if read or in_place or "out" in (kwargs or {}):
            cls.leaked.it = True
        return found


class _Caught(BaseException):
    """Ends a pass at the layer, with what came there; not an error that a module might expect."""

    def __init__(self, given: Tensor) -> None:
        self.given = given


class _Stop(nn.Module):
    """Stands in the layer's place and ends the pass."""

    def forward(self, given: Tensor) -> Tensor:
        raise _Caught(given)


class _Given(nn.Module):
    """Stands in the layer's place and returns what the layer made."""

    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.z = z

    def forward(self, _: Tensor) -> Tensor:
        return self.z


class LedModule:
    """A module in two parts, its first layer and the rest, with the layer's tensors in front; see ``Model``.

    Args:
        whole: the module.
        name: of the layer within it.
        example: an input [1, …]; only its shape and format matter.
    """

    def __init__(self, whole: ModuleModel, name: str, example: Tensor) -> None:
        self._whole, self._name, self._example = whole, name, torch.zeros_like(example)
        entries = whole.layout.entries
        mine = [i for i, (key, _) in enumerate(entries) if key.rpartition(".")[0] == name]
        self.order = (*mine, *(i for i in range(len(entries)) if i not in mine))
        self.layout, self.first_tensors = Layout(tuple(entries[i] for i in self.order)), len(mine)
        self.input_shape, self.buffer_layout = whole.input_shape, whole.buffer_layout
        self.units, self.activation, self.activated = whole.units, whole.activation, whole.activated
        self.writes = False  # whether the rest writes to what the layer made
        self._here = threading.local()

    def initial(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw the parameters [P], the layer's first, and no buffers."""
        params_P, buffers_B = self._whole.initial(generator)
        return self.sorted(params_P), buffers_B

    def sorted(self, vector_P: Tensor) -> Tensor:
        """Return a vector of the module's parameters [P] with the layer's first."""
        parts = self._whole.layout.parts(vector_P)
        return torch.cat([parts[i].reshape(-1) for i in self.order])

    def first(self, params: Sequence[Tensor], x: Tensor) -> Tensor:
        """Return what the layer makes of what comes to it."""
        module, layer = self._mine(_Stop())
        try:
            functional_call(module, self._whole.constants(params[0].dtype), (x,))
        except _Caught as caught:
            names = [key.rpartition(".")[2] for key, _ in self.layout.entries[: self.first_tensors]]
            z: Tensor = functional_call(layer, dict(zip(names, params, strict=True)), (caught.given,))
            return z
        raise RuntimeError(f"expected inputs to come to the layer {self._name}, and they did not")

    def rest(self, params: Sequence[Tensor], buffers: Sequence[Tensor], z: Tensor, batch_norm: BatchNorm) -> Tensor:
        """Return the outputs [N, C] from what the layer made, which is left as it is."""
        return self.after(params, z.clone() if self.writes else z, self._example.expand(len(z), *self.input_shape))

    def after(self, params: Sequence[Tensor], z: Tensor, x: Tensor) -> Tensor:
        """Return the outputs [N, C] from what the layer made; nothing of the inputs [N, …] should matter any more."""
        names = [key for key, _ in self.layout.entries[self.first_tensors :]]
        module, _ = self._mine(_Given(z))
        given = dict(zip(names, params, strict=True))
        try:
            out: Tensor = functional_call(module, {**self._whole.constants(z.dtype), **given}, (x,))
        finally:
            self._mine(_Stop())  # so that nothing keeps z
        return out

    def _mine(self, instead: nn.Module) -> tuple[nn.Module, nn.Module]:
        """Return this thread's copies of the module, with another in the layer's place, and of the layer."""
        found: tuple[nn.Module, nn.Module] | None = getattr(self._here, "found", None)
        if found is None:
            tensors = (*self._whole.module.parameters(), *self._whole.module.buffers())
            module = copy.deepcopy(self._whole.module, {id(each): each for each in tensors})
            found = self._here.found = module, module.get_submodule(self._name)
        above, _, own = self._name.rpartition(".")
        setattr(found[0].get_submodule(above), own, instead)
        return found


def led(model: ModuleModel, x: Tensor) -> LedModule | None:
    """Find the layer that all of the inputs goes through; it is looked for once.

    It is the first dense, convolution or embedding layer that is called, it is called once, its weights are trained and
    nobody else's, nothing before it has parameters, and what comes after it hangs on its outputs alone: inputs that are
    marked leave no mark on the module's outputs.

    Args:
        model: the module.
        x: some inputs.

    Returns:
        The module in two parts; None where there is no such layer.
    """
    if model.led is None:
        try:
            model.led = (_found(model, x[:SEVERAL]),)
        except Exception:  # whatever a module does when it is taken apart: then it stays whole
            model.led = (None,)
    return model.led[0]


@torch.no_grad()
def _found(model: ModuleModel, x: Tensor) -> LedModule | None:
    name = _candidate(model, x)
    if name is None:
        return None
    two = LedModule(model, name, x[:1])
    made = dict(model.module.named_parameters())
    made_P = torch.cat([made[key].detach().flatten() for key, _ in model.layout.entries])
    parts = two.layout.parts(two.sorted(made_P))
    head, tail = parts[: two.first_tensors], parts[two.first_tensors :]
    z = two.first(head, x)
    kept, version = z.clone(), z._version
    _Marked.leaked.it = False
    out = two.after(tail, z, x.as_subclass(_Marked))
    two.writes = z._version != version
    if isinstance(out, _Marked) or _Marked.leaked.it or len(kept) != len(x):
        return None
    # Examples lie along the first axis, and both ways give the same.
    alone = torch.allclose(two.first(head, x[:1]), kept[:1], rtol=1e-4, atol=1e-5)
    whole = model.rest(model.layout.parts(made_P), (), x, frozen)
    return two if alone and torch.allclose(two.rest(tail, (), kept, frozen), whole, rtol=1e-4, atol=1e-5) else None


def _candidate(model: ModuleModel, x: Tensor) -> str | None:
    """Return the name of the first layer that is called, if it may be taken apart from the rest."""
    module, called = copy.deepcopy(model.module), list[tuple[str, bool]]()

    def noting(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def note(_: nn.Module, given: tuple[Any, ...]) -> None:
            called.append((name, len(given) == 1 and isinstance(given[0], Tensor) and not given[0].requires_grad))

        return note

    layers = {name: each for name, each in module.named_modules() if name and type(each) in LINEAR}
    hooked = {name for name, each in layers.items() if each._forward_hooks or each._forward_pre_hooks}
    for name, each in layers.items():
        each.register_forward_pre_hook(noting(name))
    with torch.enable_grad():  # so that what hangs on parameters says so
        module(x)
    if not called or not called[0][1]:
        return None
    name = called[0][0]
    own = {id(each) for each in layers[name].parameters()}
    everywhere = [id(each) for _, each in module.named_parameters(remove_duplicate=False)]
    trained = {key for key, _ in model.layout.entries}
    fits = (
        name not in hooked
        and [key for key, _ in called].count(name) == 1
        and sum(each in own for each in everywhere) == len(own)
        and {f"{name}.{key}" for key, _ in layers[name].named_parameters()} <= trained
        and getattr(layers[name], "max_norm", None) is None
    )
    return name if fits else None
