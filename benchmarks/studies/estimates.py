"""How well a run's cost is known before it starts: every preset's race and analyses, flat out, on one thread.

Each is computed in a process of its own, after a small race that warms it up; compared are the processor seconds and
the largest resident memory of that process, so that what else the machine does hardly matters. Paces are left out.
The speeds of ``backend/jobs/costs/estimate.py`` were chosen by the presets of this table; the rows ``other`` were left
out of that. ``python -m benchmarks.studies.estimates [NAME …]`` writes ``results/estimates.json``.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.jobs.costs.estimate import estimate
from backend.schemas.run import REQUEST

RESULTS = Path(__file__).parent / "results" / "estimates.json"
WARM = {"kind": "train", "steps": 5, "lanes": [{"name": "SGD", "optimizer": {"kind": "sgd"}}]}


DIGITS = {"data": {"kind": "digits"}, "model": {"kind": "mlp", "hidden": [64, 64]}}
LOOKS: tuple[dict[str, Any], ...] = (
    {"kind": "surface", "resolution": 65}, {"kind": "slice"}, {"kind": "top_eigenvalues", "k": 5}, {"kind": "spectrum"},
    {"kind": "trace"}, {"kind": "roughness"}, {"kind": "intrinsic_dimension", "dimensions": [5, 50]},
    {"kind": "gradient_stats"}, {"kind": "sweep", "rates": 9, "budget": 100},
)  # fmt: skip
CNN = {"data": {"kind": "digits32", "examples": 500}, "model": {"kind": "cnn", "norm": "batch"}}
RESNET = {"data": {"kind": "digits"}, "model": {"kind": "resnet"}}
WIDE = {"data": {"kind": "digits"}, "model": {"kind": "mlp", "hidden": [1024, 1024]}}
RULES = ("sgd", "adam", "sam", "soap", "entropy_sgd", "vrgd")


def others() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what no speed was chosen by: analyses of an initial point, and races of other networks and rules."""
    for look in LOOKS:
        yield f"other {look['kind']}", {"kind": "analyse", "problem": DIGITS, "analysis": look}
    for name, problem, steps in (("cnn", CNN, 100), ("resnet", RESNET, 60), ("wide", WIDE, 100)):
        yield f"other {name}", {"kind": "train", "problem": problem, "steps": steps, "batch_size": 64}
    lanes = [{"name": kind, "optimizer": {"kind": kind}} for kind in RULES]
    yield "other rules", {"kind": "train", "problem": DIGITS, "steps": 200, "batch_size": 64, "lanes": lanes}


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each preset starts, without its pace, under a name."""
    from frontend.components.draft import Draft
    from frontend.presets import PRESETS

    for preset in PRESETS:
        draft = Draft.of(preset.request, preset.variants, preset.choices, preset.also)
        yield preset.name, {**draft.requests()[0], "pace": None}
        for analysis in draft.analyses():
            yield f"{preset.name}: {analysis['analysis']['kind']}", analysis
    yield from others()


def estimated(request: dict[str, Any]) -> dict[str, Any]:
    """Return what is said beforehand."""
    asked = REQUEST.validate_json(json.dumps(request))
    assert asked.problem is not None
    found = estimate(asked, asked.problem)
    return {"seconds": found.working, "memory_mb": found.memory_mb}


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Compute it in this process, once it is warm."""
    from backend.jobs.feed import Feed
    from backend.jobs.inline import InlineEngine
    from backend.jobs.service import Service
    from backend.jobs.sqlite_store import SqliteStore

    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(":memory:")
        service = Service(store, InlineEngine(), Feed(store), Path(folder))
        service.wait(service.submit(REQUEST.validate_json(json.dumps(WARM))).id)
        began = time.process_time()
        run = service.wait(service.submit(REQUEST.validate_json(json.dumps(request))).id)
        seconds = time.process_time() - began
        service.close()
    assert run.status == "succeeded", run.error
    return {"seconds": seconds, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def compared(request: dict[str, Any]) -> dict[str, Any]:
    """Compare both, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.studies.estimates", "--one"]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, check=True, env=environ
    ).stdout
    return {"said": estimated(request), "was": json.loads(told)}


def ratios(rows: dict[str, Any], what: str) -> list[float]:
    """Return said / was of every row."""
    return [row["said"][what] / row["was"][what] for row in rows.values()]


def main() -> None:
    """Compare the presets that are named, or all."""
    if sys.argv[1:] == ["--one"]:
        print(json.dumps(measure(json.load(sys.stdin))))
        return
    rows = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name, request in requests():
        if sys.argv[1:] and name.partition(":")[0].split()[0] not in sys.argv[1:]:
            continue
        rows[name] = compared(request)
        said, was = rows[name]["said"], rows[name]["was"]
        print(f"{name:30} said {said['seconds']:7.2f} s  was {was['seconds']:7.2f} s  {said['memory_mb']:6.0f} MB  "
              f"{was['memory_mb']:6.0f} MB", flush=True)  # fmt: skip
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    for name, request in requests():  # those that were not computed now are said anew
        if name in rows:
            rows[name]["said"] = estimated(request)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    for which in (False, True):
        some = {name: row for name, row in rows.items() if name.startswith("other ") == which}
        for what in ("seconds", "memory_mb"):
            found = ratios(some, what)
            print(f"{len(found)} {what}: median {statistics.median(found):.2f}, {min(found):.2f} to {max(found):.2f}")


if __name__ == "__main__":
    main()
