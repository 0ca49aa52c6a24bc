"""What hidden units say: the values that a network's nonlinearities give, in the order in which they are computed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode


class Listener(TorchFunctionMode):
    """Within it, every result of one function is kept.

    Example:
        >>> import torch
        >>> with Listener(torch.relu) as heard:
        ...     _ = torch.relu(torch.tensor([-1.0, 2.0])) + torch.tanh(torch.zeros(2))
        >>> [values.tolist() for values in heard.values]
        [[0.0, 2.0]]
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._function = function
        self.values: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Pass every call on, and keep the results of one function."""
        result = func(*args, **(kwargs or {}))
        if func is self._function:
            self.values.append(result)
        return result
