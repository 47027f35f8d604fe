// Standard normal numbers of a seed, the same as `torch.randn(count, generator=...)` draws on a CPU, so that a
// seed is the same picture here and in tools/translate.py.

/** The Mersenne Twister, as a function that returns 32 random bits. */
function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  }
  let next = 624;
  return () => {
    if (next === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function standardNormal(seed, count) {
  const bits = mersenneTwister(seed);
  return count < 16 ? fewNormals(bits, count) : manyNormals(bits, count);
}

/** Box and Muller's transform in blocks of 16: eight radii, eight angles. */
function manyNormals(bits, count) {
  const uniform = () => (bits() & 0xffffff) / 2 ** 24;
  const drawn = Float32Array.from({ length: count }, uniform);
  const transform = (from) => {
    for (let i = from; i < from + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - drawn[i]));
      const angle = 2 * Math.PI * drawn[i + 8];
      drawn[i] = radius * Math.cos(angle);
      drawn[i + 8] = radius * Math.sin(angle);
    }
  };
  for (let from = 0; from + 16 <= count; from += 16) transform(from);
  if (count % 16) {  // the last block is drawn anew
    for (let i = count - 16; i < count; i++) drawn[i] = uniform();
    transform(count - 16);
  }
  return drawn;
}

/** The same transform one by one, in double precision. */
function fewNormals(bits, count) {
  const uniform = () => {
    const high = bits() & 0x1fffff;  // 53 bits of 64
    return (high * 2 ** 32 + bits()) / 2 ** 53;
  };
  const drawn = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    drawn[i] = radius * Math.cos(angle);
    if (i + 1 < count) drawn[i + 1] = radius * Math.sin(angle);
  }
  return drawn;
}
