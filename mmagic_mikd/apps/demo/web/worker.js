// The network at work, away from the page, which stays responsive. Beside it: the runtime, picture.js, latents.js,
// places.js.

let session;
let spec;
let wanted;  // number of the newest job; undefined where it was stopped

/** Let messages in, which wait while the network works. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

async function load({ wasm, glue, model, threads, told, webgpu, start }) {
  spec = told;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([glue], { type: 'text/javascript' })) };
  const bytes = new Uint8Array(model);
  session = webgpu ? await onGpu(bytes, await trialInput(start, spec), spec) : await onProcessor(bytes);
  postMessage({ news: 'ready' });
}

/** Tile by tile; a newer job, or none wanted any more, ends it. */
async function translate({ job, pixels, width, height }) {
  const all = tiles(height, width, spec);
  const began = performance.now();
  for (const [index, { part, kept, place }] of all.entries()) {
    const made = toPixels(await generate(session, toInput(pixels, width, part, spec)), kept, spec);
    const news = { news: 'part', job, done: index + 1, of: all.length, ...place, width: kept.width, height: kept.height };
    postMessage({ ...news, pixels: made }, [made.buffer]);
    if (all.length > 1) await breathe();
    if (wanted !== job) return postMessage({ news: 'stopped', job });
  }
  postMessage({ news: 'done', job, ms: performance.now() - began, tiles: all.length });
}

async function imagine({ job, seed }) {
  const began = performance.now();
  const image = await generate(session, seedInput(seed, spec));
  const { height, width } = whole(image);
  const pixels = toPixels(image, whole(image), spec);
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
