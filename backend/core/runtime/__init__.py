"""Seeds, devices, snapshots."""
