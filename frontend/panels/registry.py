"""All panels of the Lab, in the order in which they are laid out."""

from typing import Final

from frontend.panels.base import PanelView
from frontend.panels.basin import figure as basin_figure
from frontend.panels.basin import layout as basin_layout
from frontend.panels.conflict import figure as conflict_figure
from frontend.panels.conflict import layout as conflict_layout
from frontend.panels.connectivity import figure as connectivity_figure
from frontend.panels.connectivity import layout as connectivity_layout
from frontend.panels.curves import figure as curves_figure
from frontend.panels.curves import layout as curves_layout
from frontend.panels.dimension import figure as dimension_figure
from frontend.panels.dimension import layout as dimension_layout
from frontend.panels.examples import figure as examples_figure
from frontend.panels.examples import layout as examples_layout
from frontend.panels.gradients import figure as gradients_figure
from frontend.panels.gradients import layout as gradients_layout
from frontend.panels.landscape import figure as landscape_figure
from frontend.panels.landscape import layout as landscape_layout
from frontend.panels.lanes import figure as lanes_figure
from frontend.panels.lanes import layout as lanes_layout
from frontend.panels.movement import figure as movement_figure
from frontend.panels.movement import layout as movement_layout
from frontend.panels.ntk import figure as ntk_figure
from frontend.panels.ntk import layout as ntk_layout
from frontend.panels.opposing import figure as opposing_figure
from frontend.panels.opposing import layout as opposing_layout
from frontend.panels.overlap import figure as overlap_figure
from frontend.panels.overlap import layout as overlap_layout
from frontend.panels.roughness import figure as roughness_figure
from frontend.panels.roughness import layout as roughness_layout
from frontend.panels.saliency import figure as saliency_figure
from frontend.panels.saliency import layout as saliency_layout
from frontend.panels.sharpness import figure as sharpness_figure
from frontend.panels.sharpness import layout as sharpness_layout
from frontend.panels.singular import figure as singular_figure
from frontend.panels.singular import layout as singular_layout
from frontend.panels.sizes import figure as sizes_figure
from frontend.panels.sizes import layout as sizes_layout
from frontend.panels.slices import figure as slices_figure
from frontend.panels.slices import layout as slices_layout
from frontend.panels.solution import figure as solution_figure
from frontend.panels.solution import layout as solution_layout
from frontend.panels.spectrum import figure as spectrum_figure
from frontend.panels.spectrum import layout as spectrum_layout
from frontend.panels.standings import figure as standings_figure
from frontend.panels.standings import layout as standings_layout
from frontend.panels.sweep import figure as sweep_figure
from frontend.panels.sweep import layout as sweep_layout
from frontend.panels.teleport import figure as teleport_figure
from frontend.panels.teleport import layout as teleport_layout
from frontend.panels.trust import figure as trust_figure
from frontend.panels.trust import layout as trust_layout

PANELS: Final[tuple[PanelView, ...]] = (
    PanelView(panel=landscape_figure.panel(), layout=landscape_layout.layout),
    PanelView(panel=curves_figure.panel(), layout=curves_layout.layout),
    PanelView(panel=solution_figure.panel(), layout=solution_layout.layout),
    PanelView(panel=movement_figure.panel(), layout=movement_layout.layout),
    PanelView(panel=sharpness_figure.panel(), layout=sharpness_layout.layout),
    PanelView(panel=roughness_figure.panel(), layout=roughness_layout.layout),
    PanelView(panel=gradients_figure.panel(), layout=gradients_layout.layout),
    PanelView(panel=examples_figure.panel(), layout=examples_layout.layout),
    PanelView(panel=conflict_figure.panel(), layout=conflict_layout.layout),
    PanelView(panel=opposing_figure.panel(), layout=opposing_layout.layout),
    PanelView(panel=sizes_figure.panel(), layout=sizes_layout.layout),
    PanelView(panel=singular_figure.panel(), layout=singular_layout.layout),
    PanelView(panel=ntk_figure.panel(), layout=ntk_layout.layout),
    PanelView(panel=saliency_figure.panel(), layout=saliency_layout.layout),
    PanelView(panel=trust_figure.panel(), layout=trust_layout.layout),
    PanelView(panel=slices_figure.panel(), layout=slices_layout.layout),
    PanelView(panel=spectrum_figure.panel(), layout=spectrum_layout.layout),
    PanelView(panel=overlap_figure.panel(), layout=overlap_layout.layout),
    PanelView(panel=connectivity_figure.panel(), layout=connectivity_layout.layout),
    PanelView(panel=teleport_figure.panel(), layout=teleport_layout.layout),
    PanelView(panel=dimension_figure.panel(), layout=dimension_layout.layout),
    PanelView(panel=basin_figure.panel(), layout=basin_layout.layout),
    PanelView(panel=sweep_figure.panel(), layout=sweep_layout.layout),
    PanelView(panel=lanes_figure.panel(), layout=lanes_layout.layout),
    PanelView(panel=standings_figure.panel(), layout=standings_layout.layout),
)
