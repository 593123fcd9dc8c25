// --- the map of passages ---

const canvas = byId("map");
const REACH = 12; // pixels around a mark that count as on it
const NARROW = 4; // pixels a pointer may move and still be a click

const view = { moving: null, from: null, share: 1, hover: null, lasso: null, found: new Set(), printing: false };

function colours() {
  // Print is always light, whatever the screen is.
  const style = getComputedStyle(view.printing ? byId("light") : document.documentElement);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  return { t: [named("t1"), named("t2"), named("union")], ink: named("ink"), quiet: named("quiet"), paper: named("paper"), loop: named("loops") };
}

// From the plane to pixels, so that all states of this layer fit and both axes have one scale.
function frameOf() {
  const places = placesOf(shown.layer);
  const count = numbers.mapped.length;
  if (view.frame?.layer === shown.layer && view.frame.width === canvas.clientWidth) return view.frame;
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  places.forEach((value, i) => {
    const axis = Math.floor(i / count) % 2;
    if (value < low[axis]) low[axis] = value;
    if (value > high[axis]) high[axis] = value;
  });
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const unit = Math.min((width - 28) / (high[0] - low[0] || 1), (height - 28) / (high[1] - low[1] || 1));
  const middle = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  view.frame = { layer: shown.layer, width, toX: (x) => width / 2 + (x - middle[0]) * unit, toY: (y) => height / 2 - (y - middle[1]) * unit };
  return view.frame;
}

// Pixels of every mapped passage, x and y in turn; on the way from the state before while the map moves.
function pixels() {
  const places = placesOf(shown.layer);
  const { toX, toY } = frameOf();
  const count = numbers.mapped.length;
  const start = shown.state * 2 * count;
  const at = new Float32Array(2 * count);
  for (let i = 0; i < count; i += 1) {
    at[2 * i] = toX(places[start + i]);
    at[2 * i + 1] = toY(places[start + count + i]);
  }
  const { share, from } = view;
  if (share >= 1 || from?.length !== at.length) return at;
  return at.map((to, k) => from[k] + (to - from[k]) * share);
}

const spot = (at, i) => [at[2 * i], at[2 * i + 1]];

function mark(path, side, x, y, size) {
  if (side === 1) {
    path.moveTo(x, y - size * 1.15);
    path.lineTo(x + size * 1.05, y + size * 0.8);
    path.lineTo(x - size * 1.05, y + size * 0.8);
    // Not closePath, which slows down as the path grows.
    path.lineTo(x, y - size * 1.15);
  } else {
    path.moveTo(x + size, y);
    path.arc(x, y, size, 0, 2 * Math.PI);
  }
}

function drawMap() {
  if (!canvas || !canvas.clientWidth) return;
  const ratio = view.printing ? 3 : Math.max(1, devicePixelRatio);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  }
  const pen = canvas.getContext("2d");
  const look = colours();
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const at = pixels();
  view.drawn = { layer: shown.layer, at };
  drawLoop(pen, at, look);
  drawMarks(pen, at, look);
  drawChosen(pen, at, look);
  if (view.lasso) trace(pen, view.lasso, look.ink, 1.2, [4, 3]);
}

// Marks of one look are drawn as one path: ten thousand of them in a few milliseconds.
function drawMarks(pen, at, look) {
  const { texts, mapped } = numbers;
  const here = numbers.clouds[shown.cloud];
  const size = mapped.length > 2000 ? 2.2 : mapped.length > 500 ? 3 : 4;
  const groups = new Map();
  mapped.forEach((passage, i) => {
    const side = texts.side ? texts.side[passage] : 2;
    // Side, held out or not, and in the shown cloud or not, as one number.
    const hollow = texts.split?.[passage] === 1;
    const key = 4 * side + 2 * hollow + here[passage];
    if (!groups.has(key)) groups.set(key, new Path2D());
    // An outline in its own colour only makes a mark larger, which takes no stroke.
    mark(groups.get(key), side, at[2 * i], at[2 * i + 1], hollow ? size : size + 0.6);
  });
  for (const [key, path] of groups) {
    pen.globalAlpha = key & 1 ? 0.9 : 0.15;
    pen.strokeStyle = look.t[key >> 2];
    pen.fillStyle = key & 2 ? look.paper : look.t[key >> 2];
    pen.lineWidth = 1.3;
    pen.fill(path);
    if (key & 2) pen.stroke(path);
  }
  pen.globalAlpha = 1;
}

function drawLoop(pen, at, look) {
  const members = membersOf().map((passage) => numbers.onMap[passage]).filter((i) => i >= 0);
  if (!members.length) return;
  trace(pen, [...members, members[0]].map((i) => spot(at, i)), look.loop, 2.2);
  pen.fillStyle = look.loop;
  pen.globalAlpha = 0.08;
  pen.fill();
  pen.globalAlpha = 1;
  for (const i of members) ring(pen, spot(at, i), 6.5, look.loop, 2);
}

function trace(pen, points, colour, width, dash = []) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  for (const point of points) pen.lineTo(...point);
  pen.stroke();
  pen.setLineDash([]);
}

function ring(pen, [x, y], size, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(x, y, size, 0, 2 * Math.PI);
  pen.stroke();
}

function drawChosen(pen, at, look) {
  for (const passage of view.found) {
    const i = numbers.onMap[passage];
    if (i >= 0) ring(pen, spot(at, i), 7, look.ink, 1.6);
  }
  const own = numbers.onMap[shown.passage] ?? -1;
  if (shown.passage !== null && own >= 0) {
    // Its path through the states, and lines to its neighbours.
    const places = placesOf(shown.layer);
    const [count, { toX, toY }] = [numbers.mapped.length, frameOf()];
    const way = index.states.map((_, s) => [toX(places[s * 2 * count + own]), toY(places[(s * 2 + 1) * count + own])]);
    trace(pen, way, look.quiet, 1.2);
    for (const { passage } of nearest(shown.passage)) {
      const i = numbers.onMap[passage];
      if (i >= 0) trace(pen, [spot(at, own), spot(at, i)], look.quiet, 1.2, [3, 3]);
    }
    ring(pen, spot(at, own), 8.5, look.ink, 2.6);
  }
  if (view.hover !== null && view.hover < numbers.mapped.length) ring(pen, spot(at, view.hover), 8.5, look.ink, 1.2);
}

// Animates from the previous state in a quarter of a second, unless motion is unwanted or the map is large.
function moveMap(from) {
  cancelAnimationFrame(view.moving);
  if (!canvas || !from || from.length > 6000 || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    view.share = 1;
    drawMap();
    return;
  }
  const begun = performance.now();
  view.from = from;
  const step = (now) => {
    view.share = Math.min(1, Math.max(0, (now - begun) / 250));
    drawMap();
    if (view.share < 1) view.moving = requestAnimationFrame(step);
  };
  step(begun);
}

function showMap(changes) {
  if (!canvas) return;
  const told = first("[data-explained]");
  const share = percent(index.maps.explained[shown.layer][shown.state]);
  if (told) told.textContent = say("The plane shows {share} of the variance of this state.", { share });
  moveMap("state" in changes && view.drawn?.layer === shown.layer ? view.drawn.at : null);
}

function nearestMark([x, y]) {
  let best = null;
  let least = REACH ** 2;
  const at = view.drawn?.at ?? [];
  for (let i = 0; 2 * i < at.length; i += 1) {
    const far = (at[2 * i] - x) ** 2 + (at[2 * i + 1] - y) ** 2;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

// Scrolls to an element, unless it or the map is visible.
function bring(node) {
  const seen = [canvas ?? node, node].some((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return bottom > 99 && top < innerHeight - 99;
  });
  if (!seen) node.scrollIntoView();
}

function inside([x, y], polygon) {
  let odd = false;
  polygon.forEach(([ax, ay], i) => {
    const [bx, by] = polygon[(i || polygon.length) - 1];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  });
  return odd;
}

function read() {
  const passage = view.hover === null ? shown.passage : numbers.mapped[view.hover];
  byId("map-reading").textContent = passage === null ? "" : `${sourceOf(passage)}: ${shortened(passage, 150)}`;
}

// Whole words up to some letters.
function shortened(passage, most) {
  const words = numbers.texts.text?.[passage] ?? "";
  return words.length > most ? `${words.slice(0, most).replace(/[.,;:]*\s+\S*$/, "")}…` : words;
}

function bindMap() {
  if (!canvas) return;
  const at = (event) => [event.offsetX, event.offsetY];
  on(canvas, "pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch") {
      view.lasso = [at(event)];
      canvas.setPointerCapture(event.pointerId);
    }
  });
  on(canvas, "pointermove", (event) => {
    if (view.lasso) view.lasso.push(at(event));
    else view.hover = nearestMark(at(event));
    canvas.style.cursor = view.hover === null ? "crosshair" : "pointer";
    drawMap();
    read();
  });
  on(canvas, "pointerleave", () => {
    view.hover = null;
    drawMap();
    read();
  });
  on(canvas, "pointerup", (event) => {
    const drawn = view.lasso ?? [at(event)];
    view.lasso = null;
    const wide = drawn.some(([x, y]) => Math.hypot(x - drawn[0][0], y - drawn[0][1]) > NARROW);
    if (wide) {
      clearFound();
      showFound([...numbers.mapped].filter((_, i) => inside(spot(view.drawn.at, i), drawn)), "{found} within the outline");
      return;
    }
    const hit = nearestMark(at(event));
    if (hit === null) clearFound();
    choose({ passage: hit === null ? null : numbers.mapped[hit] });
  });
  on(canvas, "keydown", stepMap);
  new ResizeObserver(() => { view.frame = null; drawMap(); }).observe(canvas);
  on(matchMedia("(prefers-color-scheme: dark)"), "change", drawMap);
  on(first(".map-table"), "toggle", fillMapTable);
}

// Arrow keys go from passage to passage in the order of the texts.
function stepMap(event) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const last = numbers.mapped.length - 1;
  const now = view.hover ?? numbers.onMap[shown.passage] ?? -1;
  if (event.key in steps) view.hover = Math.min(last, Math.max(0, now + steps[event.key]));
  else if (event.key === "Home") view.hover = 0;
  else if (event.key === "End") view.hover = last;
  else if ((event.key === "Enter" || event.key === " ") && now >= 0) choose({ passage: numbers.mapped[now] });
  else if (event.key === "Escape") {
    view.hover = null;
    clearFound();
    choose({ passage: null });
  } else return;
  event.preventDefault();
  drawMap();
  read();
}

const MOST_ROWS = 2000;

function fillMapTable() {
  const details = first(".map-table");
  if (!details?.open) return;
  if (numbers.mapped.length > MOST_ROWS) first("caption", details).textContent = say("the first {n} are listed", { n: whole(MOST_ROWS) });
  const places = placesOf(shown.layer);
  const count = numbers.mapped.length;
  const start = shown.state * 2 * count;
  fill(first("table", details), [...numbers.mapped].slice(0, MOST_ROWS).map((passage, i) => [
    sourceOf(passage), digits(places[start + i]), digits(places[start + count + i]),
    shortened(passage, 80),
  ]));
}
