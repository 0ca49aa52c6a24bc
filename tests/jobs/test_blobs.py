"""Snapshots behind a URL: the same as in a folder of this machine, and shared by two processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch

from backend.core.analyses.base import LaneState, Moment
from backend.jobs import blobs
from backend.jobs.blobs import Place, Remote, files_of, place_of, read_whole, remove_folder, size_of
from backend.jobs.errors import Unavailable
from backend.jobs.inline import InlineEngine
from backend.jobs.keeper import DiskKeeper
from backend.jobs.local import LocalEngine
from backend.jobs.snapshot_files import (
    KeptMoment,
    has_plane,
    list_snapshots,
    read_checkpoints,
    read_moments,
    read_plane,
    write_segment,
)
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.point import RunPoint
from backend.schemas.run import AnalyseRequest
from tests.fold import fold
from tests.jobs.test_same_seed import play, race, served

LANE = "../ SGD · η=0.1/…"  # a lane's name may hold anything


@pytest.fixture(params=["path", "memory", "local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A folder of this machine; one that appears at once, as in an object store; one that is renamed into place."""
    if request.param == "path":
        yield tmp_path / "kept"
        return
    remote = Remote(f"memory://{tmp_path.name}") if request.param == "memory" else Remote(f"local://{tmp_path}/kept")
    yield remote
    remove_folder(remote)


def moment(step: int, size: int = 3) -> Moment:
    return Moment(step, torch.arange(size) + 100.0 * step, torch.full((2,), float("nan")))


def test_what_a_race_keeps_comes_back_bit_for_bit_from_anywhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "HEAD", 64)  # so that headers and tensors are fetched by their ranges, too
    assert (list_snapshots(place), has_plane(place, "ab"), size_of(place)) == ([], False, 0)
    keeper = DiskKeeper(place)
    for step in range(6):
        keeper.snapshot(LANE, 0, moment(step))
    keeper.flush()
    keeper.thin(LANE, 0, [0, 2, 5])
    state = LaneState(LANE, 0, 5, {"m": torch.ones(3, dtype=torch.float64), "none": torch.zeros(0)}, {"t": [1, "x"]})
    keeper.checkpoint(state)
    keeper.plane("ab", moment(2), torch.ones(3), torch.zeros(3))
    keeper.flush()
    assert [(kept.lane, kept.step, kept.resumable) for kept in list_snapshots(place)] == [
        (LANE, 0, False), (LANE, 2, False), (LANE, 5, True),
    ]  # fmt: skip
    found = read_moments(place, LANE, 0, [5, 1, 0])
    assert [kept.step for kept in found] == [5, 0]
    np.testing.assert_array_equal(found[0].params_P, moment(5).params_P.numpy())
    assert np.isnan(found[0].buffers_B).all()
    (kept,) = read_checkpoints(place)
    assert (kept.lane, kept.step, dict(kept.values)) == (LANE, 5, {"t": [1, "x"]})
    assert kept.arrays["m"].dtype == np.float64
    assert {name: array.tolist() for name, array in kept.arrays.items()} == {"m": [1.0, 1.0, 1.0], "none": []}
    plane = read_plane(place, "ab")
    assert (plane.origin.step, plane.u_P.tolist(), plane.v_P.tolist()) == (2, [1.0] * 3, [0.0] * 3)
    assert size_of(place) == sum(len(read_whole(file)) for folder in ("snapshots", "checkpoints", "planes")
                                 for file in files_of(place / folder, "")) > 0  # fmt: skip
    remove_folder(place)
    assert (list_snapshots(place), size_of(place)) == ([], 0)
    with pytest.raises(FileNotFoundError):
        read_plane(place, "ab")


def test_only_the_ranges_that_are_wanted_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Remote(f"memory://{tmp_path.name}")
    rows = [KeptMoment(step, np.full(50_000, step, np.float32), np.empty(0, np.float32)) for step in range(20)]
    segment = write_segment(place, "0.0.0", LANE, 0, rows)
    fs, _ = fsspec.core.url_to_fs(place.url)
    fetched: list[int] = []
    fetch = fs.cat_file

    def counted(path: str, start: int | None = None, end: int | None = None) -> Any:
        fetched.append(len(found := fetch(path, start, end)))
        return found

    monkeypatch.setattr(fs, "cat_file", counted)
    (kept,) = read_moments(place, LANE, 0, [13])
    assert set(kept.params_P.tolist()) == {13.0}
    assert sum(fetched) < segment.bytes / 8
    remove_folder(place)


def test_a_reader_never_sees_half_a_file_and_a_failed_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Remote(f"local://{tmp_path}/kept")
    blobs.write_whole(place / "one", b"earlier")
    fs, _ = fsspec.core.url_to_fs(place.url)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(fs), "mv", full)
    with pytest.raises(OSError, match="No space"):
        blobs.write_whole(place / "one", b"later")
    assert [file.name for file in files_of(place, "")] == ["one"]
    assert read_whole(place / "one") == b"earlier"


def test_a_place_is_a_path_wherever_it_can_be(tmp_path: Path) -> None:
    assert place_of(str(tmp_path)) == tmp_path
    assert place_of(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert place_of(f"local://{tmp_path}/runs/") == Remote(f"local://{tmp_path}/runs")
    assert list((tmp_path / "runs").iterdir()) == []  # what it was tried with is gone


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense://here", "cannot write to nonsense://here: ValueError: Protocol not known"),
        ("/proc/nowhere/runs", "cannot write to /proc/nowhere/runs: "),
        ("file:///proc/nowhere/runs", "cannot write to file:///proc/nowhere/runs: "),
        ("local:///proc/nowhere/runs", "cannot write to local:///proc/nowhere/runs: "),
        ("smb://me:secret@host/share", "smb:// needs a package"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(Unavailable) as refused:
        place_of(url)
    assert str(refused.value).startswith(sentence)
    assert "secret" not in str(refused.value)


WRITE = """
import numpy as np
from backend.jobs.blobs import Remote
from backend.jobs.snapshot_files import KeptMoment, write_segment
rows = [KeptMoment(step, np.full(7, step, np.float32), np.empty(0, np.float32)) for step in (3, 8)]
write_segment(Remote({url!r}), "0.0.0", "elsewhere", 0, rows)
"""


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_two_processes_share_a_url(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://{tmp_path}/shared"
    subprocess.run([sys.executable, "-c", WRITE.format(url=url)], check=True, cwd=Path(__file__).parents[2])
    place = place_of(url)
    assert [(kept.lane, kept.step) for kept in list_snapshots(place)] == [("elsewhere", 3), ("elsewhere", 8)]
    assert read_moments(place, "elsewhere", 0, [8])[0].params_P.tolist() == [8.0] * 7


def test_a_race_behind_a_url_is_the_race_of_a_folder_and_goes_on_from_there(tmp_path: Path) -> None:
    """The workers are other processes: what one writes behind the URL, the server and the other one read."""
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    url = Remote(f"local://{tmp_path}/bucket")
    with (
        closing(served(InlineEngine(threads=1), tmp_path / "a")) as here,
        closing(served(LocalEngine(workers=2, threads=1), tmp_path / "b", url)) as there,
    ):
        found = []
        for service in (here, there):
            run, events = play(service, race(probes=()))
            look = AnalyseRequest(
                at=(RunPoint(run=run.id),), analysis=SurfaceAnalysis(plane=RandomPlane(), resolution=9), tune=False
            )
            surface = fold(play(service, look)[1])["other"]
            rest = play(service, race(steps=40, origin=RunPoint(run=run.id, step=25), resume=True))[1]
            surface = [{key: value for key, value in event.items() if key != "points"} for event in surface]
            found.append((fold(events), surface, fold(rest)["columns"]))
        assert found[0] == found[1]
        assert not (tmp_path / "b" / "runs").exists()
        there.delete(run.id)
        assert list_snapshots(there.folder(run.id)) == []
