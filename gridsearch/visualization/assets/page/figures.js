// Draws figures, again when the theme or the chosen trials change; each saves itself and has its numbers as a table.
import { chosenInAddress, keepInAddress, onAddress } from "./address.js";
import { figures } from "./data.js";
import { button, tableButtons } from "./download.js";
import { isDark, onTheme } from "./theme.js";
import { chosenColor, chosenRows, isChosen, onChosen } from "./selection.js";
import { soon } from "./soon.js";
import { isNarrowed, isShown, onView } from "./view.js";

const MOST_LISTED = 500;
const HIDDEN = "hidden-";
const drawn = new Map();

// Numbers and texts that several traces have stand once, and a trace has their place.
function whole(trace) {
  const made = Object.assign({}, trace);
  ["x", "y", "text"].forEach(function (key) {
    if (typeof made[key] === "number") made[key] = figures.shared[made[key]];
  });
  return made;
}

// Text that is no colour, such as the title of a bar of colours, is a name of the user's.
function darkOf(color) {
  return Object.hasOwn(figures.dark, color) ? figures.dark[color] : color;
}

// Colours are those of a light page; a dark one has another for each.
function recolored(value, ofColor) {
  if (typeof value === "string") return ofColor ? darkOf(value) : value;
  if (Array.isArray(value)) return ofColor ? value.map(function (one) { return recolored(one, true); }) : value.map(function (one) {
    return one !== null && typeof one === "object" ? recolored(one, false) : one;
  });
  if (value === null || typeof value !== "object") return value;
  const made = {};
  Object.keys(value).forEach(function (key) { made[key] = recolored(value[key], ofColor || /color/i.test(key)); });
  return made;
}

export function themed(value) {
  return isDark() ? recolored(value, false) : value;
}

export function themedColor(color) {
  return isDark() ? darkOf(color) : color;
}

function rowsOf(trace) {
  return trace.rows || trace.meta && trace.meta.rows;
}

function seen(row) {
  if (row < 0) return chosenRows().length || isNarrowed() ? 0.4 : 1;
  if (isChosen(row)) return 1;
  return isShown(row) ? (chosenRows().length ? 0.45 : 1) : 0.1;
}

// Points that stand for trials (`rows` of the table) are ringed where these are chosen; the others step back, most of
// all those that the table does not show.
function linked(traces) {
  const plainly = !chosenRows().length && !isNarrowed();
  const rings = { x: [], y: [], color: [] };
  const made = traces.map(function (trace) {
    const places = rowsOf(trace);
    if (plainly || !places || trace.type && trace.type !== "scatter") return without(trace, "rows");
    places.forEach(function (row, place) {
      if (!isChosen(row)) return;
      rings.x.push(trace.x[place]);
      rings.y.push(trace.y[place]);
      rings.color.push(chosenColor(row));
    });
    return Object.assign(without(trace, "rows"), { marker: Object.assign({}, trace.marker, { opacity: places.map(seen) }) });
  });
  if (!rings.x.length) return made;
  return made.concat([{
    type: "scatter", mode: "markers", name: "chosen", x: rings.x, y: rings.y, showlegend: false, hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 17, color: rings.color, line: { width: 3.5, color: rings.color } }
  }]);
}

function without(trace, key) {
  const made = Object.assign({}, trace);
  delete made[key];
  return made;
}

function legendName(trace) {
  return trace.legendgroup || trace.name;
}

// What is hidden by the legend stands in the address, as every choice; it ends when the legend is about something else.
function hiddenIn(place, legend) {
  const key = HIDDEN + place.id;
  const other = legend !== undefined && place.dataset.legend !== undefined && place.dataset.legend !== legend;
  let told = chosenInAddress(key) || "";
  if (other && told && told === place.dataset.hidden) {
    keepInAddress(key, "", "");
    told = "";
  }
  if (legend !== undefined) place.dataset.legend = legend;
  place.dataset.hidden = told;
  return new Set(told.split("\n").filter(Boolean));
}

function keepHidden(place) {
  if (!place.id || place.dataset.keeps) return;
  place.dataset.keeps = "yes";
  place.on("plotly_restyle", function () {
    const hidden = new Set(place.data.filter(function (trace) { return trace.visible === "legendonly"; }).map(legendName));
    place.dataset.hidden = Array.from(hidden).join("\n");
    keepInAddress(HIDDEN + place.id, place.dataset.hidden, "");
  });
}

// `legend` says what the legend is about, where that changes.
export function draw(place, figure, legend) {
  drawn.set(place, { figure: figure, legend: legend });
  const shown = {
    data: themed(linked(figure.data.map(whole))),
    layout: themed(Object.assign({ template: figures.template }, figure.layout))
  };
  const hidden = hiddenIn(place, legend);
  shown.data.forEach(function (trace) { if (hidden.has(legendName(trace))) trace.visible = "legendonly"; });
  // When the window changes its size plotly asks the place for its height, which must not follow from the plot.
  place.style.height = shown.layout.height + "px";
  Plotly.react(place, shown.data, shown.layout, figures.config);
  keepHidden(place);
  place.dispatchEvent(new Event("drawn"));
}

export function redrawFigures() {
  drawn.forEach(function (one, place) { draw(place, one.figure, one.legend); });
}

function redrawLinked() {
  drawn.forEach(function (one, place) { if (one.figure.data.some(rowsOf)) draw(place, one.figure, one.legend); });
}

function words(place) {
  return place.getAttribute("aria-label") || "the figure";
}

function title(axis, usual) {
  return axis && axis.title && axis.title.text || usual;
}

function plain(text) {
  const made = document.createElement("textarea");
  made.innerHTML = String(text).replace(/<br>/g, "; ").replace(/<\/?b>/g, "");
  return made.value;
}

// The numbers of a figure as a table: of cells a row each, of points and lines their values, trace by trace.
function numbers(place) {
  const cells = place.data.find(function (trace) { return trace.type === "heatmap"; });
  if (cells) {
    const names = function (axis, values) { return (axis.ticktext && axis.tickvals && axis.tickvals.length === values.length ? axis.ticktext : values).map(plain); };
    const along = names(place.layout.xaxis, cells.x);
    const down = names(place.layout.yaxis, cells.y);
    return {
      head: [""].concat(along),
      numeric: [false].concat(along.map(function () { return true; })),
      rows: down.map(function (name, place) { return [name].concat(Array.from(cells.z[place]).map(function (value) { return value === null ? "" : value; })); })
    };
  }
  const all = [];
  place.data.forEach(function (trace) {
    if (!trace.x || trace.name === "chosen") return;
    const told = Array.isArray(trace.customdata);
    Array.from(trace.x).forEach(function (x, at) {
      all.push([plain(trace.name || ""), told ? plain(trace.customdata[at]) : x, trace.y[at] === null ? "" : trace.y[at]]);
    });
  });
  return {
    head: ["", plain(title(place.layout.xaxis, "x")), plain(title(place.layout.yaxis, "y"))],
    numeric: [false, all.every(function (row) { return typeof row[1] === "number"; }), true],
    rows: all
  };
}

export function fillTable(table, told, most) {
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  told.head.forEach(function (text, place) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    if (told.numeric[place]) cell.className = "number";
    head.append(cell);
  });
  const body = table.createTBody();
  told.rows.slice(0, most).forEach(function (row) {
    const line = body.insertRow();
    row.forEach(function (value, place) {
      const cell = line.insertCell();
      cell.textContent = typeof value === "number" ? String(Number(value.toPrecision(7))) : value;
      if (told.numeric[place]) cell.className = "number";
    });
  });
}

// What stands below a figure: its numbers, and buttons that save it.
export function addFoot(place, name, read, picture) {
  const foot = document.createElement("div");
  foot.className = "foot";
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "Numbers";
  summary.setAttribute("aria-label", "Numbers: " + words(place));
  const box = document.createElement("div");
  box.className = "wide numbers";
  box.tabIndex = 0;
  details.append(summary);
  const fill = function () {
    if (!details.open) return;
    const table = document.createElement("table");
    const told = read();
    fillTable(table, told, MOST_LISTED);
    box.replaceChildren(table);
    if (told.rows.length > MOST_LISTED) {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = "The first " + MOST_LISTED + " of " + told.rows.length.toLocaleString("en") + " rows; the files have all.";
      box.append(note);
    }
    details.append(tableButtons(name, "the numbers of " + words(place), read), box);
  };
  details.addEventListener("toggle", fill);
  place.addEventListener("drawn", fill);
  const save = document.createElement("span");
  save.className = "save";
  ["SVG", "PNG"].forEach(function (format) {
    save.append(button(format, "Save as " + format + ": " + words(place), function () { return picture(format.toLowerCase()); }));
  });
  foot.append(save, details);
  place.after(foot);
}

export function startFigures() {
  document.querySelectorAll(".plot").forEach(function (place, number) {
    const name = figures.job + "-" + (place.id || "curve-" + (number + 1));
    place.setAttribute("role", "img");
    if (place.dataset.own) return;
    addFoot(place, name, function () { return numbers(place); }, function (format) {
      const size = place.getBoundingClientRect();
      return Plotly.downloadImage(place, {
        format: format, filename: name, width: size.width, height: size.height, scale: format === "png" ? 2 : 1
      });
    });
  });
  onTheme(redrawFigures);
  onAddress(soon(redrawFigures));
  onChosen(soon(redrawLinked));
  onView(soon(redrawLinked));
}
