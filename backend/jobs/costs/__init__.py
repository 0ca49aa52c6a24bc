"""What a run will take, from its request alone: time, memory and disk, and whether that is more than is allowed."""
