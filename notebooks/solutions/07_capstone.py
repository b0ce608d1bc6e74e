"""Solutions of the exercises of lesson 07, under the names of their stubs; nothing else."""

import numpy as np


def random_rates(low, high, number, rng):
    """Return learning rates between low and high, drawn at random on a logarithmic scale."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size=number))


def cheapest_threshold(probabilities, labels, cost_missed, cost_alarm):
    """Return the threshold with the lowest total cost on these examples."""
    best, lowest = np.inf, np.inf
    for threshold in [*np.sort(probabilities), np.inf]:
        alarm = probabilities >= threshold
        missed, false_alarms = np.sum(~alarm & (labels == 1)), np.sum(alarm & (labels == 0))
        cost = cost_missed * missed + cost_alarm * false_alarms
        if cost < lowest:
            best, lowest = threshold, cost
    return best


def accuracy_interval(right, total):
    """Return low and high, the ends of Wilson's 95 % interval of an accuracy."""
    p, z = right / total, 1.96
    centre = p + z**2 / (2 * total)
    half = z * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    return (centre - half) / scale, (centre + half) / scale
