"""A state of the critics and of their optimiser, in memory, to go back to."""

import copy

from mmengine.optim import OptimWrapper
from torch import nn


class Snapshot:
    """What the critics have learnt and what their optimiser has gathered; not its schedule.

    Args:
        critics: the modules, spectral norms' buffers included.
        optim_wrapper: learning rate and the like stay those of the moment of ``put_back``.
    """

    def __init__(self, critics: nn.Module, optim_wrapper: OptimWrapper) -> None:
        self._critics, self._optim_wrapper = critics, optim_wrapper
        self.take()

    def take(self) -> None:
        gathered = self._optim_wrapper.state_dict()['state']
        self.state = copy.deepcopy(dict(critics=dict(self._critics.state_dict()), gathered=gathered))

    def put_back(self) -> None:
        self._critics.load_state_dict(self.state['critics'])
        # a copy, because the optimiser goes on in the tensors that it is given
        gathered = copy.deepcopy(self.state['gathered'])
        self._optim_wrapper.load_state_dict({**self._optim_wrapper.state_dict(), 'state': gathered})
