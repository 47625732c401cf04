"""Logistic regression on two clouds of points, with nothing but the standard library.

Parameters: points, spread, epochs, lr, seed. Results: ACC, LOSSES.
"""

import argparse
import math
import random

BORDER = 0.5


def main(exp):
    arguments = parse_arguments()
    rng = random.Random(exp.seed)
    train = clouds(exp.points, exp.spread, rng)
    test = clouds(exp.points, exp.spread, rng)

    weights = [0.0, 0.0, 0.0]
    exp.LOSSES = []
    for epoch in range(exp.epochs):
        weights = step(weights, train, exp.lr)
        exp.LOSSES.append(round(loss(weights, test), 5))
        if epoch % arguments.print_every == 0:
            print(f"epoch {epoch}: loss {exp.LOSSES[-1]:.4f}")
    exp.ACC = accuracy(weights, test)


def parse_arguments():
    """What changes how a run looks, never what it computes, is an argument."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--print-every", type=int, default=10, metavar="EPOCHS")
    return parser.parse_known_args()[0]


def clouds(points, spread, rng):
    """Points around (-1, -1) with label 0, and as many around (1, 1) with label 1."""
    return [
        (rng.gauss(centre, spread), rng.gauss(centre, spread), label)
        for label, centre in enumerate((-1, 1))
        for _ in range(points)
    ]


def predict(weights, x, y):
    """The probability of label 1."""
    return 1 / (1 + math.exp(-(weights[0] * x + weights[1] * y + weights[2])))


def step(weights, examples, lr):
    """One step down the gradient of the mean loss."""
    gradient = [0.0, 0.0, 0.0]
    for x, y, label in examples:
        error = predict(weights, x, y) - label
        for index, factor in enumerate((x, y, 1)):
            gradient[index] += error * factor / len(examples)
    return [w - lr * g for w, g in zip(weights, gradient, strict=True)]


def loss(weights, examples):
    """The mean cross-entropy."""
    right = [abs(1 - label - predict(weights, x, y)) for x, y, label in examples]
    return -sum(math.log(max(p, 1e-12)) for p in right) / len(right)


def accuracy(weights, examples):
    """The share of points on the right side."""
    hits = [(predict(weights, x, y) > BORDER) == label for x, y, label in examples]
    return sum(hits) / len(hits)
