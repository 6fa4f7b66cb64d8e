"""Weights by formula (packages/parity/fixtures/FORMULA.md): the same float32 bits in every language."""

import math

import numpy as np
import torch


def fnv1a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def formula_values(key: str, shape) -> np.ndarray:
    """Values of the parameter `key` in float32; the row-major index of an element decides its value."""
    if len(shape) == 0:
        return np.zeros((), np.float32)
    x = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(fnv1a(key))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    v = x.astype(np.float64) / 2**32 * 2 - 1
    if len(shape) >= 2:
        v *= math.sqrt(3 / math.prod(shape[1:]))
    elif key.endswith(".weight"):
        v = 1 + 0.1 * v
    else:
        v *= 0.1
    return v.astype(np.float32).reshape(shape)


def fill(module: torch.nn.Module, prefix: str = "") -> torch.nn.Module:
    """Give every parameter of a module its value by the formula; the module itself is returned."""
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            parameter.copy_(torch.from_numpy(formula_values(prefix + key, tuple(parameter.shape))))
    return module
