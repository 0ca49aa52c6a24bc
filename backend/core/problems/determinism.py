"""Whether a loss is the same function each time it is asked, and if not, because of which layer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from backend.core.problems.params import Layout

ROUNDING: Final = 1e-5  # share of a value that the order of a sum may move it by
UNSET: Final = frozenset({torch.empty, torch.empty_like, torch.empty_strided, Tensor.new_empty})  # not written yet
TRAINING: Final = 5  # where ``training`` stands among the arguments of ``batch_norm``


def changing(evaluate: Callable[[], Tensor], params_P: Tensor, layout: Layout) -> str | None:
    """Evaluate a loss twice at the same parameters and say whether it is the same function both times.

    It is evaluated twice more, call by call, where the two values differ: the first call whose result is another one
    names the layer. BatchNorm in training mode is found at once: its two values are equal, but each example's output
    depends on the others of its batch, so that the loss is no mean over examples.

    Args:
        evaluate: the loss at ``params_P``.
        params_P: the parameters.
        layout: what they are called; a layer that is no ``torch.nn.Module`` is found by the parameters it reads.

    Returns:
        None, or a sentence that names the layer and says what to do.

    Example:
        >>> layout = Layout((("scale", (2,)),))
        >>> at_P = torch.ones(2)
        >>> changing(lambda: at_P.sum(), at_P, layout)
        >>> print(changing(lambda: F.dropout(torch.linspace(1, 9, 99).sin()).sum(), at_P, layout)[-77:])
        it draws at random or remembers. Switch that off where the loss is evaluated.
    """
    watch = _Watch(params_P, layout, keep=False)
    with torch.no_grad():
        with watch.over_modules():
            once = float(evaluate())
        again = float(evaluate())
        if watch.batch_norm is not None:
            return (
                f"Expected BatchNorm to use its running statistics, got training mode at {watch.batch_norm}: there "
                "each example's output depends on its batch. Put the model into evaluation mode (model.eval()), with "
                "running statistics that are tracked."
            )
        if not abs(once - again) > ROUNDING * abs(once):  # nor where they are NaN
            return None
        first, second = (_Watch(params_P, layout, keep=True) for _ in range(2))
        for each in (first, second):
            with each.over_modules():
                evaluate()
    where, is_module = _parting(first.calls, second.calls)
    advice = (
        "Put the model into evaluation mode (model.eval()), or take that out of it."
        if is_module
        else "Switch that off where the loss is evaluated."
    )
    return (
        f"Expected the same loss at the same parameters, got {once:.9g} and then {again:.9g}. The first to give "
        f"another result is {where}: it draws at random or remembers. {advice}"
    )


@dataclass(frozen=True, eq=False)
class _Call:
    """A call of a function of torch: what it gave, and where it stood."""

    function: str
    module: str | None  # the innermost ``torch.nn.Module``
    after: str | None  # the layer whose parameters were read last
    results: tuple[Tensor, ...]

    @property
    def where(self) -> str:
        """The place in words."""
        if self.module is not None:
            return self.module
        return f"the function “{self.function}” " + ("at the start" if self.after is None else f"after {self.after}")


def _parting(first: list[_Call], second: list[_Call]) -> tuple[str, bool]:
    """Name the first call that is not the same in both evaluations, and say whether it is a module's."""
    for one, other in zip(first, second, strict=False):
        if one.function != other.function or not _same(one.results, other.results):
            return one.where, one.module is not None
    return "what is computed outside of torch's functions", False


def _same(ones: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> bool:
    return len(ones) == len(others) and all(
        one.shape == other.shape and torch.allclose(one, other, ROUNDING, _least(one), equal_nan=True)
        for one, other in zip(ones, others, strict=True)
    )


def _least(values: Tensor) -> float:
    """Return what rounding may add to a small value beside large ones."""
    return ROUNDING * float(values.abs().max()) if values.numel() and values.is_floating_point() else 0.0


def _plain(value: object) -> TypeGuard[Tensor]:
    """Say whether a value is a tensor with a memory of its own: inside of ``vmap`` it has none to look at."""
    return isinstance(value, Tensor) and not is_functorch_wrapped_tensor(value)


class _Watch(TorchFunctionMode):
    """Follows the calls of one evaluation; ``keep`` says whether to keep what each of them gave."""

    def __init__(self, params_P: Tensor, layout: Layout, *, keep: bool) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self.batch_norm: str | None = None  # the first that is in training mode
        self._params_P, self._layout, self._keep = params_P, layout, keep
        self._open: list[nn.Module] = []
        self._names: dict[nn.Module, str] = {}
        self._after: str | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        results = tuple(leaf for leaf in tree_leaves(found) if _plain(leaf))
        if not any(self._is_parameter(result) for result in results):  # else nothing is computed yet
            self._after = next(
                (name for leaf in tree_leaves((args, kwargs)) if (name := self._owner(leaf)) is not None), self._after
            )
        if func is F.batch_norm and (kwargs.get("training") or args[TRAINING : TRAINING + 1] == (True,)):
            self.batch_norm = self.batch_norm or self._module() or f"the call after {self._after}"
        if self._keep and func not in UNSET and results:
            kept = tuple(result.detach().clone() for result in results)
            self.calls.append(_Call(getattr(func, "__name__", str(func)), self._module(), self._after, kept))
        return found

    @contextmanager
    def over_modules(self) -> Iterator[None]:
        """Follow the calls of the block, and which module each of them belongs to."""
        enter = register_module_forward_pre_hook(self._enter)
        leave = register_module_forward_hook(self._leave, always_call=True)
        try:
            with self:
                yield
        finally:
            enter.remove()
            leave.remove()

    def _enter(self, module: nn.Module, args: object) -> None:
        if not self._open:
            self._names = {inner: name for name, inner in module.named_modules()}
        self._open.append(module)

    def _leave(self, module: nn.Module, args: object, result: object) -> None:
        self._open.pop()

    def _module(self) -> str | None:
        if not self._open:
            return None
        name, kind = self._names.get(self._open[-1], ""), type(self._open[-1]).__name__
        return f"layer “{name}” ({kind})" if name else f"layer {kind}"

    def _is_parameter(self, value: Tensor) -> bool:
        return value.untyped_storage().data_ptr() == self._params_P.untyped_storage().data_ptr()

    def _owner(self, value: object) -> str | None:
        """Return the layer whose parameters these are; None for anything else."""
        if not _plain(value) or not self._is_parameter(value):
            return None
        start = value.storage_offset() - self._params_P.storage_offset()
        for name, _, begin, end in self._layout.slices:
            if begin <= start and start + value.numel() <= end:
                return f"layer “{name.rpartition('.')[0] or name}”"
        return None
