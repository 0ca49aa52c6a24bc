"""A page with the real panels and a made-up race behind it, so that drawing can be watched and measured by itself.

Run it alone to look at: ``python benchmarks/synthetic_stream.py 8055``, then open the printed address.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import uvicorn
from dash import Dash, html
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse, StreamingResponse

from backend.schemas import events
from backend.schemas.events import AnyEvent, Axis, Envelope
from frontend import app as frontend_app
from frontend import theme
from frontend.panels.registry import PANELS
from frontend.panels.stream import stream_script

LANES = ("SGD", "momentum", "RMSProp", "Adam")
STEPS_A_CHUNK = 5
PROBLEM = {"data": {"kind": "digits"}, "model": {"kind": "cnn", "norm": "none"}}


def valley(a: Any, b: Any) -> Any:
    """Return a bent valley's loss at (a, b)."""
    return 0.02 + 3 * (b - 0.6 * a**2 + 0.3) ** 2 + 0.4 * (a - 0.5) ** 2


def plane(name: str = "p1", kind: str = "pca") -> events.Plane:
    """Make a plane's event."""
    return events.Plane(
        plane=name, kind_of_plane=kind, normalization=None, bias=None, batchnorm="frozen", extent=1.0,
        u_norm=4.0, v_norm=1.0, explained=(0.83, 0.11), axis_a=Axis(label="PC1 (83 %)", scale=4.0),
        axis_b=Axis(label="PC2 (11 %)", scale=1.0),
    )  # fmt: skip


def tile(level: int, name: str = "p1", hole: bool = False) -> events.SurfaceTile:
    """Make a surface's event at this level."""
    side = np.linspace(-1, 1, level, dtype=np.float32)
    loss = valley(side[:, None], side[None, :]).astype(np.float32)
    if hole:
        loss[: level // 4, : level // 4] = np.nan
    return events.SurfaceTile(
        plane=name, level=level, a=side, b=side, loss=loss, stderr=None, bound=None if level < 33 else 0.004,
        data_fraction=1.0, final=level == 33,
    )  # fmt: skip


def chunk(lane: int, start: int, size: int = STEPS_A_CHUNK, loss: np.ndarray | None = None) -> events.TrainChunk:
    """Make a lane's steps start+1 … start+size."""
    step = np.arange(start + 1, start + size + 1, dtype=np.int32)
    value = (2.3 - 0.3 * lane) * np.exp(-step / (60 + 25 * lane)) + 0.02 * (1 + np.sin(step * (1 + lane)))
    return events.TrainChunk(
        lane=LANES[lane], step=step, loss=(value if loss is None else loss).astype(np.float32),
        grad_norm=(value**0.5).astype(np.float32), lr=np.full(size, 0.1 / (lane + 1), np.float32),
        seconds=(step * 0.002).astype(np.float32),
    )  # fmt: skip


def path(lane: int, start: int, size: int = STEPS_A_CHUNK, name: str = "p1") -> events.PathPoints:
    """Make a lane's points of these steps on the plane."""
    step = np.arange(start, start + size, dtype=np.int32)
    phase = 1 - np.exp(-step / (80 + 30 * lane))
    a = -0.8 + 1.3 * phase + 0.05 * np.sin(step / 4 + lane)
    b = 0.6 * a**2 - 0.3 + (0.5 - 0.15 * lane) * (1 - phase) * np.cos(step / 6 + lane)
    loss = np.where(step % 10 == 0, valley(a, b) + 0.01, np.nan)
    return events.PathPoints(
        lane=LANES[lane], plane=name, step=step, a=a.astype(np.float32), b=b.astype(np.float32),
        off_plane=(0.4 * phase).astype(np.float32), loss=loss.astype(np.float32),
    )  # fmt: skip


def race(chunks: int) -> Iterator[AnyEvent]:
    """Yield a race's events: a coarse surface, then chunks and paths by turns, with finer tiles on the way."""
    yield events.Started(device="cpu", dtype="float32", parameters=3466, examples=1500, lanes=LANES)
    yield plane()
    yield tile(5)
    for lane in range(len(LANES)):
        yield path(lane, 0, 1)
    levels = {4: 9, 8: 17, 16: 33}
    for number in range(chunks):
        turn, lane = divmod(number, len(LANES))
        start = turn * STEPS_A_CHUNK
        yield chunk(lane, start)
        yield path(lane, start + 1)
        if turn % 2 == 0:
            step, loss = start + STEPS_A_CHUNK, float(chunk(lane, start).loss[-1])
            for split, extra in (("train", 0.0), ("test", 0.08)):
                split_loss = loss + extra
                yield events.Eval(
                    lane=LANES[lane], step=step, split=split, loss=split_loss, accuracy=1 / (1 + split_loss)
                )
        if number in levels:
            yield tile(levels[number])
    for name in LANES:
        yield events.LaneEnded(lane=name, step=chunks // 4 * STEPS_A_CHUNK, reason="done")
    yield events.Finished(status="succeeded", seconds=15.0)


@dataclass
class Source:
    """Runs and their events, fed from outside; what the API's store and feed are to the browser."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[tuple[int, str, Envelope | None]] = field(default_factory=list)  # None: of a run that was deleted
    drop: int = 0  # raised to cut every open stream
    up: bool = True
    skip: set[int] = field(default_factory=set)  # rows that the stream leaves out

    def add(self, run: str, name: str, lanes: tuple[str, ...] = LANES, probes: tuple[str, ...] = ()) -> None:
        """Add a run without events, with probes of these kinds."""
        asked = [{"name": lane, "optimizer": {"kind": "sgd", "lr": 0.1}} for lane in lanes]
        along = [{"analysis": {"kind": kind}} for kind in probes]
        self.runs[run] = {
            "id": run, "kind": "train", "name": name, "status": "running", "paused": False, "progress": None,
            "error": None, "last_seq": 0, "request": {"lanes": asked, "problem": PROBLEM, "probes": along},
        }  # fmt: skip

    def clear(self) -> None:
        """Delete all runs and end all streams; row numbers go on."""
        self.runs.clear()
        self.rows[:] = [(row, kind, None) for row, kind, _ in self.rows]
        self.skip.clear()
        self.drop += 1

    def emit(self, run: str, *emitted: AnyEvent) -> None:
        """Append events to a run."""
        for event in emitted:
            state = self.runs[run]
            state["last_seq"] += 1
            at = datetime.now(UTC).isoformat()
            self.rows.append(
                (len(self.rows) + 1, event.kind, Envelope(run=run, seq=state["last_seq"], at=at, event=event))
            )
            if isinstance(event, events.Finished):
                state["status"] = event.status


def messages(source: Source, runs: set[str], after: int) -> str:
    """Write these runs' rows after this one as server-sent events."""
    return "".join(
        f"id: {row}\nevent: {kind}\ndata: {envelope.encode()}\n\n"
        for row, kind, envelope in source.rows[after:]
        if envelope is not None and envelope.run in runs and row not in source.skip
    )


def create_app(source: Source, runs: list[str], choices: dict[str, str] | None = None) -> FastAPI:
    """Make an application whose one page shows these runs in the real panels."""
    server = FastAPI()

    @server.get("/api/stream")
    async def stream(runs: str, after: int = 0, last_event_id: int | None = Header(None)) -> Any:
        if not source.up:
            return JSONResponse({"error": {"code": "unavailable", "message": "down"}}, 503)
        if unknown := set(runs.split(",")) - set(source.runs):
            return JSONResponse({"error": {"code": "not_found", "message": f"There is no run {unknown}."}}, 404)
        ids, start, drop = set(runs.split(",")), last_event_id if last_event_id is not None else after, source.drop

        async def body() -> AsyncIterator[str]:
            sent = start
            yield "retry: 200\n\n"
            while source.drop == drop:
                fresh, sent = messages(source, ids, sent), len(source.rows)
                if fresh:
                    yield fresh
                await asyncio.sleep(0.002)

        return StreamingResponse(body(), media_type="text/event-stream")

    @server.get("/api/runs/{run}")
    async def get(run: str) -> Any:
        if run not in source.runs:
            return JSONResponse(
                {"error": {"code": "not_found", "message": f"There is no run {run}.", "hint": None}}, 404
            )
        return source.runs[run]

    @server.get("/api/runs/{run}/events")
    async def history(run: str, after: int = 0, limit: int = 1000) -> Any:
        envelopes = [envelope for _, _, envelope in source.rows if envelope is not None and envelope.run == run]
        found = [envelope.to_json() for envelope in envelopes if envelope.seq > after]
        return {"items": found[:limit], "next": found[limit - 1]["seq"] if len(found) > limit else None}

    mounted: Any = server  # Dash says that it takes Flask alone
    page = Dash("synthetic", server=mounted, assets_folder=str(frontend_app.ASSETS), serve_locally=True)
    page.backend.websocket_capability = False  # as in the app
    page.index_string = frontend_app.INDEX.replace("STYLE", frontend_app.style_variables())
    page.index_string = page.index_string.replace("SCHEME", frontend_app.SCHEME)
    landscape, *others = (panel.layout() for panel in PANELS)
    shown = html.Div(
        [
            stream_script(),
            landscape,
            html.Div(
                others,
                style={"display": "grid", "gap": 8, "gridTemplateRows": "minmax(220px, 1fr)", "gridAutoRows": "220px"},
            ),
        ],
        style={"display": "grid", "gridTemplateColumns": "1fr 1fr", "gap": 8, "height": "720px", "padding": 8},
    )
    page.layout = dmc.MantineProvider(shown, theme=theme.mantine_theme(), defaultColorScheme="light")
    view = {"runs": runs, "choices": choices or {}}
    page.index_string = page.index_string.replace(
        "</footer>", f"</footer><script>window.gradscape.setView({json.dumps(view)})</script>"
    )
    return server


async def play(source: Source, run: str, events_a_second: float) -> None:
    """Emit a long race at this pace."""
    start = time.monotonic()
    for number, event in enumerate(race(600)):
        await asyncio.sleep(max(0.0, start + number / events_a_second - time.monotonic()))
        source.emit(run, event)


async def main(port: int) -> None:
    """Serve the page and play one race on it."""
    source = Source()
    source.add("a", "synthetic")
    server = uvicorn.Server(uvicorn.Config(create_app(source, ["a"]), port=port, log_level="warning"))
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    await asyncio.gather(server.serve(), play(source, "a", 20.0))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
