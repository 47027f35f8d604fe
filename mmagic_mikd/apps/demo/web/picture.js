// Pictures of any size through the network, as mmagic_mikd/deploy/picture.py has it: padded, in tiles, cropped.

/** The overlap, of which at least half of a tile is left. */
function margin(side, overlap) {
  return Math.min(overlap, Math.floor(side / 4));
}

/** Where tiles of this side begin; neighbours share twice the margin. */
function starts(length, side, overlap) {
  if (length <= side) return [0];
  const found = [];
  for (let at = 0; at < length - side; at += side - 2 * margin(side, overlap)) found.push(at);
  return [...found, length - side];
}

/** Side of tiles of equal size, so that the last one has not much in common with the one before it. */
function evenSide(length, most, overlap, multiple) {
  if (length <= most) return length;
  const shared = 2 * margin(most, overlap);
  const count = Math.ceil((length - shared) / (most - shared));
  const side = Math.ceil((length + shared * (count - 1)) / count);
  return Math.min(length, Math.ceil(side / multiple) * multiple);
}

/** The sides (height, width) of the tiles of a picture; of the picture itself where it is taken whole. */
function tileSides(height, width, spec) {
  if (!spec.dynamic) return spec.shape.slice(-2);
  if (!spec.tile) return [height, width];
  return [height, width].map((length) => evenSide(length, spec.tile, spec.overlap, spec.multiple));
}

/** Planes of the network's input, of a part of RGBA pixels; what is missing repeats the part's border. */
function toInput(pixels, pictureWidth, part, spec) {
  const { top, left, height, width } = part;
  const [wantedHeight, wantedWidth] = spec.dynamic ? [height, width] : spec.shape.slice(-2);
  const rows = Math.ceil(Math.max(height, wantedHeight) / spec.multiple) * spec.multiple;
  const columns = Math.ceil(Math.max(width, wantedWidth) / spec.multiple) * spec.multiple;
  const channels = spec.order === 'GREY' ? 1 : 3;
  const data = new Float32Array(channels * rows * columns);
  const gain = (spec.highest - spec.lowest) / 255;
  for (let y = 0, to = 0; y < rows; y++) {
    const row = (top + Math.min(y, height - 1)) * pictureWidth + left;
    for (let x = 0; x < columns; x++, to++) {
      const from = 4 * (row + Math.min(x, width - 1));
      if (channels === 1) {
        const grey = 0.299 * pixels[from] + 0.587 * pixels[from + 1] + 0.114 * pixels[from + 2];
        data[to] = grey * gain + spec.lowest;
      } else {
        for (let c = 0; c < 3; c++) {
          const plane = spec.order === 'BGR' ? 2 - c : c;
          data[plane * rows * columns + to] = pixels[from + c] * gain + spec.lowest;
        }
      }
    }
  }
  return { data, dims: [1, channels, rows, columns] };
}

/** The rectangle that is all of an image (1, C, H, W). */
const whole = ({ dims: [, , height, width] }) => ({ top: 0, left: 0, height, width });

/** RGBA pixels of a rectangle of the network's image (1, C, H, W). */
function toPixels(image, rectangle, spec) {
  const [, channels, rows, columns] = image.dims;
  const { top, left, height, width } = rectangle;
  const pixels = new Uint8ClampedArray(4 * height * width).fill(255);  // clamps and rounds
  const gain = 255 / (spec.highest - spec.lowest);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const from = (top + y) * columns + left + x;
      for (let c = 0; c < 3; c++) {
        const plane = channels === 1 ? 0 : spec.output_order === 'BGR' ? 2 - c : c;
        pixels[to + c] = (image.data[plane * rows * columns + from] - spec.lowest) * gain;
      }
    }
  }
  return pixels;
}

/** The tiles of a picture: the part that goes in, and the inner part of what comes out. */
function tiles(height, width, spec) {
  const [tall, wide] = tileSides(height, width, spec);
  const found = [];
  for (const top of starts(height, tall, spec.overlap)) {
    for (const left of starts(width, wide, spec.overlap)) {
      const part = { top, left, height: Math.min(tall, height - top), width: Math.min(wide, width - left) };
      const [y0, y1] = inner(top, part.height, tall, height, spec);
      const [x0, x1] = inner(left, part.width, wide, width, spec);
      const kept = { top: y0, left: x0, height: y1 - y0, width: x1 - x0 };
      const place = { x: Math.round(spec.scale * left) + x0, y: Math.round(spec.scale * top) + y0 };
      found.push({ part, kept, place });
    }
  }
  return found;
}

/** The margin of a tile counts only where no neighbour has it inside. */
function inner(start, have, side, length, spec) {
  const unseen = margin(side, spec.overlap);
  const first = start === 0 ? 0 : unseen;
  const last = have - (start + side >= length ? 0 : unseen);
  return [Math.round(spec.scale * first), Math.round(spec.scale * last)];
}
