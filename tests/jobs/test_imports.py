"""The serving process never pays for torch, neither when it is loaded nor when it serves."""

import subprocess
import sys
from pathlib import Path

SERVED = (
    "service", "local", "sqlite_store", "feed", "errors", "state", "engine", "store", "snapshot_files", "process",
    "points", "steering", "recorder", "inline", "keeper", "worker",
)  # fmt: skip
LOADED = """
import sys
print([name for name in sys.modules if name.split(".")[0] == "torch" or name.startswith("backend.core")])
"""
SERVING = """
import sys
from pathlib import Path
from backend.jobs.feed import Feed
from backend.jobs.local import LocalEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.point import RunPoint
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnalyseRequest, TrainRequest

folder = Path(sys.argv[1])
store = SqliteStore(folder / "runs.sqlite")
engine = LocalEngine(workers=1, workshop="tests.jobs.scripted:SCRIPTED", threads=1)
service = Service(store, engine, Feed(store), folder)
service.catalog(60.0)
race = service.wait(service.submit(TrainRequest(name="keep 3", problem=FunctionProblem())).id, 60.0)
look = service.submit(AnalyseRequest(name="points", at=(RunPoint(run=race.id, step=1),)))
assert service.wait(look.id, 60.0).status == race.status == "succeeded"
assert len(service.snapshots(race.id)) == 3
service.delete(race.id)
service.close()
"""


def loaded(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code + LOADED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_serving_side_loads_neither_torch_nor_the_core() -> None:
    assert loaded("import " + ", ".join(f"backend.jobs.{name}" for name in SERVED)) == "[]"


def test_serving_loads_neither_torch_nor_the_core(tmp_path: Path) -> None:
    assert loaded(SERVING, str(tmp_path)) == "[]"
