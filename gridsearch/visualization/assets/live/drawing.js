// Small plots without a library: they are drawn anew with every result.
const NS = "http://www.w3.org/2000/svg";
const LEFT = 52;
const BOTTOM = 22;
const RIGHT = 8;
const TOP = 10;

function add(place, name, attributes, text) {
  const made = document.createElementNS(NS, name);
  Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
  if (text !== undefined) made.textContent = text;
  place.append(made);
  return made;
}

function short(value) {
  return String(Number(value.toPrecision(4)));
}

// As `duration` of quantities.py.
export function timeText(seconds) {
  const whole = Math.round(seconds);
  const two = function (number) { return String(number).padStart(2, "0"); };
  if (whole < 60) return whole + "s";
  if (whole < 3600) return Math.floor(whole / 60) + "m " + two(whole % 60) + "s";
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return Math.floor(minutes / 60) + "h " + two(minutes % 60) + "m";
  const hours = Math.round(minutes / 60);
  return Math.floor(hours / 24) + "d " + two(hours % 24) + "h";
}

function bounds(values) {
  const low = Math.min.apply(null, values);
  const high = Math.max.apply(null, values);
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - room, high + room];
}

// Returns where values are drawn; axes are labelled at both ends.
function frame(place, xs, ys, xText) {
  const width = Math.max(200, place.clientWidth || 400);
  const height = place.clientHeight || 190;
  place.replaceChildren();
  place.setAttribute("viewBox", "0 0 " + width + " " + height);
  const most = Math.max.apply(null, xs.concat([xs[0] + 1e-9]));
  const first = Math.min.apply(null, xs);
  const range = bounds(ys);
  const x = function (value) { return LEFT + (width - LEFT - RIGHT) * (value - first) / (most - first || 1); };
  const y = function (value) { return height - BOTTOM - (height - BOTTOM - TOP) * (value - range[0]) / (range[1] - range[0]); };
  add(place, "path", { class: "frame", d: "M" + LEFT + " " + TOP + "V" + (height - BOTTOM) + "H" + (width - RIGHT) });
  const low = Math.min.apply(null, ys);
  const high = Math.max.apply(null, ys);
  add(place, "text", { x: LEFT - 5, y: y(high) + 4, "text-anchor": "end" }, short(high));
  if (y(low) - y(high) > 14) add(place, "text", { x: LEFT - 5, y: y(low) + 4, "text-anchor": "end" }, short(low));
  add(place, "text", { x: LEFT, y: height - 6 }, xText(first));
  add(place, "text", { x: width - RIGHT, y: height - 6, "text-anchor": "end" }, xText(most));
  return { x: x, y: y };
}

export function drawHistory(place, told, words) {
  if (!told.length) { place.replaceChildren(); return; }
  const scale = frame(place, told.map(function (one) { return one[0]; }), told.map(function (one) { return one[1]; }), timeText);
  told.forEach(function (one) { add(place, "circle", { class: "result", r: 3, cx: scale.x(one[0]).toFixed(1), cy: scale.y(one[1]).toFixed(1) }); });
  let path = "";
  told.forEach(function (one, at) {
    path += (at ? "H" + scale.x(one[0]).toFixed(1) + "V" : "M" + scale.x(one[0]).toFixed(1) + " ") + scale.y(one[2]).toFixed(1);
  });
  add(place, "path", { class: "so-far", d: path });
  place.setAttribute("aria-label", told.length + " results of " + words + "; the best so far is " + short(told[told.length - 1][2]));
}

export function drawCurves(place, lines, words) {
  const known = [];
  lines.forEach(function (line) {
    line.values.forEach(function (value, at) { if (value !== null && (line.epochs[at] > 0 || line.values.length < 3)) known.push([line.epochs[at], value]); });
  });
  if (!known.length) { place.replaceChildren(); return; }
  const scale = frame(place, known.map(function (one) { return one[0]; }), known.map(function (one) { return one[1]; }), function (value) { return "epoch " + Math.round(value); });
  const order = ["running", "new", "best"];
  lines.slice().sort(function (a, b) { return order.indexOf(a.of) - order.indexOf(b.of); }).forEach(function (line) {
    let path = "";
    let pen = "M";
    line.values.forEach(function (value, at) {
      if (value === null) { pen = "M"; return; }
      if (line.epochs[at] === 0 && line.values.length > 2) return;
      path += pen + scale.x(line.epochs[at]).toFixed(1) + " " + scale.y(value).toFixed(1);
      pen = "L";
    });
    const drawn = add(place, "path", { class: line.of, d: path, "data-trial": line.trial });
    add(drawn, "title", {}, line.trial.slice(0, 8) + ": " + line.words);
  });
  place.setAttribute("aria-label", words + " over the epochs of " + lines.length + " trainings");
}
