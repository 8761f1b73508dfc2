"""Momentum written out in NumPy on the layer of `nn`."""

import numpy as np

from impls.nn.numpy_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "step", "update", "velocities"]

MOMENTUM = 0.9


def init(start, rate):
    bias, *weight = start
    layer = np.array(weight), bias
    return layer, tuple(np.zeros_like(p) for p in layer)


def update(layer, velocities, gradients, rate):
    velocities = tuple(MOMENTUM * v + g for v, g in zip(velocities, gradients, strict=True))
    return tuple(p - rate * v for p, v in zip(layer, velocities, strict=True)), velocities


def step(state, inputs, target, rate):
    layer, velocities = state
    residual = forward(layer, inputs) - target
    gradients = backward(residual, inputs)
    return update(layer, velocities, gradients, rate), loss(residual)


def coefficients(state):
    (weight, bias), _ = state
    return bias, *weight


def velocities(state):
    _, (weight, bias) = state
    return bias, *weight
