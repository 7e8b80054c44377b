// The table of all trials: sorted, filtered, with chosen columns; only the rows in view are in the page.
import { chosenInAddress, keepInAddress, onAddress } from "./address.js";
import { button, tableButtons } from "./download.js";
import { figures } from "./data.js";
import { rows } from "./rows.js";
import { choose, chosenColor, chosenRows, isChosen, MOST_CHOSEN, onChosen, toggle } from "./selection.js";
import { themedColor } from "./figures.js";
import { onTheme } from "./theme.js";
import { appliedText, brushed, filterText, isShown, onView, setBrush, setFilter, startView } from "./view.js";

const ROW_PX = 30;
const AROUND = 12;
const WAIT_MS = 150;
const state = { sort: "rank", descending: false, columns: [], list: [] };
let parts = null;

function words(name) {
  return name.replaceAll("_", " ");
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// Sorts what is shown; what has no value comes last either way.
function sorted() {
  const column = rows.named.get(state.sort) || rows.named.get("rank");
  const list = [];
  const keys = new Array(rows.count);
  for (let row = 0; row < rows.count; row += 1) {
    if (!isShown(row)) continue;
    keys[row] = column.key(row);
    if (Array.isArray(keys[row])) keys[row] = column.text(row);
    list.push(row);
  }
  const sign = state.descending ? -1 : 1;
  list.sort(function (a, b) {
    const one = keys[a];
    const other = keys[b];
    if (one === null || other === null) return (one === null) - (other === null) || a - b;
    return one < other ? -sign : one > other ? sign : a - b;
  });
  return list;
}

function usualColumns() {
  return rows.columns.filter(function (column) { return column.shown; }).map(function (column) { return column.name; });
}

function readAddress() {
  const sort = chosenInAddress("sort") || "rank";
  state.descending = sort.startsWith("-");
  state.sort = sort.replace(/^-/, "");
  const told = chosenInAddress("columns");
  const names = told === null ? usualColumns() : told.split(",");
  state.columns = rows.columns.filter(function (column) { return names.includes(column.name); });
}

function columnsChanged() {
  keepInAddress("columns", state.columns.map(function (column) { return column.name; }).join(","), usualColumns().join(","));
  head();
  refresh();
}

function sortBy(name) {
  state.descending = state.sort === name ? !state.descending : name === "score" && rows.named.get("rank").key(0) !== null && falls();
  state.sort = name;
  keepInAddress("sort", (state.descending ? "-" : "") + name, "rank");
  head();
  refresh();
}

// Whether high scores come first in the ranking.
function falls() {
  const score = rows.named.get("score");
  const known = [];
  for (let row = 0; row < rows.count && known.length < 2; row += 1) {
    const value = score.value(row);
    if (value !== null && value !== known[0]) known.push(value);
  }
  return known.length < 2 || known[0] > known[1];
}

function head() {
  const line = made("tr");
  line.setAttribute("aria-rowindex", "1");
  const choice = made("th", "choice");
  choice.append(made("span", "unseen", "chosen"));
  line.append(choice);
  parts.widths.replaceChildren(made("col"));
  parts.widths.firstChild.style.width = "38px";
  let width = 38;
  state.columns.forEach(function (column) {
    const cell = made("th", column.number ? "number" : "");
    const own = state.sort === column.name;
    cell.setAttribute("aria-sort", own ? (state.descending ? "descending" : "ascending") : "none");
    const sort = button(words(column.name), "Sort by " + words(column.name), function () { sortBy(column.name); parts.head.querySelector("[data-column=" + CSS.escape(column.name) + "]").focus(); });
    sort.dataset.column = column.name;
    if (own) sort.append(made("span", "arrow", state.descending ? " ↓" : " ↑"));
    cell.append(sort);
    line.append(cell);
    const col = made("col");
    const px = Math.round(8.2 * Math.max(column.wide, Math.min(14, column.name.length * 0.62 + 2)) + 22);
    width += px;
    col.style.width = px + "px";
    parts.widths.append(col);
  });
  parts.table.style.minWidth = width + "px";
  parts.table.setAttribute("aria-colcount", String(state.columns.length + 1));
  parts.head.replaceChildren(line);
}

function line(row, place) {
  const made_ = made("tr", isChosen(row) ? "chosen" : "");
  made_.setAttribute("aria-rowindex", String(place + 2));
  made_.dataset.place = String(place);
  const choice = made("td", "choice");
  const box = made("input");
  box.type = "checkbox";
  box.checked = isChosen(row);
  box.setAttribute("aria-label", "choose trial " + rows.id(row).slice(0, 8));
  box.addEventListener("change", function () { toggle(row); });
  if (box.checked) choice.style.boxShadow = "inset 5px 0 " + themedColor(chosenColor(row));
  choice.append(box);
  made_.append(choice);
  state.columns.forEach(function (column) {
    const text = column.text(row);
    const lost = column.name === "score" && column.value(row) === null;
    const cell = made("td", (column.number ? "number" : "") + (column.name === "score" ? " score" : "") + (lost ? " lost" : ""), text);
    if (text.length > column.wide) cell.title = text;
    made_.append(cell);
  });
  return made_;
}

function spacer(count) {
  const row = made("tr", "spacer");
  row.setAttribute("aria-hidden", "true");
  const cell = made("td");
  cell.colSpan = state.columns.length + 1;
  cell.style.height = count * ROW_PX + "px";
  row.append(cell);
  return row;
}

function render() {
  const focused = document.activeElement && parts.body.contains(document.activeElement)
    ? Number(document.activeElement.closest("tr").dataset.place) : -1;
  const count = state.list.length;
  const first = Math.max(0, Math.floor(parts.scroller.scrollTop / ROW_PX) - AROUND);
  const last = Math.min(count, first + Math.ceil((parts.scroller.clientHeight || 460) / ROW_PX) + 2 * AROUND);
  const lines = [];
  if (first) lines.push(spacer(first));
  for (let place = first; place < last; place += 1) lines.push(line(state.list[place], place));
  if (last < count) lines.push(spacer(count - last));
  parts.body.replaceChildren.apply(parts.body, lines);
  if (focused >= 0) focusRow(focused);
}

function focusRow(place) {
  const box = parts.body.querySelector("tr[data-place='" + place + "'] input");
  if (box) box.focus({ preventScroll: true });
}

function refresh() {
  state.list = sorted();
  parts.table.setAttribute("aria-rowcount", String(state.list.length + 1));
  const all = rows.count.toLocaleString("en");
  const some = state.list.length.toLocaleString("en");
  parts.count.textContent = (state.list.length < rows.count ? some + " of " + all : all) + (rows.count === 1 ? " trial" : " trials");
  parts.scroller.scrollTop = 0;
  render();
}

function showChoice() {
  const count = chosenRows().length;
  parts.chosen.hidden = !count;
  parts.chosen.querySelector("span").textContent = count + " chosen" + (count === MOST_CHOSEN ? ", the most" : "");
  render();
}

function showChips() {
  parts.chips.replaceChildren.apply(parts.chips, brushed().map(function (pair) {
    const column = rows.named.get(pair[0]);
    return button(words(pair[0]) + " " + rangeText(column, pair[1]) + " ×", "Remove the range of " + words(pair[0]), function () { setBrush(pair[0], null); });
  }));
}

export function rangeText(column, range) {
  const texts = range.map(function (at) {
    for (let row = 0; row < rows.count; row += 1) if (column.key(row) === at) return column.text(row);
    return String(Number(at.toPrecision(5)));
  });
  return texts[0] === texts[1] ? texts[0] : texts.join(" to ");
}

function filtered() {
  try {
    setFilter(parts.filter.value);
    parts.problem.hidden = true;
    parts.filter.removeAttribute("aria-invalid");
  } catch (error) {
    const rest = appliedText() ? "the filter " + appliedText() + " still applies" : "no filter applies";
    parts.problem.textContent = error.message + " (" + rest + ")";
    parts.problem.hidden = false;
    parts.filter.setAttribute("aria-invalid", "true");
  }
}

function move(event) {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
  if (!by || event.target.type !== "checkbox") return;
  event.preventDefault();
  const wanted = Math.max(0, Math.min(state.list.length - 1, Number(event.target.closest("tr").dataset.place) + by));
  const top = wanted * ROW_PX;
  const room = parts.scroller.clientHeight - 2 * ROW_PX;
  if (top < parts.scroller.scrollTop) parts.scroller.scrollTop = top;
  if (top > parts.scroller.scrollTop + room) parts.scroller.scrollTop = top - room;
  render();
  focusRow(wanted);
}

function columnChoice() {
  rows.columns.forEach(function (column) {
    const label = made("label");
    const box = made("input");
    box.type = "checkbox";
    box.value = column.name;
    box.addEventListener("change", function () {
      const names = state.columns.map(function (one) { return one.name; });
      state.columns = rows.columns.filter(function (one) { return one === column ? box.checked : names.includes(one.name); });
      columnsChanged();
    });
    label.append(box, " " + words(column.name));
    parts.columns.append(label);
  });
  tickColumns();
}

function tickColumns() {
  parts.columns.querySelectorAll("input").forEach(function (box) {
    box.checked = state.columns.some(function (column) { return column.name === box.value; });
  });
}

// What is shown, in its order; files of values have every digit.
function shownTable() {
  const cells = function (read) {
    return state.list.map(function (row) { return state.columns.map(function (column) { return read(column, row); }); });
  };
  return {
    head: state.columns.map(function (column) { return column.name; }),
    numeric: state.columns.map(function (column) { return column.number; }),
    rows: cells(function (column, row) { return column.text(row); }),
    values: cells(function (column, row) {
      const value = column.value(row);
      return Array.isArray(value) ? column.text(row) : value;
    })
  };
}

export function startTrials() {
  const section = document.getElementById("trials");
  if (!section || !rows) return;
  startView();
  const find = function (selector) { return section.querySelector(selector); };
  parts = {
    scroller: find(".scroller"), table: find("table"), widths: find("colgroup"), head: find("thead"), body: find("tbody"),
    filter: find("#filter"), problem: find("#filter-problem"), count: find("#trials-count"), chips: find(".chips"),
    chosen: find("#chosen-count"), columns: find("#columns-choice")
  };
  section.hidden = false;
  readAddress();
  head();
  columnChoice();
  parts.filter.value = filterText();
  if (filterText()) filtered();
  refresh();
  showChoice();
  showChips();
  let waiting = 0;
  parts.filter.addEventListener("input", function () { clearTimeout(waiting); waiting = setTimeout(filtered, WAIT_MS); });
  parts.filter.addEventListener("change", function () { clearTimeout(waiting); filtered(); });
  let frame = 0;
  parts.scroller.addEventListener("scroll", function () {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(render);
  });
  parts.body.addEventListener("keydown", move);
  parts.body.addEventListener("click", function (event) {
    const row = event.target.closest("tr[data-place]");
    if (row && event.target.tagName !== "INPUT") toggle(state.list[Number(row.dataset.place)]);
  });
  parts.chosen.append(button("None", "Choose no trial", function () { choose([]); }));
  find("#trials-save").append(tableButtons(figures.job + "-trials", "the trials shown", shownTable));
  onChosen(showChoice);
  onTheme(render);
  onView(function () { refresh(); showChips(); });
  onAddress(function () {
    readAddress();
    tickColumns();
    parts.filter.value = filterText();
    filtered();
    head();
    refresh();
    showChips();
  });
}
