"""The README's own example, run as it is printed."""

import re

import pytest
from families import ROOT, common, data_folder, save_teacher, train
from mmengine.config import Config

from mmagic_mikd.engine.recipes import RECIPES


def example() -> str:
    (code,) = re.findall(
        r'```python\n(# configs/my_student.py.*?)```', (ROOT / 'README.md').read_text(), re.S
    )
    return code


def test_the_example_is_as_short_as_promised_and_distils(tmp_path):
    assert len(example().splitlines()) <= 11
    (tmp_path / 'my_student.py').write_text(example())
    cfg = common(Config.fromfile(tmp_path / 'my_student.py'), tmp_path / 'work', iters=2)
    distill = cfg.default_hooks.distill
    assert (cfg.model.generator.mid_channels, distill.teacher.model.generator.mid_channels) == (32, 64)

    for model in (cfg.model, distill.teacher.model):
        model.generator.update(mid_channels=model.generator.mid_channels // 8, num_blocks=2)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, tmp_path)
    images = str(data_folder('sr_set5'))
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.update(
        data_root=images,
        data_prefix=dict(img='LR_x4', gt='GT'),
        ann_file='',
        filename_tmpl=dict(img='{}', gt='{}'),
    )
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type == 'PairedRandomCrop':
            transform.gt_patch_size = 32
    runner = train(cfg)
    assert runner.message_hub.get_scalar('train/loss_distill_pyramid').data[0].size == 2
    assert 'train/loss_critic' not in runner.message_hub.log_scalars
    assert distill.start == 'sliced'


def test_it_names_every_recipe():
    text = (ROOT / 'README.md').read_text()
    assert [name for name in RECIPES if f"'{name}'" not in text] == []


def without_code(text: str) -> str:
    return re.sub(r'(?ms)^ *```.*?^ *```$', '', text)


def prose(text: str) -> list[str]:
    """Sentences, those in cells of tables included; one ends at a full stop or its like, at nothing else."""
    text = re.sub(r'(?m)^(#|!\[|<!--|\| ---).*$', '', without_code(text))
    text = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', text)
    parts = re.split(r'(?<=[.?!])\s+|\n\n|\n *[-*] |\n *\d+\. |(?<!\\)\|', text)
    return [part for part in parts if part.strip()]


def test_it_stays_readable():
    text = (ROOT / 'README.md').read_text()
    assert len(text.splitlines()) <= 120
    assert len(re.findall(r'\S*\w\S*', text)) <= 900  # tables and code with it, lines of the drawing not
    sentences = [len(sentence.split()) for sentence in prose(text)]
    assert sorted(sentences)[len(sentences) // 2] <= 20


@pytest.mark.parametrize(('page', 'words'), [('docs/reliability', 2200), ('docs/energy', 600)])
def test_the_prose_of_a_page_that_grew_once_stays_short(page, words):
    text = re.sub(r'^\|.*\n', '', (ROOT / f'{page}.md').read_text(), flags=re.M)  # no tables
    assert sum(len(part.split()) for part in prose(text)) <= words


def test_its_first_screen_has_two_commands_and_no_number_of_a_study_in_a_sentence():
    screen = (ROOT / 'README.md').read_text().partition('## ')[0]
    (commands,) = re.findall(r'```bash\n(.*?)```', screen, re.S)
    assert len(commands.splitlines()) == 2
    assert not re.search(r'\d\s+dB|±|\d %', screen)


FILES = ('*.md', 'benchmarks/*.md', 'benchmarks/studies/README.md', 'docs/*.md', 'configs/**/*.md')
PAGES = sorted(path for pattern in FILES for path in ROOT.glob(pattern))
OF_TOOLS = {'bad_input', 'families'}  # their tables quote what a tool says


def title(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize('page', [p for p in PAGES if p.stem not in OF_TOOLS], ids=title)
def test_no_sentence_of_a_page_is_longer_than_one_can_read(page):
    assert [sentence for sentence in prose(page.read_text()) if len(sentence.split()) > 35] == []


@pytest.mark.parametrize('page', PAGES, ids=title)
def test_prose_has_at_most_100_columns(page):
    lines = without_code(page.read_text()).splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith(('|', '![', '<!--'))] == []


def anchors(text: str) -> set[str]:
    """Of the titles, as GitHub and Sphinx make them."""
    titles = re.findall(r'^#+ (.*)$', without_code(text), re.M)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


@pytest.mark.parametrize('page', PAGES, ids=title)
def test_its_links_lead_somewhere(page):
    for target, anchor in re.findall(r'\]\(([^)#\s]*)#?([^)\s]*)\)', without_code(page.read_text())):
        if not target.startswith('http'):
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path.read_text()), f'{target}#{anchor}'


def test_it_points_at_the_questions():
    assert '(docs/faq.md)' in (ROOT / 'README.md').read_text()
