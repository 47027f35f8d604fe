"""As in translation_init, DCGAN, LSGAN and GGAN cannot start training, `UnboundLocalError: ... 'init_info'`.

`DCGANDiscriminator.init_weights` writes an initialisation record for every module it comes across; the
first one is the network itself, for which there is nothing to write yet. No upstream thread; the same
slip as mmagic#2109. Delete this file when `init_weights` records only what it initialised.
"""

import functools
import inspect

from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.models.editors.dcgan.dcgan_discriminator', lambda module: report(repair(module)))


def repair(dcgan_discriminator) -> bool:
    """Let the stock method come across nothing but layers it initialises; False where upstream is sound."""
    network = dcgan_discriminator.DCGANDiscriminator
    stock = network.init_weights
    source = inspect.getsource(stock)
    if 'init_info = None' in source or 'init_info' not in source:
        return False
    nn = dcgan_discriminator.nn
    initialised = (nn.Conv2d, nn.ConvTranspose2d, dcgan_discriminator._BatchNorm)

    @functools.wraps(stock)
    def init_weights(self):
        layers = [layer for layer in self.modules() if isinstance(layer, initialised)]
        self.modules = lambda: layers
        try:
            stock(self)
        finally:
            del self.modules

    network.init_weights = init_weights
    return True
