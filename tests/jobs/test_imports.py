"""The serving process never pays for torch: what it imports of the jobs layer loads neither torch nor the core."""

import subprocess
import sys

SERVED = (
    "service", "local", "sqlite_store", "feed", "errors", "state", "engine", "store", "snapshot_files", "process",
    "points", "steering", "recorder", "inline", "keeper", "worker",
)  # fmt: skip
CODE = """
import sys
import {modules}
loaded = [name for name in sys.modules if name.split(".")[0] == "torch" or name.startswith("backend.core")]
print(loaded)
"""


def test_the_serving_side_loads_neither_torch_nor_the_core() -> None:
    modules = ", ".join(f"backend.jobs.{name}" for name in SERVED)
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(modules=modules)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
