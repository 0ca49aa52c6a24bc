"""The landscape: the loss on a plane, and the lanes' paths across it."""
