// The panel of a generator from noise: a seed is a picture.

const RECENT = 8;  // pictures that can be looked at again

async function open(network) {
  const output = byId('output');
  const watch = new Stopwatch();

  async function show(seed) {
    state('busy');
    byId('seed').value = seed;
    const ms = await network.run({ task: 'imagine', seed }, (part) => {
      Object.assign(output, { width: part.width, height: part.height });
      put(output, part);
    });
    if (ms === null) return;
    watch.add(ms);
    byId('shown').textContent = seed;
    byId('save').disabled = false;
    remember(seed);
    await showTeacher(seed);
    say(`Seed ${seed} in ${Math.round(ms)} ms.`);
    state('ready');
  }

  /** What the teacher makes is known for the seeds that were drawn when the page was written. */
  async function showTeacher(seed) {
    const known = told.seeds.find((each) => each.seed === seed);
    byId('teacher-figure').hidden = !known;
    if (known) paint(byId('teacher'), await embedded(known.teacher));
  }

  function remember(seed) {
    const list = byId('recent');
    if ([...list.children].some((button) => button.dataset.seed === String(seed))) return;
    const button = Object.assign(document.createElement('button'), { type: 'button', innerHTML: '<canvas></canvas>' });
    button.dataset.seed = seed;
    button.setAttribute('aria-label', `Seed ${seed}`);
    paint(button.firstChild, output, ...fitted(output, 96));
    button.addEventListener('click', () => show(seed));
    list.prepend(button);
    if (list.children.length > RECENT) list.lastChild.remove();
  }

  byId('roll').addEventListener('click', () => show(crypto.getRandomValues(new Uint16Array(1))[0]));
  byId('seed').addEventListener('change', (event) => {
    if (event.target.reportValidity() && event.target.value !== '') show(Number(event.target.value));
  });
  byId('save').addEventListener('click', () => saveCanvas(output, `seed_${byId('shown').textContent}.png`));
  return show(0);
}
