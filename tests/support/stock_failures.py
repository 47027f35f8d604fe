"""Meet each defect of the stock toolbox that leaves it importable, and print how it shows.

Not a test: `conftest.py` runs it with the repairs left out. Argument: a folder for made-up images.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import compat_runs
import torch
import torchvision
from mmagic.evaluation.functional import fid_inception
from mmagic.evaluation.metrics import fid, inception_score
from mmagic.registry import MODELS
from mmagic.utils import register_all_modules
from mmengine.dist import init_dist
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import AmpOptimWrapper
from mmengine.runner.amp import autocast
from stock_imports import failure


def pixel_loss_warning(model) -> str:
    image = torch.zeros(1, 3, compat_runs.SIZE, compat_runs.SIZE)
    outputs = {'real_mask': image, 'fake_photo': image, 'real_photo': image}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        model._get_gen_loss(outputs)
    return ' '.join(str(warning.message) for warning in caught) or 'none'


def reload_message_hub(folder: Path) -> None:
    hub = MessageHub.get_instance('stock')
    hub.update_scalar('train/loss', 1.0)
    torch.save({'message_hub': hub.state_dict()}, folder / 'hub.pth')
    torch.load(folder / 'hub.pth')


def launch() -> None:
    os.environ.update(RANK='0', LOCAL_RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1', MASTER_PORT='0')
    init_dist('pytorch', backend='nccl')


def wrap() -> None:
    torch.distributed.init_process_group('gloo', rank=0, world_size=1, store=torch.distributed.HashStore())
    MMDistributedDataParallel(torch.nn.Linear(1, 1), device_ids=[0])


def mix_precisions() -> None:
    AmpOptimWrapper(optimizer=torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0))


def cast_to_float16() -> None:
    with autocast(dtype=torch.float16):
        pass


def refuse_download(url: str, **kwargs) -> None:
    raise ConnectionError(f'downloads {url}')


def fid_ignores_path(folder: Path) -> None:
    fid_inception.load_url = refuse_download
    fid.FrechetInceptionDistance(4, inception_style='PyTorch', inception_path=str(folder / 'mine.pth'))


def is_ignores_path(folder: Path) -> None:
    torchvision.models._api.load_state_dict_from_url = refuse_download
    inception_score.InceptionScore(4, inception_style='PyTorch', inception_path=str(folder / 'mine.pth'))


def fid_with_scipy_118() -> None:
    class Linalg:
        @staticmethod
        def sqrtm(A):
            return A

    fid.linalg = Linalg
    one = torch.eye(2).numpy()
    fid.FrechetInceptionDistance._calc_fid(one[0], one, one[0], one)


def main() -> None:
    folder = Path(sys.argv[1])
    register_all_modules()
    cfg = compat_runs.config('pix2pix', folder, iters=1)
    model = MODELS.build(cfg.model)
    found = {
        'translation_init': failure(model.init_weights),
        'l1_reduce': pixel_loss_warning(model),
        'pix2pix_test_step': failure(lambda: model.test_step(compat_runs.batch(cfg, 2))),
        'safe_resume': failure(lambda: reload_message_hub(folder)),
        'cpu_launch: init_dist': failure(launch),
        'cpu_launch: wrapper': failure(wrap),
        'cpu_amp: wrapper': failure(mix_precisions),
        'cpu_amp: autocast': failure(cast_to_float16),
        'inception_offline: FID': failure(lambda: fid_ignores_path(folder)),
        'inception_offline: IS': failure(lambda: is_ignores_path(folder)),
        'sqrtm': failure(fid_with_scipy_118),
    }
    print(json.dumps(found))


if __name__ == '__main__':
    main()
