// All trials, column by column; a row is a place in the ranking.
import { figures } from "./data.js";

const SHORT = 8;

// As `score_text` of analysis/labels.py.
export function scoreText(value) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e6)) return value.toFixed(6).replace(/^-(0\.0+)$/, "$1");
  return exponent(value.toExponential(5));
}

function exponent(text) {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function measuredText(value, most) {
  if (value === null) return "";
  if (value >= most) return value.toFixed(1);
  const short = Number(value.toPrecision(4));
  return short !== 0 && (Math.abs(short) < 1e-6 || Math.abs(short) >= 1e12) ? exponent(String(short)) : String(short);
}

function makeColumn(told) {
  const value = told.codes
    ? function (row) { const code = told.codes[row]; return code < 0 ? null : told.known[code]; }
    : function (row) { return told.values[row]; };
  const texts = {
    setting: function (row) { return told.codes[row] < 0 ? "" : told.texts[told.codes[row]]; },
    metric: function (row) { return scoreText(value(row)); },
    measured: function (row) { return measuredText(value(row), told.name === "seconds" ? 100 : Infinity); },
    whole: function (row) { return value(row) === null ? "" : String(value(row)); },
    text: function (row) { return value(row) === null ? "" : String(value(row)); }
  };
  const values = told.codes ? told.known : told.values;
  const present = values.filter(function (one) { return one !== null; });
  return {
    name: told.name,
    shown: told.shown,
    setting: told.kind === "setting",
    values: present,
    value: value,
    text: texts[told.kind],
    number: told.kind === "metric" || present.length > 0 && present.every(function (one) { return typeof one === "number"; }),
    // Names are sorted in the order of their axis.
    key: told.kind === "setting" && !told.ordered
      ? function (row) { return told.codes[row] < 0 ? null : told.codes[row]; }
      : value,
    wide: widest(told, present)
  };
}

function widest(told, present) {
  if (told.kind === "metric") return present.some(function (one) { return one < 0; }) ? 11 : 10;
  if (told.kind === "measured") return 8;
  const texts = told.texts || present.slice(0, 5000).map(String);
  return Math.min(28, texts.reduce(function (most, text) { return Math.max(most, text.length); }, 1));
}

function makeRows(told) {
  const count = told.count;
  const digits = count ? told.ids.length / count : 0;
  const id = function (row) { return told.ids.slice(digits * row, digits * (row + 1)); };
  const rank = {
    name: "rank", shown: true, values: [], number: true, wide: 5,
    value: function (row) { return row < told.ranked ? row + 1 : null; },
    text: function (row) { return row < told.ranked ? String(row + 1) : "–"; }
  };
  const trial = {
    name: "trial", shown: true, values: [], number: false, wide: SHORT, digits: digits,
    value: id,
    text: function (row) { return id(row).slice(0, SHORT); }
  };
  rank.key = rank.value;
  trial.key = trial.value;
  const columns = [rank].concat(told.columns.map(makeColumn), [trial]);
  const named = new Map(columns.map(function (column) { return [column.name, column]; }));
  // Where there is no score its state tells why.
  const score = named.get("score");
  const state = named.get("state");
  if (score && state) {
    score.text = function (row) {
      const value = score.value(row);
      if (value !== null) return scoreText(value);
      return ["completed", "stopped"].includes(state.value(row)) ? "no value" : state.value(row);
    };
  }
  return { count: count, total: told.total, columns: columns, named: named, id: id };
}

export const rows = figures.trials ? makeRows(figures.trials) : null;

// The row of a trial by the beginning of its id; -1 where there is none.
export function rowOf(beginning) {
  for (let row = 0; row < rows.count; row += 1) if (rows.id(row).startsWith(beginning)) return row;
  return -1;
}

// A trial in a few words: its rank and what its axes have.
export function trialWords(row) {
  const settings = rows.columns.filter(function (column) { return column.shown && !["rank", "score", "trial"].includes(column.name); });
  const words = settings.map(function (column) { return column.name.replaceAll("_", " ") + " " + column.text(row); });
  return ["#" + rows.named.get("rank").text(row)].concat(words);
}

// What tells apart the trials of one point: `seed 1`, `fold 2`.
export function repeatWords(row) {
  return figures.repeat.filter(function (name) { return rows.named.has(name); }).map(function (name) {
    return name.replaceAll("_", " ") + " " + rows.named.get(name).text(row);
  });
}

// All rows of the point of a trial: they have the same settings.
export function rowsOfPoint(row) {
  const settings = rows.columns.filter(function (column) { return column.setting && !figures.repeat.includes(column.name); });
  const found = [];
  for (let other = 0; other < rows.count; other += 1) {
    if (settings.every(function (column) { return column.text(other) === column.text(row); })) found.push(other);
  }
  return found;
}
