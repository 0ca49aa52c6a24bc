"""Streams from a real server: replay then live without a gap or a double, resume, several runs, the end."""

import threading

import httpx
import pytest
from live_server import serving

from backend.schemas.events import Progress
from backend.schemas.run import REQUEST


@pytest.fixture
def server(api, service):
    with serving(api) as made:
        yield made
        service.feed.close()


@pytest.fixture
def race(service, engine):
    def race():
        made = engine.runs[service.submit(REQUEST.validate_python({"kind": "train"})).id]
        made.start()
        return made

    return race


def told(first: int, count: int) -> list[Progress]:
    return [Progress(phase="training", done=i, total=1000) for i in range(first, first + count)]


def take(stream, count):
    return [next(stream) for _ in range(count)]


def test_replay_then_live_without_a_gap_or_a_double(server, race):
    run = race()
    run.tell(*told(0, 1200))
    with server.stream(runs=run.run) as stream:
        first = take(stream, 300)
        live = threading.Thread(target=lambda: [run.tell(*told(1200 + 10 * i, 10)) for i in range(50)] + [run.end()])
        live.start()
        rest = list(stream)
        live.join()
    seen = [m for m in first + rest if m.kind not in {"comment", "close"}]
    assert [m.data["seq"] for m in seen] == list(range(1, 1702))
    assert [m.data["event"]["done"] for m in seen[:-1]] == list(range(1700))
    assert (seen[-1].kind, seen[-1].data["event"]["status"]) == ("finished", "succeeded")
    assert all(m.data["run"] == run.run and m.data["event"]["kind"] == m.kind for m in seen)
    assert sorted({m.id for m in seen}) == [m.id for m in seen]
    assert (rest[-1].kind, rest[-1].data) == ("close", {"reason": "finished"})


@pytest.mark.parametrize("how", ["Last-Event-ID", "after"])
def test_a_stream_resumes_where_it_broke_off(server, race, how):
    run = race()
    run.tell(*told(0, 20))
    with server.stream(runs=run.run) as stream:
        last = take(stream, 7)[-1]
    run.tell(*told(20, 5))
    run.end()
    query = {"after": last.id} if how == "after" else {"last_id": last.id, "after": 0}
    with server.stream(runs=run.run, **query) as stream:
        seen = list(stream)
    assert [m.data["seq"] for m in seen[:-1]] == list(range(8, 27))
    assert seen[-1].kind == "close"


def test_several_runs_share_a_stream_and_others_stay_out(server, race):
    one, other, third = race(), race(), race()
    with server.stream(runs=f"{one.run},{other.run}") as stream:
        for i in range(30):
            (one, other, third)[i % 3].tell(*told(i, 2))
        for run in (one, other, third):
            run.end()
        seen = list(stream)
    for run in (one, other):
        assert [m.data["seq"] for m in seen if m.kind != "close" and m.data["run"] == run.run] == list(range(1, 22))
    assert third.run not in {m.data.get("run") for m in seen}
    assert [m.kind for m in seen].count("finished") == 2
    assert seen[-1].data == {"reason": "finished"}


def test_all_runs_are_followed_those_to_come_too(server, race):
    old = race()
    with server.stream(runs="*") as stream:
        old.tell(*told(0, 1))
        old.end()
        new = race()
        new.tell(*told(0, 1))
        seen = take(stream, 3)
    assert [(m.data["run"], m.data["seq"]) for m in seen] == [(old.run, 1), (old.run, 2), (new.run, 1)]


def test_kinds_are_filtered_and_the_end_is_still_seen(server, race):
    run = race()
    with server.stream(runs=run.run, kinds="failed") as stream:
        run.tell(*told(0, 3))
        run.end()
        seen = [m for m in stream if m.kind != "comment"]
    assert [m.kind for m in seen] == ["close"]


def test_a_run_that_ended_long_ago_closes_at_once(server, race):
    run = race()
    run.end()
    with server.stream(runs=run.run) as stream:
        last = next(stream)
        assert (last.kind, next(stream).kind) == ("finished", "close")
    with server.stream(runs=run.run, after=last.id) as stream:
        assert [m.kind for m in stream] == ["close"]


def test_silence_is_filled_with_comments(server, race):
    run = race()
    with server.stream(runs=run.run) as stream:
        assert [m.kind for m in take(stream, 2)] == ["comment", "comment"]
        run.tell(*told(0, 1))
        assert next(m for m in stream if m.kind != "comment").data["seq"] == 1


def test_streams_end_when_the_server_stops_and_do_not_hold_it_up(server, race, service):
    run = race()
    run.tell(*told(0, 1))
    with server.stream(runs=run.run) as stream, server.stream(runs="*") as all_runs:
        assert next(stream).data["seq"] == next(all_runs).data["seq"] == 1
        service.feed.close()
        server.stop()
        assert [m.data for m in stream if m.kind != "comment"] == [{"reason": "shutdown"}]
        assert [m.data for m in all_runs if m.kind != "comment"] == [{"reason": "shutdown"}]
    assert not server.thread.is_alive()


def test_a_reader_that_goes_away_is_forgotten(server, race, service, monkeypatch):
    forgotten, follow = threading.Event(), service.feed.follow

    async def watched(*wanted):
        try:
            async for page in follow(*wanted):
                yield page
        finally:
            forgotten.set()

    monkeypatch.setattr(service.feed, "follow", watched)
    run = race()
    run.tell(*told(0, 1))
    with server.stream(runs=run.run) as stream:
        next(stream)
        assert not forgotten.is_set()
    assert forgotten.wait(20)


@pytest.mark.parametrize(
    ("query", "path"), [({"runs": ""}, "runs"), ({"runs": "*", "kinds": "x"}, "kinds"), ({}, "runs")]
)
def test_a_stream_that_cannot_be_is_refused_before_it_begins(ask, query, path):
    answer = ask("GET", "/api/stream", params=query)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["path"]) == (422, path)


def test_a_body_of_50_mb_is_refused_over_the_network_too(server):
    answer = httpx.post(f"{server.url}/api/runs", content=b"x" * (50 * 2**20), trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
