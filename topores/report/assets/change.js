// --- how the space changed ---

function showChange({ change }) {
  for (const line of all("polyline[data-series]")) {
    const { x, y } = line.ownerSVGElement.dataset;
    const places = x.split(" ");
    const up = scale(y);
    const values = change[line.dataset.series][shown.layer][shown.cloud];
    const points = values.flatMap((value, i) => (value === null ? [] : [`${places[i]},${up(value).toFixed(2)}`]));
    line.setAttribute("points", points.join(" "));
  }
  for (const row of all("tr[data-row]")) {
    const values = change[row.dataset.row][shown.layer][shown.cloud];
    all("td", row).forEach((cell, i) => { cell.textContent = digits(values[i]); });
  }
}
