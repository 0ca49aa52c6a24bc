"""The lanes, one a row: the legend of the whole page, with the latest numbers."""
