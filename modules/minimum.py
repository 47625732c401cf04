"""The minimum of a function by gradient descent with momentum, in plain Python.

Parameters: function, start, optimizer (lr, momentum), steps, tolerance.
Results: VALUE, POINT, STEPS.
"""


def main(exp):
    if exp.function not in FUNCTIONS:
        raise ValueError(f"unknown function {exp.function!r} (expected one of {sorted(FUNCTIONS)})")
    function = FUNCTIONS[exp.function]
    point = list(exp.start)
    speed = [0.0] * len(point)

    exp.STEPS = 0
    for _ in range(exp.steps):
        if function(point) <= exp.tolerance:
            break
        slope = gradient(function, point)
        pairs = zip(speed, slope, strict=True)
        speed = [exp.optimizer.momentum * s - exp.optimizer.lr * g for s, g in pairs]
        point = [p + s for p, s in zip(point, speed, strict=True)]
        exp.STEPS += 1
    exp.POINT = point
    exp.VALUE = function(point)
    print(f"{exp.function} is {exp.VALUE:.3g} after {exp.STEPS} steps")


def bowl(point):
    """Zero at (0, 0, ...)."""
    return sum(x * x for x in point)


def valley(point):
    """Rosenbrock's narrow, bent valley; zero at (1, 1)."""
    x, y = point
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


FUNCTIONS = {"bowl": bowl, "valley": valley}


def gradient(function, point, width=1e-6):
    """The slope in every direction, by central differences."""
    slopes = []
    for axis in range(len(point)):
        before, after = list(point), list(point)
        before[axis] -= width
        after[axis] += width
        slopes.append((function(after) - function(before)) / (2 * width))
    return slopes
