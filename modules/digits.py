"""Training and pruning a small network on scikit-learn's handwritten digits (8 x 8 pixels).

Parameters: hidden, load, pruning, epochs, lr, momentum, batch, seed, save_model.
Results: ACC, ACC_TRAIN, LOSSES, SPARSITY, WEIGHTS. Needs the extra `examples`.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

from modules.network import Network

CLASSES = 10
TEST_SHARE = 0.25
SPLIT_SEED = 0


def main(exp):
    from threadpoolctl import threadpool_limits

    with threadpool_limits(parse_arguments().threads):
        train, test = load_data()
        rng = np.random.default_rng(exp.seed)
        network = make_network(exp, train[0].shape[1], rng)
        exp.SPARSITY = float(network.sparsity)
        exp.WEIGHTS = int(sum(mask.sum() for mask in network.masks))
        exp.LOSSES = []
        for epoch in fit(network, train, exp, rng):
            exp.LOSSES.append(round(network.loss(*test), 4))
            if epoch in exp.save_model:
                network.save(exp.save_model[epoch])
        exp.ACC_TRAIN = round(network.accuracy(*train), 4)
        exp.ACC = round(network.accuracy(*test), 4)
    print(f"{exp.WEIGHTS} weights ({exp.SPARSITY:.1%} pruned): accuracy {exp.ACC:.3f}")


def parse_arguments():
    """The machine's own settings are arguments; the definition holds what decides the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1, help="threads of NumPy's arithmetic")
    return parser.parse_known_args()[0]


def load_data():
    """Images in 0..1 and labels to train on, then those to test on; always the same split."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    images, labels = images[order] / 16, labels[order]
    border = round(len(labels) * TEST_SHARE)
    return (images[border:], labels[border:]), (images[:border], labels[:border])


def make_network(exp, inputs, rng):
    """A new network or one from a checkpoint, pruned and rewound as the experiment says."""
    sizes = [inputs, *exp.hidden, CLASSES]
    network = Network.load(exp.load) if exp.load else Network.initial(sizes, rng)
    if network.sizes != sizes:
        raise ValueError(f"the network in {exp.load!r} is {network.sizes}, not {sizes}")
    if exp.pruning.criterion == "magnitude":
        scores = [np.abs(weight) for weight in network.weights]
    elif exp.pruning.criterion == "random":
        scores = [rng.random(weight.shape) for weight in network.weights]
    else:
        raise ValueError(f"unknown criterion {exp.pruning.criterion!r}")
    network.prune(exp.pruning.sparsity, scores)
    if exp.pruning.rewind:
        network.rewind(Network.load(exp.pruning.rewind))
    return network


def fit(network, train, exp, rng):
    """Train by gradient descent with momentum; give the number of each epoch, from 1."""
    images, labels = train
    layers = range(len(network.weights))
    speeds = [np.zeros_like(array) for array in (*network.weights, *network.biases)]
    for epoch in range(1, exp.epochs + 1):
        order = rng.permutation(len(labels))
        for start in range(0, len(order), exp.batch):
            chosen = order[start : start + exp.batch]
            weights, biases = network.gradients(images[chosen], labels[chosen])
            for index, slope in enumerate((*weights, *biases)):
                speeds[index] = exp.momentum * speeds[index] - exp.lr * slope
            for index in layers:
                network.weights[index] += speeds[index]
                network.biases[index] += speeds[index + len(layers)]
        yield epoch
