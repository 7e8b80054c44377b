// Which trials are shown: those for which the expression holds and that lie in every brushed range.
import { chosenInAddress, keepInAddress, onAddress } from "./address.js";
import { parseExpression } from "./expression.js";
import { rows } from "./rows.js";

const BRUSH = "brush-";
const listeners = [];
let expression = "";
// What rows are shown by: of what is not valid nothing.
let applied = "";
let holds = function () { return true; };
let brushes = new Map();
let shown = null;

// Where a column's value lies on an axis: a number, of names their place.
export function positionOf(column, row) {
  return column.key(row);
}

function shownBy(condition) {
  const ranges = Array.from(brushes).map(function (pair) { return [rows.named.get(pair[0]), pair[1]]; });
  const found = new Uint8Array(rows.count);
  for (let row = 0; row < rows.count; row += 1) {
    const inside = ranges.every(function (range) {
      const at = positionOf(range[0], row);
      return at !== null && range[1][0] <= at && at <= range[1][1];
    });
    // Of a row outside it is asked too: a condition that cannot be decided is told whatever else is shown.
    if (condition(row) && inside) found[row] = 1;
  }
  return found;
}

export function isShown(row) {
  return shown[row] === 1;
}

export function isNarrowed() {
  return shown !== null && (applied !== "" || brushes.size > 0);
}

export function filterText() {
  return expression;
}

export function appliedText() {
  return applied;
}

// Throws ExpressionError, and then nothing changes.
export function setFilter(text) {
  const next = parseExpression(text, rows.named);
  shown = shownBy(next);
  holds = next;
  expression = text;
  applied = text.trim();
  keepInAddress("filter", text.trim(), "");
  tell();
}

export function brushOf(name) {
  return brushes.get(name) || null;
}

export function brushed() {
  return Array.from(brushes);
}

export function setBrush(name, range) {
  if (range) brushes.set(name, range);
  else brushes.delete(name);
  keepInAddress(BRUSH + name, range ? range.join("..") : "", "");
  shown = shownBy(holds);
  tell();
}

export function onView(listener) {
  listeners.push(listener);
}

function tell() {
  listeners.forEach(function (listener) { listener(); });
}

function fromAddress() {
  brushes = new Map();
  rows.columns.forEach(function (column) {
    const told = (chosenInAddress(BRUSH + column.name) || "").split("..").map(Number);
    if (told.length === 2 && told.every(Number.isFinite)) brushes.set(column.name, told);
  });
  const text = chosenInAddress("filter") || "";
  expression = text;
  try {
    holds = parseExpression(text, rows.named);
    shown = shownBy(holds);
    applied = text.trim();
  } catch (error) {
    holds = function () { return true; };
    shown = shownBy(holds);
    applied = "";
  }
}

export function startView() {
  fromAddress();
  onAddress(function () { fromAddress(); tell(); });
}
