"""OMGD's base on CycleGAN: teachers and student in turn, and the choice of the teacher by a validation fold."""

import copy
import itertools

import pytest
from families import equal, load, omgd_cyclegan, scalars, train
from interruption import difference, elsewhere, finish, output
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from ranks import of_two_processes
from resumable import every

from mmagic_mikd.online.selection import TeacherSelection
from mmagic_mikd.utils.errors import ConfigError


class Weights(Hook):
    """Keeps all networks before each iteration, and after the last."""

    priority = 'VERY_LOW'  # after the choice

    def before_train(self, runner: Runner) -> None:
        self.states = [copy.deepcopy(runner.model.state_dict())]

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.states.append(copy.deepcopy(runner.model.state_dict()))


def part(state: dict, name: str) -> dict:
    return {key.removeprefix(f'{name}.'): value for key, value in state.items() if key.startswith(f'{name}.')}


def run(cfg: Config, monkeypatch: pytest.MonkeyPatch, scores: list[float] | None = None) -> list[dict]:
    """The networks before each iteration and at the end; with scores in place of measured ones."""
    if scores is not None:
        left = list(scores)
        monkeypatch.setattr(TeacherSelection, '_measure', lambda *args: left.pop(0))
    runner, weights = Runner.from_cfg(copy.deepcopy(cfg)), Weights()
    runner.register_hook(weights)
    runner.train()
    return weights.states


def test_teachers_and_student_train_in_turn(tmp_path, monkeypatch):
    states = run(omgd_cyclegan(tmp_path), monkeypatch)
    moved = [
        [not equal(part(a, name), part(b, name)) for a, b in itertools.pairwise(states)]
        for name in ('generators', 'teacher_generators', 'teacher_discriminators')
    ]
    teaches = [True, True, False, False] * 2
    assert moved == [[not each for each in teaches], teaches, teaches]


def test_the_student_learns_from_the_best_teacher_so_far_and_the_latest_goes_on(tmp_path, monkeypatch):
    """Scores of three phases: the second is worse, so that its student has the teacher of the first."""
    states = run(omgd_cyclegan(tmp_path, iters=12), monkeypatch, [3.0, 4.0, 2.0])
    teacher, chosen = 'teacher_generators.winter', [part(state, 'chosen') for state in states]
    first, third = part(states[2], teacher), part(states[10], teacher)
    assert equal(chosen[2], first) and equal(chosen[6], first) and equal(chosen[10], third)
    assert not equal(part(states[6], teacher), first)
    assert states[6]['best_score'] == 3.0 and states[12]['best_score'] == 2.0


def test_the_choice_moves_no_random_draw_and_its_score_repeats(tmp_path, monkeypatch):
    """Scored after every iteration of the teachers, or at the ends of their phases: the same teachers."""
    often, seldom = (omgd_cyclegan(tmp_path / name, iters=4) for name in ('often', 'seldom'))
    often.custom_hooks[0].interval = 1
    measured, original = [], TeacherSelection._measure

    def measure(self: TeacherSelection, *args: object) -> float:
        measured.append([original(self, *args) for _ in range(2)])
        return measured[-1][0]

    monkeypatch.setattr(TeacherSelection, '_measure', measure)
    states = [run(cfg, monkeypatch)[-1] for cfg in (often, seldom)]
    assert len(measured) == 3 and all(first == again > 0 for first, again in measured)
    assert equal(*(part(state, 'teacher_generators') for state in states))


def test_the_fold_is_neither_trained_nor_tested_on(tmp_path):
    cfg = omgd_cyclegan(tmp_path)
    runner = Runner.from_cfg(cfg)
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, TeacherSelection))
    hook.before_train(runner)

    def images(dataset) -> set[str]:
        return {info['path'] for infos in (dataset.data_infos_a, dataset.data_infos_b) for info in infos}

    trained, chosen = (
        images(runner.build_dataloader(cfg.train_dataloader).dataset),
        images(hook.dataloader.dataset),
    )
    tested = images(runner.build_dataloader(cfg.test_dataloader).dataset)
    assert (len(trained), len(chosen)) == (36, 4)
    assert not chosen & trained and not chosen & tested


def test_the_split_of_the_run_s_validation_can_choose(tmp_path):
    """As it does with its settings spelled out."""
    cfg = omgd_cyclegan(tmp_path / 'named', iters=2)
    spelled = cfg.custom_hooks[0]
    cfg.val_dataloader, cfg.val_evaluator = spelled.dataloader, spelled.evaluator
    cfg.val_cfg = dict(type='MultiValLoop')
    cfg.custom_hooks = [dict(spelled, dataloader='val_dataloader', evaluator='val_evaluator')]
    scores = [train(c).model.best_score for c in (cfg, omgd_cyclegan(tmp_path / 'spelled', iters=2))]
    assert scores[0].isfinite() and scores[0] == scores[1]


def test_it_trains_and_is_evaluated_in_one_direction(tmp_path):
    cfg = omgd_cyclegan(tmp_path, iters=4)
    runner = train(cfg)
    assert {'loss_distill_channels4', 'loss_distill_ssim', 'teacher_cycle_loss'} < scalars(runner).keys()
    data = next(iter(runner.build_dataloader(cfg.test_dataloader)))
    (sample,) = runner.model.val_step(data)[:1]
    assert sample.fake_winter.shape == (3, 32, 32) and 'fake_summer' not in sample


def test_it_resumes_bit_for_bit(tmp_path):
    """From within a phase of the student, and from within one of the teachers with its pool of images."""
    cfg = every(omgd_cyclegan(tmp_path / 'whole'), 1)
    whole = finish(cfg)
    for iteration in (3, 5):
        again = elsewhere(cfg, f'iter_{iteration}.pth', tmp_path / f'again{iteration}')
        assert difference(whole, finish(again)) is None
        assert 'not exact' not in output(again)
    saved = load(tmp_path / 'whole' / 'iter_8.pth')
    assert 'mikd' in saved and saved['state_dict']['best_score'].isfinite()
    assert saved['mikd']['run']['ranks'][0]['pools'].keys() == {
        'image_buffers.summer',
        'image_buffers.winter',
    }


@pytest.mark.slow
def test_two_processes_choose_the_same_teacher_and_end_with_the_same_networks(tmp_path):
    first, second = of_two_processes(omgd_cyclegan(tmp_path, iters=6))
    assert difference(first, second) is None
    assert first['model']['best_score'].isfinite()
    assert equal(load(tmp_path / 'iter_6.pth')['state_dict'], first['model'])


def without_phases(cfg: Config) -> None:
    cfg.model.phases = None
    cfg.default_hooks.distill.teacher.wide.online = 'teacher_generators.winter'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda cfg: cfg.update(custom_hooks=[]), 'model.phases: nobody chooses the teacher'),
        (without_phases, 'without `phases` has no teacher to choose'),
        (lambda cfg: cfg.custom_hooks[0].update(score='swd/average'), "did you mean 'swd/avg'"),
        (
            lambda cfg: cfg.custom_hooks[0].update(dataloader='test_dataloader'),
            "dataloader='test_dataloader' must be a dict, or 'val_dataloader'",
        ),
        (
            lambda cfg: cfg.model.teachers.update(reachable_domains=['summer'], default_domain='summer'),
            'to choose; use',
        ),
        (
            lambda cfg: cfg.model.update(phases=(2, 0)),
            'model.phases[1]=0 must be a whole number of at least 1',
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, change, message):
    cfg = omgd_cyclegan(tmp_path, iters=3)
    change(cfg)
    with pytest.raises(ConfigError) as error:
        train(cfg)
    assert message in str(error.value)
