"""`torch.optim.SGD` with momentum steps the layer of `nn`."""

import torch

from impls.nn import torch_fit as nn
from impls.nn.torch_fit import features, forward, loss

__all__ = ["coefficients", "features", "forward", "init", "loss", "step", "update", "velocities"]


def init(start, rate):
    layer = nn.init(start, rate)
    return layer, torch.optim.SGD(
        layer.parameters(), lr=rate, momentum=0.9, dampening=0, weight_decay=0, nesterov=False
    )


def update(optimiser):
    optimiser.step()


def step(state, inputs, target, rate):
    layer, optimiser = state
    optimiser.zero_grad()
    value = loss(forward(layer, inputs), target)
    value.backward()
    update(optimiser)
    return state, value.detach()


def coefficients(state):
    layer, _ = state
    return nn.coefficients(layer)


def velocities(state):
    layer, optimiser = state
    pairs = ((p, optimiser.state[p]) for p in (layer.weight, layer.bias))  # which is empty before the first step
    weight, bias = (kept.get("momentum_buffer", torch.zeros_like(p)) for p, kept in pairs)
    return bias[0], *weight[0]
