"""``gradscape run``: streams and exit codes as in the contract."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from backend.schemas.errors import ErrorBody
from backend.schemas.events import Envelope

BOWL = {"function": {"kind": "quadratic"}}
RACE = {
    "kind": "train",
    "problem": BOWL,
    "steps": 5,
    "lanes": [{"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.1}}],
}


@pytest.fixture
def request_file(tmp_path: Path):
    def write(**more: object) -> str:
        file = tmp_path / "request.json"
        file.write_text(json.dumps({**RACE, **more}))
        return str(file)

    return write


def test_json_lines_from_started_to_finished(capsys, request_file):
    assert main(["run", request_file(), "--json"]) == 0
    printed = capsys.readouterr()
    envelopes = [Envelope.decode(line) for line in printed.out.splitlines()]
    assert [each.seq for each in envelopes] == list(range(1, len(envelopes) + 1))
    kinds = [each.event.kind for each in envelopes]
    assert (kinds[0], kinds[-1], kinds.count("finished")) == ("started", "finished", 1)
    assert printed.err == ""


def test_people_get_a_table(capsys, request_file):
    assert main(["run", request_file()]) == 0
    printed = capsys.readouterr().out
    assert "lane  steps" in printed
    assert "succeeded in" in printed


def test_data_are_stored_where_asked(capsys, request_file, tmp_path):
    data = tmp_path / "data"
    for _ in range(2):
        assert main(["run", request_file(), "--json", "--data", str(data)]) == 0
    runs = {Envelope.decode(line).run for line in capsys.readouterr().out.splitlines()}
    assert len(runs) == 2
    assert (data / "gradscape.sqlite").stat().st_size > 0
    assert {folder.name for folder in (data / "runs").iterdir()} <= runs


def test_a_run_that_fails_exits_1(capsys, request_file):
    assert main(["run", request_file(device="cuda:7"), "--json"]) == 1
    last = [Envelope.decode(line).event for line in capsys.readouterr().out.splitlines()][-2:]
    assert [event.kind for event in last] == ["failed", "finished"]
    assert "cuda:7" in last[0].error.message


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (json.dumps({**RACE, "steps": 0}), "invalid_request", "steps"),
        (
            json.dumps({**RACE, "lanes": [{"name": "a", "optimizer": {"kind": "magic"}}]}),
            "invalid_request",
            "lanes.0.optimizer",
        ),
        (json.dumps({"kind": "analyse", "at": [{"run": "0" * 15}]}), "invalid_request", "at.0.run"),
        ("{", "malformed", None),
    ],
)
def test_an_invalid_request_exits_2_with_the_error_on_stderr_alone(capsys, monkeypatch, text, code, path):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main(["run", "-", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    error = ErrorBody.decode(printed.err).error
    assert error.code == code
    assert [each.path for each in error.errors] == ([] if path is None else [path])


def test_a_file_that_is_not_there_exits_2(capsys):
    assert main(["run", "/nowhere/request.json"]) == 2
    assert "cannot read /nowhere/request.json" in ErrorBody.decode(capsys.readouterr().err).error.message


def test_a_server_that_is_not_there_exits_1(capsys, request_file):
    assert main(["run", request_file(), "--server", "http://127.0.0.1:9"]) == 1
    assert ErrorBody.decode(capsys.readouterr().err).error.code == "unavailable"


def test_ctrl_c_cancels_and_exits_130(request_file):
    endless = request_file(steps=10_000_000, pace=20.0)
    command, environ = [sys.executable, "-m", "app", "run", endless, "--json"], {**os.environ, "OMP_NUM_THREADS": "1"}
    piped = subprocess.PIPE
    with subprocess.Popen(command, stdout=piped, stderr=piped, text=True, env=environ) as process:
        lines = [process.stdout.readline()]
        assert Envelope.decode(lines[0]).event.kind == "started"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    last = Envelope.decode(out.splitlines()[-1]).event
    assert (process.returncode, last.kind, last.status, err) == (130, "finished", "cancelled", "")


def test_help_and_version(capsys):
    assert main([]) == 2
    assert "GRADSCAPE_PORT" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("gradscape ")
    with pytest.raises(SystemExit) as left:
        main(["dance"])
    assert left.value.code == 2


def test_a_bad_setting_exits_2(capsys, monkeypatch):
    monkeypatch.setenv("GRADSCAPE_PORT", "web")
    assert main(["serve"]) == 2
    assert "GRADSCAPE_PORT: expected a whole number" in capsys.readouterr().err
