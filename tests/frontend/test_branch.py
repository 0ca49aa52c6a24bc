"""The request of a ball or a fork, from the set-up and the run that it branches off."""

import asyncio
import copy
import json
from typing import Any

import pytest

from backend.schemas.run import Run, TrainRequest
from frontend.client import Refused
from frontend.components.branch import branched
from frontend.components.draft import Draft
from frontend.pages.branch_callbacks import origin_of
from frontend.presets import FOUR_ON_DIGITS

RUN = "0" * 15
PLANE = {"run": RUN, "plane": "abc", "extent": 2.0}
BALL = {"origin": {"run": RUN, "plane": "abc", "a": 0.5, "b": -0.25}, "name": "Ball", "plane": PLANE, "lane": None}


def setup() -> dict[str, Any]:
    return Draft.of(FOUR_ON_DIGITS.request).requests()[0]


def valid(request: dict[str, Any]) -> TrainRequest:
    return TrainRequest.model_validate_json(json.dumps(request))


def test_a_ball_starts_on_the_plane_and_is_drawn_there() -> None:
    parent = {**setup(), "seed": 7, "dtype": "float64"}
    made = valid(branched(setup(), parent, BALL))
    assert made.origin is not None
    assert made.origin.model_dump() == BALL["origin"]
    assert (made.seed, made.dtype, made.name) == (7, "float64", "Ball")
    assert [lane.name for lane in made.lanes] == ["SGD", "Momentum", "RMSProp", "Adam"]
    assert [probe.analysis.kind for probe in made.probes] == ["surface", "trajectory"]
    planes = [probe.analysis.model_dump()["plane"] for probe in made.probes]
    assert planes == [{"kind": "kept", "run": RUN, "plane": "abc"}] * 2
    assert made.probes[0].analysis.model_dump()["extent"] == 2.0


def test_one_lane_of_the_set_up_can_start_alone() -> None:
    made = branched(setup(), setup(), {**BALL, "lane": "Adam"})
    assert [lane["name"] for lane in made["lanes"]] == ["Adam"]
    gone = branched(setup(), setup(), {**BALL, "lane": "gone"})
    assert len(gone["lanes"]) == 4


def test_the_problem_is_that_of_the_run_whatever_the_set_up_says() -> None:
    other = Draft.of({"kind": "train", "problem": {"function": {"kind": "rosenbrock"}}, "batch_size": None}).requests()[
        0
    ]
    made = branched(setup(), other, BALL)
    assert made["problem"] == other["problem"]
    assert made["batch_size"] is None
    valid(made)


def test_without_a_plane_the_set_up_s_probes_stay_and_nothing_is_changed_in_place() -> None:
    before = setup()
    made = branched(before, before, {**BALL, "plane": None})
    assert made["probes"] == before["probes"]
    untouched = copy.deepcopy(before)
    branched(before, before, BALL)
    assert before == untouched


def test_a_set_up_taken_from_a_ball_starts_at_the_initial_point() -> None:
    ball = branched(setup(), setup(), BALL)
    (request,) = Draft.taken(ball).requests()
    assert request["origin"] is None
    assert request["lanes"] == ball["lanes"]
    assert request["probes"][0]["analysis"]["plane"]["kind"] == "kept"
    valid(request)


def test_other_probes_go_along() -> None:
    request = setup()
    request["probes"].append({"every": 5, "late": "skip", "analysis": {"kind": "sharpness"}})
    made = valid(branched(request, request, BALL))
    assert [probe.analysis.kind for probe in made.probes] == ["surface", "trajectory", "sharpness"]
    assert branched({**request, "probes": []}, request, BALL)["probes"][1]["analysis"]["kind"] == "trajectory"


class Stored:
    """Runs by their ids, as the client returns them."""

    def __init__(self, **requests: dict[str, Any]) -> None:
        self.requests = requests

    async def run(self, run: str) -> Run:
        return Run(id=run * 15, kind="x", name=run, status="succeeded", created="", request=self.requests[run])


def test_a_picture_of_points_is_followed_back_to_what_was_trained() -> None:
    trained = {"kind": "train", "problem": {"function": {"kind": "rosenbrock"}}, "seed": 3, "dtype": "float64"}
    drawn = {"kind": "analyse", "problem": None, "at": [{"run": "a"}], "seed": 9, "dtype": "float32"}
    again = {"kind": "analyse", "problem": None, "at": [{"run": "b", "plane": "p", "a": 0, "b": 0}]}
    client: Any = Stored(a=trained, b=drawn, c=again, d={**drawn, "at": [{"init": {"x": 1}, "seed": 0}]})
    for start in ("a", "b", "c"):
        assert asyncio.run(origin_of(client, start))["problem"] == trained["problem"]
    assert asyncio.run(origin_of(client, "b"))["dtype"] == "float32"  # the plane's own
    assert asyncio.run(origin_of(client, "d"))["problem"] == {"x": 1}
    circle: Any = Stored(a={**drawn, "at": [{"run": "a"}]})
    with pytest.raises(Refused, match="too many other runs"):
        asyncio.run(origin_of(circle, "a"))
