"""The serving process: page and API together, without torch, stopped in order."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
import pytest
import uvicorn

from app.cli import main
from app.serve import PortTaken, address, listen
from app.settings import Settings
from app.wiring import DATABASE, build
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.errors import ErrorBody
from backend.schemas.events import Envelope
from backend.schemas.run import REQUEST

RACE = {
    "kind": "train", "problem": {"function": {"kind": "quadratic"}}, "steps": 5, "lanes": [{"name": "SGD"}],
}  # fmt: skip
ENVIRON = {**os.environ, "OMP_NUM_THREADS": "1"}


@contextlib.contextmanager
def serving(data: Path, engine: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    environ = {**ENVIRON, "GRADSCAPE_ENGINE": engine, "GRADSCAPE_WORKERS": "1", **more}
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            url = process.stdout.readline().split()[2]
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()


def test_page_and_api_are_one_server_and_unknown_api_paths_are_no_pages(tmp_path):
    with serving(tmp_path, "inline") as (_, client):
        assert client.get("/api/health").json()["engine"] == "inline"
        for path in ("/", "/runs", "/no/such/page"):
            page = client.get(path)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = client.request(method, "/api/no/such/path")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        for path in ("/", "/_dash-layout", "/_dash-dependencies", "/api/health"):
            answer = client.get(path, headers={"host": "evil.example"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_host")
        big = client.post("/_dash-update-component", content=b"x" * (50 * 2**20))
        assert (big.status_code, big.json()["error"]["code"]) == (413, "too_large")


def test_a_link_to_a_page_works_as_the_very_first_request(tmp_path):
    with serving(tmp_path, "inline") as (_, client):
        assert '<script src="/assets/' in client.get("/runs").text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_token_that_somebody_writes_into_an_address_is_not_logged(tmp_path, form):
    token = "a-token+of%the&tests"
    environ = {"GRADSCAPE_TOKEN": token, "GRADSCAPE_LOG_LEVEL": "debug", "GRADSCAPE_LOG_FORM": form}
    with serving(tmp_path, "inline", **environ) as (process, client):
        for spelled in (quote(token, safe=""), token):
            assert client.get(f"/api/runs?token={spelled}&limit=3").status_code == 401
        process.send_signal(signal.SIGTERM)
        written = "".join(process.communicate(timeout=30))
    assert token not in unquote(written)
    assert written.count("/api/runs?token=[token]&limit=3") == 2


def test_ctrl_c_ends_streams_runs_and_the_process_in_order(tmp_path):
    endless = {**RACE, "steps": 10_000_000, "pace": 20.0}
    with serving(tmp_path, "inline") as (process, client):
        run = client.post("/api/runs", json=endless).json()["id"]
        with client.stream("GET", "/api/stream", params={"runs": run}) as stream:
            lines = stream.iter_lines()
            next(line for line in lines if line == "event: train_chunk")
            process.send_signal(signal.SIGINT)
            assert 'data: {"reason": "shutdown"}' in list(lines)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    store = SqliteStore(tmp_path / DATABASE)
    again, events = store.get(run), store.read(run, EventFilter(limit=100_000))
    store.close()
    assert (again.status, again.error.code, again.last_seq) == ("failed", "worker_lost", len(events))
    assert events[-1].kind == "finished"


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the children")
def test_a_kind_request_to_end_is_an_orderly_end(tmp_path):
    with serving(tmp_path, "local") as (process, client):
        assert client.get("/api/health").json()["workers"]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_run_can_be_posted_to_a_running_server(tmp_path, capsys):
    file = tmp_path / "request.json"
    file.write_text(json.dumps(RACE))
    with serving(tmp_path / "data", "inline") as (_, client):
        assert main(["run", str(file), "--json", "--server", str(client.base_url)]) == 0
        envelopes = [Envelope.decode(line) for line in capsys.readouterr().out.splitlines()]
        assert [each.seq for each in envelopes] == list(range(1, len(envelopes) + 1))
        stored = client.get(f"/api/runs/{envelopes[0].run}").json()
        assert (stored["status"], stored["last_seq"]) == ("succeeded", len(envelopes))
        file.write_text(json.dumps({**RACE, "lanes": [{"name": "a"}, {"name": "a"}]}))
        assert main(["run", str(file), "--json", "--server", str(client.base_url)]) == 2


def test_one_process_a_data_directory(tmp_path, capsys):
    file = tmp_path / "request.json"
    file.write_text(json.dumps(RACE))
    with serving(tmp_path / "data", "inline"):
        assert main(["run", str(file), "--json", "--data", str(tmp_path / "data")]) == 1
        assert ErrorBody.decode(capsys.readouterr().err).error.code == "unavailable"
        assert main(["serve", "--port", "0", "--data", str(tmp_path / "data")]) == 1
        assert "another Gradscape" in capsys.readouterr().err


WITHOUT_TORCH = """
import asyncio, json, sys
from pathlib import Path
import httpx
from app.settings import Settings
from app.wiring import build

def absent(when):
    found = sorted(name for name in sys.modules if name == "torch" or name.startswith("backend.core"))
    assert not found, (when, found)

async def visit(application):
    transport = httpx.ASGITransport(app=application.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client:
        for path in ("/", "/_dash-layout", "/api/catalog", "/api/docs", "/api/health"):
            assert (await client.get(path)).status_code == 200, path
        run = (await client.post("/api/runs", json=RACE)).json()["id"]
        async for rows in application.service.feed.follow((run,)):
            if rows[-1].kind == "finished":
                break
        assert (await client.get(f"/api/runs/{run}")).json()["status"] == "succeeded"
        for form in ("json", "csv", "npz", "script"):
            assert (await client.get(f"/api/runs/{run}/export?format={form}")).status_code == 200, form
        assert (await client.get(f"/api/runs/{run}/snapshots")).json()["items"]

if __name__ == "__main__":
    RACE = json.loads(sys.argv[2])
    absent("importing")
    application = build(Settings(data=Path(sys.argv[1]), workers=1))
    absent("building")
    try:
        asyncio.run(visit(application))
        absent("serving")
    finally:
        application.close()
"""


def test_the_serving_process_never_imports_torch(tmp_path):
    script = tmp_path / "serve_once.py"
    script.write_text(WITHOUT_TORCH)
    command = [sys.executable, str(script), str(tmp_path / "data"), json.dumps(RACE)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, timeout=180)
    assert done.returncode == 0, done.stderr


def test_a_taken_port_is_said_so():
    bound = listen("127.0.0.1", 0)
    try:
        port = bound.getsockname()[1]
        assert address(bound) == f"http://127.0.0.1:{port}"
        with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1:{port}.*--port"):
            listen("127.0.0.1", port)
    finally:
        bound.close()


def test_what_is_written_is_sent_at_once():
    async def accepted():
        told = asyncio.get_running_loop().create_future()

        async def meet(_, writer):
            told.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(meet, sock=listen("127.0.0.1", 0)) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            found = await asyncio.wait_for(told, 10)
            writer.close()
            return found

    assert asyncio.run(accepted()) == 1


def test_every_address_is_shown_as_one_that_can_be_opened():
    with socket.create_server(("0.0.0.0", 0)) as every:
        assert address(every).startswith("http://127.0.0.1:")


def test_two_applications_live_in_one_process(tmp_path):
    made = [build(Settings(data=tmp_path / name, engine="inline")) for name in ("one", "two")]
    servers = [uvicorn.Server(uvicorn.Config(each.api, log_level="error")) for each in made]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in made]
    threads = [
        threading.Thread(target=lambda at=at: asyncio.run(servers[at].serve(sockets=[sockets[at]]))) for at in range(2)
    ]
    try:
        for thread in threads:
            thread.start()
        run = made[0].service.submit(REQUEST.validate_json(json.dumps(RACE))).id
        for at, bound in enumerate(sockets):
            with httpx.Client(base_url=address(bound), trust_env=False) as client:
                assert client.get("/runs").headers["content-type"].startswith("text/html")
                assert client.get("/api/nothing").status_code == 404
                assert client.get(f"/api/runs/{run}").status_code == (200, 404)[at]
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(30)
        for each in made:
            each.close()
