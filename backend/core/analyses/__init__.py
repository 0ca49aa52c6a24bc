"""Analyses: generators of events that work at a point, or as probes inside training."""
