"""A lane's form: its filters, and its schedule drawn before the race starts."""

from typing import Any

from backend.schemas.optimizer import SCHEDULE_KINDS
from frontend.components.draft import Draft, kind_at, with_kind, with_kinds
from frontend.components.lane_list import lane_list
from frontend.components.schedule_preview import schedule_preview
from frontend.components.spec_fields import default_of

FILTERS = "lanes.0.filters"


def _draft(**lane: Any) -> Draft:
    return Draft.of({"kind": "train", "lanes": [{"name": "SGD", "optimizer": {"kind": "sgd"}, **lane}]})


def _all(node: Any) -> list[Any]:
    children = getattr(node, "children", None)
    below = children if isinstance(children, list | tuple) else [] if children is None else [children]
    return [node, *(found for child in below for found in _all(child))]


def _paths(draft: Draft) -> set[str]:
    nodes = [found for lane in lane_list(draft.request["lanes"], 300) for found in _all(lane)]
    return {node.id["path"] for node in nodes if isinstance(getattr(node, "id", None), dict) and "path" in node.id}


def test_filters_are_chosen_and_keep_their_settings() -> None:
    draft = with_kinds(_draft(filters=[{"kind": "clip", "limit": 3.0}]), FILTERS, ["grokfast", "clip"])
    assert kind_at(draft.request, FILTERS) == ["grokfast", "clip"]
    assert draft.request["lanes"][0]["filters"][1]["limit"] == 3.0
    assert {f"{FILTERS}.0.alpha", f"{FILTERS}.1.limit", FILTERS} <= _paths(draft)
    moved = draft.answered([(f"{FILTERS}.1.limit", 5.0)])
    assert moved.requests()[0]["lanes"][0]["filters"][1] == {"kind": "clip", "limit": 5.0, "by": "norm"}


def test_a_rule_without_a_gradient_loses_its_filters() -> None:
    draft = with_kind(_draft(filters=[{"kind": "clip"}]), "lanes.0.optimizer", "cbo")
    assert draft.request["lanes"][0]["filters"] == []
    select = next(
        node for lane in lane_list(draft.request["lanes"], 300) for node in _all(lane)
        if getattr(node, "id", None) == {"type": "kind", "path": FILTERS}
    )  # fmt: skip
    assert select.disabled


def test_every_schedule_is_drawn_before_the_race() -> None:
    for kind in SCHEDULE_KINDS:
        frame, ends = schedule_preview(default_of(kind), 300)
        outline = frame.children.style["clipPath"]
        assert outline.startswith("polygon(0.00% ")
        assert outline.endswith("100% 100%, 0% 100%)")
        assert "at the end" in frame.to_plotly_json()["props"]["aria-label"]
        assert [span.children for span in ends.children][::2] == ["0", "300"]


def test_the_picture_follows_the_formula() -> None:
    step = {"kind": "step", "at": [2], "factors": [0.5]}
    frame, _ = schedule_preview(step, 5)
    corners = [corner.split("% ") for corner in frame.children.style["clipPath"][8:-1].split(", ")][:5]
    assert [(float(x), float(y.rstrip("%"))) for x, y in corners] == [(0, 0), (25, 0), (50, 50), (75, 50), (100, 50)]


def test_what_is_half_typed_is_said_to_be_no_schedule() -> None:
    (told,) = schedule_preview({"kind": "step", "at": [2, 1], "factors": [0.5]}, 300)
    assert told.children == "These values are no schedule yet."
    (told,) = schedule_preview({"kind": "constant"}, None)
    assert told.children == "The number of steps is not known yet."
