"""Pages with WebGPU, on the adapter in software that Chromium has: pictures, and what happens without a GPU."""

import contextlib
import shutil

import browser as browsers
import pytest
import torch
from exported_folders import DREAMER, Dreamer, far, folder_of, in_python, labels, photograph
from mmagic.registry import MODELS
from mmagic.utils import register_all_modules

from mmagic_mikd.apps.demo import demo, exported, runtime, tiling
from mmagic_mikd.deploy.picture import to_picture
from mmagic_mikd.deploy.spec import Spec

pytest.importorskip('onnx', reason='needs pip install onnx onnxruntime onnxscript')
SOFTWARE = ('--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader')
NEAR = 2  # grey levels, as in places.js
EDSR = dict(type='EDSRNet', in_channels=3, out_channels=3, mid_channels=4, num_blocks=1, upscale_factor=2)
UNET = dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=5, base_channels=2)
WORKER = '<script type="text/plain" id="worker-source">'
NO_ADAPTER = "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => null } });"
OTHER_PICTURE = """
const create = ort.InferenceSession.create;
ort.InferenceSession.create = async (model, options) => {
  const session = await create.call(ort.InferenceSession, model, options);
  const run = session.run.bind(session);
  if (options.executionProviders[0] === 'webgpu') session.run = async (feeds) => {
    const made = await run(feeds);
    made.image.data[7] += (made.image.data[7] < 0 ? 3 : -3) / 127.5;
    return made;
  };
  return session;
};
"""


def built(config):
    register_all_modules()
    return MODELS.build(config)


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
    """Export folders with pages; tiles of one are small, as the adapter needs seconds for a large one."""
    browsers.fetched(runtime.PACKAGE, runtime.WEBGPU_FILES)
    root = tmp_path_factory.mktemp('webgpu')
    enlarger = Spec('image', 'RGB', 0.0, 1.0, 1, 2.0, 'none', (3, 12, 16))
    folder_of(lambda: built(EDSR), enlarger, root / 'enlarger', [photograph(12, 16)])
    unet = Spec('image', 'BGR', -1.0, 1.0, 32, 1.0, 'image', (3, 64, 64))
    folder_of(lambda: built(UNET), unet, root / 'unet', [labels()], 'image', dynamic=False)
    folder_of(Dreamer, DREAMER, root / 'dreamer')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiling, 'SIDE', 8)
        for folder in root.iterdir():
            assert demo.main([str(folder), '--webgpu']) == 0
    return root


@pytest.fixture(scope='module')
def browser():
    yield from browsers.open_browser(*SOFTWARE)


@pytest.fixture
def opened(browser):
    """A page at rest, closed in the end: what it computes would keep the next one waiting."""
    with contextlib.ExitStack() as stack:

        def opened(path):
            tab = browsers.Tab(browser, path, patience=400)
            stack.callback(tab.page.close)
            tab.settle()
            return tab

        yield opened


@pytest.fixture
def on_gpu(opened):
    """The same where the page runs on the adapter in software; a skip where the browser has none."""

    def on_gpu(path):
        tab = opened(path)
        if 'offers none' in ran_on(tab):
            pytest.skip('needs a Chromium with SwiftShader, its adapter for WebGPU in software')
        return tab

    return on_gpu


def patched(folder, program):
    """Its page, whose worker begins with a program."""
    path = folder / 'patched.html'
    path.write_text((folder / 'demo.html').read_text('utf-8').replace(WORKER, WORKER + program), 'utf-8')
    return path


def ran_on(tab):
    return tab.page.inner_text('#runtime-size').partition(', ')[2]


def of_seed(folder, seed):
    network = exported.read(folder)
    latent = torch.randn(1, 20, generator=torch.Generator().manual_seed(seed))
    return to_picture(network.generate(latent), network.spec).numpy().astype(int)


@pytest.mark.parametrize(('name', 'start'), [('enlarger', photograph(12, 16)), ('unet', labels())])
def test_the_gpu_makes_the_pictures_of_python(on_gpu, pages, name, start):
    tab = on_gpu(pages / name / 'demo.html')
    assert ran_on(tab) == 'WebGPU'
    assert far(tab.canvas('#output'), in_python(pages / name, start)) <= NEAR
    assert tab.complaints == []


def test_where_a_gpu_is_lost_the_processor_goes_on(on_gpu, pages):
    tab = on_gpu(pages / 'dreamer' / 'demo.html')
    assert ran_on(tab) == 'WebGPU' and far(tab.canvas('#output'), of_seed(pages / 'dreamer', 0)) <= NEAR
    tab.page.workers[0].evaluate('async () => (await ort.env.webgpu.device).destroy()')
    for seed in (1, 2):
        tab.page.fill('#seed', str(seed))
        tab.page.press('#seed', 'Enter')
        tab.settle(f"shown.textContent === '{seed}'")
        assert ran_on(tab) == '1 thread, not the GPU: it was lost'
        assert far(tab.canvas('#output'), of_seed(pages / 'dreamer', seed)) <= 1
    assert tab.complaints == []


def test_a_gpu_that_makes_another_picture_is_refused(on_gpu, pages):
    tab = on_gpu(patched(pages / 'dreamer', OTHER_PICTURE))
    assert ran_on(tab) == '1 thread, not the GPU: its picture is 3 grey levels off'
    assert far(tab.canvas('#output'), of_seed(pages / 'dreamer', 0)) <= 1


def test_without_a_gpu_the_page_says_so(opened, pages):
    tab = opened(patched(pages / 'dreamer', NO_ADAPTER))
    assert ran_on(tab) == '1 thread, not the GPU: the browser offers none'
    assert far(tab.canvas('#output'), of_seed(pages / 'dreamer', 0)) <= 1
    assert tab.complaints == []


def test_a_folder_with_the_other_runtime_lacks_this_one(pages, tmp_path, capsys):
    for name in ('ort.wasm.min.js', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'):
        (tmp_path / name).touch()
    shutil.copytree(pages / 'dreamer', tmp_path / 'export')
    with pytest.raises(SystemExit) as ended:
        demo.main([str(tmp_path / 'export'), '--webgpu', '--runtime', str(tmp_path)])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and f'--runtime {tmp_path} has no ort.webgpu.min.js' in said
    assert 'ort-wasm-simd-threaded.asyncify.wasm' in said
