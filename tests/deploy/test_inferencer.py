"""Students in the toolbox's own inference: a picture in, a picture out, for every first-class family."""

import cv2
import numpy as np
import pytest
from shipped import FAMILIES, LATENT, trained

NAMES = dict(srgan='srgan_resnet', srresnet='srgan_resnet', mobile_pix2pix='pix2pix')
NAMES |= dict.fromkeys(LATENT, 'styleganv2')

SIDES = dict(pix2pix=256, mobile_pix2pix=256, cyclegan=256, nafnet=32)  # 256: of their pipelines
SIDES |= dict.fromkeys(LATENT, 16)


@pytest.mark.parametrize('family', FAMILIES)
def test_the_toolbox_makes_a_picture_with_the_student(family, tmp_path):
    from mmagic.apis import MMagicInferencer

    config, checkpoint = trained(FAMILIES[family](tmp_path / 'run', 2), tmp_path / 'model')
    picture, made = tmp_path / 'picture.png', tmp_path / 'made.png'
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(picture), pixels)
    given = dict(img=str(picture))
    parameters = {}
    if family in LATENT:
        given, parameters = {}, dict(num_batches=1, sample_model='ema')
    tool = MMagicInferencer(
        model_name=NAMES.get(family, family),
        model_config=config,
        model_ckpt=checkpoint,
        device='cpu',
        extra_parameters=parameters,
    )
    tool.infer(**given, result_out_dir=str(made))
    image = cv2.imread(str(made))
    side = SIDES.get(family, 4 * 32)
    assert image.shape == (side, side, 3)
    assert image.std() > 0 or family == 'esrgan'  # whose untrained image is black
