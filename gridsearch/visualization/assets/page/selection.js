// Which trials are shown (by the filter and the brushes) and which are chosen; whoever shows them listens.
import { chosenInAddress, keepInAddress, onAddress } from "./address.js";
import { rowOf, rows } from "./rows.js";

const SHORT = 8;
export const MOST_CHOSEN = 24;
const COLORS = ["#0072b2", "#c07d00", "#007a5a", "#cf6da6", "#a83a00", "#3996d0", "#26282b", "#878787"];
const listeners = [];
let chosen = [];

export function chosenRows() {
  return chosen;
}

export function isChosen(row) {
  return chosen.includes(row);
}

// The colour of a chosen trial, the same in all figures.
export function chosenColor(row) {
  return COLORS[chosen.indexOf(row) % COLORS.length];
}

export function choose(wanted) {
  chosen = wanted.slice(0, MOST_CHOSEN);
  keepInAddress("chosen", chosen.map(function (row) { return rows.id(row).slice(0, SHORT); }).join(","), "");
  tell();
}

export function toggle(row) {
  choose(isChosen(row) ? chosen.filter(function (one) { return one !== row; }) : chosen.concat([row]));
}

export function onChosen(listener) {
  listeners.push(listener);
}

function tell() {
  listeners.forEach(function (listener) { listener(); });
}

function fromAddress() {
  const told = (chosenInAddress("chosen") || "").split(",").filter(Boolean);
  chosen = told.map(rowOf).filter(function (row) { return row >= 0; }).slice(0, MOST_CHOSEN);
}

export function startSelection() {
  if (!rows) return;
  fromAddress();
  onAddress(function () { fromAddress(); tell(); });
}
