"""The fit as a tutorial writes it in NumPy, in float64: what one reads first, and many then write.

Run as it stands, `python tests/backends/tutorial.py` prints what one of its iterations takes, beside its losses.
"""

import math
import time

import numpy as np

# Create random input and output data
x = np.linspace(-math.pi, math.pi, 2000)
y = np.sin(x)

# Randomly initialize weights
a = np.random.randn()
b = np.random.randn()
c = np.random.randn()
d = np.random.randn()
start = a, b, c, d

learning_rate = 1e-6
begun = time.perf_counter()
for t in range(2000):
    # Forward pass: compute predicted y
    y_pred = a + b * x + c * x**2 + d * x**3

    # Compute and print loss
    loss = np.square(y_pred - y).sum()
    if t % 100 == 99:
        print(t, loss)

    # Backprop to compute gradients of a, b, c, d with respect to loss
    grad_y_pred = 2.0 * (y_pred - y)
    grad_a = grad_y_pred.sum()
    grad_b = (grad_y_pred * x).sum()
    grad_c = (grad_y_pred * x**2).sum()
    grad_d = (grad_y_pred * x**3).sum()

    # Update weights
    a -= learning_rate * grad_a
    b -= learning_rate * grad_b
    c -= learning_rate * grad_c
    d -= learning_rate * grad_d
seconds = (time.perf_counter() - begun) / 2000

print(f"Result: y = {a} + {b} x + {c} x^2 + {d} x^3")
print(f"{1e6 * seconds:.1f} us per iteration")
