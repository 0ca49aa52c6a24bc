"""How torch says that memory is not enough."""

from typing import Final

EXHAUSTED: Final = ("out of memory", "can't allocate memory", "cannot allocate memory")


def exhausted(error: Exception) -> bool:
    """Say whether an error is about memory: in words, because only on a GPU it has a class of its own.

    Args:
        error: what was raised.

    Returns:
        Whether less at once may do.

    Example:
        >>> exhausted(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")), exhausted(RuntimeError("shape"))
        (True, False)
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in EXHAUSTED)
