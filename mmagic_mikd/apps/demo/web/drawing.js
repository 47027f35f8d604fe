// The panel to draw on a label map; the student's picture follows every stroke.

const KEPT = 3e7;  // bytes of drawings that can be taken back

async function open(network) {
  const sheet = byId('sheet');
  const output = byId('output');
  const follow = follower(network, sheet, output);
  const pen = new Pen(sheet, follow);
  let current = 0;

  async function useStart(index) {
    state('busy');
    current = index;
    const { picture, teacher } = told.starts[index];
    byId('teacher-figure').hidden = !teacher;
    if (teacher) paint(byId('teacher'), await embedded(teacher));
    return use(await embedded(picture));
  }

  function use(picture) {
    paint(sheet, picture, ...fitted(picture, Math.max(...told.spec.shape.slice(-2))));
    pen.forget();
    return follow();
  }

  showPalette(pen);
  showStarts(byId('starts'), useStart);
  takePictures(byId('file'), (picture) => { byId('teacher-figure').hidden = true; use(picture); });
  byId('reset').addEventListener('click', () => useStart(current));
  byId('save').addEventListener('click', () => saveCanvas(output, 'drawing_student.png'));
  await useStart(0);
  say('Draw on the left picture.');
}

/** Translates the sheet whenever it is called; while the network works only the newest sheet waits. */
function follower(network, sheet, output) {
  const watch = new Stopwatch();
  let working = false;
  let again = false;

  return async function follow() {
    again = working;
    if (working) return;
    working = true;
    state('busy');
    const { data, width, height } = pixelsOf(sheet);
    const ms = await network.run({ task: 'translate', pixels: data, width, height }, (part) => {
      if (output.width !== width || output.height !== height) Object.assign(output, { width, height });
      put(output, part);
    });
    working = false;
    if (ms !== null) {
      watch.add(ms);
      byId('rate').textContent = `${Math.round(ms)} ms`;
    }
    if (again) await follow();
    else state('ready');
  };
}

/** Paints on the sheet, by pointer and by keyboard. */
class Pen {
  constructor(sheet, changed) {
    Object.assign(this, { sheet, changed, colour: told.palette[0], thickness: 12, shape: 'brush', past: [] });
    this.context = sheet.getContext('2d', { willReadFrequently: true });
    this.at = null;  // place of the keyboard's cursor
    this.down = null;  // where the stroke began, and the sheet before it
    this.listen();
  }

  listen() {
    const { sheet } = this;
    sheet.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      sheet.setPointerCapture(event.pointerId);
      this.begin(this.place(event));
    });
    sheet.addEventListener('pointermove', (event) => {
      if (!this.down || !sheet.hasPointerCapture(event.pointerId)) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.move(this.place(each));
      this.changed();
    });
    sheet.addEventListener('pointerup', () => this.end());
    sheet.addEventListener('pointercancel', () => this.end());
    sheet.addEventListener('keydown', (event) => this.key(event));
    sheet.addEventListener('blur', () => { this.end(); byId('cursor').hidden = true; });
    byId('shapes').addEventListener('change', (event) => { this.shape = event.target.value; });
    byId('thickness').addEventListener('input', (event) => {
      this.thickness = Number(event.target.value);
      byId('thickness-shown').textContent = this.thickness;
    });
    byId('undo').addEventListener('click', () => this.takeBack());
  }

  /** Pixel of the sheet under a pointer. */
  place(event) {
    const box = this.sheet.getBoundingClientRect();
    return [
      (event.clientX - box.left) * this.sheet.width / box.width,
      (event.clientY - box.top) * this.sheet.height / box.height,
    ];
  }

  begin(place) {
    const before = pixelsOf(this.sheet);
    const most = Math.max(1, Math.floor(KEPT / before.data.length));
    this.past = [...this.past, before].slice(-most);
    byId('undo').disabled = false;
    this.down = { from: place, last: place, before };
    this.move(place);
    this.changed();
  }

  move([x, y]) {
    const { context, down } = this;
    if (this.shape === 'rectangle') {
      context.putImageData(down.before, 0, 0);
      context.fillStyle = this.colour;
      const [left, top] = down.from;
      const corners = [left, top, x, y].map(Math.round);
      context.fillRect(corners[0], corners[1], corners[2] - corners[0], corners[3] - corners[1]);
    } else {
      Object.assign(context, { strokeStyle: this.colour, lineWidth: this.thickness, lineCap: 'round' });
      context.beginPath();
      context.moveTo(...down.last);
      context.lineTo(x + 0.01, y);  // a line of no length at all would not be drawn, not even as a dot
      context.stroke();
    }
    down.last = [x, y];
  }

  end() {
    this.down = null;
    byId('cursor').classList.remove('down');
  }

  takeBack() {
    const before = this.past.pop();
    if (before) this.context.putImageData(before, 0, 0);
    byId('undo').disabled = !this.past.length;
    this.changed();
  }

  forget() {
    this.past = [];
    byId('undo').disabled = true;
    this.at = null;
  }

  key(event) {
    const { sheet } = this;
    const step = event.shiftKey ? 16 : 4;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    this.at ??= [sheet.width / 2, sheet.height / 2];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      const limits = [sheet.width, sheet.height];
      this.at = this.at.map((value, i) => Math.min(limits[i], Math.max(0, value + moves[event.key][i])));
      if (this.down) {
        this.move(this.at);
        this.changed();
      }
    } else if (event.key === ' ') {
      if (this.down) this.end();
      else {
        this.begin(this.at);
        byId('cursor').classList.add('down');
      }
    } else if (!this.shortcut(event.key)) return;
    event.preventDefault();
    this.showCursor();
  }

  shortcut(key) {
    const shapes = { b: 'brush', r: 'rectangle' };
    const swatch = key !== '0' && document.querySelector(`[name=colour][data-digit="${CSS.escape(key)}"]`);
    const choice = swatch || document.querySelector(`[name=shape][value="${shapes[key]}"]`);
    if (choice) choice.click();
    else if (key === 'u') this.takeBack();
    else return false;
    return true;
  }

  showCursor() {
    const { style } = byId('cursor');
    byId('cursor').hidden = false;
    style.left = `${100 * this.at[0] / this.sheet.width}%`;
    style.top = `${100 * this.at[1] / this.sheet.height}%`;
  }
}

/** One choice for each colour of the start pictures. */
function showPalette(pen) {
  told.palette.forEach((colour, index) => {
    const label = document.createElement('label');
    const choice = Object.assign(document.createElement('input'), { type: 'radio', name: 'colour', value: colour });
    choice.checked = index === 0;
    choice.dataset.digit = index + 1;
    choice.setAttribute('aria-label', `Colour ${index + 1}, ${colour}`);
    choice.addEventListener('change', () => { pen.colour = colour; });
    const swatch = document.createElement('span');
    swatch.style.background = colour;
    label.title = `Colour ${index + 1}, ${colour}`;
    label.append(choice, swatch);
    byId('palette').append(label);
  });
}
