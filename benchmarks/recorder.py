"""A plain training loop with and without a recorder that sends to a running app: the same work, the same losses.

The app is another process, as it is for people. The first figure is the time of the loop's own process (its sending
thread included), so that what else the machine does counts for neither side. The wall time, from before the client is
made until the last message has been answered, is held to the same goal. The app takes what it is told beside the loop,
on the same machine; its own processor time is told by itself. It lays the last path when the loop has gone, and the
next loop begins when it has come to rest.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Final

import httpx
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.record import Figure, ratio, write
from gradscape import Client, Recorder

GOAL: Final = 1.03
BATCH: Final = 128


@contextlib.contextmanager
def app() -> Iterator[str]:
    """Serve in another process; gives the address."""
    environ = {**os.environ, "GRADSCAPE_WORKERS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--data", data]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().split()[2]
            finally:
                process.terminate()


def server_time(url: str) -> float:
    """Return the seconds of processor time that the app has taken so far."""
    lines = httpx.get(f"{url}/api/metrics", verify=False).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_cpu_seconds_total"))


def digits() -> tuple[Tensor, Tensor]:
    """Return the digits' pixels and classes."""
    bunch = load_digits()
    return torch.tensor(bunch.data / 16, dtype=torch.float32), torch.tensor(bunch.target)


def loop(data: tuple[Tensor, Tensor], width: int, steps: int, told: Callable[[nn.Module], Recorder] | None) -> float:
    """Train from the same weights on the same batches.

    Args:
        data: inputs and classes.
        width: of two hidden layers.
        steps: updates.
        told: makes the recorder of a model; None: a loop without one.

    Returns:
        The last loss, the same with and without.
    """
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, y = data
    with contextlib.ExitStack() as stack:
        record = None if told is None else stack.enter_context(told(net))
        for _ in range(steps):
            batch = torch.randint(len(x), (BATCH,))
            optimizer.zero_grad()
            loss = cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            if record is not None:
                record.step(loss, lr=1e-3)
        return float(loss.detach())


def main() -> None:
    """Measure both sides in turn, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=21, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=2000, help="updates (default %(default)s)")
    parser.add_argument("--width", type=int, default=256, help="of two hidden layers (default %(default)s)")
    parser.add_argument("--every", type=int, default=50, help="updates between two snapshots (default %(default)s)")
    parser.add_argument("--no-json", action="store_true", help="print alone")
    asked = parser.parse_args()

    torch.set_num_threads(1)
    data = digits()
    with app() as url, Client(url) as looking:
        made: list[Recorder] = []

        def told(net: nn.Module) -> Recorder:
            made.append(Recorder(net, steps=asked.steps, every=asked.every, client=Client(url)))
            return made[-1]

        served: list[float] = []
        cpu: dict[str, list[float]] = {"recorded": [], "plain": []}
        wall: dict[str, list[float]] = {"recorded": [], "plain": []}
        for turn in range(asked.repeats + 1):
            losses = []
            for side, with_it in (("recorded", told), ("plain", None)):
                if made:
                    looking.wait(str(made[-1].run))
                there, spent, began = server_time(url), time.process_time(), time.perf_counter()
                losses.append(loop(data, asked.width, asked.steps, with_it))
                if turn:  # the first is not timed
                    cpu[side].append(time.process_time() - spent)
                    wall[side].append(time.perf_counter() - began)
                    if with_it:
                        served.append((server_time(url) - there) / wall[side][-1])
            if losses[0] != losses[1]:
                raise RuntimeError(f"expected the same loss with and without a recorder, got {losses}")
    what = f"a plain loop of {asked.steps} steps (MLP {asked.width}-{asked.width}, batches of {BATCH}) with a recorder"
    beside = f"{what}: the app's own processor time meanwhile, as a share of the loop's wall time"
    figures = [
        ratio(f"{what}: its process' time", cpu, "recorded", "plain", GOAL),
        ratio(f"{what}: wall time, the last message included", wall, "recorded", "plain", GOAL),
        Figure(beside, statistics.median(served), "×", None, {"app": served}),
    ]
    if asked.no_json:
        print(*(f"{figure.what}: {figure.value:.4f}" for figure in figures), sep="\n")
    else:
        write("recorder", "Recording a loop", figures, threads=1, every=asked.every)


if __name__ == "__main__":
    main()
