"""What a file of weights is refused for."""


class BadWeights(ValueError):
    """The file is none of the two forms, or broken; the sentence says where, and what to do."""
