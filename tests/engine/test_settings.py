"""What stands in `default_hooks.distill`: two spellings of one thing, and a sentence for what is wrong."""

import copy

import pytest
from families import ROOT, pix2pix, train
from torch import nn

from mmagic_mikd import DistillRunner
from mmagic_mikd.apps.study.study_file import read_study
from mmagic_mikd.engine.old_spelling import OLD_KEYS
from mmagic_mikd.engine.settings import NEW_KEYS, Settings, read
from mmagic_mikd.guard import DEFAULTS
from mmagic_mikd.objectives.energy.published import LEARNER
from mmagic_mikd.utils.errors import ConfigError

HERE = 'default_hooks.distill'
TEACHER = dict(model=dict(type='Pix2Pix'), checkpoint='teacher.pth')
ADAM = dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)))
CHAIN = dict(steps=10, step_size=100.0, noise_std=0.005)
LEARNING = ('VIDLoss', 'PyramidLaplaceLoss', 'InfoNCELoss', 'MIDistillLoss')


def effective(settings: Settings) -> dict:
    """All that a run depends on: where no learner is named, the one that the objective will get."""
    objectives = copy.deepcopy(settings.objectives)
    for cfg in objectives.values():
        if cfg['type'] in LEARNING and settings.learner is not None:
            cfg['learner'] = {**settings.learner, **cfg.get('learner', {})}
    kept = {name: getattr(settings, name) for name in ('teacher', 'start', 'pairs', 'guard')}
    return dict(kept, objectives=objectives)


# ---- old and new spelling -----------------------------------------------------------------------------


def mi(weight=0.1, target='teacher', channels=8, size=256, step=100.0) -> dict:
    """As `_base_/mikd.py` had it in the old spelling."""
    return dict(
        loss=dict(type='MIDistillLoss', loss_weight=weight, energy_l2=0.05, target=target),
        critic=dict(type='EnergyCritic', base_channels=channels, image_size=size),
        sampler=dict(CHAIN, step_size=step),
        optim_wrapper=ADAM,
    )


def new_mi(weight=0.1, target='teacher', channels=8, size=256, step=100.0) -> dict:
    return dict(
        type='MIDistillLoss',
        loss_weight=weight,
        energy_l2=0.05,
        target=target,
        critic=dict(type='EnergyCritic', base_channels=channels, image_size=size),
        chain=dict(CHAIN, step_size=step),
        learner=ADAM,
    )


SLICED = dict(layers={'': 'sliced'})
# every form in which `default_hooks.distill` was shipped before `objectives`, and the same in the new spelling
SHIPPED = {
    'mikd_pix2pix': (
        dict(mi(target='ground_truth'), recipe='pyramid', **SLICED),
        dict(objectives=dict(mi=new_mi(target='ground_truth')), recipe='pyramid', start='sliced'),
    ),
    'mikd_cyclegan': (
        dict(mi(), recipe='pyramid', terms=dict(pyramid=dict(loss_weight=5.0)), **SLICED),
        dict(
            objectives=dict(mi=new_mi(), pyramid=dict(loss_weight=5.0)),
            recipe='pyramid',
            start={'': 'sliced'},
        ),
    ),
    'mikd_edsr': (
        dict(
            mi(size=196),
            recipe='pyramid',
            terms=dict(pyramid=dict(loss_weight=0.01, initial_scale=0.02)),
            **SLICED,
        ),
        dict(
            objectives=dict(mi=new_mi(size=196), pyramid=dict(loss_weight=0.01, initial_scale=0.02)),
            recipe='pyramid',
            start='sliced',
        ),
    ),
    'mikd_srgan': (mi(size=128), dict(objectives=dict(mi=new_mi(size=128)))),
    'mikd_nafnet': (mi(), dict(objectives=dict(mi=new_mi()))),
    'mikd_stylegan2': (
        dict(mi(0.05, channels=32, step=50.0), layers=dict(style_mapping='inherited')),
        dict(objectives=dict(mi=new_mi(0.05, channels=32, step=50.0)), start=dict(style_mapping='inherited')),
    ),
    'pix2pix/mikd-pix2pix_vanilla-unet-bn-c16_1xb1-744kiters_cityscapes': (
        mi(target='ground_truth', channels=32),
        dict(objectives=dict(mi=new_mi(target='ground_truth', channels=32))),
    ),
    'a bound switched off': (
        dict(mi(), loss=None, critic=None, sampler=None, terms=dict(l1=dict(type='L1Loss'))),
        dict(objectives=dict(l1=dict(type='L1Loss'))),
    ),
    'a term switched off': (
        dict(mi(), recipe='pyramid', terms=dict(pyramid=None)),
        dict(objectives=dict(mi=new_mi(), pyramid=None), recipe='pyramid'),
    ),
    'the reference with another critic': (
        dict(recipe='reference', critic=dict(base_channels=8, image_size=64)),
        dict(recipe='reference', objectives=dict(mi=dict(critic=dict(base_channels=8, image_size=64)))),
    ),
    'a schedule': (
        dict(mi(), param_scheduler=dict(type='LinearLR', begin=0, end=5)),
        dict(
            objectives=dict(
                mi=dict(new_mi(), learner=dict(ADAM, param_scheduler=dict(type='LinearLR', begin=0, end=5)))
            )
        ),
    ),
}


@pytest.mark.parametrize('name', SHIPPED)
def test_both_spellings_are_the_same_settings(name):
    old, new = (effective(read(dict(spelling, teacher=TEACHER))) for spelling in SHIPPED[name])
    assert old == new and old['objectives']


def respelled(old: dict) -> dict:
    """A study's objective in the new spelling, by the rules that the documents state."""
    objectives, learner = {}, old.get('optim_wrapper', LEARNER)
    if 'loss' in old:
        objectives['mi'] = dict(old['loss'], critic=old['critic'], chain=old['sampler'], learner=learner)
    for name, term in old.get('terms', {}).items():
        term = dict(term)
        own = term.pop('optim_wrapper', learner)
        objectives[name] = dict(term, learner=own) if term['type'] in LEARNING else term
    return dict(objectives=objectives, start=old.get('layers'))


def studied() -> dict[str, dict]:
    paths = sorted((ROOT / 'benchmarks' / 'studies').glob('*.yaml'))
    specs = {path.stem: read_study(path)['objectives'] for path in paths}
    every = {f'{study}: {name}': cfg for study, of in specs.items() for name, cfg in of.items() if cfg}
    # a study keeps its spelling, and with it the hashes of its rows; the newer ones have the new one
    return {name: cfg for name, cfg in every.items() if not cfg.keys().isdisjoint(OLD_KEYS)}


@pytest.mark.parametrize('name', studied())
def test_every_objective_of_the_studies_is_one_in_the_new_spelling(name):
    old = studied()[name]
    made, wanted = read(dict(old, teacher=TEACHER)), read(dict(respelled(old), teacher=TEACHER))
    assert effective(made) == effective(wanted)
    assert list(made.objectives) == list(wanted.objectives)  # the order of sums, which decides the last bits


def test_settings_are_read_and_left_as_they_are():
    for spelling in SHIPPED['mikd_cyclegan']:
        before = copy.deepcopy(spelling)
        read(dict(spelling, teacher=TEACHER))
        assert spelling == before


def test_an_old_setting_is_named_where_it_stands():
    settings = read(dict(mi(), terms=dict(l1=dict(type='L1Loss')), layers={'': 'sliced'}))
    keys = settings.keys['mi']
    assert keys.weight == f'{HERE}.loss.loss_weight' and keys.chain == f'{HERE}.sampler'
    assert (keys.learner, keys.critic) == (f'{HERE}.optim_wrapper', f'{HERE}.critic')
    assert settings.keys['l1'].weight == f'{HERE}.terms.l1.loss_weight'
    assert settings.start_key == f'{HERE}.layers'
    new = read(dict(objectives=dict(l1=dict(type='L1Loss'))))
    assert new.keys['l1'].weight == f'{HERE}.objectives.l1.loss_weight' and new.start_key == f'{HERE}.start'


@pytest.mark.parametrize(
    'old', ['loss', 'critic', 'sampler', 'optim_wrapper', 'param_scheduler', 'terms', 'layers']
)
@pytest.mark.parametrize('new', [dict(objectives=dict(l1=dict(type='L1Loss'))), dict(start='sliced')])
def test_both_spellings_at_once_are_one_sentence(old, new):
    with pytest.raises(ConfigError) as error:
        DistillRunner(TEACHER, **new, **{old: dict(type='MIDistillLoss')})
    sentence = str(error.value)
    assert sentence.startswith(f'{HERE} has `{next(iter(new))}`') and f'`{old}`' in sentence
    assert '\n' not in sentence and sentence.endswith(f'leave `{old}` out')


def test_a_term_cannot_have_the_name_of_the_old_loss():
    with pytest.raises(ConfigError, match=f'{HERE}.terms.mi has the name of the loss'):
        read(dict(mi(), terms=dict(mi=dict(type='L1Loss'))))


# ---- None, recipes ------------------------------------------------------------------------------------


def test_none_switches_an_inherited_objective_off():
    inherited = dict(mi=new_mi(), l1=dict(type='L1Loss'))
    assert list(read(dict(objectives=dict(inherited, mi=None))).objectives) == ['l1']
    assert read(dict(objectives=dict(inherited, mi=None, l1=None))).objectives == {}
    assert read(dict(recipe='pyramid', objectives=dict(pyramid=None))).objectives == {}
    assert read(dict(objectives=None)).objectives == {}


def test_what_is_none_is_not_set():
    settings = read(dict.fromkeys(NEW_KEYS))
    assert settings == Settings(None, {}, {}, None, None, {})
    assert read({}).guard == DEFAULTS


def test_recipes_merge_below_what_the_config_sets():
    settings = read(
        dict(
            recipe='reference',
            objectives=dict(mi=dict(loss_weight=1.0, chain=dict(steps=3)), l1=dict(type='L1Loss')),
        )
    )
    bound = settings.objectives['mi']
    assert (bound['loss_weight'], bound['energy_l2']) == (1.0, 0.05)
    assert bound['chain'] == dict(CHAIN, steps=3) and settings.objectives['l1'] == dict(type='L1Loss')
    early = read(dict(recipe='sliced_pyramid_early', start={'style_mapping': 'shared'}))
    assert early.start == {'': 'sliced', 'style_mapping': 'shared'}
    assert early.objectives['pyramid']['until'] == 0.5


def test_a_start_in_one_word_takes_the_place_of_the_recipes():
    assert read(dict(recipe='sliced_pyramid_early', start='inherited')).start == {'': 'inherited'}


# ---- what is wrong ------------------------------------------------------------------------------------

L1 = dict(type='L1Loss')
X = f'{HERE}.objectives.x'
CHECKED_WHEN_READ = [
    (dict(objective=dict()), f'{HERE} has no setting .objective.: did you mean .objectives.'),
    (dict(los=dict()), f'{HERE} has no setting .los.: did you mean .loss.'),
    (dict(startt='sliced'), f'{HERE} has no setting .startt.: did you mean .start.'),
    (dict(recipe='pyramyd'), f"{HERE}.recipe='pyramyd' is not known: did you mean 'pyramid'"),
    (dict(objectives=[L1]), rf'{HERE}.objectives=\[.* must be a dict'),
    (dict(objectives=dict(x='L1Loss')), f"{X}='L1Loss' must be a dict"),
    (dict(objectives={'x.y': L1}), f"{HERE}.objectives has the name 'x.y': give it one of letters"),
    (dict(objectives={3: L1}), f'{HERE}.objectives has the name 3: '),
    (dict(objectives=dict(x=dict(loss_weight=1.0))), f'{X} has no `type`'),
    (dict(start=3), f'{HERE}.start=3 must be '),
    (dict(recipe=['pyramid']), rf"{HERE}.recipe=\['pyramid'\] must be the name"),
    (dict(terms='L1Loss'), f"{HERE}.terms='L1Loss' must be a dict"),
    (dict(loss='MIDistillLoss'), f"{HERE}.loss='MIDistillLoss' must be a dict"),
    (dict(optim_wrapper=dict(optimizer=None)), f'{HERE}.optim_wrapper.optimizer=None must be a dict'),
    (dict(pairs=[dict(student=3)]), rf'{HERE}.pairs\[0\].student=3 must be the path of a module'),
    (
        dict(recipe='pyramid', objectives=dict(pyramide=dict(loss_weight=5))),
        f'{HERE}.objectives.pyramide has no `type`: did you mean .pyramid.',
    ),
    (dict(teacher='teacher.pth'), f"{HERE}.teacher='teacher.pth' must be a dict or a module"),
    (dict(pairs=dict(student='generator')), f'{HERE}.pairs=.* must be a list of dicts'),
    (dict(frozen_statistics=1.5), f'{HERE}.frozen_statistics=1.5 must be .* at most 1'),
    (dict(frozen_statistics='half'), f"{HERE}.frozen_statistics='half' must be a number"),
    (dict(pairs=['generator']), rf"{HERE}.pairs\[0\]='generator' must be a dict"),
]
BAD_OPTIONS = dict(
    loss_weight=[-1, 'high', float('nan'), None, True],
    until=[0, 1.5, -0.5, 'half', float('nan')],
    target=['student', 'photograph', 3],
    layer=[3, '', [], [''], ('a', ''), ['a', 'b', 'c'], ['a', 3]],
    type=[None, '', 3, ['L1Loss']],
    range=[1, [0], [0, 1, 2], [1, 0], [0, 'white'], [0, float('inf')]],
    learner=['Adam', 3, [ADAM], dict(optimizer=None), dict(optimizer='Adam'), dict(optimizer=dict(lr=1.0))],
    adapter=['Conv2d', 1],
)


@pytest.mark.parametrize(('given', 'message'), CHECKED_WHEN_READ, ids=str)
def test_a_wrong_setting_is_one_sentence_with_its_key(given, message):
    with pytest.raises(ConfigError, match=message) as error:
        DistillRunner(**{'teacher': TEACHER, **given})
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('option', 'value'), [(option, value) for option, values in BAD_OPTIONS.items() for value in values]
)
def test_a_bad_value_of_an_option_is_named(option, value):
    with pytest.raises(ConfigError) as error:
        DistillRunner(TEACHER, objectives=dict(x=dict(L1, **{option: value})))
    assert str(error.value).startswith(f'{X}.{option}') and '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(adapter=dict(type='Conv2d', kernel_size=1)), f'{X}.adapter is for the features of a layer'),
        (dict(layer='a', target='ground_truth'), f'{X}.target is for images, and `layer` names features'),
        (dict(layer='a', backbone='random'), f'{X}.backbone sees images, and .* set `adapter`'),
        (dict(layer='a', range=(0, 1)), f'{X}.range is for images, and `layer` names features'),
        (dict(chain=dict(step=1)), f"{X}.chain has no setting 'step': did you mean 'steps'"),
        (dict(chain=dict(start='teacher')), f"{X}.chain.start='teacher' must be"),
        (dict(chain=dict(start=['student'])), rf"{X}.chain.start=\['student'\] must be 'student' or "),
        (dict(chain=dict(steps=10**12)), f'{X}.chain.steps=1000000000000 must be .* at most 10000'),
        (dict(chain=dict(value_range=(1, -1))), f'{X}.chain.value_range=-1 must be'),
        (dict(critic='EnergyCritic'), f"{X}.critic='EnergyCritic' must be a dict"),
        (dict(critic=dict(type=3)), f'{X}.critic.type=3 must be'),
        (dict(learner=dict(ADAM, clip_grad=dict(max_norm='x'))), f"{X}.learner.clip_grad.max_norm='x' must"),
        (
            dict(learner=dict(ADAM, clip_grad=dict(norm=1.0))),
            f"{X}.learner.clip_grad has no setting 'norm': did you mean 'max_norm'",
        ),
        (dict(learner=dict(ADAM, accumulative_counts=0)), f'{X}.learner.accumulative_counts=0 must'),
        (dict(learner=dict(ADAM, param_scheduler='StepLR')), f"{X}.learner.param_scheduler='StepLR' must"),
    ],
)
def test_options_that_do_not_fit_together_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        DistillRunner(TEACHER, objectives=dict(x=dict(L1, **options)))


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """A run that ends in a sentence before it starts."""
    cfg = pix2pix(tmp_path_factory.mktemp('tiny'), 1)
    cfg.default_hooks.distill = dict(type='DistillRunner', teacher=cfg.default_hooks.distill.teacher)
    return cfg


@pytest.mark.parametrize(
    ('objective', 'message'),
    [
        (dict(L1, learner=ADAM), f'{X}: L1Loss has nothing to learn; leave `learner` out'),
        (dict(L1, critic=dict(type='EnergyCritic')), f'{X}.critic is for MIDistillLoss; L1Loss has none'),
        (dict(L1, chain=dict(steps=2)), f'{X}.chain is for MIDistillLoss; L1Loss has none'),
        (
            dict(L1, energy_l2=0.1, critic=dict(), chain=dict()),  # what is left of an inherited bound
            f'{X}.critic is for MIDistillLoss; L1Loss has none: leave it out, or give the new objective a name',
        ),
        (dict(type='MIDistillLoss', critic=dict(type='L1Loss')), f'{X}.critic.type: L1Loss has no method'),
        (dict(type='VIDLoss', channels=10**15), f'{X}: '),
        (dict(type='L1Los'), f"{X}.type='L1Los' is not known"),
        (dict(L1, reductoin='sum'), f"{X} .*'reductoin'.* did you mean 'reduction'"),
        (dict(type='VIDLoss', channels=0), f'{X}: VIDLoss: channels=0 must be'),
        (dict(L1, layer='head'), f"{X}.layer='head' is no layer of the student 'generators.photo'"),
        (
            dict(type='MIDistillLoss', layer='model', adapter=dict(type='Conv2d', kernel_size=1)),
            f'{X}.adapter is for what compares features',
        ),
        (
            dict(type='MIDistillLoss', layer='model'),
            f'{X}.layer is for what compares features; an energy sees',
        ),
        (
            dict(type='AdversarialLoss', layer='model', adapter=dict(type='Conv2d', kernel_size=1)),
            f'{X}.adapter would learn with the discriminator, against the student: leave it out',
        ),
        (dict(L1, layer='model', adapter=dict(type='Konv2d', kernel_size=1)), f"{X}.adapter.type='Konv2d'"),
        (dict(type='VIDLoss', learner=dict(ADAM, type='AmpOptimWrapper')), f'{X}.learner.type='),
        (
            dict(type='MIDistillLoss', critic=dict(base_chanels=2)),
            f"{X}.critic .*'base_chanels': did you mean 'base_channels'",
        ),
        (
            dict(type='MIDistillLoss', critic=dict(base_channels=2, num_blocks=-1)),
            f'{X}.critic: EnergyCritic: num_blocks=-1 must be a whole number',
        ),
    ],
    ids=str,
)
def test_what_the_objective_cannot_have_is_refused_when_it_is_built(tiny, objective, message):
    cfg = copy.deepcopy(tiny)
    cfg.default_hooks.distill.objectives = dict(x=objective)
    with pytest.raises(ConfigError, match=message) as error:
        train(cfg)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('part', ['critic', 'sampler'])
def test_in_the_old_spelling_what_is_left_of_a_bound_is_named_where_it_stands(tiny, part):
    cfg = copy.deepcopy(tiny)
    cfg.default_hooks.distill.update({'loss': dict(type='L1Loss'), part: dict(type='EnergyCritic')})
    if part == 'sampler':
        cfg.default_hooks.distill.sampler = dict(steps=2)
    with pytest.raises(ConfigError, match=f'^{HERE}.{part} is for MIDistillLoss; L1Loss has none'):
        train(cfg)


def test_a_module_is_a_teacher_and_reading_needs_no_file():
    assert isinstance(read(dict(teacher=nn.Identity(), objectives=dict(x=L1))).teacher, nn.Identity)
    DistillRunner(TEACHER, objectives=dict(x=L1))
