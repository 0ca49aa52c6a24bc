"""What people read while a run goes on."""

import io

import numpy as np

from app.report import Report
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import (
    Axis,
    Eval,
    Failed,
    Finished,
    LaneEnded,
    Plane,
    Progress,
    Started,
    SurfaceTile,
    TrainChunk,
)


def printed(*events, live=False):
    out = io.StringIO()
    report = Report(out, live=live)
    for event in events:
        report.take(event)
    return out.getvalue()


def chunk(lane, *losses):
    column = np.array(losses, np.float32)
    return TrainChunk(
        lane=lane, step=np.arange(len(losses), dtype=np.int32), loss=column, grad_norm=column, lr=column, seconds=column
    )


def test_a_race_ends_in_a_table():
    text = printed(
        Started(device="cpu", dtype="float32", parameters=3466, examples=1500, lanes=("SGD", "wild")),
        chunk("SGD", 2.0, 1.0, 0.5),
        chunk("wild", 2.0, np.inf),
        Eval(lane="SGD", step=2, split="train", loss=0.5, accuracy=0.875),
        LaneEnded(lane="wild", step=1, reason="diverged"),
        LaneEnded(lane="SGD", step=2, reason="done"),
        Finished(status="succeeded", seconds=1.5),
    )
    assert "cpu · float32 · 3,466 parameters · 1,500 examples" in text
    assert "wild diverged at step 1" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["SGD", "2", "0.5", "87.5", "%", "–", "done"] in rows
    assert ["wild", "1", "inf", "–", "–", "diverged"] in rows
    assert text.endswith("succeeded in 1.50 s\n")


def test_a_surface_ends_in_its_range_and_its_holes():
    axis = np.linspace(-1, 1, 2)
    tile = SurfaceTile(
        plane="p",
        level=2,
        a=axis,
        b=axis,
        loss=np.array([[1.0, np.nan], [3.0, 2.0]]),
        stderr=None,
        bound=None,
        data_fraction=1.0,
        final=True,
    )
    plane = Plane(
        plane="p",
        kind_of_plane="random",
        normalization=None,
        bias=None,
        batchnorm="frozen",
        extent=1.0,
        u_norm=1.0,
        v_norm=1.0,
        explained=None,
        axis_a=Axis(label="a"),
        axis_b=Axis(label="b"),
    )
    text = printed(plane, tile, Finished(status="succeeded", seconds=0.1))
    assert "surface on the random plane p: 2×2, loss 1 to 3, 1 points not finite" in text
    assert text.count("\n") == 2


def test_progress_is_one_line_on_a_terminal_and_a_line_a_tenth_elsewhere():
    steps = [Progress(phase="training", done=i, total=100) for i in range(101)]
    assert printed(*steps).count("\n") == 11
    live = printed(*steps, Finished(status="cancelled", seconds=1.0), live=True)
    assert live.count("\n") == 1
    assert live.endswith("\r\x1b[Kcancelled in 1.00 s\n")


def test_a_failure_says_what_to_do():
    error = ErrorDetail(code="worker_died", message="the worker was killed", hint="Run it again.")
    text = printed(Failed(error=error), Finished(status="failed", seconds=1.0))
    assert text.splitlines() == ["worker_died: the worker was killed", "Run it again.", "failed in 1.00 s"]
