"""Trust: questions to maps of saliency, answered in numbers and in a word."""
