"""Named random streams."""

import torch

from backend.core.runtime.seeding import generator


def draws(*names: str | int, seed: int = 0) -> list[float]:
    return torch.rand(50, generator=generator(seed, *names), dtype=torch.float64).tolist()


def test_a_stream_is_a_function_of_seed_and_names():
    assert draws("init") == draws("init")
    assert draws("batches", 3, seed=8) == draws("batches", 3, seed=8)


def test_streams_of_other_names_or_seeds_share_nothing():
    streams = [
        draws("init"),
        draws("init", seed=1),
        draws("batches", 1),
        draws("batches", "1"),
        draws("batches", 11),
        draws("batches1"),
        draws("batches", 1, 1),
        draws(),
        *(draws("batches", epoch) for epoch in range(100, 300)),
    ]
    numbers = [number for stream in streams for number in stream]
    assert len(set(numbers)) == len(numbers)


def test_streams_are_the_same_on_every_machine():
    """Stored runs are repeated by their seed, so these draws may never change."""
    assert torch.randint(1000, (4,), generator=generator(0, "init")).tolist() == [173, 256, 675, 431]
    assert torch.randint(1000, (4,), generator=generator(7, "batches", 2)).tolist() == [548, 899, 368, 228]


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    draws("init")
    assert torch.equal(before, torch.get_rng_state())


def test_neighbouring_streams_are_uncorrelated():
    table = torch.stack([torch.randn(4000, generator=generator(0, "batches", epoch)) for epoch in range(20)])
    correlation = torch.corrcoef(table) - torch.eye(20)
    assert correlation.abs().max() < 0.08
