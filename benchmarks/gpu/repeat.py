"""A deterministic run twice, and one that is ended and resumed: the same to the last bit, random states too."""

import subprocess
import sys
from pathlib import Path

import torch
from interruption import difference, elsewhere, kill, newest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from processes import write
from resumable import FAMILIES, every

from .bench import Bench, prepare, train

ITERATIONS, INTERVAL = 4, 2


class States(Hook):
    """The random states of host and device at the beginning, when an iteration begins, and at the end."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple] = {}

    def before_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.seen[runner.iter] = now()

    def after_train(self, runner: Runner) -> None:
        self.seen[runner.iter] = now()


def now() -> tuple:
    device = torch.cuda.get_rng_state().tolist() if torch.cuda.is_available() else []
    return torch.get_rng_state().tolist(), device


class Dies(Hook):
    """Kills its process in the middle of an iteration, as a machine that fails would."""

    priority = 'LOWEST'

    def before_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        if runner.iter == INTERVAL + 1:
            kill()


def run(bench: Bench) -> None:
    for name in ('stylegan2',) if bench.dry else FAMILIES:
        with bench.row(family=name) as row:
            row |= repeated(bench, name, FAMILIES[name])
    with bench.row(family='pix2pix', what='killed from within by SIGKILL') as row:
        row |= killed(bench)


def configured(bench: Bench, name: str, make: type) -> Config:
    cfg = every(make(bench.folder(name), ITERATIONS), INTERVAL)
    assert cfg.randomness.deterministic
    return cfg


def repeated(bench: Bench, name: str, make: type) -> dict:
    first, again = configured(bench, name, make), configured(bench, name, make)
    states = [States(), States(), States()]
    for cfg, seen in zip((first, again), states, strict=False):
        train(cfg, (seen, 'VERY_LOW'))
    rest = elsewhere(first, f'iter_{INTERVAL}.pth', bench.folder(f'{name}_resumed'))
    train(rest, (states[2], 'VERY_LOW'))
    gaps = difference(newest(first), newest(again)), difference(newest(first), newest(rest))
    whole, _, resumed = (seen.seen for seen in states)
    put_back = all(whole[number] == resumed[number] for number in range(INTERVAL, ITERATIONS + 1))
    drawn = whole[0][1] != whole[ITERATIONS][1]
    return dict(
        ok=gaps == (None, None) and put_back,
        twice=gaps[0] or 'equal',
        resumed=gaps[1] or 'equal',
        random_states='put back' if put_back else 'differ',
        device_draws='yes' if drawn else 'no',
    )


def killed(bench: Bench) -> dict:
    whole, cfg = (configured(bench, 'pix2pix', FAMILIES['pix2pix']) for _ in range(2))
    train(whole)
    command = [sys.executable, '-m', 'benchmarks.gpu.repeat', str(write(cfg)), str(bench.data)]
    code = subprocess.run(command).returncode
    if code != -9:
        raise RuntimeError(f'the process that was to be killed ended with {code}')
    cfg.resume = True
    train(cfg)
    gap = difference(newest(whole), newest(cfg))
    return dict(ok=gap is None, resumed=gap or 'equal')


def main(config: str, data: Path) -> None:
    prepare(data)
    train(Config.fromfile(config), (Dies(), 'LOWEST'))


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]))
