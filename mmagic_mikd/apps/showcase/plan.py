"""The steps of the showcase; each reads the files that those before it wrote."""

import argparse
import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ...utils import escape
from ...utils.errors import ConfigError
from ..clone import CLONE
from ..demo import runtime
from ..quickstart.pairs import pictures
from ..quickstart.plan import environment, publish
from ..quickstart.steps import (
    MARKERS,
    Progress,
    Step,
    StepFailed,
    reason,
    remove,
    require_own_folder,
    run_command,
)
from .configs import PUBLISHED, config_texts
from .patches import SCALE, cut, of_folder, of_scikit_image
from .weights import MODELS, fetch_weights

TEACHER = 'RealESRGAN_x4plus.pth'
STUDENTS = ('student_alone', 'student_distilled')
EXPORT = ('onnx', 'onnxruntime', 'onnxscript')
# Seconds on 2 CPU cores; only the estimate of the time left rests on them.
TEACHER_IMAGE, PER_ITERATION = 0.45, 0.55


class Plan:
    """What to do for these options; building it checks them and writes nothing.

    Raises:
        ConfigError: an option, the photographs or the output folder cannot be used as they are.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        if CLONE is None:
            raise ConfigError(
                'the showcase trains configs/mikd_real_esrgan.py: run it from a clone, tools/showcase.sh'
            )
        self.args, self.out = args, args.out.resolve()
        self.weights = (args.weights or self.out / 'weights').resolve()
        self.photographs = of_folder(args.data, 2 * args.side * SCALE) if args.data else of_scikit_image()
        require_own_folder(self.out)
        self.configs = config_texts(
            self.out / 'data',
            self.weights / TEACHER,
            self.peer,
            self.out / 'teacher_images',
            size=args.size,
            count=args.patches,
            side=args.side,
            iters=args.iters,
            seed=args.seed,
            batch=args.batch_size,
        )

    def steps(self) -> list[Step]:
        args, data = self.args, self.out / 'data'
        cutting = [
            args.patches,
            args.side,
            args.test_side,
            args.seed,
            str(args.data),
            self._sources(),
        ]
        results = tuple(self.out / name for name in ('comparison.png', 'results.md', 'results.json'))
        trainings = TEACHER_IMAGE * args.patches + PER_ITERATION * args.iters
        return [
            Step('weights', f'Published weights, in {self.weights}', {}, self._fetch, 10, self._files()),
            Step(
                'data',
                f'{args.patches} patches of {args.side} px to train with',
                cutting,
                self._cut,
                5,
                (data,),
            ),
            Step(
                'train',
                f'Train the student alone and distilled, side by side, {args.iters} updates',
                self.configs,
                self._train,
                trainings,
                outputs=tuple(map(self.checkpoint, STUDENTS)),
                scratch=tuple(map(self.run_dir, STUDENTS)),
            ),
            Step('report', 'Picture and table', {}, self._report, 60, results),
            Step('export', 'ONNX file', {}, self._export, 60, (self.onnx,), (self.onnx.parent,)),
            Step('demo', 'Page for a browser', {}, self._demo, 120, (self.page,)),
        ]

    def write_configs(self) -> None:
        folder = self.out / 'configs'
        folder.mkdir(parents=True, exist_ok=True)
        (self.out / MARKERS).mkdir(exist_ok=True)
        for name, text in self.configs.items():
            self.config(name).write_text(text)
        self.config('teacher').write_text(PUBLISHED)

    # ---- the steps ----------------------------------------------------------------------------

    def _fetch(self, progress: Progress) -> None:
        fetch_weights(self.weights)

    def _cut(self, progress: Progress) -> None:
        remove((self.out / 'data',))
        args = self.args
        cut(self.photographs, self.out / 'data', args.patches, args.side, args.test_side, args.seed)

    def _train(self, progress: Progress) -> None:
        with self._in_background('student_alone'):
            run_command(
                self._training('student_distilled'),
                self._environment(),
                self._log('student_distilled'),
                progress,
            )
        for name in STUDENTS:
            publish(self.run_dir(name), self.checkpoint(name))

    @contextlib.contextmanager
    def _in_background(self, name: str) -> Iterator[None]:
        """Train this one meanwhile, and wait for it at the end.

        Raises:
            StepFailed: it has ended with an error.
        """
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open('w') as file:
            process = subprocess.Popen(
                self._training(name), env=self._environment(), stdout=file, stderr=subprocess.STDOUT
            )
            try:
                yield
                code = process.wait()
            finally:  # also on Ctrl-C: never leave a training behind
                process.terminate()
                process.wait()
        if code:
            raise StepFailed(f'{reason(code, log)} (the whole output is in {log})')

    def _report(self, progress: Progress) -> None:
        from .report import write_report  # imports all of the toolbox

        students = {name: (self.config(name), self.checkpoint(name)) for name in STUDENTS}
        write_report(
            students, self.peer, sorted((self.out / 'data' / 'test').glob('*.png')), self.out, self.command
        )

    def _export(self, progress: Progress) -> None:
        absent = [name for name in EXPORT if importlib.util.find_spec(name) is None]
        if absent:
            needed = CLONE / 'requirements' / 'export.txt'
            self._run([sys.executable, '-m', 'pip', 'install', '-r', str(needed)], 'pip', progress)
        name = 'student_distilled'
        arguments = [self.config(name), self.checkpoint(name), '--out', self.out / 'export', '--images', 4]
        self._run(['export', *arguments], 'export', progress)

    def _demo(self, progress: Progress) -> None:
        """What is missing here is no reason to end without the rest; the same command tries again."""
        try:
            runtime.load()
        except ConfigError as error:
            print(f'      no page: {escape.line(error)}')
            return
        teacher = self.out / 'teacher'  # whose images stand beside
        files = [self.config('teacher'), self.weights / TEACHER, '--out', teacher]
        size = ['--images', 1, '--size', *[self.args.test_side] * 2]  # of any size it takes minutes
        self._run(['export', *files, *size], 'export_teacher', progress)
        self._run(['demo', self.out / 'export', '--teacher', teacher], 'demo', progress)

    def _run(self, command: list, log: str, progress: Progress) -> None:
        command = command if command[0] == sys.executable else tool(*command)
        run_command(command, self._environment(), self.out / 'logs' / f'{log}.log', progress)

    def _training(self, name: str) -> list[str]:
        """Go on from the newest checkpoint; beside --resume the toolbox takes `load_from` for it."""
        begun = (self.run_dir(name) / 'last_checkpoint').exists()
        go_on = ['--resume', '--cfg-options', 'load_from=None'] if begun else []
        return tool('train', self.config(name), '--work-dir', self.run_dir(name), *go_on)

    def _sources(self) -> list:
        """What the patches are cut from: names alone would keep those of a photograph that has changed."""
        if not self.args.data:
            return sorted(self.photographs)
        return [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in pictures(self.args.data)]

    # ---- files --------------------------------------------------------------------------------

    @property
    def command(self) -> str:
        """What repeats this, for the table."""
        args = self.args
        return (
            f'bash tools/showcase.sh --size {args.size} --patches {args.patches} --side {args.side} '
            f'--iters {args.iters} --seed {args.seed}' + (f' --data {args.data}' if args.data else '')
        )

    @property
    def peer(self) -> Path:
        return self.weights / next(name for name in MODELS if name != TEACHER)

    @property
    def onnx(self) -> Path:
        return self.out / 'export' / 'student.onnx'

    @property
    def page(self) -> Path:
        return self.onnx.with_name('demo.html')

    def config(self, name: str) -> Path:
        return self.out / 'configs' / f'{name}.py'

    def checkpoint(self, name: str) -> Path:
        return self.out / 'checkpoints' / f'{name}.pth'

    def run_dir(self, name: str) -> Path:
        return self.out / 'runs' / name

    def _log(self, name: str) -> Path:
        return self.out / 'logs' / f'train_{name}.log'

    def _files(self) -> tuple[Path, ...]:
        """Of the weights; a folder of the user's is not among what a step may remove."""
        return () if self.args.weights else tuple(self.weights / name for name in MODELS)

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**environment('cpu'), 'OMP_NUM_THREADS': '1'}  # two trainings at once


def tool(name: str, *arguments: object) -> list[str]:
    return [sys.executable, '-um', 'mmagic_mikd', name, *map(str, arguments)]
