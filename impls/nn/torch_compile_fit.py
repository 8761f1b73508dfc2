"""A linear layer inside torch.compile: the layer is called with its parameters passed in, so that the step is pure."""

import torch
from torch.func import functional_call, grad_and_value

from impls.nn.torch_fit import features

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "objective", "step", "update"]

ARRAYS = 8

LAYER = torch.nn.Linear(3, 1, device="meta")


def init(start, rate):
    bias, *weight = start
    return {"weight": torch.stack(weight).unsqueeze(0), "bias": bias.unsqueeze(0)}


def forward(parameters, inputs):
    return functional_call(LAYER, parameters, (inputs,)).flatten()


loss = torch.nn.MSELoss(reduction="sum")


def objective(parameters, inputs, target):
    return loss(forward(parameters, inputs), target)


backward = grad_and_value(objective)


def update(parameters, gradients, rate):
    return {name: p - rate * gradients[name] for name, p in parameters.items()}


def step(parameters, inputs, target, rate):
    gradients, value = backward(parameters, inputs, target)
    return update(parameters, gradients, rate), value


def coefficients(parameters):
    return parameters["bias"][0], *parameters["weight"][0]
