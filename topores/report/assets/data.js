// --- the packed numbers ---

const NONE = 65535;

async function bytesOf(id) {
  const packed = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const jsonOf = async (id) => JSON.parse(new TextDecoder().decode(await bytesOf(id)));

// Each array has all low bytes first, then all high bytes.
function shortsOf(bytes, name) {
  const [start, count] = index.arrays[name] ?? [0, 0];
  const values = new Uint16Array(count);
  for (let i = 0; i < count; i += 1) values[i] = bytes[start + i] | (bytes[start + count + i] << 8);
  return values;
}

async function readNumbers() {
  const [read, texts, bytes] = await Promise.all([jsonOf("numbers"), jsonOf("texts"), bytesOf("arrays")]);
  const shorts = (name) => shortsOf(bytes, name);
  const high = shorts("passages.high");
  const bars = { shown: shorts("bars.shown"), births: shorts("bars.births"), lengths: shorts("bars.lengths") };
  let begin = 0;
  bars.begins = Array.from(bars.shown, (count) => (begin += count) - count);
  const passages = Array.from(shorts("passages"), (low, i) => low + high[i] * 65536);
  const mapped = shorts("map.passages");
  const onMap = new Int32Array(passages.length).fill(-1);
  mapped.forEach((passage, i) => { onMap[passage] = i; });
  return Object.assign(read, {
    texts,
    bars,
    shorts,
    passages,
    mapped,
    onMap,
    near: shorts("near.passages"),
    far: shorts("near.distances"),
    clouds: index.clouds.map((_, i) => shorts(`cloud.${i}`)),
    outlines: readOutlines(shorts("outlines")),
    places: new Map(),
  });
}

// All measured data outside the index, decoded for the other files.
const numbers = await readNumbers();

// By place: from the index of a bar to the passages around it.
function readOutlines(flat) {
  const found = [];
  for (let at = 0; at < flat.length;) {
    const here = new Map();
    for (let left = flat[at++]; left > 0; left -= 1) {
      const [bar, size] = [flat[at], flat[at + 1]];
      here.set(bar, [...flat.subarray(at + 2, at + 2 + size)]);
      at += 2 + size;
    }
    found.push(here);
  }
  return found;
}

// Bars of one degree at the shown place, as { count, bars: [birth, death] }; a death of Infinity means never.
function barsOf(degree) {
  const at = placeOf(shown) * index.degrees.length + degree;
  const { shown: counts, begins, births, lengths } = numbers.bars;
  let birth = 0;
  const bars = Array.from({ length: counts[at] ?? 0 }, (_, i) => {
    birth += births[begins[at] + i];
    const length = lengths[begins[at] + i];
    return [birth * index.step, length === NONE ? Infinity : (birth + length) * index.step];
  });
  return { count: numbers.counts[at] ?? 0, bars };
}

function loopBars() {
  const degree = index.degrees.indexOf(1);
  return degree < 0 ? [] : barsOf(degree).bars;
}

// Coordinates of one layer, state by state: all x, then all y, from -1 to 1 times half the size of the map.
function placesOf(at) {
  if (!numbers.places.has(at)) {
    const moved = numbers.shorts(`map.${index.layers[at]}`);
    const { steps, half } = index.maps;
    const size = moved.length / index.states.length;
    const before = new Uint16Array(size);
    const places = new Float32Array(moved.length);
    moved.forEach((step, i) => {
      before[i % size] += step;
      places[i] = ((before[i % size] / steps) * 2 - 1) * half[at];
    });
    numbers.places.set(at, places);
  }
  return numbers.places.get(at);
}
