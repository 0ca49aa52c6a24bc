import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.analyses.base import LaneState, Moment
from backend.jobs import keeper as keepers
from backend.jobs.keeper import DiskKeeper
from backend.jobs.snapshot_files import (
    has_plane,
    list_segments,
    list_snapshots,
    read_checkpoints,
    read_moments,
    read_plane,
)

LANE = "../ SGD · η=0.1/…"  # a lane's name may hold anything


class Time:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def moment(step: int, size: int = 3, buffers: int = 0) -> Moment:
    return Moment(step, torch.arange(size) + 100.0 * step, torch.full((buffers,), float(step)))


def steps(folder: Path, lane: str = LANE, repeat: int = 0) -> list[int]:
    return [kept.step for kept in list_snapshots(folder) if (kept.lane, kept.repeat) == (lane, repeat)]


def test_moments_come_back_bit_for_bit(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    for step in range(5):
        keeper.snapshot(LANE, 2, moment(step, buffers=2))
    keeper.flush()
    found = read_moments(tmp_path, LANE, 2, [3, 0, 99])
    assert [kept.step for kept in found] == [3, 0]
    assert np.array_equal(found[0].params_P, moment(3).params_P.numpy())
    assert np.array_equal(found[0].buffers_B, np.full(2, 3.0, np.float32))
    assert read_moments(tmp_path, LANE, 0, [3]) == []
    assert read_moments(tmp_path, "another", 2, [3]) == []


def test_not_finite_and_double_values_survive(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    params_P = torch.tensor([float("nan"), float("inf"), 1 / 3], dtype=torch.float64)
    keeper.snapshot(LANE, 0, Moment(0, params_P, torch.zeros(0)))
    keeper.flush()
    (kept,) = read_moments(tmp_path, LANE, 0, [0])
    assert kept.params_P.tobytes() == params_P.numpy().tobytes()
    assert kept.buffers_B.shape == (0,)


def test_writing_waits_and_small_segments_grow_together(tmp_path: Path) -> None:
    time = Time()
    keeper = DiskKeeper(tmp_path, clock=time)
    for step in range(10):
        keeper.snapshot(LANE, 0, moment(step))
    assert steps(tmp_path) == [], "nothing is written before its time"
    for step in range(10, 40):
        time.now += keepers.EVERY / 3
        keeper.snapshot(LANE, 0, moment(step))
    keeper.flush()
    assert steps(tmp_path) == list(range(40))
    assert len(list_segments(tmp_path)) == 1


def test_writing_takes_a_small_share_of_the_time(tmp_path: Path) -> None:
    time, ticks = Time(), [0.1, 10.0, 0.001]
    keeper = DiskKeeper(tmp_path, clock=lambda: time())
    pauses = []
    for seconds in ticks:
        keeper.snapshot(LANE, 0, moment(len(pauses)))
        slow = iter([time.now, time.now + seconds, time.now + seconds])
        keeper._clock = lambda slow=slow: next(slow)
        keeper.flush()
        keeper._clock = time
        pauses.append(keeper._pause)
    assert pauses == [pytest.approx(0.1 / keepers.SHARE), keepers.RARELY, keepers.EVERY]


def test_large_segments_are_left_alone(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    for step in range(3):
        keeper.snapshot(LANE, 0, moment(step, size=keepers.SMALL // 4))
        keeper.flush()
    assert [segment.steps for segment in list_segments(tmp_path)] == [(0,), (1,), (2,)]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_thinning_keeps_what_it_is_told_to(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run")
    keeper = DiskKeeper(folder)
    kept: list[int] = []
    step = 0
    size = data.draw(st.sampled_from([3, keepers.SMALL // 12]))
    for action in data.draw(st.lists(st.sampled_from(["add", "add", "add", "thin", "flush"]), max_size=25)):
        if action == "add":
            for _ in range(data.draw(st.integers(1, 4))):
                keeper.snapshot(LANE, 0, Moment(step, torch.full((size,), float(step)), torch.zeros(0)))
                kept.append(step)
                step += 1
        elif action == "thin" and kept:
            kept = [s for s in kept if data.draw(st.booleans())] or kept[-1:]
            keeper.thin(LANE, 0, kept)
        elif action == "flush":
            keeper.flush()
            assert steps(folder) == kept
    keeper.flush()
    assert steps(folder) == kept
    assert [float(found.params_P[0]) for found in read_moments(folder, LANE, 0, kept)] == [float(s) for s in kept]
    assert not list(folder.rglob("*.part"))


def test_the_list_tells_what_can_be_resumed(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    for lane in ("b", "a"):
        for step in (0, 1, 2):
            keeper.snapshot(lane, 0, moment(step))
    for step in (1, 2):
        keeper.checkpoint(LaneState("b", 0, step, {"params": moment(step).params_P}, {}))
    keeper.checkpoint(LaneState("a", 0, 7, {"params": moment(7).params_P}, {}))
    keeper.flush()
    listed = [(kept.lane, kept.step, kept.resumable) for kept in list_snapshots(tmp_path)]
    assert listed == [
        ("b", 0, False), ("b", 1, True), ("b", 2, True),
        ("a", 0, False), ("a", 1, False), ("a", 2, False), ("a", 7, True),
    ]  # fmt: skip
    assert all(kept.bytes > 12 for kept in list_snapshots(tmp_path))


def test_checkpoints_come_back_whole(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    for step in (1, 2):
        tensors = {
            "params": torch.full((3,), step, dtype=torch.float64),
            "optimizer.step": torch.tensor(step),
            "generator": torch.Generator().manual_seed(step).get_state(),
            "empty": torch.zeros(0),
        }
        keeper.checkpoint(LaneState(LANE, 1, step, tensors, {"rule": "adam", "live": {"lr": 0.1}, "first": None}))
        keeper.flush()
    (state,) = read_checkpoints(tmp_path)
    assert (state.lane, state.repeat, state.step) == (LANE, 1, 2)
    assert state.values == {"rule": "adam", "live": {"lr": 0.1}, "first": None}
    assert {name: array.tobytes() for name, array in state.arrays.items()} == {
        name: tensor.numpy().tobytes() for name, tensor in tensors.items()
    }
    assert state.arrays["optimizer.step"].shape == ()
    for asked, found in ((1, [1]), (2, [2]), (99, [2]), (0, [])):
        assert [state.step for state in read_checkpoints(tmp_path, asked)] == found


def test_the_oldest_checkpoints_give_way_and_the_last_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.jobs.keeper.ROOM", 20_000)
    keeper = DiskKeeper(tmp_path)
    for step, size in ((1, 1000), (2, 1000), (3, 1000), (4, 10_000)):
        keeper.checkpoint(LaneState(LANE, 0, step, {"params": torch.zeros(size, dtype=torch.float64)}, {}))
        keeper.flush()
        kept = [snapshot.step for snapshot in list_snapshots(tmp_path)]
        assert kept == {1: [1], 2: [1, 2], 3: [2, 3], 4: [4]}[step]


def test_a_plane_is_kept_by_its_id_before_it_is_told(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path, clock=Time())
    keeper.plane("0a1b", moment(3, buffers=1), torch.ones(3), torch.zeros(3))
    plane = read_plane(tmp_path, "0a1b")
    assert plane.origin.step == 3
    assert plane.origin.params_P.tolist() == moment(3).params_P.tolist()
    assert (plane.u_P.tolist(), plane.v_P.tolist()) == ([1.0] * 3, [0.0] * 3)
    assert has_plane(tmp_path, "0a1b")
    assert not has_plane(tmp_path, "ffff")
    for elsewhere in ("../planes/0a1b", "..", "0a1b.safetensors"):
        assert not has_plane(tmp_path, elsewhere)


def test_parts_write_side_by_side(tmp_path: Path) -> None:
    for part in range(2):
        keeper = DiskKeeper(tmp_path, part)
        keeper.snapshot(f"lane {part}", 0, moment(part))
        keeper.checkpoint(LaneState(f"lane {part}", 0, part, {"params": moment(part).params_P}, {}))
        keeper.flush()
    assert [(kept.lane, kept.resumable) for kept in list_snapshots(tmp_path)] == [("lane 0", True), ("lane 1", True)]


def test_a_reader_beside_a_writer_always_sees_whole_files(tmp_path: Path) -> None:
    keeper = DiskKeeper(tmp_path)
    keeper.snapshot(LANE, 0, moment(0))
    keeper.flush()
    done = threading.Event()
    faults: list[Exception] = []

    def read() -> None:
        try:
            while not done.is_set():
                listed = steps(tmp_path)
                assert listed[0] == 0
                assert read_moments(tmp_path, LANE, 0, [0])[0].params_P.tolist() == [0.0, 1.0, 2.0]
        except Exception as fault:
            faults.append(fault)

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(1, 200):
        keeper.snapshot(LANE, 0, moment(step))
        if step % 50 == 0:
            keeper.thin(LANE, 0, [0, *range(step - 5, step + 1)])
        keeper.flush()
    done.set()
    reader.join()
    assert faults == []


def test_a_folder_without_snapshots_lists_none(tmp_path: Path) -> None:
    assert list_snapshots(tmp_path / "nothing") == []
    assert read_checkpoints(tmp_path / "nothing") == []
