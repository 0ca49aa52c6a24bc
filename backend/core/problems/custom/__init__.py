"""Problems of the user's own: what a file declares, and what becomes of it."""
