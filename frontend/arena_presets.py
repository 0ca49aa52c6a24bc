"""Presets of the arena: rules against one another, over seeds, starts and learning rates."""

from frontend.preset import Preset, landscape, lane

_MOVEMENT = {"every": 1, "late": "wait", "analysis": {"kind": "movement"}}

SIX_RULES = Preset(
    name="six-rules",
    title="Six rules, four seeds",
    sentence="Each line is the median of four seeds on the middle half of them. Standings rank them at equal steps, "
    "gradients and seconds: a step of SAM costs two gradients.",
    request={
        "kind": "train",
        "name": "Six rules, four seeds",
        "problem": {"data": {"kind": "digits", "examples": 500}, "model": {"kind": "mlp", "hidden": [32]}},
        "steps": 150,
        "batch_size": 64,
        "pace": 7.5,
        "repeats": 4,
        "lanes": [
            lane("SGD", "sgd", lr=0.1),
            lane("Momentum", "sgd", lr=0.05, momentum=0.9),
            lane("Adam", "adam", lr=0.003),
            lane("Lion", "lion", lr=0.002),
            lane("Muon", "muon", lr=0.02),
            lane("SAM", "sam", lr=0.15),
        ],
        "probes": [*landscape("pca", every=50, paths=25), {**_MOVEMENT, "every": 5}],
    },
)

LAPROP = Preset(
    name="laprop-adam",
    title="Adam without memory jumps",
    sentence="With β₂ = 0 Adam divides its mean by a single gradient: where that crosses zero, one step is two "
    "thousand times the rate. LaProp divides before it averages, and no step is longer than its rate.",
    request={
        "kind": "train",
        "name": "Adam without memory jumps",
        "problem": {"function": {"kind": "rosenbrock"}},
        "dtype": "float64",
        "steps": 300,
        "pace": 20.0,
        "divergence": 1e12,
        "lanes": [
            lane("Adam", "adam", lr=0.01),
            lane("Adam, β₂ = 0", "adam", lr=0.01, beta2=0.0),
            lane("LaProp, β₂ = 0", "laprop", lr=0.01, beta2=0.0),
        ],
        "probes": [*landscape("coordinates", every=10, paths=1, resolution=65), _MOVEMENT],
    },
    choices={"curves.scale": "log", "movement.what": "distance"},
)

XGRAD = Preset(
    name="xgrad-heavy-ball",
    title="Looking ahead along a valley",
    sentence="Curvatures 1 and 100, momentum 0.95. The heavy ball swings on and on; XGrad takes its gradient where the "
    "next step is expected to lead, and the swinging dies out.",
    request={
        "kind": "train",
        "name": "Looking ahead along a valley",
        "problem": {"function": {"kind": "quadratic", "condition": 100.0, "start": [1.0, 1.0]}},
        "dtype": "float64",
        "steps": 201,
        "pace": 10.0,
        "lanes": [
            lane("Heavy ball", "sgd", lr=0.01, momentum=0.95),
            lane("XGrad", "xgrad", lr=0.01, momentum=0.95),
            lane("SGD", "sgd", lr=0.01),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

BEALE = Preset(
    name="beale-paths",
    title="Eight ways over Beale",
    sentence="Eight rules from one start on exact contours: the two that know curvature are there within a few steps, "
    "the others follow the flat valley.",
    request={
        "kind": "train",
        "name": "Eight ways over Beale",
        "problem": {"function": {"kind": "beale"}},
        "dtype": "float64",
        "steps": 300,
        "pace": 20.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.002),
            lane("Momentum", "sgd", lr=0.002, momentum=0.9),
            lane("RMSProp", "rmsprop", lr=0.01),
            lane("Adam", "adam", lr=0.05),
            lane("XGrad", "xgrad", lr=0.002, momentum=0.9),
            lane("SAM", "sam", lr=0.002),
            lane("L-BFGS", "lbfgs"),
            lane("Saddle-free Newton", "saddle_free_newton"),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
)

BASINS = Preset(
    name="basins",
    title="Basins of attraction",
    sentence="Himmelblau's four minima. Beside the race a map for each of its rules: a colour for each minimum, at "
    "every start from which the rule gets there.",
    request={
        "kind": "train",
        "name": "Himmelblau",
        "problem": {"function": {"kind": "himmelblau"}},
        "steps": 150,
        "pace": 10.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.01),
            lane("Momentum", "sgd", lr=0.01, momentum=0.9),
            lane("Adam", "adam", lr=0.1),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
    also=({"kind": "basin", "resolution": 65},),
)

SWEEP = Preset(
    name="rate-sweep",
    title="Which learning rate?",
    sentence="Beside the race the loss that each of its rules reaches with 200 gradients at every learning rate: how "
    "good it gets, and how little the choice matters.",
    request={
        "kind": "train",
        "name": "Rosenbrock",
        "problem": {"function": {"kind": "rosenbrock"}},
        "steps": 200,
        "pace": 15.0,
        "lanes": [
            lane("SGD", "sgd", lr=0.001),
            lane("Momentum", "sgd", lr=0.0005, momentum=0.9),
            lane("RMSProp", "rmsprop", lr=0.01),
            lane("Adam", "adam", lr=0.05),
        ],
        "probes": landscape("coordinates", every=10, paths=1, resolution=65),
    },
    also=({"kind": "sweep", "low": 1e-5, "high": 1.0, "rates": 41},),
)

ARENA = (SIX_RULES, BEALE, BASINS, SWEEP, LAPROP, XGRAD)
