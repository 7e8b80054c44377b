// The section of a job's page that follows the store. Everything is put in as text: names may hold markup.
import { drawCurves, drawHistory, timeText } from "./drawing.js";
import { spareTime } from "./swap.js";

const SHORT = 8;

function made(name, text, kind) {
  const one = document.createElement(name);
  if (text !== undefined) one.textContent = text;
  if (kind) one.className = kind;
  return one;
}

function fact(place, name, value) {
  const box = made("div");
  box.append(made("dt", name), made("dd", value));
  place.append(box);
}

function number(value) {
  return value.toLocaleString("en");
}

function ago(seconds) {
  return seconds < 2 ? "just now" : timeText(seconds) + " ago";
}

function workersText(sweep) {
  const parts = sweep.launches.map(function (launch) {
    const workers = launch.workers.map(function (one) { return (one.lineages > 1 ? one.lineages + " trainings, " : "") + "heard " + ago(one.heard); });
    return launch.host + ", process " + launch.pid + ": " + launch.of + (launch.of === 1 ? " worker" : " workers") + (workers.length ? " (" + workers.join("; ") + ")" : "") + (launch.life === "silent" ? ", silent for " + timeText(launch.beat) : launch.life === "lost" ? ", lost" : "");
  });
  if (!parts.length) return "no launch is at work";
  return parts.join("; ") + (sweep.trains ? "" : "; train its trials with: " + sweep.resume);
}

function fillCounts(place, sweep) {
  const text = place.querySelector(".live-counts");
  text.replaceChildren(made("b", number(sweep.ended)), " of " + number(sweep.total) + " trials have ended");
  const bar = place.querySelector(".bar");
  const key = place.querySelector(".key");
  bar.replaceChildren();
  key.replaceChildren();
  sweep.counts.forEach(function (pair) {
    const part = made("span", undefined, pair[0]);
    part.style.width = (100 * pair[1] / Math.max(1, sweep.total)) + "%";
    bar.append(part);
    const line = made("li");
    line.append(made("i", undefined, pair[0]), number(pair[1]) + " " + pair[0]);
    key.append(line);
  });
}

function fillFacts(place, sweep) {
  const facts = place.querySelector(".live-facts");
  facts.replaceChildren();
  const left = sweep.trains ? (sweep.left === null ? "not known yet" : timeText(sweep.left)) : "–";
  fact(facts, "Time left", left);
  fact(facts, "Epochs", number(sweep.epochs[0]) + " of " + number(sweep.epochs[1]) + (sweep.pace === null ? "" : ", " + sweep.pace.toPrecision(3) + " a second"));
  fact(facts, "Best " + sweep.heading.replace(/^best /, ""), sweep.best ? sweep.best.text + " (" + sweep.best.words + ")" : "–");
  fact(facts, "Workers", workersText(sweep));
}

function fillNewest(place, sweep, seen) {
  const table = place.querySelector(".live-newest");
  table.hidden = !sweep.newest.length;
  const head = made("tr");
  ["trial", "score"].concat(sweep.axes).forEach(function (name, at) { head.append(made("th", name.replaceAll("_", " "), at === 1 ? "number" : "")); });
  table.tHead.replaceChildren(head);
  const rows = sweep.newest.map(function (one) {
    const row = made("tr");
    row.dataset.trial = one.trial;
    if (seen.size && !seen.has(one.trial)) row.className = "fresh";
    const trial = made("td");
    trial.append(made("code", one.trial.slice(0, SHORT)));
    row.append(trial, made("td", one.text, "number " + (one.score === null ? "lost" : "score")));
    one.settings.forEach(function (value) { row.append(made("td", value)); });
    return row;
  });
  table.tBodies[0].replaceChildren.apply(table.tBodies[0], rows);
  sweep.newest.forEach(function (one) { seen.add(one.trial); });
}

function fillFailures(place, sweep) {
  const box = place.querySelector(".live-failures");
  box.hidden = !sweep.causes.length;
  box.replaceChildren();
  sweep.causes.forEach(function (pair) { box.append(made("p", number(pair[1]) + " failed: " + pair[0])); });
}

export function startPanel(place) {
  const seen = new Set();
  const state = place.querySelector(".live-state");
  let last = null;
  const drawAll = function () {
    if (!last) return;
    const history = place.querySelector(".live-history");
    const curves = place.querySelector(".live-curves");
    history.closest("figure").hidden = !last.history.length;
    curves.closest("figure").hidden = !last.lines.length;
    ["new", "running", "best"].forEach(function (of) {
      place.querySelector(".live-mark.of-" + of).hidden = !last.lines.some(function (line) { return line.of === of; });
    });
    drawHistory(history, last.history, last.heading);
    drawCurves(curves, last.lines, last.heading);
  };
  window.addEventListener("resize", drawAll);
  return {
    say: function (kind, text) {
      state.className = "live-state " + kind;
      state.textContent = text;
      // Of what cannot be read nobody knows how fast it goes, and when it ends.
      if (kind === "lost" && last) fillFacts(place, Object.assign({}, last, { pace: null, left: null }));
    },
    tell: function (sweep) {
      last = sweep;
      place.querySelector(".live-body").hidden = false;
      place.dataset.ended = sweep.ended;
      fillCounts(place, sweep);
      fillFacts(place, sweep);
      fillNewest(place, sweep, seen);
      fillFailures(place, sweep);
      place.querySelector(".live-note").textContent = sweep.trains ? "What is below follows now and then, with as little as possible of the machine's time." : "";
      drawAll();
      spareTime(sweep.trains);
    }
  };
}
