"""The callbacks of the examples, called as their libraries call them."""

import base64
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from torch import nn

from gradscape import Client, pages, recorder

EXAMPLES = str(Path(__file__).parents[2] / "examples")


class Told(Client):
    """Remembers what it is asked."""

    def __init__(self) -> None:
        super().__init__("http://nobody")
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        self.asked.append((method, path, body, query))
        return {"id": "a-run"}

    def rows(self) -> int:
        return sum(
            event["step"]["shape"][0]
            for _, _, body, _ in self.asked
            if isinstance(body, dict)
            for event in body.get("events", ())
        )


@pytest.fixture
def told() -> Iterator[Told]:
    sys.path.insert(0, EXAMPLES)
    yield Told()
    sys.path.remove(EXAMPLES)


def test_lightning(told: Told) -> None:
    from recorded_lightning import Recorded

    module = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    trainer = SimpleNamespace(estimated_stepping_batches=2, optimizers=[optimizer], accumulate_grad_batches=2)
    callback = Recorded(client=told, lane="lightning")
    callback.on_fit_start(trainer, module)
    for index in range(4):
        callback.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, index)
    callback.on_fit_end(trainer, module)
    assert told.asked[0][2] == {"name": "", "lane": "lightning", "steps": 2, "parameters": 4, "problem": None}
    assert told.rows() == 2
    assert told.asked[-1][1] == "/api/recordings/a-run/finish"
    assert told.asked[-1][3] == {"status": "succeeded"}


@pytest.mark.parametrize(("error", "status"), [(ValueError(), "failed"), (KeyboardInterrupt(), "cancelled")])
def test_lightning_tells_how_it_ended(told: Told, error: BaseException, status: str) -> None:
    from recorded_lightning import Recorded

    module = nn.Module()
    module.net = nn.Linear(2, 1)
    callback = Recorded("net", client=told)
    trainer = SimpleNamespace(estimated_stepping_batches=9)
    callback.on_fit_start(trainer, module)
    callback.on_exception(trainer, module, error)
    callback.on_fit_end(trainer, module)
    assert [asked[3] for asked in told.asked if asked[1].endswith("/finish")] == [{"status": status}]
    assert told.asked[0][2]["parameters"] == 3


def test_transformers(told: Told) -> None:
    from recorded_transformers import Recorded

    model, state = nn.Linear(3, 1), SimpleNamespace(max_steps=5)
    callback = Recorded(client=told, name="tuned", problem="mine", parameters={"width": 3})
    callback.on_train_begin(None, state, None, model=model, tokenizer=None)
    for step in range(5):
        callback.on_log(None, state, None, logs={"loss": 1.0 / (step + 1), "learning_rate": 0.1, "grad_norm": 2.0})
    callback.on_log(None, state, None, logs={"train_runtime": 3.0, "train_loss": 0.5})
    callback.on_train_end(None, state, None)
    assert told.asked[0][2]["problem"] == {"custom": {"name": "mine", "parameters": {"width": 3}}}
    assert told.rows() == 5


def test_snapshots_become_rarer(told: Told) -> None:
    model = nn.Linear(2, 1)
    with recorder.Recorder(model, client=told) as record:
        for _ in range(1000):
            record.step(0.5)
            if record._steps % 50 == 0:
                record._thread.join(0.3)  # so that no snapshot is left out as one too many
    steps = [int(step) for *_, query in told.asked for step in query.get("steps", "").split(",") if step]
    assert steps[:3] == [0, 1, 2]
    assert steps[-1] == 1000
    assert steps == sorted(set(steps))
    gaps = [b - a for a, b in pairwise(steps)]
    assert set(gaps[:50]) == {1}
    assert max(gaps) >= 4
    assert len(steps) < 350


def test_pages_are_filled_while_they_are_sent_and_full_ones_leave_snapshots_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "ROWS", 3)
    model = nn.Sequential(nn.Conv2d(1, 2, 2).to(memory_format=torch.channels_last), nn.Linear(2, 1).double())
    room, wanted = pages.Pages(list(model.parameters())), []
    assert room.take()[0] == []
    for step in range(5):
        for parameter in model.parameters():
            parameter.data = parameter.data + step  # another tensor than before
        wanted.append(torch.cat([each.detach().reshape(-1).float() for each in model.parameters()]))
        assert room.put(step) == (step < 3)
        assert room.half_full == (step >= 1)
    steps, raw = room.take()
    assert steps == [0, 1, 2]
    assert room.put(9)
    assert torch.equal(torch.frombuffer(bytearray(raw), dtype=torch.float32).reshape(3, -1), torch.stack(wanted[:3]))
    steps, raw = room.take()
    assert steps == [9]
    assert torch.equal(torch.frombuffer(bytearray(raw), dtype=torch.float32), wanted[4])


def test_losses_of_any_kind_are_told(told: Told) -> None:
    kinds = [
        0.5,
        1,
        torch.tensor(0.25),
        torch.tensor([2.0], requires_grad=True) * 1,
        torch.tensor(3.0, dtype=torch.bfloat16),
    ]
    with recorder.Recorder(nn.Linear(2, 1), client=told) as record:
        for kind in kinds:
            record.step(kind, grad_norm=kind)
    (event,) = [event for _, path, body, _ in told.asked if path.endswith("/finish") for event in body["events"]]
    for name in ("loss", "grad_norm"):
        assert np.frombuffer(base64.b64decode(event[name]["base64"]), "<f4").tolist() == [0.5, 1.0, 0.25, 2.0, 3.0]


def test_a_model_that_changes_its_form_ends_the_recording_and_not_the_training(told: Told) -> None:
    model = nn.Linear(2, 1)
    with recorder.Recorder(model, client=told) as record:
        model.weight.data = torch.zeros(1, 3)
        with pytest.warns(RuntimeWarning, match="records no further"):
            record.step(0.5)
        record.step(0.5)
    assert told.rows() <= 1


@pytest.mark.parametrize("size", [0, 1, 10, 25])
def test_a_long_body_goes_in_pieces_of_a_length_that_is_told(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradscape.client.PIECE", 10)
    body, pieces = bytes(range(size)), list[bytes]()

    class Taken(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert isinstance(request.stream, httpx.SyncByteStream)
            pieces.extend(request.stream)
            assert request.headers["Content-Length"] == str(size)
            assert "Transfer-Encoding" not in request.headers
            return httpx.Response(204)

    with Client(transport=Taken()) as client:
        client.ask("POST", "/api/x", memoryview(body))
    assert b"".join(pieces) == body
    assert [len(piece) for piece in pieces] == [10] * (size // 10) + [size % 10] * bool(size % 10)
