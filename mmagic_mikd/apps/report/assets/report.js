'use strict';
// Fills the places that the page has for curves and sliders. All text gets in as text, never as HTML.
(() => {
  const COLOURS = ['#0b72c4', '#d1571b', '#1b9e6e', '#b455a0', '#b8860b', '#3fa7d6', '#8a5cd1', '#7f8a95', '#e0457b', '#5a9e2f'];
  const HEIGHT = 240;
  const COARSE = 200; // pixels: smaller pictures show their pixels

  function variable(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function scaleOf(kind) {
    if (kind === 'log') return { distr: 3 };
    return kind === 'symlog' ? { distr: 4, asinh: 1 } : {};
  }

  function short(value) {
    if (value == null) return '–';
    const size = Math.abs(value);
    return size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(2) : String(+value.toPrecision(4));
  }

  // What a chart has beside its curves: values to compare with, and where a warning was given.
  function drawMarks(plot, data) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    for (const [value, meaning] of data.lines) {
      const y = plot.valToPos(value, 'y', true);
      ctx.strokeStyle = ctx.fillStyle = variable('--soft');
      ctx.setLineDash([6, 4]);
      line(ctx, bbox.left, y, bbox.left + bbox.width, y);
      ctx.fillText(meaning, bbox.left + 4, y - 2 * devicePixelRatio);
    }
    for (const step of data.marks) {
      const x = plot.valToPos(step, 'x', true);
      ctx.strokeStyle = variable('--worse');
      ctx.setLineDash([2, 3]);
      line(ctx, x, bbox.top, x, bbox.top + bbox.height);
    }
    ctx.restore();
  }

  function line(ctx, x1, y1, x2, y2) {
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
  }

  function axis(extra) {
    const grid = { stroke: () => variable('--line'), width: 1 };
    return { stroke: () => variable('--soft'), grid, ticks: grid, ...extra };
  }

  function range(data) {
    // at least as high as the values to compare with, else their lines are not to be seen
    return (plot, low, high) => {
      const values = data.lines.map(([value]) => value).concat([low, high].filter((value) => value != null));
      if (!values.length) return [data.scale === 'log' ? 0.1 : 0, 1];
      const [least, most] = [Math.min(...values), Math.max(...values)];
      if (data.scale === 'log') return uPlot.rangeLog(least, most, 10, true);
      if (data.scale === 'symlog') return uPlot.rangeAsinh(least, most, 10, true);
      return uPlot.rangeNum(least, most, 0.1, true);
    };
  }

  function chart(place, data) {
    const few = data.x.length < 30;
    const curves = data.series.map((series, index) => ({
      label: series.label,
      stroke: COLOURS[index % COLOURS.length],
      dash: index >= COLOURS.length ? [6, 3] : undefined,
      width: 1.6,
      spanGaps: true,
      points: { show: few, size: 6 },
      value: (plot, value) => short(value),
    }));
    const options = {
      width: place.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false, ...scaleOf(data.xscale) }, y: { ...scaleOf(data.scale), range: range(data) } },
      axes: [axis({}), axis({ size: 62, values: (plot, ticks) => ticks.map((tick) => (tick == null ? '' : short(tick))) })],
      series: [{ label: data.xscale ? 'MACs (M)' : 'iteration', value: (plot, value) => short(value) }, ...curves],
      hooks: { draw: [(plot) => drawMarks(plot, data)] },
    };
    const plot = new uPlot(options, [data.x, ...data.series.map((series) => series.values)], place);
    new ResizeObserver(() => {
      if (place.clientWidth) plot.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw(false, true));
  }

  function side(slot, thumbnail) {
    const figure = document.createElement('figure');
    const image = document.createElement('img');
    const caption = document.createElement('figcaption');
    figure.slot = slot;
    image.src = thumbnail.src;
    image.alt = thumbnail.alt;
    image.width = thumbnail.width;
    image.height = thumbnail.height;
    image.className = thumbnail.className;
    caption.textContent = thumbnail.parentElement.querySelector('figcaption').textContent;
    figure.append(image, caption);
    return figure;
  }

  function compare(section) {
    const selects = [...section.querySelectorAll('select')];
    const draw = () => {
      for (const sample of section.querySelectorAll('.sample')) {
        const images = selects.map((select) => sample.querySelector(`[data-name="${select.value}"]`));
        const place = sample.querySelector('.slide');
        place.hidden = images.some((image) => !image);
        if (place.hidden) continue;
        // both sides are as large as the larger one: an input that is to be enlarged is small
        const largest = images.reduce((a, b) => (a.naturalWidth > b.naturalWidth ? a : b));
        const slider = document.createElement('img-comparison-slider');
        const figures = images.map((image, index) => side(['first', 'second'][index], image));
        for (const figure of figures) figure.firstChild.style.aspectRatio = `${largest.width0} / ${largest.height0}`;
        slider.setAttribute('role', 'group');
        slider.setAttribute('aria-label', `${images[0].alt} against ${images[1].alt}; arrow keys move the border`);
        slider.append(...figures);
        place.replaceChildren(slider);
      }
    };
    for (const image of section.querySelectorAll('.thumbnails img')) {
      image.width0 = +image.getAttribute('width');
      image.height0 = +image.getAttribute('height');
      if (image.width0 < COARSE) image.classList.add('coarse');
    }
    for (const select of selects) select.addEventListener('change', draw);
    section.querySelector('.choose').hidden = false;
    draw();
  }

  for (const place of document.querySelectorAll('.plot')) {
    chart(place, JSON.parse(place.nextElementSibling.textContent));
  }
  for (const section of document.querySelectorAll('.pictures')) compare(section);
})();
