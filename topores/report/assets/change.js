// --- how the space changed ---

function showChange() {
  for (const line of all("polyline[data-series]")) {
    const { x, y } = line.ownerSVGElement.dataset;
    const places = x.split(" ");
    const up = scale(y);
    const values = numbers.change[line.dataset.series][shown.layer][shown.cloud];
    const points = values.flatMap((value, i) => (value === null ? [] : [`${places[i]},${up(value)}`]));
    line.setAttribute("points", points.join(" "));
  }
  for (const row of all("tr[data-row]")) {
    const values = numbers.change[row.dataset.row][shown.layer][shown.cloud];
    all("td", row).forEach((cell, i) => { cell.textContent = digits(values[i]); });
  }
}
