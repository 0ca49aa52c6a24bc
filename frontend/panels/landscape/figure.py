"""What the landscape draws: a surface as contours or in three dimensions, and the lanes' paths.

Colours and heights go by the logarithm of the height above the lowest point, so that the floor of a valley shows its
structure; ticks and hover texts give the true loss. A hole is a place where the loss is not finite.
"""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Scale, Words
from frontend import theme
from frontend.panels import axes, sources

CONTOUR: Final = "landscape-contour"
RELIEF: Final = "landscape-relief"

VIEW: Final = Choice(
    name="view",
    label="How the surface is drawn",
    options=(Option(value="contour", label="Contour"), Option(value="relief", label="3-D")),
)
SCALE: Final = axes.scale("log", "Scale of the loss")

A: Final = Column(field="a", along="axis_a")
B: Final = Column(field="b", along="axis_b")
LOSS: Final = Column(field="loss", scaled=True)
LOSS_MATRIX: Final = Column(field="loss", scaled=True, transpose=True)
ON_SURFACE: Final = "({x}, {y})<br>loss {z}"
ON_PATH: Final = "{lane.title} · step {step}<br>loss {loss:measured}<br>off the plane by {off_plane}"

COLOUR_AXIS: Final[dict[str, JsonValue]] = {
    "colorscale": theme.SEQUENTIAL,
    "colorbar": {"title": {"text": "loss"}, "thickness": 10, "outlinewidth": 0, "len": 0.96, "xpad": 4, "ypad": 0},
}


def contour_bindings() -> tuple[Binding, ...]:
    """List the flat picture's bindings, from the back to the front."""
    surface = Binding(
        source=sources.SURFACE,
        graph=CONTOUR,
        trace={
            "type": "contour",
            "coloraxis": "coloraxis",
            "ncontours": 36,
            "contours": {"coloring": "fill"},  # five times quicker to draw than a smooth picture
            "line": {"width": 0.5, "color": "rgba(255,255,255,0.35)"},
            "connectgaps": False,
            "hoverongaps": False,
        },
        x=A,
        y=B,
        z=LOSS_MATRIX,
        name="surface",
        hover=ON_SURFACE,
    )
    halo = Binding(
        source=sources.PATHS,
        graph=CONTOUR,
        trace={"type": "scatter", "mode": "lines", "line": {"width": 4}, "hoverinfo": "skip"},
        x=A,
        y=B,
        paint={"line.color": "paper"},
    )
    path = Binding(
        source=sources.PATHS,
        graph=CONTOUR,
        rows="past",
        trace={"type": "scatter", "mode": "lines", "line": {"width": 2}},
        x=A,
        y=B,
        hover=ON_PATH,
        paint={"line.color": "color", "line.dash": "dash"},
    )
    start = Binding(
        source=sources.PATHS,
        graph=CONTOUR,
        rows="first",
        trace={"type": "scatter", "mode": "markers", "marker": {"symbol": "cross", "size": 10, "line": {"width": 1.5}}},
        x=A,
        y=B,
        hover="start<br>" + ON_PATH,
        paint={"marker.color": "ink", "marker.line.color": "paper"},
    )
    now = Binding(
        source=sources.PATHS,
        graph=CONTOUR,
        rows="last",
        trace={"type": "scatter", "mode": "markers", "marker": {"size": 12, "line": {"width": 2}}},
        x=A,
        y=B,
        hover=ON_PATH,
        paint={"marker.color": "color", "marker.symbol": "symbol", "marker.line.color": "paper"},
    )
    return surface, halo, path, start, now


def relief_bindings() -> tuple[Binding, ...]:
    """List the bindings in three dimensions; a path's height is its own true loss, so it may leave the surface."""
    surface = Binding(
        source=sources.SURFACE,
        graph=RELIEF,
        trace={
            "type": "surface",
            "coloraxis": "coloraxis",
            "opacity": 0.82,
            "connectgaps": False,
            "lighting": {"ambient": 0.75, "diffuse": 0.5, "specular": 0.05, "roughness": 0.9},
        },
        x=A,
        y=B,
        z=LOSS_MATRIX,
        name="surface",
        hover=ON_SURFACE,
    )
    path = Binding(
        source=sources.PATHS,
        graph=RELIEF,
        rows="past",
        trace={"type": "scatter3d", "mode": "lines", "line": {"width": 7}},
        x=A,
        y=B,
        z=LOSS,
        hover=ON_PATH,
        paint={"line.color": "color"},
    )
    start = Binding(
        source=sources.PATHS,
        graph=RELIEF,
        rows="first",
        trace={"type": "scatter3d", "mode": "markers", "marker": {"symbol": "cross", "size": 4}},
        x=A,
        y=B,
        z=LOSS,
        hover="start<br>" + ON_PATH,
        paint={"marker.color": "ink"},
    )
    now = Binding(
        source=sources.PATHS,
        graph=RELIEF,
        rows="last",
        trace={"type": "scatter3d", "mode": "markers", "marker": {"size": 6, "line": {"width": 1}}},
        x=A,
        y=B,
        z=LOSS,
        hover=ON_PATH,
        paint={"marker.color": "color", "marker.line.color": "paper"},
    )
    return surface, path, start, now


PAGE: Final = Page(
    source=sources.PLANE,
    field="plane",
    series=("kind_of_plane", "point"),
    label="{run.name} · {kind_of_plane:plane}",
    needs=("surface_tile", "path_points"),
)


def graphs() -> tuple[Graph, Graph]:
    """Return the flat picture and the one in three dimensions; each keeps its own zoom or camera."""
    log = {SCALE.name: ("log",)}
    flat = Graph(
        name=CONTOUR,
        when={VIEW.name: ("contour",)},
        layout={
            "hovermode": "closest",
            "coloraxis": COLOUR_AXIS,
            "xaxis": {"zeroline": False, "showgrid": False},
            "yaxis": {"zeroline": False, "showgrid": False},
        },
        page=PAGE,
        titles={"xaxis": "axis_a", "yaxis": "axis_b"},
        fit={"xaxis": "surface_tile.x", "yaxis": "surface_tile.y"},
        scale=Scale(columns=("surface_tile.loss",), when=log, ticks=("coloraxis.colorbar",)),
    )
    relief = Graph(
        name=RELIEF,
        when={VIEW.name: ("relief",)},
        layout={
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "coloraxis": COLOUR_AXIS,
            "scene": {
                "uirevision": "steady",
                "aspectmode": "manual",
                "aspectratio": {"x": 1, "y": 1, "z": 0.6},
                "camera": {"eye": {"x": 1.2, "y": -1.35, "z": 1.25}, "center": {"x": 0, "y": 0, "z": -0.18}},
                "zaxis": {"title": {"text": "loss"}},
            },
        },
        page=PAGE,
        titles={"scene.xaxis": "axis_a", "scene.yaxis": "axis_b"},
        fit={"scene.xaxis": "surface_tile.x", "scene.yaxis": "surface_tile.y"},
        scale=Scale(
            columns=("surface_tile.loss", "path_points.loss"),
            when=log,
            ticks=("coloraxis.colorbar", "scene.zaxis"),
            limits=("scene.zaxis.range",),
        ),
    )
    return flat, relief


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says of the picture: plane, resolution, data, policy, distance."""
    plane, surface = sources.PLANE, sources.SURFACE
    return (
        Phrase(source=plane, where={"kind_of_plane": "pca"}, text="PCA plane"),
        Phrase(source=plane, where={"kind_of_plane": "random"}, text="random plane, {normalization} normalised"),
        Phrase(source=plane, where={"kind_of_plane": "random", "bias": "copy"}, text="biases as the weights' own"),
        Phrase(source=plane, where={"kind_of_plane": "coordinates"}, text="plane of two variables"),
        Phrase(source=plane, where={"kind_of_plane": "eigen"}, text="two Hessian eigenvectors"),
        Phrase(source=plane, where={"kind_of_plane": "gradient_eigen"}, text="gradient and top eigenvector"),
        Phrase(source=plane, where={"kind_of_plane": "three_points"}, text="plane through three points"),
        Phrase(source=plane, text="{explained:percents} of the movement"),
        Phrase(source=surface, where={"even": True}, text="{level}×{level} points"),
        Phrase(source=surface, where={"even": False}, text="{coarsest}×{coarsest} to {finest}×{finest} points"),
        Phrase(
            source=surface,
            where={"run.kind": "train"},
            text="{least_fraction:share} of {run.request.problem.data.kind:words}",
        ),
        Phrase(source=surface, where={"run.kind": "analyse"}, text="{least_fraction:share} of the data"),
        Phrase(source=surface, text="within about {bound:share} of the range"),
        Phrase(source=surface, text="holes: not finite, {holes:share} of it"),
        Phrase(source=surface, where={"arithmetic": "tf32"}, text="products rounded to tf32"),
        Phrase(source=surface, where={"arithmetic": "bfloat16"}, text="products rounded to bfloat16"),
        Phrase(source=plane, where={"run.request.problem.model.norm": "batch"}, text="BatchNorm {batchnorm}"),
        Phrase(source=sources.PATHS, text="off the plane by up to {off_plane:max}"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="landscape",
        title="Landscape",
        docs=("analyses/surface", "analyses/trajectory"),
        words=Words(
            empty="Press Start: the loss around the lanes' paths is drawn here, coarse first, then finer.",
            loading="Working out the first points of the surface.",
            absent="This run drew no surface. Draw one by “New picture”, or add a surface probe in the set-up and "
            "start again.",
        ),
        fed_by=("surface", "trajectory", "connectivity"),
        choices=(VIEW, SCALE),
        graphs=graphs(),
        bindings=(*contour_bindings(), *relief_bindings()),
        phrases=phrases(),
    )


def shared() -> Panel:
    """Describe the panel of several runs: of planes only those that were asked for by themselves, not a race's own."""
    usual = panel()
    asked = {"point": 0}  # a race's own plane belongs to no point
    graphs = tuple(
        graph.model_copy(
            update={
                "page": graph.page.model_copy(update={"source": graph.page.source.model_copy(update={"where": asked})})
            }
        )
        for graph in usual.graphs
        if graph.page is not None
    )
    words = Words(
        empty="Add runs: their paths are drawn here on one plane.",
        loading="Laying one plane through all paths.",
        absent="No plane holds these runs yet. Press “Shared plane” above.",
        blank="No plane holds these runs yet. Press “Shared plane” above.",
    )
    return usual.model_copy(update={"title": "Shared plane", "graphs": graphs, "words": words})
