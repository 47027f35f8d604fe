// The network at work, away from the page, which stays responsive. Beside it: the runtime, picture.js, latents.js.

let session;
let spec;
let wanted;  // number of the newest job; undefined where it was stopped

/** Let messages in, which wait while the network works. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

async function load({ wasm, glue, model, threads, told }) {
  spec = told;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([glue], { type: 'text/javascript' })) };
  session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ['wasm'] });
  postMessage({ news: 'ready' });
}

async function generate(data, dims) {
  const { image } = await session.run({ x: new ort.Tensor('float32', data, dims) });
  return image;
}

/** Tile by tile; a newer job, or none wanted any more, ends it. */
async function translate({ job, pixels, width, height }) {
  const all = tiles(height, width, spec);
  const began = performance.now();
  for (const [index, { part, kept, place }] of all.entries()) {
    const { data, dims } = toInput(pixels, width, part, spec);
    const made = toPixels(await generate(data, dims), kept, spec);
    const news = { news: 'part', job, done: index + 1, of: all.length, ...place, width: kept.width, height: kept.height };
    postMessage({ ...news, pixels: made }, [made.buffer]);
    if (all.length > 1) await breathe();
    if (wanted !== job) return postMessage({ news: 'stopped', job });
  }
  postMessage({ news: 'done', job, ms: performance.now() - began, tiles: all.length });
}

async function imagine({ job, seed }) {
  const began = performance.now();
  const [count] = spec.shape;
  const image = await generate(standardNormal(seed, count), [1, count]);
  const [, , height, width] = image.dims;
  const pixels = toPixels(image, { top: 0, left: 0, height, width }, spec);
  postMessage({ news: 'part', job, done: 1, of: 1, x: 0, y: 0, width, height, pixels }, [pixels.buffer]);
  postMessage({ news: 'done', job, ms: performance.now() - began, tiles: 1 });
}

const tasks = { load, translate, imagine };

onmessage = async ({ data }) => {
  wanted = data.job;
  if (data.task === 'stop') return;
  try {
    await tasks[data.task](data);
  } catch (error) {
    postMessage({ news: 'failed', job: data.job, reason: String(error?.message ?? error) });
  }
};
