"""Two processes over gloo: the same replicas, the gradients of one process, and nothing sent in vain."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import distributed_run
import families
import pytest
import torch
from distributed_run import SCRIPT
from families import equal
from mmengine.config import Config
from objective_rows import ROWS
from processes import free_port, run, write
from same_samples import comparable

from mmagic_mikd.apps.scaling.footprint import measure
from mmagic_mikd.guard.symptoms import SYMPTOMS

# lambda at which the bound outweighs the other losses
FAMILIES = dict(pix2pix=1000.0, cyclegan=300.0, stylegan2=100.0, edsr=30.0, srgan=500.0)
CHANGES = {f'{family}, trained': (family, {}) for family in FAMILIES} | {
    'another seed': ('pix2pix', dict(randomness=dict(seed=1, diff_rank_seed=True))),
    'once more': ('pix2pix', {}),
    # what looks through backbones, draws negatives, and is weighted by what each process has
    'looking': (
        'pix2pix',
        {
            f'default_hooks.distill.objectives.{name}': dict(ROWS[name], gradient_ratio=0.5)
            for name in ('features', 'feature_nce', 'residual', 'adversarial')
        },
    ),
    # a start chosen by what each process has drawn, and losses of the content alone
    'content': ('cagc', {}),
    # a second call of the student, beside the wrapper that sums its gradients
    'moved': (
        'stylegan2',
        {
            'default_hooks.distill.objectives.relation': dict(
                type='StyleRelationLoss', layer='convs.1', loss_weight=3000.0
            )
        },
    ),
}
pytestmark = pytest.mark.slow

FLAGS = 2 * len(SYMPTOMS) * 2  # two numbers for each symptom, of the model and of the one objective


def stylegan2(work_dir: Path, iters: int, **options) -> Config:
    """Narrow, but of more than the mebibyte that the first of DDP's buckets holds."""
    return families.stylegan2(work_dir, iters, widths=(128, 96), **options)


def run_of(family: str, *args, **options) -> Config:
    return (stylegan2 if family == 'stylegan2' else getattr(families, family))(*args, **options)


def trained(family: str, work_dir: Path, **changes) -> Config:
    cfg = run_of(family, work_dir, iters=3)
    mi = cfg.default_hooks.distill.objectives.mi
    mi.loss_weight, mi.chain.steps = 5.0, 2
    cfg.randomness = dict(seed=0, diff_rank_seed=True)
    cfg.merge_from_dict(changes)
    return cfg


def compared(family: str, work_dir: Path, batch_size: int) -> Config:
    return comparable(run_of(family, work_dir, iters=1), batch_size, FAMILIES[family])


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp('distributed')


@pytest.fixture(scope='module')
def configs(folder) -> dict[str, Config]:
    """What the two processes train, one after the other."""
    found = {name: trained(family, folder / name, **changes) for name, (family, changes) in CHANGES.items()}
    for family in FAMILIES:
        name = f'{family}, compared'
        found[name] = compared(family, folder / name, batch_size=2)
    return found


@pytest.fixture(scope='module')
def ranks(configs) -> dict[str, list[dict]]:
    """What each of the two processes has to show of each run; started once, for importing takes longest."""
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', SCRIPT]
    run([*command, *map(write, configs.values())])
    return {name: [_load(cfg, rank) for rank in range(2)] for name, cfg in configs.items()}


def _load(cfg: Config, rank: int) -> dict:
    return torch.load(Path(cfg.work_dir) / f'rank{rank}.pth', weights_only=False)


def same(a: object, b: object) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def weights(state: dict) -> dict:
    """All but the running means that the toolbox, except in translation models, keeps for each rank alone."""
    per_rank = ('running_mean', 'running_var', 'mean_path_length')
    return {key: value for key, value in state.items() if not key.endswith(per_rank)}


@pytest.mark.parametrize('family', FAMILIES)
def test_replicas_are_bit_identical_after_training(ranks, family):
    first, second = ranks[f'{family}, trained']
    assert equal(weights(first['model']), weights(second['model']))
    assert same(first['optimizers'], second['optimizers'])
    assert same(first['critics'], second['critics'])


def test_replicas_of_what_looks_through_backbones_are_bit_identical(ranks):
    first, second = ranks['looking']
    assert equal(weights(first['model']), weights(second['model']))
    assert {'features', 'feature_nce', 'residual', 'adversarial'} < set(first['learned'])
    assert same(first['learned'], second['learned'])
    assert not equal(weights(first['model']), weights(ranks['pix2pix, trained'][0]['model']))


def test_replicas_of_a_student_that_is_called_twice_are_bit_identical(ranks):
    first, second = ranks['moved']
    assert equal(weights(first['model']), weights(second['model']))
    assert same(first['optimizers'], second['optimizers'])
    assert not equal(weights(first['model']), weights(ranks['stylegan2, trained'][0]['model']))


def test_replicas_of_the_base_that_looks_at_the_content_are_bit_identical(ranks, configs):
    first, second = ranks['content']
    assert {'l1', 'perceptual', 'mi'} == set(first['learned'])
    assert equal(weights(first['model']), weights(second['model']))
    assert same(first['optimizers'], second['optimizers'])
    assert same(first['critics'], second['critics'])
    assert configs['content'].default_hooks.distill.start.criterion == 'content'


@pytest.mark.parametrize('family', ['pix2pix', 'cyclegan'])
def test_translation_models_share_their_running_means_too(ranks, family):
    first, second = ranks[f'{family}, trained']
    assert equal(first['model'], second['model'])


@pytest.mark.parametrize('run', ['trained', 'compared'])
@pytest.mark.parametrize('family', FAMILIES)
def test_each_rank_has_its_own_data_and_noise(ranks, family, run):
    """Whether the toolbox gives each rank a seed of its own (trained) or all the same."""
    first, second = ranks[f'{family}, {run}']
    mine, theirs = ({picture.numpy().tobytes() for picture in rank['images'][0]} for rank in (first, second))
    assert mine and mine.isdisjoint(theirs)
    assert not torch.equal(first['noise'], second['noise'])


def test_a_run_is_reproducible_from_its_seed(ranks):
    """Images, noise, gradients, weights: the bytes of each rank."""
    keys = ('model', 'optimizers', 'critics', 'gradients', 'images', 'noise')
    runs = (ranks[name] for name in ('pix2pix, trained', 'once more', 'another seed'))
    for first, again, other in zip(*runs, strict=True):
        assert all(same(first[key], again[key]) for key in keys)
        assert not any(same(first[key], other[key]) for key in keys)


@pytest.fixture(scope='module')
def alone(folder) -> Iterator:
    """The run of one process on the batches of both."""
    threads, done = torch.get_num_threads(), {}
    torch.set_num_threads(1)

    def alone(family: str) -> dict:
        if family not in done:
            cfg = compared(family, folder / f'{family}, alone', batch_size=4)
            done[family] = distributed_run.run(cfg)
        return done[family]

    yield alone
    torch.set_num_threads(threads)


@pytest.mark.parametrize('family', FAMILIES)
def test_gradients_of_two_processes_are_those_of_one_with_both_batches(ranks, alone, family):
    """Of student, discriminator and critic; the bound is a good part of the student's."""
    one, two = alone(family), ranks[f'{family}, compared'][0]
    assert min(min(ratios) for ratios in one['mi_grad_ratio']) > 0.5
    assert {'critics'} < one['gradients'].keys() == two['gradients'].keys()
    for name, expected in one['gradients'].items():
        a, b = (
            torch.cat([g.flatten() for g in gradients]) for gradients in (expected, two['gradients'][name])
        )
        # SRGAN's critic is a difference of two energies that almost cancel
        limit = 1e-2 if (family, name) == ('srgan', 'critics') else 2e-5
        assert (a - b).norm() < limit * a.norm(), name


@pytest.mark.parametrize('family', FAMILIES)
def test_the_chain_sends_nothing(ranks, family):
    for rank in ranks[f'{family}, trained']:
        assert len(rank['chains']) == 3 * len(rank['teachers'])
        assert not any(rank['chains'])


@pytest.mark.parametrize('family', FAMILIES)
def test_teachers_are_built_on_each_process_and_never_sent(ranks, alone, family):
    first, second = ranks[f'{family}, trained']
    assert first['loose'] and second['loose']
    # all that is sent while the hook builds its networks is the critics' start
    sizes = [tensor.nbytes for tensor in first['critics']['weights'].values()]
    assert first['setup'] == second['setup'] == [sizes]
    of_each = (run['teachers'] for run in (first, second, alone(family)))
    for teacher, again, expected in zip(*of_each, strict=True):
        assert equal(teacher, again) and equal(teacher, expected)


@pytest.mark.parametrize('family', FAMILIES)
def test_one_message_an_iteration_synchronises_the_critics(ranks, family):
    for rank in ranks[f'{family}, trained']:  # the guard's flags go with the gradients
        values = sum(t.numel() for t in rank['gradients']['critics'])
        assert rank['sent'].count(('all_reduce', values + FLAGS)) == 1, rank['sent']


@pytest.mark.parametrize('family', FAMILIES)
def test_the_footprint_is_what_gloo_sends(ranks, folder, family):
    """One process that only pretends counts byte for byte what two have sent."""
    counted = measure(trained(family, folder / f'{family}, measured'), iters=1)
    first = ranks[f'{family}, trained'][0]
    messages = sorted(message for part in counted.sent.values() for message in part)
    assert messages == sorted(4 * size for _, size in first['sent'])
    gradients = first['gradients']
    student = next(gradients[name] for name in ('generators', 'generator') if name in gradients)
    for part, sizes, most in (('mi', gradients['critics'], 4 * FLAGS), ('student', student, 64)):
        flags = sum(counted.sent[part]) - sum(t.nbytes for t in sizes)  # go with the gradients
        assert 0 <= flags <= 4 * len(sizes) + most
    held = {part: sum(t.nbytes for t in sizes) for part, sizes in gradients.items()}
    assert counted.memory['weights, student'] == sum(t.nbytes for t in student)
    assert counted.memory['gradients'] == sum(held.values())


def test_two_nodes_of_one_process_are_two_processes(folder, ranks):
    """tools/dist_train.sh on two 'machines' with the launcher's own variables: the same run to the last bit."""
    cfg = trained('pix2pix', folder / 'nodes')
    script = families.ROOT / 'tools' / 'dist_train.sh'
    variables = dict(NNODES='2', MASTER_ADDR='127.0.0.1', PORT=str(free_port()), MIKD_VENV=sys.prefix)
    config = write(cfg)
    with ThreadPoolExecutor(2) as nodes:
        list(nodes.map(lambda rank: run([script, config, 1], NODE_RANK=rank, **variables), '01'))
    left = families.load(Path(cfg.work_dir) / 'iter_3.pth')
    expected = ranks['pix2pix, trained'][0]
    assert equal(left['state_dict'], expected['model'])
    assert same(left['optimizer'], expected['optimizers'])
    assert same(left['mikd']['objectives']['mi']['network'], expected['critics']['weights'])
