import { figures } from "./data.js";
import { draw } from "./figures.js";

// Joins a layout (of the x axis) and markers (of the colour) as visualization/figures/scatter.py does.
function scatter(parts, x, color) {
  const chosen = parts.colors[color];
  const data = chosen.traces.map(function (trace, level) {
    const members = [];
    chosen.group.forEach(function (group, place) { if (group === level) members.push(place); });
    const pick = function (values) { return members.map(function (place) { return values[place]; }); };
    return Object.assign({}, trace, {
      x: pick(parts.x[x]), y: pick(parts.scores), customdata: pick(parts.texts), rows: pick(figures.points)
    });
  });
  const layout = structuredClone(parts.layouts[x]);
  layout.legend.title = { text: chosen.title };
  layout.showlegend = chosen.title !== "";
  return { data: data, layout: layout };
}

export function startScatter() {
  const plot = document.getElementById("scatter-plot");
  if (!plot) return;
  const x = document.getElementById("x");
  const color = document.getElementById("color");
  const redraw = function () { draw(plot, scatter(figures.scatter, x.value, color.value), color.value); };
  x.addEventListener("change", redraw);
  color.addEventListener("change", redraw);
  redraw();
}
