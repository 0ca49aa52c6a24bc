"""Panels: a layout, a figure and callbacks each."""
