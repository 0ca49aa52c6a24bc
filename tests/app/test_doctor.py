"""The doctor finds what is wrong, says what to do, and has an exit code."""

import io
import socket
from pathlib import Path

import pytest
import torch

from app import doctor
from app.settings import Settings
from backend.core.geometry.plane import Plane, Projection
from backend.jobs.directory_lock import DirectoryLock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=0)


def test_this_installation_is_well(settings):
    out = io.StringIO()
    assert doctor.doctor(settings, out) == 0
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("ok ")] == [
        "python", "packages", "data", "store", "room", "memory", "port", "engine", "devices", "gradient", "projection",
    ]  # fmt: skip


def test_a_data_directory_that_is_a_file_fails(tmp_path):
    (tmp_path / "file").write_text("")
    check = doctor.data_directory(Settings(data=tmp_path / "file"))
    assert check.verdict == "fail"
    assert check.advice


def test_a_data_directory_in_use_is_a_warning(settings):
    lock = DirectoryLock(settings.data)
    try:
        check = doctor.data_directory(settings)
    finally:
        lock.release()
    assert (check.verdict, "another Gradscape" in check.found) == ("warn", True)


def test_a_store_that_cannot_be_reached_or_written_to_fails_and_shows_no_password(tmp_path, settings):
    assert doctor.store(settings).found == "runs in the data directory"
    (tmp_path / "file").write_text("")
    for url, sentence in (
        (f"{tmp_path}/file/runs", "NotADirectoryError"),
        (f"file://{tmp_path}/file/runs", "NotADirectoryError"),
        ("local:///proc/nowhere/runs", "cannot write to local:///proc/nowhere/runs"),
        ("nonsense://me:secret@here", "cannot write to nonsense://here: ValueError"),
    ):
        check = doctor.store(Settings(data=tmp_path / "data", store_url=url))
        assert check.verdict == "fail"
        assert sentence in check.found
        assert check.advice.startswith("Look at the address, and at who may write there")
        assert "secret" not in check.found


@pytest.mark.parametrize("scheme", ["", "file://", "local://", "memory://"])
def test_a_store_that_can_be_written_to_is_left_as_it_was(tmp_path, scheme):
    check = doctor.store(Settings(data=tmp_path / "data", store_url=f"{scheme}{tmp_path}/runs"))
    assert (check.verdict, check.found) == ("ok", f"{scheme}{tmp_path}/runs can be written to")
    assert not any((tmp_path / "runs").glob("*"))


def test_a_taken_port_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        check = doctor.port(Settings(port=taken.getsockname()[1]))
    assert (check.verdict, "--port" in check.advice) == ("warn", True)


def test_a_wrong_projection_fails_the_self_test(settings, monkeypatch):
    right = Plane.project

    def wrong(plane: Plane, params_P: torch.Tensor) -> Projection:
        found = right(plane, params_P)
        return Projection(found.a_n + 1e-6, found.b_n, found.off_plane_n)

    monkeypatch.setattr(Plane, "project", wrong)
    assert doctor.projection().verdict == "fail"
    out = io.StringIO()
    assert doctor.doctor(settings, out) == 1
    assert "→ The mathematics of this installation is wrong" in out.getvalue()


def test_a_wrong_gradient_fails_the_self_test(monkeypatch):
    right = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *given: (right(*given)[0] * (1 + 1e-9),))
    assert doctor.gradient().verdict == "fail"


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(settings, monkeypatch):
    monkeypatch.setattr(doctor, "devices", lambda: 1 / 0)
    out = io.StringIO()
    assert doctor.doctor(settings, out) == 1
    assert "fail  devices     ZeroDivisionError" in out.getvalue()
    assert "ok    projection" in out.getvalue()


def test_too_little_room_or_memory_is_a_warning(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "LEAST_ROOM", 1e9)
    monkeypatch.setattr(doctor, "MEMORY", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 524288 kB\n", "ascii")
    found = [doctor.room(settings), doctor.memory()]
    assert [check.verdict for check in found] == ["warn", "warn"]
    assert found[1].found == "0.5 of 8.0 GiB are left"
    assert all(check.advice for check in found)


def test_an_engine_that_is_not_installed_fails(settings, monkeypatch):
    def missing(name: str) -> str:
        raise doctor.importlib.metadata.PackageNotFoundError(name)

    assert doctor.engine(settings).verdict == "ok"
    monkeypatch.setattr(doctor.importlib.metadata, "version", missing)
    check = doctor.engine(Settings(engine="ray"))
    assert (check.verdict, "gradscape[ray]" in check.advice) == ("fail", True)


def test_a_cluster_without_its_token_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "2.60.0")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    joined = Settings(engine="ray", ray_address="head:6379")
    assert doctor.engine(joined).verdict == "warn"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert doctor.engine(joined).verdict == "ok"
    assert "secret" not in doctor.engine(joined).found
