"""The functions of the eager file are pure."""

from impls.septic.torch_fit import backward, coefficients, features, forward, init, loss, step, update

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "step", "update"]
