"""RMSprop inside torch.compile: `optimizer.step()` would break the graph, its functional form does not."""

import torch
from torch.optim.rmsprop import rmsprop

from impls.nn import torch_compile_fit as nn
from impls.nn.torch_compile_fit import backward, features, forward, loss

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "second_moments", "step", "update"]

ARRAYS = 8


def init(start, rate):
    parameters = nn.init(start, rate)
    return parameters, {name: torch.zeros_like(p) for name, p in parameters.items()}


def update(parameters, moments, gradients, rate):
    # rmsprop() writes into the tensors that it is given: the step stays pure by giving it copies.
    parameters = {name: p.clone() for name, p in parameters.items()}
    moments = {name: v.clone() for name, v in moments.items()}
    names = list(parameters)
    rmsprop(
        [parameters[name] for name in names],
        [gradients[name] for name in names],
        [moments[name] for name in names],
        [],  # averages of the gradient, for centered=True
        [],  # momentum buffers
        [torch.zeros(()) for _ in names],  # step counts, which it only adds to
        foreach=False,  # the compiler fuses the updates itself
        maximize=False,
        differentiable=False,
        capturable=False,
        has_complex=False,
        lr=rate,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
    )
    return parameters, moments


def step(state, inputs, target, rate):
    parameters, moments = state
    gradients, value = backward(parameters, inputs, target)
    return update(parameters, moments, gradients, rate), value


def coefficients(state):
    parameters, _ = state
    return nn.coefficients(parameters)


def second_moments(state):
    _, moments = state
    return nn.coefficients(moments)
