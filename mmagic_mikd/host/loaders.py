"""Dataloaders of a config in places where nobody wants workers."""

from collections.abc import Mapping
from typing import Any

OF_WORKERS = ('prefetch_factor', 'multiprocessing_context')  # torch refuses them without workers


def without_workers(loader: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the same loader in this process."""
    kept = {name: value for name, value in loader.items() if name not in OF_WORKERS}
    return {**kept, 'num_workers': 0, 'persistent_workers': False}
