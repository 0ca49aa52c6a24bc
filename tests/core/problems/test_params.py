"""Flat vectors and their named views."""

import torch

from backend.core.problems.params import Layout
from tests.cases import NETWORKS, build, over


@over(NETWORKS)
def test_views_cover_the_vector_in_order(name):
    layout = build(name).layout
    flat = torch.arange(float(layout.size))
    named = layout.unflatten(flat)
    assert list(named) == [entry for entry, _ in layout.entries]
    assert torch.equal(torch.cat([view.flatten() for view in named.values()]), flat)
    for (entry, shape, start, end), view in zip(layout.slices, layout.parts(flat), strict=True):
        assert view.shape == shape
        assert torch.equal(view.flatten(), flat[start:end])
        assert view.data_ptr() == flat[start:end].data_ptr() == named[entry].data_ptr()


def test_a_batch_dimension_in_front_is_kept():
    layout = Layout((("weight", (2, 3)), ("bias", (2,)), ("scale", ())))
    flat = torch.arange(18.0).reshape(2, 9)
    named = layout.unflatten(flat)
    assert [tuple(view.shape) for view in named.values()] == [(2, 2, 3), (2, 2), (2,)]
    for row in range(2):
        for name, view in layout.unflatten(flat[row]).items():
            assert torch.equal(named[name][row], view)


def test_writing_to_a_view_writes_to_the_vector():
    layout = Layout((("weight", (2, 2)), ("bias", (2,))))
    flat = torch.zeros(6)
    layout.parts(flat)[1].fill_(3.0)
    assert flat.tolist() == [0, 0, 0, 0, 3, 3]


def test_an_empty_layout_has_no_parts():
    empty = Layout(())
    assert empty.size == 0
    assert empty.parts(torch.empty(0)) == []
    assert empty.unflatten(torch.empty(4, 0)) == {}
