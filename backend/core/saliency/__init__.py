"""Which parts of an input an output hangs on, and how far such an answer can be believed."""
