// What matters: shares of the variance, a panel for each axis, pairs of axes, and scores against their cost.
import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";

function checked(name) {
  return document.querySelector("input[name=" + name + "]:checked").value;
}

function startShares() {
  const place = document.getElementById("shares-plot");
  if (!place) return;
  const show = function (within) {
    draw(place, figures.shares[within]);
    document.querySelectorAll("#effects [data-within]").forEach(function (part) { part.hidden = part.dataset.within !== within; });
  };
  show(document.getElementById("within") ? checked("within") : Object.keys(figures.shares)[0]);
  onSwitch("within", "within", show);
}

// Points stand once on a page, with the scatter plot.
function withPoints(figure, x) {
  return figure.data.map(function (trace) {
    if (trace.name !== "trials") return trace;
    return Object.assign({}, trace, { x: x, y: figures.scatter.scores, customdata: figures.scatter.texts, rows: figures.points });
  });
}

// The error of a share, on a logarithmic axis; one of 0 stands at the floor.
function asErrors(data, layout, view) {
  const error = function (score) { return score === null ? null : Math.max(1 - score, view.floor); };
  const made = structuredClone(layout);
  (made.shapes || []).forEach(function (shape) { [shape.y0, shape.y1] = [error(shape.y0), error(shape.y1)]; });
  made.yaxis = {
    type: "log", title: { text: "error (%)", font: { size: 12 } }, tickmode: "array", tickvals: view.ticks,
    ticktext: view.ticks.map(function (tick) { return String(Number((100 * tick).toPrecision(3))); })
  };
  return { data: data.map(function (trace) { return Object.assign({}, trace, { y: Array.from(trace.y).map(error) }); }), layout: made };
}

function startPanels() {
  const places = Array.from(document.querySelectorAll("[data-axis]"));
  if (!places.length) return;
  const views = places.map(function (place) { return figures.panels_of_axes[place.dataset.axis].layout.meta; });
  document.querySelectorAll("input[name=zoom]").forEach(function (input) {
    const known = views.some(function (view) { return view[input.value]; });
    input.closest("label").hidden = !known;
    if (!known && input.checked) document.querySelector("input[name=zoom][value=all]").checked = true;
  });
  const redraw = function () {
    const zoom = checked("zoom");
    places.forEach(function (place) {
      const figure = figures.panels_of_axes[place.dataset.axis];
      const view = figure.layout.meta[zoom];
      const data = withPoints(figure, figures.scatter.x[place.dataset.axis]);
      if (view && zoom === "error") return draw(place, asErrors(data, figure.layout, view));
      const layout = structuredClone(figure.layout);
      if (view) Object.assign(layout.yaxis, view);
      return draw(place, { data: data, layout: layout });
    });
  };
  onSwitch("zoom", "zoom", redraw);
  redraw();
}

function startPairs() {
  const place = document.getElementById("pair-plot");
  if (!place) return;
  const pair = document.getElementById("pair");
  const parts = Array.from(document.querySelectorAll("input[name=pair-within]"));
  const redraw = function () {
    // Among the better trials an axis may have one value: there is no such pair.
    parts.forEach(function (input) { input.disabled = !figures.pairs[input.value][pair.value]; });
    if (parts.some(function (input) { return input.checked && input.disabled; })) parts[0].checked = true;
    draw(place, figures.pairs[parts.length ? checked("pair-within") : "all"][pair.value][checked("cell")]);
  };
  pair.addEventListener("change", redraw);
  onSwitch("cell", "cell", redraw);
  if (parts.length) onSwitch("pair-within", "pair-within", redraw);
  redraw();
}

function startCost() {
  const place = document.getElementById("cost-plot");
  if (!place) return;
  const name = document.getElementById("cost-name");
  const redraw = function () {
    const figure = figures.costs[name.value];
    draw(place, { data: withPoints(figure, figure.x), layout: figure.layout }, name.value);
  };
  name.addEventListener("change", redraw);
  redraw();
}

function startSpread() {
  const place = document.getElementById("spread-plot");
  if (place) draw(place, figures.spread);
}

export function startEffects() {
  startShares();
  startPanels();
  startPairs();
  startCost();
  startSpread();
}
