"""Movement: how long each lane's steps are, and how far they have led from its start."""
