"""The functions of the NumPy file are pure, and call no NumPy."""

from impls.quadratic.numpy_fit import backward, coefficients, features, forward, init, loss, step, update

__all__ = ["backward", "coefficients", "features", "forward", "init", "loss", "step", "update"]
