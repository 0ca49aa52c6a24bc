"""What every benchmark writes: its figures, each beside its goal, with the machine, the versions and the seed.

A figure is a ratio of medians of two sides that did the same work in turn, or a time; the samples are kept with it.
"""

import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from backend.jobs.machine import cores

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = ("gradscape", "torch", "numpy", "dash", "plotly", "fastapi", "uvicorn", "SQLAlchemy")


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        what: the sentence of the table's first column.
        value: the number.
        unit: ``×`` for a ratio, else ``s`` or ``ms``.
        goal: the most that it should be; the least where more is better; None where it is only told.
        samples: what it was made from, by side, in the order in which it was measured.
        more_is_better: whether the goal is a least.
    """

    what: str
    value: float
    unit: str
    goal: float | None
    samples: dict[str, list[float]]
    more_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def machine() -> dict[str, Any]:
    """Describe the machine and the versions."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def in_turn(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time several sides, one after the other, over and over, so that a slow minute slows them all.

    Args:
        sides: what to time; each is called once beforehand, untimed.
        repeats: how often.

    Returns:
        Seconds by side.
    """
    for side in sides.values():
        side()
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            samples[name].append(time.perf_counter() - began)
    return samples


def ratio(what: str, samples: dict[str, list[float]], ours: str, theirs: str, goal: float) -> Figure:
    """Make the ratio of two sides' medians."""
    kept = {ours: samples[ours], theirs: samples[theirs]}
    return Figure(what, statistics.median(kept[ours]) / statistics.median(kept[theirs]), "×", goal, kept)


def faster(what: str, samples: dict[str, list[float]], ours: str, theirs: Sequence[str], goal: float | None) -> Figure:
    """Make the number of times that we are faster than the faster one of our peers: the ratio of medians."""
    kept = {side: samples[side] for side in (ours, *theirs)}
    best = min(statistics.median(kept[side]) for side in theirs)
    return Figure(what, best / statistics.median(kept[ours]), "×", goal, kept, more_is_better=True)


def median(what: str, seconds: Sequence[float], goal: float) -> Figure:
    """Make a median of times in seconds."""
    return Figure(what, statistics.median(seconds), "s", goal, {"seconds": list(seconds)})


def write(bench: str, title: str, figures: Iterable[Figure], *, seed: int = 0, **more: Any) -> Path:
    """Write ``results/<bench>.json`` and print the figures.

    Args:
        bench: the module's name.
        title: what it measures.
        figures: in the table's order.
        seed: of all that is random.
        more: settings that matter to the figures, such as ``threads``.

    Returns:
        The file.
    """
    kept = list(figures)
    for figure in kept:
        sign, verdict = "≥" if figure.more_is_better else "≤", "met" if figure.met else "MISSED"
        goal = "no goal" if figure.goal is None else f"goal {sign} {figure.goal:g} {figure.unit}, {verdict}"
        print(f"{figure.what}: {figure.value:.3g} {figure.unit} ({goal})")
    result = {
        "bench": bench,
        "title": title,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": seed,
        **more,
        "machine": machine(),
        "figures": [{**asdict(figure), "met": figure.met} for figure in kept],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{bench}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
