"""Gradients: what single examples, weights and steps tell by layer, for one lane and between lanes."""
