"""Choosing where tensors live."""

import pytest
import torch

from backend.core.runtime.device import UnavailableDevice, choose_device


@pytest.fixture
def cudas(monkeypatch):
    """Pretend to have this many CUDA devices."""

    def pretend(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


def test_without_a_gpu(cudas):
    cudas(0)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    for name in ("cuda", "cuda:0", "cuda:3"):
        with pytest.raises(UnavailableDevice, match=f"expected the device {name}, .* no CUDA device; use auto or cpu"):
            choose_device(name)


def test_with_two_gpus(cudas):
    cudas(2)
    assert choose_device("auto") == choose_device("cuda") == choose_device("cuda:0") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(UnavailableDevice, match="has CUDA devices 0 to 1"):
        choose_device("cuda:2")


def test_metal(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UnavailableDevice, match="no Metal GPU"):
        choose_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("mps") == torch.device("mps")
    with pytest.raises(UnavailableDevice, match="float64"):
        choose_device("mps", torch.float64)
