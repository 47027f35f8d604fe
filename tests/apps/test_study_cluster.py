"""tools/study.py run --executor: its cells as jobs of submitit, of this machine and of a stand-in for Slurm."""

import os
import re
import sys
import time

import pytest
import yaml
from families import data_folder
from families.translation import first_images
from places import ROOT, TOOLS

from mmagic_mikd.apps.study import cluster
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.apps.study.cluster import Place, Queue, settings_of, submitter
from mmagic_mikd.apps.study.rows import read_rows
from mmagic_mikd.apps.study.study import parse_args
from mmagic_mikd.utils.errors import ConfigError

PIX2PIX = ROOT / 'benchmarks/studies/pix2pix_facades.yaml'
TINY = dict(
    config='base.py',
    iterations=10,
    seeds=[0],
    scores={'loss': 'lower'},
    best={'loss': 'lower'},
    students={'x4': {'model.generator.base_channels': 4}},
    objectives={'none': None},
)
# Slurm of one machine: the job begins at once.
SBATCH = 'cp "$1" "$SEEN"; SLURM_JOB_ID=7 setsid bash "$1" >/dev/null 2>&1 & echo "Submitted batch job 7"'
SRUN = """
while [[ "$1" == --* ]]; do [[ "$1" == --output ]] && out="$2" && shift; shift; done
SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 \
    exec "$@" >"$(sed 's/%j/7/; s/%t/0/' <<<"$out")" 2>&1
"""


@pytest.fixture
def submitit():
    return pytest.importorskip('submitit', reason='needs pip install -r requirements/cluster.txt')


@pytest.fixture
def tiny(tmp_path):
    """A study of one student, whose trainings end at once: its config has no data."""
    (tmp_path / 'base.py').write_text(
        'model = dict(generator=dict(base_channels=8))\n'
        'test_evaluator = dict(metrics=[])\ndefault_hooks = dict()\n'
    )
    (tmp_path / 'tiny.yaml').write_text(yaml.safe_dump(TINY, sort_keys=False))
    return tmp_path / 'tiny.yaml'


@pytest.fixture
def submit(submitit, tiny, tmp_path):
    """submit('local', 'KEY=VALUE'): run the teacher of the tiny study as a job."""

    def submit(name, *given):
        from threading import Event

        study = Study(tiny, tmp_path / 'work', tmp_path)
        run = submitter(study, Place(tiny, tmp_path / 'work', tmp_path, False), name, list(given))
        run(study, study.teacher, 'the teacher', Event())

    return submit


def test_settings_are_values_of_yaml():
    given = ['timeout_min=60', 'slurm_partition=cpu', 'slurm_setup=[module load python, date]']
    assert settings_of(given) == dict(
        timeout_min=60, slurm_partition='cpu', slurm_setup=['module load python', 'date']
    )
    args = parse_args(
        ['run', 'a.yaml', '--executor', 'slurm', '--executor-set', 'a=1', '--executor-set', 'b=2']
    )
    assert args.executor_set == ['a=1', 'b=2']


@pytest.mark.parametrize('given', ['timeout_min', '=3', 'a=', 'a=[1'])
def test_a_setting_that_cannot_be_read(given):
    with pytest.raises(ConfigError, match='--executor-set'):
        settings_of([given])


def test_submitit_is_named_where_it_is_not_there(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'submitit', None)
    study = Study(tiny, tmp_path / 'work', tmp_path)
    with pytest.raises(ConfigError, match=r'pip install .submitit'):
        submitter(study, Place(tiny, tmp_path, tmp_path, False), 'local', [])


@pytest.mark.parametrize('given', ['queue=cpu', 'timeout_min=long', 'slurm_queue=cpu'])
def test_a_setting_that_is_none(submit, given):
    with pytest.raises(ConfigError, match=f'--executor-set {given}: '):
        submit('local', given)


def test_a_machine_without_slurm(submit, monkeypatch):
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(ConfigError, match=r'--executor slurm cannot start jobs here .*srun'):
        submit('slurm')


def test_a_job_that_is_killed_is_one_sentence_with_cell_and_log(submit, tmp_path):
    with pytest.raises(ConfigError) as raised:
        submit('local', 'local_setup=[kill -9 $$]')
    jobs = re.escape(str(tmp_path / 'work' / 'tiny' / 'jobs'))
    assert re.fullmatch(
        rf'teacher: job (\d+) was ended before it had a result \(INTERRUPTED\) '
        rf'\(the whole output is in {jobs}/\1_0_log.out\)',
        str(raised.value),
    )


def test_a_job_that_slurm_has_cancelled_is_said_without_accounts(submit, stub, tmp_path, monkeypatch, capsys):
    """As `squeue` of Slurm 22.05.8 says it, where there is no data base for `sacct`."""
    stub('sbatch', 'echo "Submitted batch job 7"')
    stub('srun', '')
    stub('sacct', 'echo Slurm accounting storage is disabled >&2; exit 1')
    folder = stub('squeue', 'echo 7 CANCELLED').parent
    monkeypatch.setenv('PATH', f'{folder}:{os.environ["PATH"]}')
    monkeypatch.setattr(cluster, 'ASK', 0)
    with pytest.raises(ConfigError, match=r'^teacher: job 7 was ended before .* \(CANCELLED\) \(the whole'):
        submit('slurm')
    assert 'sacct' not in capsys.readouterr().err


@pytest.mark.parametrize(
    'answers, end',
    [
        (['7 RUNNING', '7 FAILED'], ''),
        (['7 NODE_FAIL', '7 PENDING'], ''),  # put into the queue again
        (['7 TIMEOUT', '7 TIMEOUT'], 'TIMEOUT'),
        (['8 RUNNING', ''], cluster.GONE),
        ([None, '8 RUNNING'], ''),  # the controller did not answer
    ],
)
def test_a_job_has_ended_when_slurm_says_so_twice(answers, end, stub, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, 'ASK', 0)
    queue, begun = Queue(), 0.0
    for answer in answers:
        folder = stub('squeue', 'exit 1' if answer is None else f'echo "{answer}"').parent
        monkeypatch.setenv('PATH', f'{folder}:/usr/bin:/bin')
        found = queue.end('7', begun)
    assert found == end


def test_what_slurm_said_before_a_job_was_submitted_is_not_of_it(stub, monkeypatch):
    monkeypatch.setattr(cluster, 'ASK', 0)
    monkeypatch.setenv('PATH', f'{stub("squeue", "echo 6 RUNNING").parent}:/usr/bin:/bin')
    queue = Queue()
    assert queue.end('6', 0.0) == queue.end('6', 0.0) == ''
    assert queue.end('7', time.monotonic()) == ''


@pytest.mark.whole
def test_slurm_is_given_its_settings_and_the_cells_own_error_comes_back(submit, stub, tmp_path, monkeypatch):
    stub('sbatch', SBATCH)
    stub('srun', SRUN)
    folder = stub('squeue', 'echo 7 RUNNING').parent
    monkeypatch.setenv('PATH', f'{folder}:{os.environ["PATH"]}')
    monkeypatch.setenv('SEEN', str(tmp_path / 'seen.sh'))
    with pytest.raises(ConfigError) as raised:
        submit('slurm', 'slurm_partition=cpu', 'mem_gb=4')
    assert re.match(
        r'teacher: .*got train_dataloader=None.* \(the whole output is in .*/log.txt\)', str(raised.value)
    )
    seen = (tmp_path / 'seen.sh').read_text()
    for line in ('--partition=cpu', '--mem=4GB', '--time=1440', '--job-name=mikd-tiny'):
        assert f'#SBATCH {line}\n' in seen


@pytest.mark.whole
def test_a_quick_study_of_local_jobs_goes_on_after_one_was_killed(submitit, run, tmp_path):
    for split in ('train', 'val', 'test'):
        first_images(data_folder('facades') / split, tmp_path / 'facades' / split, 8)
    (tmp_path / 'weights_cifar_resnet').symlink_to(data_folder('weights_cifar_resnet'))
    options = ['--quick', '--data', tmp_path, '--work-dir', tmp_path / 'work', '--only', 'objective=none']
    command = [sys.executable, TOOLS / 'study.py', 'run', PIX2PIX, *options, '--executor', 'local']
    killed = run(*command, '--executor-set', 'local_setup=[kill -9 $$]')
    assert killed.returncode == 1
    assert re.fullmatch(r'Error: teacher: job .*_0_log.out\)\n', killed.stderr)
    done = run(*command)
    assert done.returncode == 0, done.stderr
    study = Study(PIX2PIX, tmp_path / 'work', tmp_path, quick=True)
    assert [(row['objective'], row['which']) for row in read_rows(study.csv)] == [
        (name, which) for name in ('teacher', 'none') for which in ('last', 'best')
    ]
    assert 'job ' in done.stdout and f'All done: {study.csv}' in done.stdout
