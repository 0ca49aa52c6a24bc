"""Presets: whole races, declared as requests, each a quarter or half of a minute to watch."""

from frontend.arena_presets import ARENA
from frontend.curvature_presets import CURVATURE
from frontend.edge_presets import EDGES
from frontend.gradient_presets import GRADIENTS
from frontend.preset import Preset, landscape, lane
from frontend.saliency_presets import SALIENCY

_ROUGHNESS = {"kind": "roughness", "length": 0.01, "lengths": [0.1, 0.5], "directions": 50}

FOUR_ON_DIGITS = Preset(
    name="four-on-digits",
    title="Four optimizers on digits",
    sentence="Four rules leave one point and end in different places of the same valley.",
    request={
        "kind": "train",
        "name": "Four optimizers on digits",
        "problem": {"data": {"kind": "digits"}, "model": {"kind": "mlp", "hidden": [32, 32]}},
        "steps": 300,
        "batch_size": 128,
        "pace": 20.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.1),
            lane("Momentum", "sgd", lr=0.1, momentum=0.9),
            lane("RMSProp", "rmsprop", lr=0.001),
            lane("Adam", "adam", lr=0.001),
        ],
        "probes": landscape("pca", every=8, paths=4),
    },
)

ROSENBROCK = Preset(
    name="rosenbrock-race",
    title="Rosenbrock race",
    sentence="All fall into the curved valley at once; following it to the minimum is what takes long.",
    request={
        "kind": "train",
        "name": "Rosenbrock race",
        "problem": {"function": {"kind": "rosenbrock"}},
        "steps": 450,
        "pace": 30.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.001),
            lane("Momentum", "sgd", lr=0.0005, momentum=0.95),
            lane("RMSProp", "rmsprop", lr=0.01),
            lane("Adam", "adam", lr=0.05),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

SADDLE = Preset(
    name="saddle-escape",
    title="Saddle escape",
    sentence="Gradient descent lingers where the slope vanishes; rules that rescale the gradient leave at once.",
    request={
        "kind": "train",
        "name": "Saddle escape",
        "problem": {"function": {"kind": "saddle"}},
        "steps": 150,
        "pace": 10.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.1),
            lane("Momentum", "sgd", lr=0.1, momentum=0.9),
            lane("RMSProp", "rmsprop", lr=0.02),
            lane("Adam", "adam", lr=0.05),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
    choices={"curves.scale": "linear"},  # the loss is negative at the minima
)

SPIRALS = Preset(
    name="spirals-three-widths",
    title="Spirals with three widths",
    sentence="The same data and rule, three networks: the narrow one cannot wind with the spirals, the wide one can.",
    request={
        "kind": "train",
        "name": "Spirals",
        "problem": {"data": {"kind": "spirals"}, "model": {"kind": "mlp", "hidden": [8, 8]}},
        "steps": 500,
        "pace": 100.0,
        "lanes": [lane("Adam", "adam", lr=0.02)],
        "probes": landscape("pca", every=20, paths=10),
    },
    variants=tuple(
        {
            "name": f"Spirals, {width} units a layer",
            "problem.model.hidden": [width, width],
        }
        for width in (2, 8, 32)
    ),
)

DIVERGENCE = Preset(
    name="divergence",
    title="Divergence",
    sentence="On a bowl of curvature 20 every learning rate below 2/20 = 0.1 settles; just above it, each step grows.",
    request={
        "kind": "train",
        "name": "Divergence",
        "problem": {"function": {"kind": "quadratic", "condition": 20.0}},
        "steps": 150,
        "pace": 10.0,
        "divergence": 1e4,
        "lanes": [
            lane("lr 0.02", "sgd", lr=0.02),
            lane("lr 0.05", "sgd", lr=0.05),
            lane("lr 0.095", "sgd", lr=0.095),
            lane("lr 0.103", "sgd", lr=0.103),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

RITZ_GALERKIN = Preset(
    name="ritz-galerkin",
    title="Ritz against Galerkin",
    sentence="One equation, one network, two losses: how near each comes to the solution, and how rough it is there.",
    request={
        "kind": "train",
        "name": "Poisson",
        "problem": {"pde": {"kind": "poisson", "dim": 1, "method": "galerkin"}},
        "dtype": "float64",
        "steps": 1500,
        "pace": 100.0,
        "eval_every": 20,
        "lanes": [lane("Adam", "adam", lr=0.01)],
        "probes": [
            {"every": 100, "late": "skip", "analysis": _ROUGHNESS},
            *landscape("pca", every=50, paths=25),
        ],
    },
    variants=tuple(
        {"name": f"Poisson by {method.title()}", "problem.pde.method": method} for method in ("galerkin", "ritz")
    ),
    choices={"curves.scale": "log", "curves.metric": "error"},
)

TWO_SEEDS = Preset(
    name="two-seeds",
    title="Two seeds, two valleys",
    sentence="The same rule from two initial points. Press Connect on the landscape: the hill between the ends is "
    "mostly bookkeeping, and goes when units are matched.",
    request={
        "kind": "train",
        "name": "Two seeds, two valleys",
        "problem": {
            "data": {"kind": "digits"},
            "model": {"kind": "mlp", "hidden": [128, 128], "activation": "relu"},
        },
        "steps": 300,
        "batch_size": 128,
        "pace": 20.0,
        "repeats": 2,
        "lanes": [lane("Adam", "adam", lr=0.001)],
        "probes": landscape("pca", every=20, paths=10),
    },
)

GROUPS = (  # of the menu
    ("First races", (FOUR_ON_DIGITS, ROSENBROCK, SADDLE, SPIRALS, DIVERGENCE)),
    ("Rules against one another", ARENA),
    ("The edge of stability", EDGES),
    ("Curvature and gradients", (*CURVATURE, *GRADIENTS)),
    ("Saliency", SALIENCY),
    ("Equations and seeds", (RITZ_GALERKIN, TWO_SEEDS)),
)
PRESETS = tuple(chosen for _, group in GROUPS for chosen in group)


def preset(name: str) -> Preset:
    """Return the preset of this name, the first where there is none."""
    return next((p for p in PRESETS if p.name == name), PRESETS[0])
