// --- elements ---

// An HTML element; children are elements, or text that is never read as HTML.
function make(name, attributes = {}, ...children) {
  const node = set(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

const draw = (name, attributes = {}) => set(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);

// More digits than pixels need.
const cut = (value) => Math.round(value * 100) / 100;

// "low high start end" as charts.py writes it: from values to pixels.
function scale(words) {
  const [low, high, start, end] = words.split(" ").map(Number);
  const map = (value) => cut(start + ((value - low) / (high - low)) * (end - start));
  return Object.assign(map, { low, high });
}

function fill(table, rows) {
  if (!table) return;
  table.tBodies[0].replaceChildren(...rows.map(([head, ...cells]) => {
    const row = make("tr", {}, make("th", { scope: "row" }, head));
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}

// Where a pointer is, in the units of an SVG's view box.
function within(svg, event) {
  const { left, top, width, height } = svg.getBoundingClientRect();
  const box = svg.viewBox.baseVal;
  return [((event.clientX - left) / width) * box.width, ((event.clientY - top) / height) * box.height];
}
