"""Files of weights, read as numbers: safetensors and PyTorch's state dicts; nothing in them is ever run."""
