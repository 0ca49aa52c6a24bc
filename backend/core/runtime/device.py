"""Where tensors live."""

import torch


class UnavailableDevice(ValueError):
    """The machine lacks the device that was asked for, or the device lacks the number format."""


def choose_device(name: str, dtype: torch.dtype = torch.float32) -> torch.device:
    """Turn a request's device name into a device that this machine has.

    Args:
        name: ``auto`` (the first CUDA device where there is one, else the CPU), ``cpu``, ``cuda``, ``cuda:N`` or
            ``mps``.
        dtype: the number format that the device must be able to compute in.

    Returns:
        The device; CUDA ones always with their index.

    Raises:
        UnavailableDevice: where it is absent, with what there is instead.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    cudas = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", 0) if cudas else torch.device("cpu")
    wanted = torch.device(name)
    if wanted.type == "cuda":
        index = wanted.index or 0
        if index >= cudas:
            found = "no CUDA device" if cudas == 0 else f"CUDA devices 0 to {cudas - 1}"
            raise UnavailableDevice(f"expected the device {name}, but this machine has {found}; use auto or cpu")
        return torch.device("cuda", index)
    if wanted.type == "mps":
        if not torch.backends.mps.is_available():
            raise UnavailableDevice("expected the device mps, but this machine has no Metal GPU; use auto or cpu")
        if dtype == torch.float64:
            raise UnavailableDevice("mps cannot compute in float64; use cpu, or the dtype float32")
    return wanted
