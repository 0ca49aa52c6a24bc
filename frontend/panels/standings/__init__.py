"""Standings: which lane is ahead, at equal steps, equal gradient evaluations and equal time."""
