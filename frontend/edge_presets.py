"""Presets of the edge of stability: where sharpness goes, and what a change of the learning rate does to it."""

from typing import Any

from frontend.preset import Preset, landscape, lane

_HALF_SQUARED = {"kind": "mse", "factor": 0.5}


def _net(data: dict[str, Any], hidden: list[int]) -> dict[str, Any]:
    return {"data": data, "model": {"kind": "mlp", "hidden": hidden}, "loss": _HALF_SQUARED}


def _changed(name: str, lr: float, at: int, factor: float) -> dict[str, Any]:
    return {**lane(name, "sgd", lr=lr), "schedule": {"kind": "step", "at": [at], "factors": [factor]}}


def _race(
    name: str, problem: dict[str, Any], lanes: list[dict[str, Any]], *, steps: int, pace: float, looks: int, **more: int
) -> dict[str, Any]:
    """Write a race whose sharpness is looked at every so many steps; its path a third as often, its surface a sixth."""
    sharpness = {"every": looks, "late": "skip", "analysis": {"kind": "sharpness"}}
    return {
        "kind": "train",
        "name": name,
        "problem": problem,
        "dtype": "float64",
        "steps": steps,
        "pace": pace,
        "lanes": lanes,
        "probes": [sharpness, *landscape("pca", every=6 * looks, paths=3 * looks)],
        **more,
    }


_DIGITS = _net({"kind": "digits", "examples": 500}, [32, 32])
_CHEBYSHEV = _net({"kind": "chebyshev", "points": 20, "degree": 4}, [30, 20])

EDGE = Preset(
    name="edge-of-stability",
    title="Edge of stability",
    sentence="Sharpness climbs to 2/η and stays there, while the loss goes on falling. Move a learning rate: the line "
    "moves, and the sharpness follows.",
    request=_race(
        "Edge of stability",
        _DIGITS,
        [lane("lr 0.2", "sgd", lr=0.2), lane("lr 0.1", "sgd", lr=0.1)],
        steps=1000,
        pace=40.0,
        looks=5,
    ),
)

EDGE_CHEBYSHEV = Preset(
    name="edge-chebyshev",
    title="Edge of stability, closely",
    sentence="Twenty points of a polynomial: at its edge the sharpness swings around 2/η, ever more narrowly.",
    request=_race(
        "Edge of stability, Chebyshev",
        _CHEBYSHEV,
        [lane("lr 0.4", "sgd", lr=0.4), lane("lr 0.2", "sgd", lr=0.2)],
        steps=3000,
        pace=120.0,
        looks=15,
        eval_every=20,
    ),
)

EDGE_ADAM = Preset(
    name="edge-adam",
    title="Adam's edge of stability",
    sentence="Adam has its edge too: not the Hessian's sharpness but that of P⁻¹H stops at its line, 38/η.",
    request=_race(
        "Adam's edge of stability",
        _CHEBYSHEV,
        [lane("lr 0.003", "adam", lr=0.003, eps=1e-7), lane("lr 0.002", "adam", lr=0.002, eps=1e-7)],
        steps=3000,
        pace=120.0,
        looks=15,
        eval_every=20,
    ),
    choices={"curves.scale": "log", "sharpness.matrix": "preconditioned"},
)

EDGE_CROSS_ENTROPY = Preset(
    name="edge-cross-entropy",
    title="Cross-entropy peaks and falls",
    sentence="The same digits, network and rate with two losses: with squared error the sharpness overshoots its line "
    "and stays there; with cross-entropy it peaks early and falls again, as more and more examples are fitted.",
    request=_race(
        "Cross-entropy peaks and falls",
        _DIGITS,
        [lane("lr 0.2", "sgd", lr=0.2)],
        steps=500,
        pace=40.0,
        looks=5,
    ),
    variants=(
        {"name": "Squared error", "problem.loss": _HALF_SQUARED},
        {"name": "Cross-entropy", "problem.loss": {"kind": "cross_entropy"}},
    ),
)

EDGE_RAISED = Preset(
    name="edge-raised",
    title="Raising the rate at the edge",
    sentence="At step 500 two lanes raise their learning rate: their line drops at once, the loss jumps, and the "
    "sharpness is down at the new line within a hundred steps.",
    request=_race(
        "Raising the rate at the edge",
        _DIGITS,
        [
            lane("lr 0.2", "sgd", lr=0.2),
            _changed("0.2, then 0.3", 0.2, 500, 1.5),
            _changed("0.2, then 0.4", 0.2, 500, 2.0),
        ],
        steps=1000,
        pace=40.0,
        looks=5,
    ),
)

EDGE_LOWERED = Preset(
    name="edge-lowered",
    title="Lowering the rate at the edge",
    sentence="At step 400 one lane halves its learning rate: its line jumps up, and the sharpness only climbs towards "
    "it, in its own time.",
    request=_race(
        "Lowering the rate at the edge",
        _DIGITS,
        [lane("lr 0.2", "sgd", lr=0.2), _changed("0.2, then 0.1", 0.2, 400, 0.5)],
        steps=1400,
        pace=50.0,
        looks=10,
    ),
)

EDGE_DOUBLED = Preset(
    name="edge-doubled",
    title="Doubling the rate blows up",
    sentence="Twenty points of a polynomial leave no room: when a lane at the edge doubles its rate, each step "
    "is larger than the one before, and it ends as diverged; the other goes on.",
    request=_race(
        "Doubling the rate blows up",
        _CHEBYSHEV,
        [lane("lr 0.2", "sgd", lr=0.2), _changed("0.2, then 0.4", 0.2, 1500, 2.0)],
        steps=2000,
        pace=100.0,
        looks=10,
        eval_every=20,
    ),
    choices={"curves.scale": "log", "sharpness.scale": "log"},
)

EDGE_FLOW = Preset(
    name="edge-flow",
    title="Where the flow would end",
    sentence="Two weights whose product should be 1. Beyond its edge the loss goes up and down, but the sharpness of "
    "the minimum that gradient flow would reach only falls, until the lane's own line is above it.",
    request={
        "kind": "train",
        "name": "Where the flow would end",
        "problem": {"function": {"kind": "scalar_network", "start": [2.6, 0.35]}},
        "dtype": "float64",
        "steps": 60,
        "pace": 4.0,
        "lanes": [lane("lr 0.31", "sgd", lr=0.31), lane("lr 0.3", "sgd", lr=0.3), lane("lr 0.28", "sgd", lr=0.28)],
        "probes": [
            {"every": 1, "late": "wait", "analysis": {"kind": "sharpness", "flow": True}},
            *landscape("coordinates", every=10, paths=1, resolution=65),
        ],
    },
    choices={"curves.scale": "log", "sharpness.matrix": "flow", "sharpness.scale": "log"},
)

EDGES = (
    EDGE,
    EDGE_CHEBYSHEV,
    EDGE_ADAM,
    EDGE_CROSS_ENTROPY,
    EDGE_RAISED,
    EDGE_LOWERED,
    EDGE_DOUBLED,
    EDGE_FLOW,
)
