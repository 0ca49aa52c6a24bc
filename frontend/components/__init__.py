"""Pieces of the page that several panels or pages share."""
