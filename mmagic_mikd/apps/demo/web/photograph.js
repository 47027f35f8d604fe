// The panel that takes a photograph of any size: tiles come in one by one, a slider compares.

/** Longer sides that a picture may be reduced to; the last one takes it as it is. */
const SIDES = [256, 512, 1024, Infinity];
const LARGEST = 4e7;  // pixels of a result, which have to fit into memory

async function open(network) {
  const input = document.createElement('canvas');
  const before = byId('before');
  const output = byId('output');
  const watch = new Stopwatch();
  let picture;  // as it was given
  let teacher;  // what the teacher made of it, known for start pictures only
  let name = 'picture';

  const allowed = (width, height) => width * height * told.spec.scale ** 2 <= LARGEST
    && (told.spec.tile || !told.spec.dynamic || Math.max(width, height) <= 512);

  /** Choices that fit this picture; the default is 512 pixels, some seconds of work. */
  function offer() {
    const longer = Math.max(picture.width, picture.height);
    const offered = SIDES.filter((side, i) => (i === 0 || SIDES[i - 1] < longer) && allowed(...fitted(picture, side)));
    byId('most').replaceChildren(...offered.map((side) => {
      const [width, height] = fitted(picture, side);
      const whole = side >= longer ? ', as it is' : '';
      return new Option(`${width} × ${height}${whole}`, side, false, side <= 512);
    }));
  }

  async function enlarge() {
    state('busy');
    const [width, height] = fitted(picture, Number(byId('most').value));
    paint(input, picture, width, height);
    const [wide, high] = [width, height].map((side) => Math.round(side * told.spec.scale));
    paint(before, input, wide, high);
    showSide();
    output.width = wide;
    output.height = high;
    byId('wipe').style.setProperty('--width', `${wide / devicePixelRatio}px`);
    byId('wipe').style.setProperty('--aspect', wide / high);
    byId('save').disabled = true;
    byId('stop').disabled = false;
    const { data } = pixelsOf(input);
    const began = performance.now();
    const ms = await network.run({ task: 'translate', pixels: data, width, height }, (part) => {
      put(output, part);
      report(part, began);
    });
    finish(ms, [width, height, wide, high]);
  }

  function report({ done, of }, began) {
    byId('progress').value = done / of;
    const left = (performance.now() - began) * (of / done - 1) / 1000;
    if (of > 1) say(`Tile ${done} of ${of}, about ${left.toFixed(left < 10 ? 1 : 0)} s left`);
  }

  function finish(ms, [width, height, wide, high]) {
    if (ms === null) return;
    byId('stop').disabled = true;
    byId('save').disabled = false;
    watch.add(ms);
    say(`${width} × ${height} became ${wide} × ${high} in ${(ms / 1000).toFixed(2)} s.`);
    state('ready');
  }

  function showSide() {
    const known = teacher && byId('most').value >= Math.max(picture.width, picture.height);
    byId('sides').hidden = !known;
    if (!known) document.querySelector('[name=side][value=input]').checked = true;
    const side = document.querySelector('[name=side]:checked').value;
    const what = side === 'teacher' ? 'Teacher' : 'Input';
    byId('left-tag').textContent = what;
    before.setAttribute('aria-label', what);
    paint(before, side === 'teacher' ? teacher : input, before.width, before.height);
  }

  function use(given, itsTeacher, itsName) {
    [picture, teacher, name] = [given, itsTeacher, itsName.replace(/\.[^.]*$/, '')];
    offer();
    return enlarge();
  }

  async function useStart(index) {
    state('busy');
    const { picture: own, teacher: its, name: called } = told.starts[index];
    return use(await embedded(own), its && await embedded(its), called);
  }

  takePictures(byId('file'), (given, called) => use(given, null, called));
  showStarts(byId('starts'), useStart);
  slide();
  byId('most').addEventListener('change', enlarge);
  byId('sides').addEventListener('change', showSide);
  byId('save').addEventListener('click', () => saveCanvas(output, `${name}_student.png`));
  byId('stop').addEventListener('click', () => {
    network.stop();
    byId('stop').disabled = true;
    say('Stopped.');
    state('ready');
  });
  if (told.starts.length) return useStart(0);
  say('Choose a photograph.');
  return state('ready');
}

/** The line between the two pictures follows the slider, and a pointer on the pictures. */
function slide() {
  const position = byId('position');
  const wipe = byId('wipe');
  const show = () => wipe.style.setProperty('--position', `${position.value}%`);
  position.addEventListener('input', show);
  wipe.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'mouse' || event.buttons) {
      const box = wipe.getBoundingClientRect();
      position.value = 100 * (event.clientX - box.left) / box.width;
      show();
    }
  });
  byId('actual').addEventListener('change', (event) => byId('scroller').classList.toggle('actual', event.target.checked));
  show();
}
