"""Roughness: the index with its interval, along training or against the length, and the sampled profiles."""
