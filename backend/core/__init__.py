"""The mathematics: torch, numpy, scipy; no web, no processes, no disk."""
