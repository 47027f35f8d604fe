"""The tables that benchmarks/results.py makes: which rows of which study, and in which columns."""

from typing import NamedTuple

SWD, FRECHET, SSIM, PSNR = 'swd/avg', 'frechet_resnet56-cifar10', 'target/ssim', 'teacher/psnr'
DOMAINS = [f'{domain}/{score}' for score in (SWD, FRECHET) for domain in ('winter', 'summer')]
DOMAINS += ['winter/teacher/psnr']
STARTS = [PSNR, 'target/psnr', SSIM, FRECHET, SWD]
LUMA = ['Set5/Y/PSNR', 'Set14/Y/PSNR']
TO_TEACHER = ['Set5/teacher/psnr', 'Set14/teacher/psnr']
EARLY = dict(sliced_l1='sliced_l1_early', sliced_pyramid='sliced_pyramid_early')
SCORES = {  # of a score: its name, decimals of a value and of a difference
    SWD: ('sliced Wasserstein distance ↓', 1, 1),
    FRECHET: ('Fréchet distance ↓', 1, 1),
    SSIM: ('SSIM to the photograph ↑', 3, 3),
    PSNR: ('PSNR to the teacher ↑', 2, 2),
    'target/psnr': ('PSNR to the photograph ↑', 2, 2),
    'winter/swd/avg': ('sliced Wasserstein distance, winter ↓', 1, 1),
    'summer/swd/avg': ('sliced Wasserstein distance, summer ↓', 1, 1),
    'winter/frechet_resnet56-cifar10': ('Fréchet distance, winter ↓', 1, 1),
    'summer/frechet_resnet56-cifar10': ('Fréchet distance, summer ↓', 1, 1),
    'winter/teacher/psnr': ('PSNR to the teacher, winter ↑', 2, 2),
    'Set5/Y/PSNR': ('PSNR on luma, Set5 ↑', 2, 3),
    'Set14/Y/PSNR': ('PSNR on luma, Set14 ↑', 2, 3),
    'Set5/teacher/psnr': ('PSNR to the teacher, Set5 ↑', 2, 2),
    'Set14/teacher/psnr': ('PSNR to the teacher, Set14 ↑', 2, 2),
}


class Row(NamedTuple):
    """A score of a student of a study; ``names`` are its objectives where a column names another."""

    label: str
    study: str
    score: str
    student: str
    names: dict[str, str]


class Table(NamedTuple):
    """Column titles to 'teacher', an objective, or the two of a difference.

    With ``paired`` the means are of the seeds that all objectives of the row have, else of all seeds.
    """

    columns: dict[str, str | tuple[str, str]]
    rows: list[Row]
    paired: bool = False


def rows(study: str, scores: list[str], label: str = '{}', student: str = 'x16', **names: str) -> list[Row]:
    return [Row(label.format(SCORES[score][0]), study, score, student, names) for score in scores]


STARTED = {
    'teacher': 'teacher',
    'student alone': 'none',
    'start': 'sliced',
    'start and L1': 'sliced_l1',
    'start and pyramid': 'sliced_pyramid',
    'pyramid minus alone': ('sliced_pyramid', 'none'),
    'pyramid minus L1': ('sliced_pyramid', 'sliced_l1'),
}
NO_START = {title: objective for title, objective in STARTED.items() if objective != 'sliced'}
BOTH = {title: STARTED[title] for title in ('teacher', 'student alone', 'start and pyramid')}
PLAIN = {
    'L1 minus alone': ('l1', 'none'),
    'pyramid minus alone': ('pyramid', 'none'),
    'energy-based bound minus alone': ('mi_reference', 'none'),
}
BESIDE = {  # what stands beside the pyramid
    'teacher': 'teacher',
    'student alone': 'none',
    'start and L1': 'l1',
    'pyramid 15': 'sliced_pyramid',
    'pyramid 30': 'pyramid30',
    'pyramid 60': 'pyramid60',
    '30, energy of pixels': 'pixels',
    '30, closed form of features': 'features',
    '30, energy of features': 'energy',
    'energy of pixels minus pyramid 15': ('pixels', 'sliced_pyramid'),
    'energy of pixels minus pyramid 30': ('pixels', 'pyramid30'),
    'closed form of features minus pyramid 30': ('features', 'pyramid30'),
    'energy minus closed form of features': ('energy', 'features'),
}
SIZES = dict(x4='4 times', x16='16 times', x64='64 times')
FIRST = [  # the first score of every study
    ('Pix2Pix, 64 px', 'pix2pix_facades', SWD, {}),
    ('Pix2Pix, 128 px', 'pix2pix_facades_128', SWD, {}),
    ('CycleGAN', 'cyclegan_summer2winter', 'summer/swd/avg', {}),
    ('EDSR', 'edsr_bsds200', 'Set5/Y/PSNR', {}),
    ('StyleGAN2', 'stylegan2_emoji', SWD, EARLY),
]


def at_half(pyramid: str) -> dict[str, str]:
    """Objectives that add half of its gradient to the pyramid of this name."""
    return dict(
        more=f'{pyramid}_pyramid05', features=f'{pyramid}_features05', energy=f'{pyramid}_feature_nce05'
    )


def beside(start: str) -> dict[str, str]:
    """Objectives of a study whose names begin with that of its start."""
    return dict(
        pyramid30=f'{start}pyramid30',
        pixels=f'{start}pyramid30_adversarial',
        features=f'{start}pyramid30_features15',
        energy=f'{start}pyramid30_adversarial_features',
    )


def and_energy(pyramid: str) -> dict[str, str | tuple[str, str]]:
    """Columns of a study whose energy of pixels stands beside the pyramid of this name."""
    return {
        'teacher': 'teacher',
        'student alone': 'none',
        'start': 'sliced',
        'start and pyramid': pyramid,
        'and the energy of pixels': f'{pyramid}_adversarial',
        'energy minus without': (f'{pyramid}_adversarial', pyramid),
    }


def by_size(sizes: list[str]) -> list[Row]:
    return [
        Row(f'{family}, {SIZES[size]}: {SCORES[score][0]}', study, score, size, names)
        for family, study, score, names in FIRST
        for size in sizes
    ]


TABLES = dict(
    pix2pix=Table(STARTED, rows('headline_pix2pix', [SWD, FRECHET, SSIM, PSNR])),
    pix2pix_128=Table(STARTED, rows('pix2pix_facades_128', [SWD, FRECHET, SSIM, PSNR])),
    cyclegan=Table(STARTED, rows('headline_cyclegan', DOMAINS)),
    edsr=Table(NO_START, rows('headline_edsr', LUMA + TO_TEACHER)),
    edsr_second=Table(NO_START, rows('headline_edsr_second', LUMA + TO_TEACHER)),
    stylegan2=Table(STARTED, rows('stylegan2_emoji', [SWD, FRECHET], **EARLY)),
    srgan=Table(
        {
            'teacher': 'teacher',
            'student alone': 'none',
            'with the pyramid': 'pyramid',
            'difference': ('pyramid', 'none'),
        },
        rows('srgan_bsds200_x4', ['Set5/Y/PSNR', 'Set5/teacher/psnr'], 'EDSR by 4: {}')
        + rows('srgan_bsds200_x2', ['Set5/Y/PSNR', 'Set5/teacher/psnr'], 'EDSR by 2: {}')
        + rows(
            'srgan_bsds200_x2',
            ['Set5/Y/PSNR', 'Set5/teacher/psnr'],
            'narrow SRGAN by 2, from the start: {}',
            'narrow16',
            pyramid='sliced_pyramid_early',
        ),
    ),
    sizes=Table(BOTH | {'difference': ('sliced_pyramid', 'none')}, by_size(['x4', 'x64']), paired=True),
    plain=Table(PLAIN, by_size(['x4', 'x16', 'x64'])),
    shuffled=Table(
        {
            'student alone': 'none',
            'as published, minus alone': ('mi_reference', 'none'),
            'shuffled, minus alone': ('mi_shuffled', 'none'),
        },
        rows('pix2pix_facades', [SWD, FRECHET, SSIM, PSNR]),
    ),
    deployed=Table(
        {'teacher': 'teacher', 'student': 'pyramid30'},
        rows('pix2pix_facades_deployed', [SWD, PSNR], 'statistics of its batch of ten: {}', 'batch')
        + rows('pix2pix_facades_deployed', [SWD, PSNR], 'gathered statistics: {}', 'gathered')
        + rows('pix2pix_facades_deployed', [SWD, PSNR], 'frozen from half on: {}', 'from_half'),
    ),
    energy=Table(
        {
            'teacher': 'teacher',
            'more pyramid': 'more',
            'closed form of features': 'features',
            'energy of features': 'energy',
            'closed form minus more pyramid': ('features', 'more'),
            'energy minus more pyramid': ('energy', 'more'),
            'energy minus closed form': ('energy', 'features'),
        },
        rows(
            'pix2pix_facades_features',
            [SWD, SSIM, PSNR],
            'Pix2Pix, facades: {}',
            **at_half('pyramid15'),
        )
        + rows(
            'features_flat',
            [SWD, SSIM, PSNR],
            'Pix2Pix, flat pairs: {}',
            **at_half('refitted_pyramid15'),
        )
        + rows(
            'features_edsr',
            ['Set5/Y/PSNR', 'Set5/teacher/psnr'],
            'EDSR: {}',
            **at_half('pyramid'),
        ),
    ),
    learned=Table(
        BESIDE,
        rows('pix2pix_facades_rivals', [SWD, FRECHET, SSIM, PSNR], l1='sliced_l1', **beside('')),
    ),
    learned_flat=Table(
        {title: wanted for title, wanted in BESIDE.items() if not title.endswith((' 15', ' 60'))},
        rows('features_flat', [SWD, FRECHET, SSIM, PSNR], l1='refitted_l1', **beside('refitted_')),
    ),
    learned_edsr=Table(and_energy('pyramid05'), rows('edsr_bsds200_rivals', TO_TEACHER + LUMA)),
    longer=Table(
        {
            'teacher': 'teacher',
            'student alone': 'none',
            'pyramid': 'pyramid_alone',
            'start': 'sliced',
            'start and L1': 'sliced_l1',
            'start and pyramid': 'sliced_pyramid',
            'pyramid minus alone': ('pyramid_alone', 'none'),
            'start minus alone': ('sliced', 'none'),
            'start and pyramid minus start': ('sliced_pyramid', 'sliced'),
            'start and pyramid minus L1': ('sliced_pyramid', 'sliced_l1'),
        },
        rows('pix2pix_facades_longer', [SWD, FRECHET, SSIM, PSNR]),
    ),
    long_teacher=Table(
        {
            **{title: STARTED[title] for title in STARTED if 'minus' not in title},
            'start minus alone': ('sliced', 'none'),
            'pyramid minus start': ('sliced_pyramid', 'sliced'),
            'pyramid minus L1': ('sliced_pyramid', 'sliced_l1'),
        },
        rows('pix2pix_facades_long_teacher', [SWD, FRECHET, SSIM, PSNR]),
    ),
    learned_cyclegan=Table(and_energy('sliced_pyramid'), rows('headline_cyclegan', DOMAINS)),
    learned_stylegan2=Table(
        {name: wanted for name, wanted in and_energy('sliced_pyramid_early').items() if name != 'start'},
        rows('learned_stylegan2', [SWD, FRECHET], student='x64'),
    ),
)
ALONE = dict(none='student alone', sliced='the start alone')
OBJECTIVES = dict(  # the rows of a table at one strength
    **ALONE,
    l105='`L1Loss`',
    pyramid05='`PyramidLaplaceLoss`',
    pyramid05_adversarial='the same and an energy learned against the student',
    ssim05='`SSIMLoss`',
    wavelet05='`WaveletLoss`',
    focal_frequency05='`FocalFrequencyLoss`',
    perceptual05='`L1Loss` of features',
    random05='`L1Loss` of random features',
    feature_nce05='energy of features (`nce`)',
    style05='`StyleLoss`',
    spatial_affinity05='`SpatialAffinityLoss`',
    kernel_alignment05='`KernelAlignmentLoss`',
    pkt05='`PKTLoss`',
    mmd05='`MMDLoss`',
    crd05='`CRDLoss`',
    style_relation='`StyleRelationLoss`, as published',
)
NEEDS = dict.fromkeys(('perceptual05', 'feature_nce05', 'style05', 'spatial_affinity05'), 'a backbone')
NEEDS |= dict.fromkeys(('kernel_alignment05', 'pkt05', 'mmd05', 'crd05'), 'a backbone, a batch of 2')
NEEDS |= dict(style_relation="the teacher's mapping network")
ENERGIES = dict(  # on a closed form of exact density
    **ALONE,
    l105='`L1Loss`',
    haar05='`HaarLaplaceLoss`',
    haar_langevin05='and an energy, by `langevin`',
    haar_nce05='and an energy, by `nce`',
    haar_likelihood05='and an energy, by `likelihood`',
)
CONTROLS = dict(  # of what looks through the teacher's discriminator
    **ALONE,
    pyramid30='pyramid 30',
    pyramid30_early='pyramid 30, until half',
    pyramid30_features15="and features of the teacher's discriminator",
    pyramid30_student15="and features of the student's discriminator",
    pyramid30_random15='and features of a random network',
    pyramid30_features15_discriminator="and the teacher's, where the student's discriminator starts",
)
FROM = dict(  # where the pyramid starts from
    none='student alone',
    pyramid_alone='no start',
    pyramid_sliced="`'sliced'`",
    pyramid_refitted="`'refitted'`",
    pyramid_even="`criterion='even'`",
    pyramid_activation="`criterion='activation'`",
    pyramid_even_refit="`criterion='even'`, `refit`",
    pyramid_even_refit_discriminator="the same, and the teacher's discriminator",
    pyramid_activation_refit="`criterion='activation'`, `refit`",
    pyramid_l1_refit="`criterion='l1'`, `refit`",
    pyramid_random0_refit="`criterion='random'`, `refit`",
    pyramid_random1_refit='the same, `seed=1`',
    pyramid_random2_refit='the same, `seed=2`',
)
WITH_TEACHERS = dict(  # teachers that train in the run, and what adds to them
    none='student alone',
    pyramid='pyramid, from that teacher',
    omgd='OMGD',
    omgd_pyramid='OMGD and pyramid',
    omgd_mi='OMGD and published bound',
    omgd_pyramid_adversarial='OMGD, pyramid and energy of pixels',
    alone_same_time='student alone, {}',
    pyramid_same_compute='pyramid, {}',
    pyramid_same_time='pyramid, {}',
)


class Lineup(NamedTuple):
    """Objectives side by side: scores, and differences in the first ``compared`` of these to some objectives.

    With ``needs``, what some of them need, stand their costs beyond those of the start alone; with ``timed``
    also those of that file's table, which benchmarks/objectives.py has measured.
    """

    study: str
    scores: list[str]
    names: dict[str, str]
    against: dict[str, str]
    needs: dict[str, str] | None = None
    student: str = 'x16'
    timed: str | None = None
    compared: int = 1


def at_one_strength(study: str, scores: list[str], timed: str | None = None) -> Lineup:
    against = dict(sliced='the start', l105='L1')
    return Lineup(study, scores, OBJECTIVES, against, NEEDS, timed=timed)


def beside_omgd(study: str, scores: list[str], as_much: str) -> Lineup:
    names = {name: title.format(as_much) for name, title in WITH_TEACHERS.items()}
    against = dict(omgd='OMGD', omgd_pyramid='OMGD and pyramid')
    return Lineup(study, scores, names, against, compared=3)


def of_starts(study: str, student: str = 'x16') -> Lineup:
    against = dict(none='alone', pyramid_alone='no start')
    return Lineup(study, STARTS, FROM, against, student=student)


LINEUPS = dict(
    strength=at_one_strength('pix2pix_facades_rivals', [SWD, SSIM, PSNR, FRECHET], 'objectives.md'),
    strength_cyclegan=at_one_strength('cyclegan_summer2winter_rivals', DOMAINS),
    strength_stylegan2=at_one_strength('stylegan2_emoji_rivals', [SWD, FRECHET]),
    strength_edsr=at_one_strength('edsr_bsds200_rivals', TO_TEACHER + LUMA),
    residual=Lineup(
        'pix2pix_facades_energies',
        [SWD, SSIM, PSNR, FRECHET],
        ENERGIES,
        dict(l105='L1', haar05='the closed form'),
    ),
    controls=Lineup(
        'pix2pix_facades_energies', [SWD, SSIM, PSNR, FRECHET], CONTROLS, dict(pyramid30='pyramid 30')
    ),
    omgd=beside_omgd('pix2pix_facades_omgd', [SWD, FRECHET, PSNR, SSIM], 'as long as OMGD computes'),
    omgd_cyclegan=beside_omgd(
        'cyclegan_summer2winter_omgd',
        [score for score in DOMAINS if score.startswith('winter')],
        'as long as OMGD takes',
    ),
    starts_flat=of_starts('starts_flat'),
    starts_flat_64=of_starts('starts_flat', 'x64'),
    starts_facades=of_starts('starts_facades'),
)
