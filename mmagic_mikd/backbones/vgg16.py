"""The convolutions of VGG-16, for losses that look through them."""

from torch import Tensor, nn


class VGG16(nn.Module):
    """Features of VGG-16 (Simonyan and Zisserman, 2015) for images of [0, 1], under torchvision's names.

    So that its file ``vgg16-397923af.pth`` can be given in `checkpoint`; without one the weights are random.
    ReLU of block and convolution: features.3 is 1_2, features.8 is 2_2, features.15 is 3_3, features.22 is 4_3.

    Args:
        bgr: whether the images are BGR, as the toolbox loads them; the file's weights are for RGB.
    """

    def __init__(self, bgr: bool = True) -> None:
        from torchvision.models.vgg import cfgs, make_layers

        super().__init__()
        self.bgr = bgr
        self.features = make_layers(cfgs['D'][:13])  # up to relu4_3

    def forward(self, image: Tensor) -> Tensor:
        return self.features(image.flip(1) if self.bgr else image)
