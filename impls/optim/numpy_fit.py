"""RMSprop written out in NumPy on the layer of `nn`: NumPy has no optimiser to call."""

import numpy as np

from impls.nn.numpy_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "second_moments", "step", "update"]

ARRAYS = 8

SMOOTHING, EPS = 0.99, 1e-8


def init(start, rate):
    bias, *weight = start
    layer = np.array(weight), bias
    return layer, tuple(np.zeros_like(p) for p in layer)


def update(layer, moments, gradients, rate):
    moments = tuple(SMOOTHING * v + (1 - SMOOTHING) * (g * g) for v, g in zip(moments, gradients, strict=True))
    steps = (g / (np.sqrt(v) + EPS) for g, v in zip(gradients, moments, strict=True))
    return tuple(p - rate * s for p, s in zip(layer, steps, strict=True)), moments


def step(state, inputs, target, rate):
    layer, moments = state
    residual = forward(layer, inputs) - target
    gradients = backward(residual, inputs)
    return update(layer, moments, gradients, rate), loss(residual)


def coefficients(state):
    (weight, bias), _ = state
    return bias, *weight


def second_moments(state):
    _, (weight, bias) = state
    return bias, *weight
