"""Engines that run analyses, the store that keeps their events, the feed that wakes readers."""
