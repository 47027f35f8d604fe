"""Weights that a checkpoint has given the model before its training starts; no start overwrites them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


class Loaded:
    """Names and shapes of the weights in a checkpoint that was loaded, and not resumed.

    Args:
        checkpoint: as read from the file.
        source: the file or URL, for messages.
    """

    def __init__(self, checkpoint: Mapping[str, Any] | None = None, source: str | None = None) -> None:
        state = (checkpoint or {}).get('state_dict', checkpoint or {})
        weights = {name.removeprefix('module.'): value for name, value in state.items()}
        self._shapes = {name: value.shape for name, value in weights.items() if isinstance(value, Tensor)}
        self.source = f'load_from={source}' if source else 'the checkpoint that was loaded'

    def within(self, path: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of ``weights``, of the module at ``path`` of the model, that the checkpoint has given."""
        return {
            name: weight
            for name, weight in weights.items()
            if self._shapes.get(f'{path}.{name}'.lstrip('.')) == weight.shape
        }
