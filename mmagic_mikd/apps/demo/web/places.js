// Where the network runs: on the processor, or on the GPU for as long as that makes the same pictures.

// Grey levels between the two: rounding makes one, arithmetic in half precision another. A kernel that is wrong misses
// by dozens, and who refuses a good GPU is slow, while who trusts a bad one shows what the network does not make.
const NEAR = 2;

/** What the network makes, (1, C, H, W). */
async function generate(session, { data, dims }) {
  const { image } = await session.run({ x: new ort.Tensor('float32', data, dims) });
  return image;
}

async function onProcessor(model, because = '') {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const count = ort.env.wasm.numThreads;
  postMessage({ news: 'runs', where: `${count} thread${count === 1 ? '' : 's'}${because}` });
  return session;
}

/** The GPU if it makes of the trial what the processor makes; the processor if not, and from where the GPU fails. */
async function onGpu(model, trial, spec) {
  const instead = (error) => onProcessor(model, `, not the GPU: ${reasonOf(error)}`);
  let gpu;
  try {
    if (!await navigator.gpu?.requestAdapter()) throw new Error('the browser offers none');
    const processor = await onProcessor(model);
    const wanted = await pictureOf(processor, trial, spec);
    await processor.release();
    gpu = await openGpu(model);
    const off = farthest(await pictureOf(gpu, trial, spec), wanted);
    if (off > NEAR) throw new Error(`its picture is ${off} grey levels off`);
  } catch (error) {
    await freed(gpu);
    return instead(error);
  }
  postMessage({ news: 'runs', where: 'WebGPU' });
  const network = {
    run: (feeds) => gpu.run(feeds).catch(async (error) => {
      await freed(gpu);
      const processor = await instead(error);
      network.run = (others) => processor.run(others);
      return network.run(feeds);
    }),
  };
  return network;
}

/** A session that failed may fail to end, too, which is nobody's loss. */
const freed = (session) => session?.release().catch(() => {});

/** The end of a message is where the runtime says what was wrong. */
const reasonOf = (error) => String(error?.message ?? error).slice(-120);

/** A session on the GPU, whose work ends in an error where the GPU is lost. */
async function openGpu(model) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['webgpu', 'wasm'] });
  const device = await ort.env.webgpu.device;
  let lost = false;
  device.lost.then(() => { lost = true; });
  return {
    run: (feeds) => (lost ? Promise.reject(new Error('it was lost')) : session.run(feeds)),
    release: () => session.release(),
  };
}

async function pictureOf(session, input, spec) {
  const image = await generate(session, input);
  return toPixels(image, whole(image), spec);
}

/** The largest difference between two pictures. */
function farthest(some, others) {
  let most = some.length === others.length ? 0 : 255;
  for (let i = 0; i < some.length; i++) most = Math.max(most, Math.abs(some[i] - others[i]));
  return most;
}

const seedInput = (seed, { shape: [count] }) => ({ data: standardNormal(seed, count), dims: [1, count] });

/** What to try a place with: the start picture in the size of a tile, as limits show on large ones; else noise. */
async function trialInput(start, spec) {
  if (spec.kind === 'latent') return seedInput(0, spec);
  const [height, width] = spec.dynamic && spec.tile ? [spec.tile, spec.tile] : spec.shape.slice(-2);
  const part = { top: 0, left: 0, height, width };
  const pixels = start ? await drawn(start, width, height) : noise(4 * width * height);
  return toInput(pixels, width, part, spec);
}

async function drawn(file, width, height) {
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(await createImageBitmap(file), 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

const noise = (count) => Uint8ClampedArray.from(standardNormal(0, count), (value) => 128 + 50 * value);
