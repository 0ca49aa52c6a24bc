"""Tiles of a surface, put together."""

import numpy as np

from backend.schemas.events import SurfaceTile
from backend.schemas.mosaic import assembled


def tile(level: int, low: float = -1.0, high: float = 1.0, value: float = 0.0, **fields: object) -> SurfaceTile:
    side = (np.linspace(-64, 64, level) / 64).astype(np.float32)
    side = side[(side >= low) & (side <= high)]
    loss = (side[:, None] + 10 * side[None, :] + value).astype(np.float32)
    told = {"stderr": None, "bound": 0.1, "data_fraction": 1.0, "final": False, **fields}
    return SurfaceTile(plane="p", level=level, a=side, b=side, loss=loss, **told)


def quarters(level: int, **fields: object) -> list[SurfaceTile]:
    """Four tiles that make up a level."""
    base = tile(level)
    middle = len(base.a) // 2
    parts = (slice(0, middle + 1), slice(middle, None))
    return [
        base.model_copy(update={"a": base.a[i], "b": base.b[j], "loss": base.loss[i, j], **fields})
        for i in parts
        for j in parts
    ]


def test_one_tile_is_itself() -> None:
    whole = assembled([tile(9)])
    assert whole.level == 9
    np.testing.assert_array_equal(whole.loss, tile(9).loss)


def test_patches_make_up_a_level() -> None:
    whole = assembled([tile(5), *quarters(9, bound=0.02)])
    assert (whole.level, whole.bound) == (9, 0.02)
    np.testing.assert_array_equal(whole.loss, tile(9).loss)
    np.testing.assert_array_equal(whole.a, tile(9).a)


def test_nothing_is_made_up_where_a_patch_is_missing() -> None:
    whole = assembled([tile(5), *quarters(9)[:3]])
    assert whole.level == 5
    np.testing.assert_array_equal(whole.loss, tile(5).loss)


def test_later_tiles_overwrite_and_holes_stay() -> None:
    late = tile(9, 0.0, 1.0, value=100.0)
    loss = late.loss.copy()
    loss[1, 1] = np.nan
    whole = assembled([tile(9), late.model_copy(update={"loss": loss})])
    assert whole.loss[0, 0] == tile(9).loss[0, 0]
    assert whole.loss[8, 8] == 111.0
    assert np.argwhere(np.isnan(whole.loss)).tolist() == [[5, 5]]


def test_standard_errors_are_those_of_the_last_tile_of_each_point() -> None:
    early = tile(5, stderr=np.full((5, 5), 0.5, np.float32), data_fraction=0.25)
    late = tile(5, 0.0, 1.0)
    whole = assembled([early, late.model_copy(update={"least_fraction": 0.25})])
    assert whole.stderr is not None
    assert whole.stderr[0, 0] == 0.5
    assert whole.stderr[4, 4] == 0.0
    assert whole.data_fraction == 0.25
    assert assembled([early, tile(5)]).stderr is None
