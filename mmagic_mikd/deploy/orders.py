"""Orders of the channels that a generator takes and makes, as a test of the toolbox shows them."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..utils.errors import ConfigError

ENDING = '_output_channel_order'


class Orders:
    """Those of a model's calls of its generator.

    The data preprocessor prepares the target of a translation beside its input, each in an order of its own:
    only what the generator is really given counts as input.

    Args:
        preprocessor: of the model.
    """

    def __init__(self, preprocessor: nn.Module) -> None:
        self._default = getattr(preprocessor, 'output_channel_order', None)
        self._prepared: dict[str, object] = {}
        self._names: set[str] = set()
        self._taken: set[str] = set()
        self._beside: set[str] = set()
        self._truth: set[str] = set()
        self._handle = preprocessor.register_forward_hook(self._after)

    def _after(self, preprocessor: nn.Module, args: tuple, made: object) -> None:
        inputs = made.get('inputs') if isinstance(made, Mapping) else None
        self._prepared = dict(inputs) if isinstance(inputs, Mapping) else dict(img=inputs)

    def called(self, x: Tensor) -> None:
        """The generator is called with this tensor."""
        self._names |= {name for name, tensor in self._prepared.items() if tensor is x}

    def see(self, metainfo: Mapping[str, object]) -> None:
        """What the data preprocessor says of a sample that the generator was called with."""
        every = input_orders(metainfo)
        taken = {name: order for name, order in every.items() if name in self._names} or every
        self._taken.update(taken.values())
        self._beside.update(order for name, order in every.items() if name not in taken)
        self._truth.add(str(metainfo.get('gt_channel_order', 'BGR')).upper())

    def of_input(self, channels: int) -> str:
        """'RGB', 'BGR', or 'GREY'.

        Raises:
            ConfigError: it was called with several.
        """
        if len(self._taken) > 1:
            orders = ' and '.join(sorted(self._taken))
            raise ConfigError(
                f"test_dataloader: the generator's inputs are in the orders {orders}, but a file has one: "
                'give every input the same `channel_order` in its LoadImageFromFile'
            )
        return 'GREY' if channels == 1 else next(iter(self._taken), 'BGR')

    def of_output(self, channels: int, given: str) -> str:
        """That of the images that it learns to make: of the one beside the input, else of the input.

        Args:
            given: order of the input; where that is grey, the truth tells, as it was loaded.
        """
        if channels == 1:
            return 'GREY'
        for orders in (self._beside - {'SINGLE'}, {given} - {'GREY'}):
            if len(orders) == 1:
                return orders.pop()
        return self._default or (next(iter(self._truth)) if len(self._truth) == 1 else 'BGR')

    def remove(self) -> None:
        self._handle.remove()


def input_orders(metainfo: Mapping[str, object]) -> dict[str, str]:
    """Orders, in capitals, that the data preprocessor left the inputs of a sample in, by their names.

    The target's label is not asked: the toolbox calls it BGR where it is RGB.
    """
    orders = {k.removesuffix(ENDING): str(v).upper() for k, v in metainfo.items() if k.endswith(ENDING)}
    return {name: order for name, order in orders.items() if not name.startswith('gt_')}
