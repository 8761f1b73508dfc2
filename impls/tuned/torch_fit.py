"""A cubic fitted by matrix-vector products in PyTorch, without autograd's records, a block of points at a time."""

import torch

ARRAYS = 6  # x and y, and four rows
BLOCK = 65536  # points whose rows stay in the cache from one product to the next


def pack(x, y):
    """Blocks of the rows (1,) x, x^2, x^3, y, each with room for its residual. Many do without the row of 1."""
    blocks, size, one = -(-len(x) // BLOCK), min(len(x), BLOCK), len(x) <= BLOCK
    rows = x.new_ones((blocks, 4 + one, size))
    residual = x.new_empty(size)
    found = []
    for row, part, target in zip(rows, x.split(BLOCK), y.split(BLOCK), strict=True):
        block = row[:, : len(part)]
        x1, x2, x3, last = block[one:]
        x1.copy_(part)
        last.copy_(target)
        torch.mul(x1, x1, out=x2)
        torch.mul(x2, x1, out=x3)
        found.append((block, block.t(), block[:-1], residual[: len(part)]))
    return (found, x.new_empty(5)), rows[:, -1]


def init(start, rate):
    """Parameters that make the residual of the rows, y's among them; and those that are fitted."""
    parameters = torch.stack([*start, -torch.ones_like(start[0])])
    return parameters, parameters[:4]


def forward(parameters, block):
    _, columns, _, residual = block
    if columns.shape[1] == len(parameters):
        return torch.mv(columns, parameters, out=residual)
    return torch.mv(columns, parameters[1:], out=residual).add_(parameters[0])


def loss(residual):
    return torch.dot(residual, residual)


def backward(residual, block, sums):
    """Add to the sums of the residual times 1, x, x^2, x^3 and y."""
    sums[0].add_(residual.sum())
    sums[1:].addmv_(block[0], residual)


def update(fitted, powers, residual, rate):
    fitted.addmv_(powers, residual, alpha=-2 * rate)


def step(state, inputs, target, rate):
    parameters, fitted = state
    blocks, sums = inputs
    if len(blocks) == 1:
        residual = forward(parameters, blocks[0])
        value = loss(residual)
        update(fitted, blocks[0][2], residual, rate)
        return state, value
    sums.zero_()
    for block in blocks:
        backward(forward(parameters, block), block, sums)
    value = torch.dot(parameters, sums)  # of the residual with itself, which is the parameters times the rows
    fitted.sub_(sums[:4], alpha=2 * rate)
    return state, value


@torch.inference_mode()
def loop(state, inputs, target, rate, steps):
    value = None
    for _ in range(steps):
        state, value = step(state, inputs, target, rate)
    return state, value


def coefficients(state):
    return state[1]
