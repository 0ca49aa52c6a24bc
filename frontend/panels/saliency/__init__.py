"""Saliency: which pixels of an example a logit hangs on, a row of pictures for each method."""
