"""A plain loop that records itself: what the app then knows, beside what the loop did."""

import asyncio
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from torch import nn
from torch.nn import functional as F

from backend.api.app import create_api
from backend.jobs.custom_file import try_file
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.recorded_path import recorded_path
from backend.jobs.service import Service
from backend.jobs.snapshot_files import KeptMoment, read_moments
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Envelope, PathPoints, Plane
from gradscape import Client, Recorder, Refused

FILE = """
import torch
from torch import nn
from gradscape import Fit, problem

@problem
def line(width: int = 3) -> Fit:
    x = torch.linspace(-1, 1, 30 * width).reshape(30, width)
    return Fit(lambda: nn.Linear(width, 1), "mse", (x, x.sum(1, keepdim=True)))
"""


class InProcess(httpx.BaseTransport):
    """The app without a network, for a client that does not know of event loops."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app=app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def once() -> httpx.Response:
            sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            told = await self._inner.handle_async_request(sent)
            return httpx.Response(told.status_code, headers=told.headers, content=await told.aread())

        return asyncio.run(once())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "mine.py").write_text(FILE, "utf-8")
    store = SqliteStore(":memory:")
    made = Service(store, InlineEngine(), Feed(store), folder / "data", custom=try_file(folder / "mine.py"))
    yield made
    made.close()
    if str(folder) in sys.path:
        sys.path.remove(str(folder))


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client("http://localhost", transport=InProcess(create_api(service, version="1"))) as made:
        yield made


def loop(model: nn.Module, record: Recorder, steps: int = 20) -> tuple[list[float], list[Any]]:
    x = torch.linspace(-1, 1, 90).reshape(30, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses, weights = [], [flat(model)]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
        loss.backward()
        optimizer.step()
        record.step(loss, lr=0.05)
        losses.append(float(loss.detach()))
        weights.append(flat(model))
    return losses, weights


def flat(model: nn.Module) -> Any:
    return torch.cat([each.detach().flatten() for each in model.parameters()]).numpy()


def told(service: Service, run: str, *kinds: str) -> list[Any]:
    rows, _ = service.events(run, EventFilter(kinds=kinds, limit=1000))
    return [Envelope.decode(row.text).event for row in rows]


def test_a_loop_becomes_a_run_with_its_losses_and_its_parameters(client: Client, service: Service) -> None:
    model = nn.Linear(3, 1)
    with Recorder(model, "a line", steps=20, every=2, client=client) as record:
        losses, weights = loop(model, record)
    assert record.run is not None
    client.wait(record.run, 10)
    run = service.get(record.run)
    assert (run.status, run.name, run.tags, run.kind) == ("succeeded", "a line", ("recorded",), "train")
    chunks = told(service, run.id, "train_chunk")
    np.testing.assert_array_equal(np.concatenate([chunk.step for chunk in chunks]), np.arange(1, 21))
    np.testing.assert_allclose(np.concatenate([chunk.loss for chunk in chunks]), losses, rtol=1e-6)
    assert {float(rate) for chunk in chunks for rate in chunk.lr} == {float(np.float32(0.05))}
    kept = read_moments(service.folder(run.id), "mine", 0, range(0, 21))
    assert [moment.step for moment in kept] == list(range(0, 21, 2))
    for moment in kept:
        np.testing.assert_array_equal(moment.params_P, weights[moment.step])
    (path,) = told(service, run.id, "path_points")[-1:]
    assert list(path.step) == list(range(0, 21, 2))


def test_without_its_model_a_recording_has_its_path_and_a_sentence_for_the_rest(client: Client) -> None:
    model = nn.Linear(3, 1)
    with Recorder(model, client=client) as record:
        loop(model, record)
    run = client.wait(client.analyse(str(record.run), "top_eigenvalues", k=1)["id"])
    assert run["error"]["code"] == "unsupported"
    assert "recorded without its model" in run["error"]["message"]
    with pytest.raises(Refused, match="takes no more"):
        client.ask("POST", f"/api/recordings/{record.run}/finish")
    with pytest.raises(Refused, match="has ended"):
        client.ask("POST", f"/api/runs/{record.run}/control", {"action": "cancel"})


def test_with_its_model_there_are_trajectory_surface_and_curvature(client: Client, service: Service) -> None:
    model = nn.Linear(3, 1)
    with Recorder(model, problem="line", optimizer={"kind": "sgd", "lr": 0.05}, client=client) as record:
        loop(model, record)
    run = str(record.run)
    for kind, settings in (
        ("top_eigenvalues", {"k": 1}),
        ("surface", {"resolution": 5, "plane": {"kind": "pca"}}),
        ("trajectory", {"plane": {"kind": "pca"}}),
    ):
        done = client.wait(client.analyse(run, kind, **settings)["id"])
        assert done["status"] == "succeeded", done["error"]
    x = torch.linspace(-1, 1, 90).reshape(30, 3)
    features = torch.cat([x, torch.ones(30, 1)], 1).double()
    expected = float(torch.linalg.eigvalsh(2 * features.T @ features / 30)[-1])
    looked = client.wait(client.analyse(run, "top_eigenvalues", k=1, tol=1e-4)["id"])["id"]
    assert float(told(service, looked, "eigenvalues")[-1].values[0]) == pytest.approx(expected, rel=1e-3)
    wrong = nn.Linear(5, 1)
    with Recorder(wrong, problem="line", client=client) as other:
        other.step(1.0)
    refused = client.wait(client.analyse(str(other.run), "top_eigenvalues", k=1)["id"])
    assert "the problem has 4 parameters and 0 buffer values, but the point has 6" in refused["error"]["message"]


def test_a_loop_that_fails_is_told_so_and_its_error_goes_on(client: Client, service: Service) -> None:
    model = nn.Linear(3, 1)
    record = Recorder(model, client=client)
    with pytest.raises(ZeroDivisionError), record:
        record.step(1 / 0)
    assert client.wait(str(record.run), 10)["status"] == "failed"
    with pytest.raises(KeyboardInterrupt), Recorder(model, client=client) as stopped:
        raise KeyboardInterrupt
    assert client.wait(str(stopped.run), 10)["status"] == "cancelled"


def test_an_app_that_cannot_be_reached_never_ends_the_training() -> None:
    model = nn.Linear(3, 1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with Recorder(model, client=Client("http://127.0.0.1:9")) as record:
            losses, _ = loop(model, record)
    assert len(losses) == 20
    assert [str(each.message).startswith("Gradscape records no further: ") for each in said] == [True]


def test_a_recording_whose_loop_has_died_ends_and_says_so(client: Client, service: Service) -> None:
    dead, alive = (Recorder(nn.Linear(3, 1), lane=name, client=client).start() for name in ("dead", "alive"))
    dead._broken = bool(dead.run)  # what a kill does: once this has been sent, nothing is any more
    dead._wake.set()
    dead._thread.join()
    service.recordings._live[str(dead.run)].heard -= 400.0
    assert service.recordings.end_silent(1000.0) == []
    assert service.recordings.end_silent(300.0) == [dead.run]
    client.wait(str(dead.run), 10)
    run = service.get(str(dead.run))
    assert (run.status, run.error and run.error.code) == ("failed", "worker_lost")
    assert "nothing was heard of the training loop for 400 s" in str(run.error)
    assert [each.kind for each in told(service, run.id)][-3:] == ["lane_ended", "failed", "finished"]
    assert service.snapshots(run.id)[0].step == 0  # what it has told is kept
    assert service.recordings.end_silent(300.0) == []
    with pytest.raises(Refused, match=r"has ended as failed \(nothing was heard.*begin a new recording"):
        dead._tell([])  # it was only asleep
    assert service.get(str(alive.run)).status == "running"
    alive.finish()
    assert client.wait(str(alive.run), 10)["status"] == "succeeded"


def test_a_loop_that_makes_no_step_says_that_it_is_alive(
    client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradscape.recorder.BEAT", 0.0)
    with Recorder(nn.Linear(3, 1), client=client) as record:
        live = service.recordings._live[str(record.run)]
        live.heard -= 400.0
        before = live.heard
        record._send()
        record._send()  # the first may have had a snapshot to send
        assert live.heard > before + 399.0


def test_a_recording_is_ended_from_here_and_its_loop_is_told(client: Client, service: Service) -> None:
    record = Recorder(nn.Linear(3, 1), client=client).start()
    assert record.run is not None  # the app has answered
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        client.ask("POST", f"/api/runs/{record.run}/control", {"action": "cancel"})
        record.step(1.0)
        record._thread.join(30.0)  # it ends with what the app says
    assert ["takes no more" in str(each.message) for each in said] == [True]
    assert client.wait(str(record.run), 10)["status"] == "cancelled"
    record.finish()


def keep(client: Client, run: str, steps: str, raw: bytes) -> None:
    client.ask("POST", f"/api/recordings/{run}/snapshots", raw, steps=steps)


def test_the_last_rows_come_with_the_end_and_bad_ones_do_not_end_it(client: Client, service: Service) -> None:
    from gradscape.recorder import _column

    run = client.ask("POST", "/api/recordings", BEGIN)["id"]
    row = {
        **ROW,
        "step": _column([1], "int32"),
        **dict.fromkeys(("loss", "grad_norm", "lr", "seconds"), _column([1.0])),
    }
    with pytest.raises(Refused, match="columns of one length"):
        client.ask("POST", f"/api/recordings/{run}/finish", {"events": [{**row, "lr": _column([1.0, 2.0])}]})
    assert service.get(run).status == "running"
    client.ask("POST", f"/api/recordings/{run}/finish", {"events": [row]}, status="cancelled")
    assert client.wait(run, 10)["status"] == "cancelled"
    assert [event.kind for event in told(service, run)] == ["started", "train_chunk", "lane_ended", "finished"]


BEGIN = {"parameters": 2, "lane": "mine"}
ROW = {"kind": "train_chunk", "lane": "mine"}


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda c, run: keep(c, run, "1", b"123"), "1 × 8 bytes .2 numbers.*got 3"),
        (lambda c, run: keep(c, run, "1,2", bytes(8)), "2 × 8 bytes .2 numbers.*got 8"),
        (lambda c, run: keep(c, run, "-1", bytes(8)), "match pattern"),
        (lambda c, run: keep(c, run, "3,2", bytes(16)), "expected a snapshot after step 3, got step 2"),
        (lambda c, run: keep(c, run, "99999999", bytes(8)), "at most 10,000,000, got 99,999,999"),
        (lambda c, run: keep(c, "none", "1", bytes(8)), "there is no run 'none'"),
        (lambda c, run: c.ask("POST", f"/api/recordings/{run}/events", {"events": [{"kind": "x"}]}), "train_chunk"),
        (lambda c, run: c.ask("POST", "/api/recordings", {"parameters": 0}), "greater than or equal to 1"),
        (lambda c, run: c.ask("POST", f"/api/recordings/{run}/finish", status="lost"), "'succeeded'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(client: Client, ask: Callable[[Client, str], Any], sentence: str) -> None:
    run = client.ask("POST", "/api/recordings", BEGIN)["id"]
    keep(client, run, "0", bytes(8))
    with pytest.raises(Refused, match=sentence):
        ask(client, run)
    with pytest.raises(Refused, match="expected a snapshot after step 0, got step 0"):
        keep(client, run, "0", bytes(8))
    client.ask("POST", f"/api/recordings/{run}/finish")


def test_columns_of_different_lengths_and_lanes_are_refused(client: Client) -> None:
    from gradscape.recorder import _column

    run = client.ask("POST", "/api/recordings", BEGIN)["id"]
    row = {
        **ROW,
        "step": _column([1], "int32"),
        **dict.fromkeys(("loss", "grad_norm", "lr", "seconds"), _column([1.0])),
    }
    for wrong, sentence in (
        ({"loss": _column([1.0, 2.0])}, "columns of one length"),
        ({"lane": "x"}, "of the lane 'mine'"),
    ):
        with pytest.raises(Refused, match=sentence):
            client.ask("POST", f"/api/recordings/{run}/events", {"events": [{**row, **wrong}]})
    client.ask("POST", f"/api/recordings/{run}/events", {"events": [row]})
    client.ask("POST", f"/api/recordings/{run}/finish")


def test_the_plane_of_a_path_is_that_of_its_singular_vectors() -> None:
    draw = np.random.default_rng(0)
    path_TP = np.cumsum(draw.normal(size=(12, 40)), axis=0).astype(np.float32)
    moments = [KeptMoment(t, row, np.empty(0)) for t, row in enumerate(path_TP)]
    found = recorded_path("mine", range(12), lambda steps: [moments[step] for step in steps])
    assert found is not None
    plane, path = found
    assert isinstance(plane, Plane)
    assert isinstance(path, PathPoints)
    apart_TP = path_TP.astype(np.float64) - path_TP.mean(0)
    _, sizes, axes = np.linalg.svd(apart_TP, full_matrices=False)
    assert plane.explained == pytest.approx(tuple(sizes[:2] ** 2 / (sizes**2).sum()))
    at_T2 = apart_TP @ axes[:2].T
    np.testing.assert_allclose(path.off_plane, np.linalg.norm(apart_TP - at_T2 @ axes[:2], axis=1), rtol=1e-5)
    for found_T, expected_T, length in ((path.a, at_T2[:, 0], plane.u_norm), (path.b, at_T2[:, 1], plane.v_norm)):
        steps_T = np.diff(found_T) * length
        np.testing.assert_allclose(np.abs(steps_T), np.abs(np.diff(expected_T)), rtol=1e-4)
        assert np.abs(found_T).max() == pytest.approx(0.8)
    assert recorded_path("mine", range(5), lambda steps: [moments[0] for _ in steps]) is None


def test_a_long_path_is_fitted_to_moments_spread_over_it_and_laid_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    directions_2P = np.linalg.qr(draw.normal(size=(50, 2)))[0].T
    at_T2 = np.stack([np.linspace(-3, 3, 200), np.sin(np.linspace(0, 6, 200))], 1)
    path_TP = (at_T2 @ directions_2P).astype(np.float32)
    path_TP[17] = np.nan
    moments = [KeptMoment(10 * t, row, np.empty(0)) for t, row in enumerate(path_TP)]
    asked: list[int] = []

    def read(steps: Sequence[int]) -> list[KeptMoment]:
        asked.append(len(steps))
        return [moments[step // 10] for step in steps]

    monkeypatch.setattr("backend.jobs.recorded_path.BLOCK", 300)
    found = recorded_path("mine", range(0, 2000, 10), read)
    assert found is not None
    plane, path = found
    assert max(asked) <= 128
    assert list(path.step) == [step for step in range(0, 2000, 10) if step != 170]
    assert np.abs(path.off_plane).max() < 1e-5  # all of it lies in one plane
    laid_T2 = np.stack([path.a * plane.u_norm, path.b * plane.v_norm], 1)
    truth_T2 = np.delete(at_T2, 17, axis=0)
    apart_TT = np.linalg.norm(truth_T2[:, None] - truth_T2[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(laid_T2[:, None] - laid_T2[None], axis=-1), apart_TT, atol=1e-4)


def test_the_folder_of_a_recording_is_a_runs(service: Service, client: Client) -> None:
    run = client.ask("POST", "/api/recordings", BEGIN)["id"]
    for step in range(6):
        keep(client, run, str(step), np.array([step, step**2], "<f4").tobytes())
    client.ask("POST", f"/api/recordings/{run}/finish")
    assert client.wait(run, 10)["status"] == "succeeded"
    assert [kept.step for kept in service.snapshots(run)] == list(range(6))
    assert Path(service.folder(run)).is_dir()


def test_the_plain_loop_of_the_examples(
    client: Client, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    import recorded_loop

    monkeypatch.setattr(recorded_loop, "Client", lambda url, token: client)
    monkeypatch.setattr(sys, "argv", ["recorded_loop.py", "--steps", "12"])
    recorded_loop.main()
    run = capsys.readouterr().out.strip().rpartition("=")[2]
    assert client.wait(run, 10)["status"] == "succeeded"
    assert sum(len(chunk.step) for chunk in told(service, run, "train_chunk")) == 12
