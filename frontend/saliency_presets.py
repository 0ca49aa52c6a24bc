"""Presets of saliency: what a network looks at, and how that comes about."""

from frontend.preset import Preset, landscape, lane

ATTRIBUTION = Preset(
    name="attribution-forms",
    title="Attribution forms",
    sentence="At first a class hangs on every pixel a little; strokes come out as the network learns. Move the time "
    "line to watch it again, and press Explain for other methods and classes.",
    request={
        "kind": "train",
        "name": "Attribution forms",
        "problem": {"data": {"kind": "digits"}, "model": {"kind": "cnn", "channels": [8, 16]}},
        "steps": 200,
        "batch_size": 128,
        "pace": 12.0,
        "lanes": [lane("Adam", "adam", lr=0.005)],
        "probes": [
            {
                "every": 10,
                "late": "wait",
                "analysis": {
                    "kind": "saliency",
                    "method": "gradient",
                    "compare": ["smoothgrad", "integrated_gradients", "grad_cam"],
                    "samples": 20,
                },
            },
            *landscape("pca", every=20, paths=10, resolution=17),
        ],
    },
)

SALIENCY = (ATTRIBUTION,)
