"""`torch.optim.RMSprop` steps the layer of `nn`."""

import torch

from impls.nn import torch_fit as nn
from impls.nn.torch_fit import features, forward, loss

__all__ = ["coefficients", "features", "forward", "init", "loss", "second_moments", "step", "update"]

ARRAYS = 8


def init(start, rate):
    layer = nn.init(start, rate)
    optimiser = torch.optim.RMSprop(
        layer.parameters(),
        lr=rate,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,  # torch chooses by device
        maximize=False,
        differentiable=False,
    )
    return layer, optimiser


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


def second_moments(state):
    layer, optimiser = state
    pairs = ((p, optimiser.state[p]) for p in (layer.weight, layer.bias))  # which is empty before the first step
    weight, bias = (kept.get("square_avg", torch.zeros_like(p)) for p, kept in pairs)
    return bias[0], *weight[0]
