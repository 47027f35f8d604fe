// What every page does: it starts the network in a worker, and shows numbers and sentences.

const byId = (id) => document.getElementById(id);
const told = JSON.parse(byId('told').textContent);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB`;
const say = (sentence) => { byId('status').textContent = sentence; };
const state = (name) => { byId('main').dataset.state = name; };

/** Bytes of base64. */
function decoded(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What an element of the page holds, unpacked; the page's own copy is freed. */
async function unpacked(id) {
  const stream = new Blob([decoded(byId(id).textContent)]).stream();
  byId(id).remove();
  return new Response(stream.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** The student in its worker: one job at a time, and a newer one ends the older. */
class Network {
  async load() {
    const source = [await unpacked('runtime-script'), byId('worker-source').textContent];
    this.worker = new Worker(URL.createObjectURL(new Blob(source, { type: 'text/javascript' })));
    const ready = new Promise((resolve, reject) => {
      this.listen((data) => (data.news === 'ready' ? resolve() : reject(new Error(data.reason))));
      this.worker.onerror = (event) => reject(new Error(event.message));
    });
    const [wasm, glue, model] = await Promise.all(['runtime-wasm', 'runtime-glue', 'model'].map(unpacked));
    const threads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
    const start = told.starts.length ? asFile(told.starts[0].picture) : null;
    const parts = { wasm, glue, model };
    const rest = { threads, told: told.spec, webgpu: told.webgpu, start };
    this.worker.postMessage({ task: 'load', ...parts, ...rest }, Object.values(parts));
    await ready;
    this.job = 0;
    this.running = Promise.resolve();
  }

  /** Hear the worker; where the network runs is shown whenever that changes. */
  listen(hear) {
    this.worker.onmessage = ({ data }) => (data.news === 'runs' ? showRuntime(data.where) : hear(data));
  }

  /** How many milliseconds a job took; null where it was ended. `onPart` gets the pixels as they come. */
  async run(task, onPart) {
    const job = ++this.job;
    this.stop();
    await this.running;  // nobody may paint over what comes next
    if (job !== this.job) return null;
    this.running = new Promise((resolve) => {
      this.listen((data) => {
        if (data.news === 'part') return onPart(data);
        if (data.news === 'failed') say(`The network cannot do this: ${data.reason}`);
        resolve(data.news === 'done' ? data.ms : null);
      });
      this.worker.postMessage({ ...task, job });
    });
    return this.running;
  }

  stop() {
    this.worker.postMessage({ task: 'stop' });
  }
}

/** Milliseconds of pictures of one kind: the last, and the median of the last 30. */
class Stopwatch {
  constructor() { this.times = []; }

  add(ms) {
    this.times = [...this.times, ms].slice(-30);
    const sorted = [...this.times].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    const rounded = (x) => (x < 10 ? x.toFixed(1) : Math.round(x));
    const many = this.times.length > 1 ? `, median ${rounded(median)}` : '';
    byId('milliseconds').textContent = `${rounded(ms)}${many}`;
  }
}

const asFile = (base64) => new Blob([decoded(base64)], { type: 'image/png' });

/** A picture that the page holds, its bytes as they are: no colour management between them and the network. */
const embedded = (base64) => createImageBitmap(
  asFile(base64), { colorSpaceConversion: 'none', premultiplyAlpha: 'none' },
);

/** A user's picture, upright. */
async function opened(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    say(`${file.name} cannot be read as a picture: choose a PNG, JPEG or WebP file.`);
    return null;
  }
}

/** Width and height of a picture whose longer side is at most this. */
function fitted(picture, most) {
  const share = Math.min(1, most / Math.max(picture.width, picture.height));
  return [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * share)));
}

/** Draw a picture on a canvas of this size, on white. */
function paint(canvas, picture, width = picture.width, height = picture.height) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
}

const pixelsOf = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);

const put = (canvas, { pixels, x, y, width, height }) => {
  canvas.getContext('2d').putImageData(new ImageData(pixels, width, height), x, y);
};

/** Call back with a picture that is dropped anywhere on the page, chosen, or pasted. */
function takePictures(input, use) {
  const take = async (file) => {
    const picture = file && await opened(file);
    if (picture) use(picture, file.name);
  };
  input.addEventListener('change', () => { take(input.files[0]); input.value = ''; });
  addEventListener('dragover', (event) => { event.preventDefault(); document.body.classList.add('dropping'); });
  addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    take(event.dataTransfer.files[0]);
  });
  addEventListener('paste', (event) => take(event.clipboardData.files[0]));
}

/** Buttons with the start pictures, if there are several. */
function showStarts(list, use) {
  told.starts.forEach(({ picture, name }, index) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.innerHTML = '<img alt="">';
    button.firstChild.src = `data:image/png;base64,${picture}`;
    button.setAttribute('aria-label', `Start from ${name}`);
    button.addEventListener('click', () => use(index));
    list.append(button);
  });
  list.hidden = told.starts.length < 2;
}

function saveCanvas(canvas, name) {
  canvas.toBlob((blob) => {
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

function showRuntime(where) {
  byId('runtime-size').textContent = `${megabytes(told.bytes.runtime)}, ${where}`;
}

function showFacts() {
  byId('model-size').textContent = megabytes(told.bytes.model);
  byId('teacher-fact').hidden = !told.bytes.teacher;
  if (told.bytes.teacher) {
    const times = (told.bytes.teacher / told.bytes.model).toFixed(1);
    byId('teacher-size').textContent = `${megabytes(told.bytes.teacher)}, ${times} times as large`;
  }
  for (const [key, value] of Object.entries(told.about)) {
    const row = byId('about').tBodies[0].insertRow();
    const head = Object.assign(document.createElement('th'), { textContent: key, scope: 'row' });
    row.append(head);
    row.insertCell().textContent = typeof value === 'object' ? JSON.stringify(value) : value;
  }
}

async function start() {
  const network = new Network();
  try {
    await network.load();
  } catch (error) {
    say(`The network cannot be loaded by this browser: ${error.message}`);
    return state('failed');
  }
  showFacts();
  await open(network);  // of the page's panel
}

addEventListener('DOMContentLoaded', start);
