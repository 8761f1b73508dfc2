"""Momentum inside torch.compile, written out: the functional form of SGD writes into what it is given."""

import torch

from impls.nn import torch_compile_fit as nn
from impls.nn.torch_compile_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "step", "update", "velocities"]

MOMENTUM = 0.9


def init(start, rate):
    parameters = nn.init(start, rate)
    return parameters, {name: torch.zeros_like(p) for name, p in parameters.items()}


def update(parameters, velocities, gradients, rate):
    velocities = {name: MOMENTUM * v + gradients[name] for name, v in velocities.items()}
    return {name: p - rate * velocities[name] for name, p in parameters.items()}, velocities


def step(state, inputs, target, rate):
    parameters, velocities = state
    gradients, value = backward(parameters, inputs, target)
    return update(parameters, velocities, gradients, rate), value


def coefficients(state):
    parameters, _ = state
    return nn.coefficients(parameters)


def velocities(state):
    _, velocities = state
    return nn.coefficients(velocities)
