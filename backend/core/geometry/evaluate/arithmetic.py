"""The number format that a loss is evaluated in, where it is not the problem's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from backend.core.problems.problem import Problem

Arithmetic = Literal["own", "float64", "tf32", "bfloat16"]


def unsupported_arithmetic(arithmetic: Arithmetic, problem: Problem) -> str | None:
    """Return None, or the sentence that says why this problem's device cannot compute so."""
    device = problem.device.type
    if arithmetic in ("tf32", "bfloat16"):
        if device != "cuda":
            return f"{arithmetic} products exist on CUDA devices alone, and this runs on {device}; take arithmetic own."
        if problem.dtype != torch.float32:
            return f"{arithmetic} stands in for float32, and this problem is in float64; take arithmetic own."
    if arithmetic == "float64" and device == "mps":
        return "mps cannot compute in float64; take arithmetic own, or the device cpu."
    return None


def format_of(arithmetic: Arithmetic, problem: Problem) -> str:
    """Name the format for a picture's legend."""
    return str(problem.dtype).removeprefix("torch.") if arithmetic == "own" else arithmetic


@contextmanager
def computing_in(arithmetic: Arithmetic) -> Iterator[None]:
    """Let products on CUDA devices round as asked for; as they were afterwards. Not to be left open over a yield.

    ``tf32`` keeps 10 bits of the factors' mantissas, ``bfloat16`` 7 (and of the activations); sums are in float32.
    """
    if arithmetic == "tf32":
        was = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = was
    elif arithmetic == "bfloat16":
        with torch.autocast("cuda", torch.bfloat16):
            yield
    else:
        yield
