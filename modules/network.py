"""A small fully connected network whose weights can be pruned. NumPy only.

A mask of a layer is 1.0 where a weight lives and 0.0 where it was pruned; biases stay.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

KINDS = ("weights", "biases", "masks")


@dataclass
class Network:
    """Layers of weights (inputs x outputs) and biases, and a mask for each layer's weights."""

    weights: list
    biases: list
    masks: list

    @classmethod
    def initial(cls, sizes, rng):
        """He's initialisation: `sizes` are inputs, hidden layers, classes."""
        shapes = list(pairwise(sizes))
        return cls(
            weights=[rng.normal(0, np.sqrt(2 / n), (n, m)) for n, m in shapes],
            biases=[np.zeros(m) for _, m in shapes],
            masks=[np.ones(shape) for shape in shapes],
        )

    @property
    def sizes(self):
        """How many inputs, units of each hidden layer, and classes."""
        return [*(len(weight) for weight in self.weights), len(self.biases[-1])]

    @property
    def sparsity(self):
        """The share of weights that were pruned."""
        return 1 - sum(m.sum() for m in self.masks) / sum(m.size for m in self.masks)

    def activations(self, images):
        """The input, and the output of every layer; the last one holds probabilities."""
        outputs = [images]
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            outputs.append(outputs[-1] @ weight + bias)
            if index < len(self.weights) - 1:
                outputs[-1] = np.maximum(outputs[-1], 0)
        scores = outputs[-1] - outputs[-1].max(axis=1, keepdims=True)
        outputs[-1] = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return outputs

    def loss(self, images, labels):
        """The mean cross-entropy."""
        probabilities = self.activations(images)[-1][np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(probabilities, 1e-12)).mean())

    def accuracy(self, images, labels):
        """The share of images whose label is the most probable one."""
        return float((self.activations(images)[-1].argmax(axis=1) == labels).mean())

    def gradients(self, images, labels):
        """The slopes of the mean loss: of the weights of each layer, and of the biases."""
        outputs = self.activations(images)
        error = outputs[-1].copy()
        error[np.arange(len(labels)), labels] -= 1
        error /= len(labels)
        weights, biases = [], []
        for index in reversed(range(len(self.weights))):
            weights.insert(0, outputs[index].T @ error * self.masks[index])
            biases.insert(0, error.sum(axis=0))
            error = error @ self.weights[index].T * (outputs[index] > 0)
        return weights, biases

    def prune(self, sparsity, scores):
        """Remove the weights of the lowest scores, over all layers, until `sparsity` is reached.

        What was pruned before stays so: it is removed first.
        """
        alive = [np.where(m > 0, s, -1) for m, s in zip(self.masks, scores, strict=True)]
        flat = np.concatenate([score.ravel() for score in alive])
        kept = np.ones(flat.size)
        kept[np.argsort(flat, kind="stable")[: round(sparsity * flat.size)]] = 0
        ends = np.cumsum([mask.size for mask in self.masks])[:-1]
        parts = zip(np.split(kept, ends), self.masks, strict=True)
        self.masks = [part.reshape(mask.shape) * mask for part, mask in parts]
        self.weights = [w * m for w, m in zip(self.weights, self.masks, strict=True)]

    def rewind(self, earlier):
        """Take the weights of an earlier moment; what is pruned stays pruned."""
        self.weights = [w * m for w, m in zip(earlier.weights, self.masks, strict=True)]
        self.biases = [bias.copy() for bias in earlier.biases]

    def save(self, path):
        """Write a checkpoint (.npz), whole or not at all."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{kind}{index}": array
            for kind in KINDS
            for index, array in enumerate(getattr(self, kind))
        }
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez(unfinished, **arrays)
        unfinished.replace(path)

    @classmethod
    def load(cls, path):
        """Read a checkpoint."""
        with np.load(path) as arrays:
            layers = range(len(arrays.files) // len(KINDS))
            return cls(*([arrays[f"{kind}{index}"] for index in layers] for kind in KINDS))
