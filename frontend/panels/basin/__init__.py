"""Basins of attraction: which stationary point a rule reaches from each start."""
