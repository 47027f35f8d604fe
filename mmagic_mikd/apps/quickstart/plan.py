"""The six steps of the quickstart; each reads the files that those before it wrote."""

import argparse
import os
import sys
from pathlib import Path

from ...utils.errors import ConfigError
from ..clone import data_folder
from .configs import AS_SHIPPED, BATCH_SIZE, STUDENTS, config_texts
from .pairs import PHOTOS, Pairs, check_pairs, make_pairs, pictures
from .steps import (
    MARKERS,
    Progress,
    Step,
    fingerprint,
    read_json,
    require_own_folder,
    run_command,
    write_json,
)

TITLES = dict(teacher='teacher', student_plain='student alone', student_distilled='student distilled')
SHIPPED = {f'{name}{AS_SHIPPED}': f'{TITLES[name]}, as it ships' for name in STUDENTS}
# Seconds on 2 CPU cores; only the estimate of the time left rests on them.
STARTUP, EVALUATION = 7, 10
PER_ITERATION = dict(teacher=0.13, student_plain=0.07, student_distilled=0.10)
SHARED_WEIGHTS = data_folder() / 'weights_cifar_resnet' / 'resnet56-4bfd9763.th'


class Plan:
    """What to do for these options; building it checks them and writes nothing.

    Raises:
        ConfigError: an option, the data or the output folder cannot be used as it is.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.out = args, args.out.resolve()
        self.device = choose_device(args.device)
        self.photo_counts = (20, 4) if args.short else (120, 12)  # to train and test, of each
        self.pairs = self._pairs()
        weights = find_weights(args.frechet_weights)
        teacher = self.checkpoint('teacher')
        self.configs = config_texts(
            self.pairs, teacher, args.size, args.iters, args.seed, args.direction, weights
        )
        self._check_out()

    def steps(self) -> list[Step]:
        results = tuple(self.out / name for name in ('comparison.png', 'results.json', 'results.md'))
        scores = tuple(map(self.scores, TITLES | SHIPPED))
        return [
            self._data(),
            *map(self._training, TITLES),
            Step('evaluate', 'Evaluate all', {}, self._evaluate, len(scores) * EVALUATION, scores),
            Step('report', 'Picture and table', self.device, self._report, 8, results),
        ]

    def write_configs(self) -> None:
        """Write the configs and remember them, so that a user's edit is noticed."""
        (self.out / 'configs').mkdir(parents=True, exist_ok=True)
        for name, text in self.configs.items():
            self.config(name).write_text(text)
        written = {name: fingerprint(text) for name, text in self.configs.items()}
        write_json(self.out / MARKERS / 'configs.json', written)

    # ---- the steps ----------------------------------------------------------------------------

    def _data(self) -> Step:
        counts = f'{self.pairs.train} to train with, {self.pairs.test} to test with'
        if self.args.data:
            files = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in pictures(self.pairs.root)]
            title = f'Pairs in {self.pairs.root}: {counts}'
            return Step('data', title, files, lambda progress: None, 1)
        settings = dict(size=self.args.size, seed=self.args.seed, counts=self.photo_counts, boxes=PHOTOS)
        title = f"Pairs from scikit-image's photographs: {counts}"
        return Step('data', title, settings, self._make_pairs, 4, (self.pairs.root,))

    def _make_pairs(self, progress: Progress) -> None:
        make_pairs(self.pairs.root, self.args.size, *self.photo_counts, seed=self.args.seed)

    def _training(self, name: str) -> Step:
        return Step(
            name,
            f'Train the {TITLES[name]}, {self.args.iters} iterations',
            self.configs[name],
            lambda progress: self._train(name, progress),
            STARTUP + self.args.iters * PER_ITERATION[name],
            outputs=(self.checkpoint(name),),
            scratch=(self.run_dir(name),),
        )

    def _train(self, name: str, progress: Progress) -> None:
        self._tool(progress, 'train', name, '--work-dir', self.run_dir(name), '--resume')
        publish(self.run_dir(name), self.checkpoint(name))

    def _evaluate(self, progress: Progress) -> None:
        for name in TITLES | SHIPPED:
            self.scores(name).parent.mkdir(exist_ok=True)
            trained = name.removesuffix(AS_SHIPPED)
            folders = ['--work-dir', self.run_dir(trained) / 'test', '--out', self.scores(name)]
            self._tool(progress, 'test', name, self.checkpoint(trained), *folders)

    def _report(self, progress: Progress) -> None:
        from .report import Trained, write_report  # imports all of the toolbox

        models = {
            name: Trained(title, self.config(name), self.checkpoint(name), self.scores(name))
            for name, title in TITLES.items()
        }
        shipped = {
            name: models[name.removesuffix(AS_SHIPPED)]._replace(title=title, scores=self.scores(name))
            for name, title in SHIPPED.items()
        }
        settings = {key: value for key, value in vars(self.args).items() if key != 'out'}
        write_report(models, shipped, self.out, self.device, settings)

    def _tool(self, progress: Progress, tool: str, name: str, *arguments: object) -> None:
        command = [sys.executable, '-um', 'mmagic_mikd', tool, self.config(name), *arguments]
        log = self.out / 'logs' / f'{tool}_{name}.log'
        run_command([str(part) for part in command], environment(self.device), log, progress)

    # ---- files --------------------------------------------------------------------------------

    def config(self, name: str) -> Path:
        return self.out / 'configs' / f'{name}.py'

    def checkpoint(self, name: str) -> Path:
        return self.out / 'checkpoints' / f'{name}.pth'

    def run_dir(self, name: str) -> Path:
        return self.out / 'runs' / name

    def scores(self, name: str) -> Path:
        return self.out / 'scores' / f'{name}.json'

    def _pairs(self) -> Pairs:
        if self.args.data:
            return check_pairs(self.args.data, at_least=BATCH_SIZE)
        train, test = (count * len(PHOTOS) for count in self.photo_counts)
        return Pairs(self.out / 'data', train, test, 'test')

    def _check_out(self) -> None:
        """Refuse to write over anything that the quickstart did not write."""
        require_own_folder(self.out)
        written = read_json(self.out / MARKERS / 'configs.json')
        for name in written:
            path = self.config(name)
            if path.exists() and fingerprint(path.read_text()) != written[name]:
                raise ConfigError(
                    f'{path} was edited: train it with tools/train.py, or move it away and the '
                    'quickstart writes its own again'
                )


def choose_device(name: str | None) -> str:
    """'cpu' or 'cuda:N'; without a wish the first GPU where there is one."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name in (None, 'cuda') and gpus:
        return 'cuda:0'
    known = {'cpu', *(f'cuda:{number}' for number in range(gpus))}
    if name is None or name in known:
        return name or 'cpu'
    raise ConfigError(f'--device {name} is not there: this machine has {", ".join(sorted(known))}')


def environment(device: str) -> dict[str, str]:
    """Environment variables of a training on this device alone; MMEngine takes the first GPU it sees."""
    visible = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(64)))
    gpu = visible.split(',')[int(device.removeprefix('cuda:'))] if device != 'cpu' else ''
    defaults = dict(
        OMP_NUM_THREADS=str(min(8, os.cpu_count() or 1)),  # small networks get slower on more
        OMP_WAIT_POLICY='PASSIVE',  # see tools/environment.sh
    )
    return {**defaults, **os.environ, 'CUDA_VISIBLE_DEVICES': gpu}


def find_weights(path: Path | None) -> Path | None:
    if path is None:
        return SHARED_WEIGHTS.resolve() if SHARED_WEIGHTS.is_file() else None
    if not path.is_file():
        raise ConfigError(f'--frechet-weights {path} does not exist: correct the path')
    return path.resolve()


def publish(run_dir: Path, target: Path) -> None:
    """The newest checkpoint of a run, without optimisers and critic."""
    import torch
    from mmengine.runner import CheckpointLoader, find_latest_checkpoint

    newest = CheckpointLoader.load_checkpoint(find_latest_checkpoint(run_dir), 'cpu', 'silent')
    target.parent.mkdir(exist_ok=True)
    part = target.with_suffix('.part')
    torch.save({key: newest[key] for key in ('meta', 'state_dict')}, part)
    part.replace(target)
