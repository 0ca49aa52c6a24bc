"""One seed, many independent random streams, each known by its name."""

import hashlib
import json

import torch


def generator(seed: int, *names: str | int) -> torch.Generator:
    """Make the generator of a named stream, on the CPU whatever the device, so that every device draws the same.

    The stream is a pure function of the seed and the names, the same on every machine and in every process:
    ``seed' = blake2b(json([seed, *names]))``, 32 bits of it, which is all that torch's Mersenne twister reads.
    Streams of different names share nothing, so one more draw in one of them moves no other.

    Args:
        seed: the run's seed.
        names: what is drawn, as in ``generator(seed, "init")`` or ``generator(seed, "batches", epoch)``;
            1 and ``"1"`` are different names.

    Returns:
        A fresh generator at the stream's beginning.

    Example:
        >>> first, again = generator(0, "init"), generator(0, "init")
        >>> bool(torch.rand(1, generator=first) == torch.rand(1, generator=again))
        True
        >>> bool(torch.rand(1, generator=generator(0, "init")) == torch.rand(1, generator=generator(0, "batches")))
        False
    """
    digest = hashlib.blake2b(json.dumps([seed, *names]).encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
