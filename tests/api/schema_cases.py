"""Requests made from the OpenAPI document, against the app with an engine that accepts and never trains.

Every answer must have a status, a content type and a body that the document tells of; none may be a 5xx. Half of the
requests that name a run name one that is there. A request that fits the document may still be refused: much of what is
checked (a lane that is named twice, say) cannot be said in a JSON Schema.

    python -m tests.api.schema_cases --cases 5000
"""

import argparse
import random
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS, load_all_checks

from backend.api.app import create_api
from backend.api.openapi import document
from backend.jobs.feed import Feed
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.events import Progress
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import TrainRequest
from tests.api.fake_engine import FakeEngine

NAMES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
ENDLESS = "/api/stream"  # has no end of its own; tests/api/test_sse.py reads it


@dataclass
class Found:
    """What came of it."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)  # by what was asked: the first complaint

    @property
    def cases(self) -> int:
        """How many requests were made."""
        return sum(self.answers.values())


def play(each: int, folder: Path, first: int = 0) -> Found:
    """Ask each operation so many times at most.

    Args:
        each: requests of an operation.
        folder: for the data directory.
        first: seed of all that is drawn.

    Returns:
        The answers, and what is wrong with them.
    """
    load_all_checks()
    checks = [CHECKS.get_one(name) for name in NAMES]
    store = SqliteStore(":memory:")
    engine = FakeEngine()
    service = Service(store, engine, Feed(store), folder)
    api = create_api(service, version="0")
    schema: Any = schemathesis.openapi.from_dict(document(api))
    schema.app = api
    found = Found()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path != ENDLESS:
            _ask(operation, each, first, service, engine, checks, found)
    service.close()
    return found


def _ask(
    operation: Any, each: int, first: int, service: Service, engine: FakeEngine, checks: list[Any], found: Found
) -> None:
    draw = random.Random(first)

    @seed(first)
    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        if "run" in (case.path_parameters or {}) and draw.random() < 0.5:
            case.path_parameters["run"] = _a_run(service, engine, draw)
        answer = case.call(base_url="http://localhost")
        found.answers[operation.label, answer.status_code] += 1
        try:
            case.validate_response(answer, checks=checks)
        except (Exception, BaseExceptionGroup) as complaint:  # whatever it says: it is told, and the next case follows
            found.wrong.setdefault(f"{operation.label} {answer.status_code}", str(complaint)[:600])

    one()


def _a_run(service: Service, engine: FakeEngine, draw: random.Random) -> str:
    """Return the id of a new run: one that waits, one under way, or one that has ended."""
    run = service.submit(TrainRequest(problem=FunctionProblem())).id
    if draw.random() < 0.7:
        engine.runs[run].start()
        engine.runs[run].tell(Progress(phase="x", done=1, total=2))
        if draw.random() < 0.5:
            engine.runs[run].end(draw.choice(["succeeded", "failed", "cancelled"]))
    return run


def main() -> int:
    """Play from the command line.

    Returns:
        The exit code: 1 where something is wrong.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000, help="about how many altogether")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    # A few operations have few different requests; the others make up for them.
    with tempfile.TemporaryDirectory() as folder:
        found = play(asked.cases // 10, Path(folder), asked.seed)
    for (label, status), count in sorted(found.answers.items()):
        print(f"{count:6} {status} {label}")
    print(f"{found.cases} cases, {len(found.wrong)} sorts of wrong answers")
    for what, complaint in found.wrong.items():
        print(f"\n{what}\n{complaint}")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
