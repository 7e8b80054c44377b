// Parallel coordinates: a line for each trial through its settings to its score. Ranges are brushed on the axes, by the
// pointer or by keys, and narrow the table. Drawn as SVG here: plotly's own needs WebGL and three times the script.
import { addFoot, themedColor } from "./figures.js";
import { figures } from "./data.js";
import { saveFile } from "./download.js";
import { rows } from "./rows.js";
import { chosenColor, chosenRows, onChosen } from "./selection.js";
import { soon } from "./soon.js";
import { onPrint, onTheme } from "./theme.js";
import { rangeText } from "./trials.js";
import { brushOf, isShown, onView, positionOf, setBrush } from "./view.js";

const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 360;
const TOP = 46;
const BOTTOM = 18;
const SIDE = 84;
const MOST_LINES = 5000;
const CLOSEST_PX = 15;
const JITTER_PX = 5;
const CLICK_PX = 4;
const STEPS = 20;
const LETTER_PX = 7.5;
const FEWEST_LETTERS = 9;
const TICKS = 5;
// By the place in the ranking: the best tenth, the best quarter, the others.
const GROUPS = [
  { share: 1, color: "#878787", width: 0.7 },
  { share: 0.25, color: "#0072b2", width: 1.1 },
  { share: 0.1, color: "#d9691e", width: 1.6 }
];
const OUT = "#e6eaef";

function svg(tag, attributes, text) {
  const made = document.createElementNS(SPACE, tag);
  Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
  if (text !== undefined) made.textContent = text;
  return made;
}

function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// Round numbers between two others.
function roundTicks(low, high) {
  if (!(high > low)) return [low];
  const wide = (high - low) / TICKS;
  const power = Math.pow(10, Math.floor(Math.log10(wide)));
  const step = [1, 2, 5, 10].map(function (lead) { return lead * power; }).find(function (one) { return one >= wide; });
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(10)));
  return found;
}

// An axis: where its values lie between 0 (below) and 1, and its ticks.
function makeAxis(column, layout) {
  const positions = [];
  const texts = new Map();
  for (let row = 0; row < rows.count; row += 1) {
    const at = positionOf(column, row);
    if (at === null || !Number.isFinite(at)) continue;
    if (!texts.has(at)) { texts.set(at, column.text(row)); positions.push(at); }
  }
  positions.sort(function (a, b) { return a - b; });
  if (!positions.length) return null;
  const low = positions[0];
  const high = positions[positions.length - 1];
  const log = layout && layout.xaxis.type === "log" && low > 0;
  const raw = function (at) { return log ? Math.log10(at) : at; };
  const width = raw(high) - raw(low);
  const share = function (at) { return width ? (raw(at) - raw(low)) / width : 0.5; };
  const back = function (part) { const at = raw(low) + part * width; return log ? Math.pow(10, at) : at; };
  const few = column.name !== "score";
  // Of values that are many, or were drawn, the labels are round numbers, as in the scatter plot.
  const round = few && Boolean(layout && layout.meta.continuous);
  const ticks = round ? layout.xaxis.tickvals.filter(function (at) { return at >= low && at <= high; }) : few ? positions : roundTicks(low, high);
  return {
    column: column, positions: few ? positions : null, share: share, back: back, low: low, high: high,
    ticks: ticks.map(function (at) { return { at: at, text: few && !round ? texts.get(at) : String(Number(at.toPrecision(4))) }; })
  };
}

function drawnRows(axes) {
  const score = rows.named.get("score");
  const found = [];
  for (let row = 0; row < rows.count; row += 1) {
    if (score.value(row) === null) continue;
    if (axes.every(function (axis) { return positionOf(axis.column, row) !== null; })) found.push(row);
  }
  if (found.length <= MOST_LINES) return found;
  const step = (found.length - 1) / (MOST_LINES - 1);
  return Array.from({ length: MOST_LINES }, function (_, number) { return found[Math.round(number * step)]; });
}

// Lines that would lie on each other are moved slightly apart, each always to the same place.
function moved(row, number) {
  const mixed = Math.imul(row + 1, 2654435761) ^ Math.imul(number + 1, 40503);
  return ((mixed >>> 8) % 1000) / 1000 - 0.5;
}

export function startParallel() {
  const place = document.getElementById("parallel-plot");
  if (!place || !rows) return;
  const names = (place.dataset.axes || "").split("\n").filter(Boolean).concat(["score"]);
  const axes = names.map(function (name) {
    return rows.named.has(name) ? makeAxis(rows.named.get(name), Object.hasOwn(figures.scatter.layouts, name) ? figures.scatter.layouts[name] : null) : null;
  }).filter(Boolean);
  const drawn = drawnRows(axes);
  let picture = null;

  function y(axis, at) {
    return TOP + (1 - axis.share(at)) * (HEIGHT - TOP - BOTTOM);
  }
  function path(row, xs) {
    return axes.map(function (axis, number) {
      const by = axis.positions ? JITTER_PX * 2 * moved(row, number) : 0;
      return (number ? "L" : "M") + xs[number].toFixed(1) + " " + (y(axis, positionOf(axis.column, row)) + by).toFixed(1);
    }).join("");
  }

  function redraw() {
    const width = Math.max(320, place.clientWidth);
    const letters = Math.max(FEWEST_LETTERS, Math.floor((width - 2 * SIDE) / Math.max(1, axes.length - 1) / LETTER_PX));
    const xs = axes.map(function (_, number) { return SIDE + number * (width - 2 * SIDE) / Math.max(1, axes.length - 1); });
    const made = svg("svg", { width: width, height: HEIGHT, viewBox: "0 0 " + width + " " + HEIGHT, role: "group", "font-family": "system-ui, sans-serif", "font-size": 12 });
    made.append(svg("rect", { width: width, height: HEIGHT, fill: themedColor("#ffffff") }));
    const lines = svg("g", { fill: "none", "stroke-linejoin": "round" });
    const hidden = [];
    const grouped = GROUPS.map(function () { return []; });
    const ranked = Math.max(1, drawn.length);
    drawn.forEach(function (row, order) {
      if (!isShown(row)) { hidden.push(path(row, xs)); return; }
      const share = (order + 1) / ranked;
      let group = 0;
      GROUPS.forEach(function (one, number) { if (share <= one.share) group = number; });
      grouped[group].push(path(row, xs));
    });
    lines.append(svg("path", { d: hidden.join(""), stroke: themedColor(OUT), "stroke-width": 0.7, "class": "out" }));
    GROUPS.forEach(function (one, number) {
      lines.append(svg("path", { d: grouped[number].join(""), stroke: themedColor(one.color), "stroke-width": one.width, "data-lines": grouped[number].length }));
    });
    chosenRows().forEach(function (row) {
      if (axes.some(function (axis) { return positionOf(axis.column, row) === null; })) return;
      lines.append(svg("path", { d: path(row, xs), stroke: themedColor(chosenColor(row)), "stroke-width": 4, "class": "lit" }));
    });
    made.append(lines);
    axes.forEach(function (axis, number) { made.append(axisGroup(axis, xs[number], number, letters)); });
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.axis : undefined;
    place.replaceChildren(made);
    picture = made;
    if (focused !== undefined) {
      const again = place.querySelector("[data-axis='" + CSS.escape(focused) + "']");
      if (again) again.focus({ preventScroll: true });
    }
    place.dispatchEvent(new Event("drawn"));
  }

  function axisGroup(axis, x, number, letters) {
    const ink = themedColor("#1f2933");
    const muted = themedColor("#5f6c7b");
    const range = brushOf(axis.column.name);
    const name = axis.column.name.replaceAll("_", " ");
    const group = svg("g", {
      tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-label": "range of " + name, "data-axis": axis.column.name,
      "aria-valuemin": axis.low, "aria-valuemax": axis.high, "aria-valuenow": range ? range[0] : axis.low,
      "aria-valuetext": range ? rangeText(axis.column, range) : "all"
    });
    const last = number === axes.length - 1;
    const label = svg("text", { x: x, y: 16, "text-anchor": "middle", fill: ink, "font-weight": 600 }, cut(name, letters));
    label.append(svg("title", {}, name));
    group.append(label, svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM, stroke: themedColor("#8792a0"), "stroke-width": 1.5 }));
    let before = Infinity;
    axis.ticks.forEach(function (tick) {
      const at = y(axis, tick.at);
      if (before - at < CLOSEST_PX) return;
      before = at;
      const side = last ? 1 : -1;
      group.append(
        svg("line", { x1: x, x2: x + 4 * side, y1: at, y2: at, stroke: themedColor("#8792a0") }),
        svg("text", { x: x + 8 * side, y: at + 4, "text-anchor": last ? "start" : "end", fill: muted, stroke: themedColor("#ffffff"), "stroke-width": 3, "paint-order": "stroke" }, cut(tick.text, number ? letters : Math.floor((SIDE - 12) / LETTER_PX)))
      );
    });
    if (range) {
      const top = y(axis, Math.min(range[1], axis.high)) - 6;
      const bottom = y(axis, Math.max(range[0], axis.low)) + 6;
      group.append(svg("rect", { x: x - 8, width: 16, y: top, height: Math.max(6, bottom - top), fill: themedColor("#2b5c8a"), "fill-opacity": 0.35, stroke: themedColor("#2b5c8a"), "class": "brush" }));
    }
    const hit = svg("rect", { x: x - 16, width: 32, y: TOP - 8, height: HEIGHT - TOP - BOTTOM + 16, fill: "transparent", "class": "hit" });
    hit.addEventListener("pointerdown", function (event) { brush(event, axis, x); });
    group.addEventListener("keydown", function (event) { keys(event, axis); });
    group.append(hit);
    return group;
  }

  function within(axis, one, other) {
    const part = function (at) { return 1 - (at - TOP) / (HEIGHT - TOP - BOTTOM); };
    const low = Math.min(part(one), part(other));
    const high = Math.max(part(one), part(other));
    if (!axis.positions) {
      return high < 0 || low > 1 ? null : [axis.back(Math.max(0, low)), axis.back(Math.min(1, high))].map(function (at) { return Number(at.toPrecision(6)); });
    }
    const inside = axis.positions.filter(function (at) { return low - 0.015 <= axis.share(at) && axis.share(at) <= high + 0.015; });
    return inside.length ? [inside[0], inside[inside.length - 1]] : null;
  }

  function brush(event, axis, x) {
    event.preventDefault();
    const start = event.clientY - place.getBoundingClientRect().top;
    const frame = svg("rect", { x: x - 8, width: 16, y: start, height: 0, fill: themedColor("#2b5c8a"), "fill-opacity": 0.35, stroke: themedColor("#2b5c8a") });
    picture.append(frame);
    const place_ = function (one) { return one.clientY - place.getBoundingClientRect().top; };
    const move = function (one) {
      frame.setAttribute("y", Math.min(start, place_(one)));
      frame.setAttribute("height", Math.abs(place_(one) - start));
    };
    const end = function (one) {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      frame.remove();
      const range = Math.abs(place_(one) - start) < CLICK_PX ? null : within(axis, start, place_(one));
      setBrush(axis.column.name, range);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }

  // Arrows move the lower end, with Shift the upper one; Escape takes the range away.
  function keys(event, axis) {
    if (event.key === "Escape" || event.key === "Delete") { setBrush(axis.column.name, null); return; }
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const stops = axis.positions || Array.from({ length: STEPS + 1 }, function (_, number) { return Number(axis.back(number / STEPS).toPrecision(6)); });
    const range = brushOf(axis.column.name) || [stops[0], stops[stops.length - 1]];
    const nearest = function (at) {
      return stops.reduce(function (best, stop, number) { return Math.abs(stop - at) < Math.abs(stops[best] - at) ? number : best; }, 0);
    };
    let low = nearest(range[0]);
    let high = nearest(range[1]);
    if (event.shiftKey) high = Math.max(low, Math.min(stops.length - 1, high + by));
    else low = Math.min(high, Math.max(0, low + by));
    setBrush(axis.column.name, low === 0 && high === stops.length - 1 ? null : [stops[low], stops[high]]);
  }

  function numbers() {
    const list = drawn.filter(isShown);
    return {
      head: axes.map(function (axis) { return axis.column.name; }),
      numeric: axes.map(function (axis) { return axis.column.number; }),
      rows: list.map(function (row) { return axes.map(function (axis) { return axis.column.text(row); }); })
    };
  }

  function save(format) {
    const copy = picture.cloneNode(true);
    copy.setAttribute("xmlns", SPACE);
    const text = new XMLSerializer().serializeToString(copy);
    const name = figures.job + "-parallel";
    if (format === "svg") { saveFile(name + ".svg", text, "image/svg+xml"); return; }
    const image = new Image();
    image.onload = function () {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * image.width;
      canvas.height = 2 * image.height;
      const context = canvas.getContext("2d");
      context.scale(2, 2);
      context.drawImage(image, 0, 0);
      canvas.toBlob(function (blob) { saveFile(name + ".png", blob, "image/png"); });
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  }

  addFoot(place, figures.job + "-parallel", numbers, save);
  new ResizeObserver(function () { if (picture && Math.abs(picture.width.baseVal.value - Math.max(320, place.clientWidth)) > 1) redraw(); }).observe(place);
  onView(soon(redraw));
  onChosen(soon(redraw));
  onTheme(redraw);
  onPrint(redraw);
  const key = document.getElementById("parallel-key");
  if (key) key.hidden = false;
  redraw();
}
