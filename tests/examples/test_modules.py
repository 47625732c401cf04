"""The modules that are there to be copied compute what they say."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

network: Any = importlib.import_module("modules.network")
example: Any = importlib.import_module("modules.example")
minimum: Any = importlib.import_module("modules.minimum")
digits: Any = importlib.import_module("modules.digits")


class Parameters(dict[str, Any]):
    """What a module is given, in small: keys are attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


@pytest.fixture
def small() -> Any:
    return network.Network.initial([4, 6, 3], np.random.default_rng(0))


def pruning(**changed: Any) -> Parameters:
    return Parameters({"criterion": "magnitude", "sparsity": 0.0, "rewind": None, **changed})


def test_the_gradients_are_the_slopes_of_the_loss(small: Any) -> None:
    rng = np.random.default_rng(1)
    images, labels = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
    weights, biases = small.gradients(images, labels)
    for arrays, slopes in ((small.weights, weights), (small.biases, biases)):
        for array, slope in zip(arrays, slopes, strict=True):
            place = tuple(0 for _ in array.shape)
            before = array[place]
            losses = []
            for width in (1e-6, -1e-6):
                array[place] = before + width
                losses.append(small.loss(images, labels))
            array[place] = before
            assert slope[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-6)


def test_the_lowest_scores_go_first_and_what_is_pruned_stays_so(small: Any) -> None:
    small.prune(0.5, [np.abs(weight) for weight in small.weights])
    assert small.sparsity == pytest.approx(0.5, abs=0.02)
    alive = np.concatenate([w[m > 0] for w, m in zip(small.weights, small.masks, strict=True)])
    first = [mask.copy() for mask in small.masks]
    small.prune(0.75, [np.ones_like(weight) for weight in small.weights])
    assert small.sparsity == pytest.approx(0.75, abs=0.02)
    assert all((new <= old).all() for new, old in zip(small.masks, first, strict=True))
    assert all((w[m == 0] == 0).all() for w, m in zip(small.weights, small.masks, strict=True))
    assert np.abs(alive).min() > 0


def test_gradients_leave_pruned_weights_alone(small: Any) -> None:
    small.prune(0.5, [np.abs(weight) for weight in small.weights])
    slopes, _ = small.gradients(np.ones((2, 4)), np.array([0, 1]))
    assert all((slope[m == 0] == 0).all() for slope, m in zip(slopes, small.masks, strict=True))


def test_a_checkpoint_brings_back_the_whole_network(small: Any, tmp_path: Path) -> None:
    small.prune(0.3, [np.abs(weight) for weight in small.weights])
    path = tmp_path / "new" / "epoch1.npz"
    small.save(path)
    assert [file.name for file in path.parent.iterdir()] == ["epoch1.npz"]
    loaded = network.Network.load(path)
    assert loaded.sizes == small.sizes == [4, 6, 3]
    for kind in network.KINDS:
        for one, other in zip(getattr(loaded, kind), getattr(small, kind), strict=True):
            assert (one == other).all()


def test_rewinding_takes_earlier_values_and_keeps_the_masks(small: Any) -> None:
    earlier = network.Network.initial([4, 6, 3], np.random.default_rng(9))
    small.prune(0.5, [np.abs(weight) for weight in small.weights])
    small.rewind(earlier)
    for weight, mask, origin in zip(small.weights, small.masks, earlier.weights, strict=True):
        assert (weight == origin * mask).all()


def test_test_images_are_held_back() -> None:
    (train, _), (test, labels) = digits.load_data()
    assert len(train) + len(test) == 1797
    assert len(test) == len(labels) == 449
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_a_checkpoint_of_another_network_is_refused(small: Any, tmp_path: Path) -> None:
    small.save(tmp_path / "a.npz")
    wrong = Parameters(hidden=[7], load=str(tmp_path / "a.npz"), pruning=pruning())
    with pytest.raises(ValueError, match=r"is \[4, 6, 3\], not \[4, 7, 10\]"):
        digits.make_network(wrong, 4, np.random.default_rng(0))


def test_an_unknown_criterion_is_refused() -> None:
    wrong = Parameters(hidden=[7], load=None, pruning=pruning(criterion="size"))
    with pytest.raises(ValueError, match="unknown criterion 'size'"):
        digits.make_network(wrong, 4, np.random.default_rng(0))


def test_points_far_apart_are_told_apart() -> None:
    exp = Parameters(points=50, spread=0.1, epochs=20, lr=0.5, seed=3)
    example.main(exp)
    assert exp.ACC == 1.0
    assert sorted(exp.LOSSES, reverse=True) == exp.LOSSES
    assert len(exp.LOSSES) == 20


@pytest.mark.parametrize(("function", "lr"), [("bowl", 0.1), ("valley", 0.001)])
def test_the_minimum_is_found(function: str, lr: float) -> None:
    optimizer = Parameters(lr=lr, momentum=0.9)
    exp = Parameters(
        function=function, start=(-1.5, 2.0), optimizer=optimizer, steps=5000, tolerance=1e-9
    )
    minimum.main(exp)
    assert exp.VALUE <= 1e-9
    goal = 0.0 if function == "bowl" else 1.0
    assert pytest.approx([goal, goal], abs=1e-3) == exp.POINT


def test_an_unknown_function_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'hill' \(expected one of \['bowl', 'valley'\]\)"):
        minimum.main(Parameters(function="hill"))
