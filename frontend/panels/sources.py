"""The tables that panels draw from: which events are kept, and how."""

from typing import Final

from backend.schemas.panels import Source

TRAIN: Final = Source(kind="train_chunk", how="extend")
EVAL_TRAIN: Final = Source(kind="eval", how="append", where={"split": "train"})
EVAL_TEST: Final = Source(kind="eval", how="append", where={"split": "test"})
# Of races with repeats: their median and quartiles.
BAND_BATCH: Final = Source(kind="band", how="extend", keys=("lane",), where={"split": "batch"})
BAND_TRAIN: Final = Source(kind="band", how="extend", keys=("lane",), where={"split": "train"})
BAND_TEST: Final = Source(kind="band", how="extend", keys=("lane",), where={"split": "test"})
FIT: Final = Source(kind="fit", how="append")
FIT_SECTION: Final = Source(kind="fit", how="replace", keys=("lane", "repeat", "step"))
SOLUTION: Final = Source(kind="solution", how="replace", keys=("lane", "repeat", "point", "step"))
ENDED: Final = Source(kind="lane_ended", how="append")
DIVERGED: Final = Source(kind="lane_ended", how="append", where={"reason": "diverged"})
CHANGED: Final = Source(kind="controlled", how="append", keys=("lane", "repeat", "field"), where={"action": "set"})
SHARPNESS: Final = Source(kind="sharpness", how="append")
NOT_CONVERGED: Final = Source(kind="sharpness", how="append", where={"converged": False})
BASIN: Final = Source(kind="basin", how="replace", keys=("lane", "point"))
SWEEP: Final = Source(kind="sweep", how="replace", keys=("lane", "point"))
SWEEP_BEST: Final = Source(kind="sweep", how="append", keys=("lane", "point"))
PROFILE: Final = Source(kind="profile", how="replace", keys=("lane", "repeat", "point", "label"))
MOVEMENT: Final = Source(kind="movement", how="append", keys=("lane", "repeat", "point"))
MOVEMENT_BAND: Final = Source(kind="movement_band", how="append", keys=("lane",))
ROUGHNESS: Final = Source(
    kind="roughness", how="append", keys=("lane", "repeat", "point"), where={"final": True, "first": True}
)
LENGTHS: Final = Source(kind="roughness", how="append", keys=("lane", "repeat", "point", "length"))
PROFILES: Final = Source(
    kind="roughness", how="replace", keys=("lane", "repeat", "point", "step"), where={"first": True}
)
SPECTRUM: Final = Source(kind="spectrum", how="replace", keys=("lane", "repeat", "matrix", "layer", "point", "step"))
EIGENVALUES: Final = Source(
    kind="eigenvalues", how="replace", keys=("lane", "repeat", "matrix", "layer", "which", "point", "step")
)
TRACE: Final = Source(kind="trace", how="append", keys=("lane", "repeat", "matrix", "point"))
INDEX: Final = Source(kind="index", how="append", keys=("lane", "repeat", "point"))
EXAMPLES: Final = Source(kind="saliency_example", how="replace", keys=("lane", "repeat", "point", "step", "example"))
MAPS: Final = Source(kind="saliency_map", how="replace", keys=("lane", "repeat", "point", "step", "method", "example"))
TRUST: Final = Source(kind="trust", how="replace", keys=("lane", "repeat", "point", "step", "question", "method"))
OVERLAP: Final = Source(kind="overlap", how="append", keys=("lane", "repeat", "layer", "point"))
OVERLAP_NOT_CONVERGED: Final = OVERLAP.model_copy(update={"where": {"converged": False}})
_STATS: Final = Source(kind="gradient_stats", how="append", keys=("lane", "repeat", "point"))
_LOOK: Final = ("lane", "repeat", "point", "step")
STATS: Final = _STATS.model_copy(update={"keys": ("lane", "repeat", "statistic", "point")})
SINGULAR: Final = _STATS.model_copy(
    update={"keys": ("lane", "repeat", "layer", "point"), "where": {"statistic": "singular_values"}}
)
CLASS_COSINE: Final = Source(kind="gradient_stats", how="replace", keys=_LOOK, where={"statistic": "class_cosine"})
GRADIENT_SIZES: Final = CLASS_COSINE.model_copy(update={"where": {"statistic": "gradient_histogram"}})
WEIGHT_SIZES: Final = CLASS_COSINE.model_copy(update={"where": {"statistic": "weight_histogram"}})
UPDATE_SIZES: Final = CLASS_COSINE.model_copy(update={"where": {"statistic": "update_histogram"}})
BY_EXAMPLE: Final = Source(kind="examples", how="replace", keys=_LOOK)
CONFLICT: Final = Source(kind="conflict", how="replace", keys=_LOOK)
OPPOSITION: Final = Source(kind="opposition", how="replace", keys=_LOOK)
KERNEL: Final = Source(kind="kernel", how="append", keys=("lane", "repeat", "point"))
PLANE: Final = Source(kind="plane", how="replace", keys=("kind_of_plane", "point", "plane"))
SURFACE: Final = Source(kind="surface_tile", how="mosaic", keys=("point", "plane"))
PATHS: Final = Source(kind="path_points", how="extend", keys=("lane", "repeat", "point", "plane"))
