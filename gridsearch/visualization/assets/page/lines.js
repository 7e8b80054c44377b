// The curves of trials that a reader chooses.
import { figures } from "./data.js";
import { chosenColor, chosenRows } from "./selection.js";
import { repeatWords, rows, rowsOfPoint, trialWords } from "./rows.js";

export function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export function hasCurve(row) {
  return figures.lines.of[row] >= 0;
}

// The epochs of a trial and a metric's values; null where the page does not have them.
export function curveOf(row, metric) {
  const lineage = figures.lines.lineages[figures.lines.of[row]];
  const place = figures.lines.metrics.indexOf(metric);
  if (!lineage || place < 0) return null;
  const last = figures.lines.last[row];
  const count = lineage.epoch.filter(function (epoch) { return epoch <= last; }).length;
  return { x: lineage.epoch.slice(0, count), y: lineage.values[place].slice(0, count) };
}

function named(row) {
  return ["#" + rows.named.get("rank").text(row) + " " + rows.id(row).slice(0, 8)].concat(repeatWords(row)).map(escaped).join(" · ");
}

// A line for each chosen trial, and a dotted one of its training.
export function chosenTraces(metric, counterpart, width) {
  const made = [];
  chosenRows().forEach(function (row) {
    [[counterpart, "dot"], [metric, "solid"]].forEach(function (pair) {
      const curve = pair[0] ? curveOf(row, pair[0]) : null;
      if (!curve) return;
      made.push({
        type: "scatter", x: curve.x, y: curve.y, mode: modeOf(curve.y), connectgaps: true,
        name: named(row),
        legendgroup: "chosen " + row, showlegend: pair[1] === "solid",
        line: { color: chosenColor(row), width: pair[1] === "solid" ? width : 1.4, dash: pair[1] },
        text: trialWords(row).map(escaped).join("<br>"),
        hovertemplate: "%{text}<br>epoch %{x}: %{y:.4g}<extra></extra>"
      });
    });
  });
  return made;
}

function modeOf(values) {
  return values.filter(function (value) { return value !== null; }).length <= 2 ? "lines+markers" : "lines";
}

// The mean of several curves and their lowest and highest, in the epochs that all of them have; as `Band` of
// analysis/roles.py. Null of fewer than two.
export function bandOf(curves) {
  const known = curves.map(function (curve) {
    return new Map(curve.x.map(function (epoch, place) { return [epoch, curve.y[place]]; }).filter(function (pair) { return pair[1] !== null; }));
  }).filter(function (values) { return values.size; });
  if (known.length < 2) return null;
  const x = Array.from(known[0].keys()).filter(function (epoch) { return known.every(function (values) { return values.has(epoch); }); });
  if (!x.length) return null;
  const each = x.map(function (epoch) { return known.map(function (values) { return values.get(epoch); }); });
  return {
    x: x, count: known.length,
    low: each.map(function (values) { return Math.min.apply(null, values); }),
    high: each.map(function (values) { return Math.max.apply(null, values); }),
    mean: each.map(function (values) { return values.reduce(function (sum, value) { return sum + value; }, 0) / values.length; })
  };
}

// As `band_color` of visualization/theme.py, in which a dark page finds its own.
function bandColor(color) {
  const parts = [1, 3, 5].map(function (place) { return parseInt(color.slice(place, place + 2), 16); });
  return "rgba(" + parts.join(",") + ",0.2)";
}

function bandTraces(row, band, name, group) {
  const color = chosenColor(row);
  const common = { type: "scatter", x: band.x, legendgroup: group };
  const edge = { mode: "lines", line: { width: 1, color: color }, showlegend: false, hoverinfo: "skip", fillcolor: bandColor(color) };
  return [
    Object.assign({ y: band.low, name: name + ", lowest", fill: "none" }, edge, common),
    Object.assign({ y: band.high, name: name + ", highest", fill: "tonexty" }, edge, common)
  ];
}

// A mean with its band for the point of each chosen trial, of its trainings with a score.
export function chosenPointTraces(metric, counterpart, width) {
  const made = [];
  const done = new Set();
  chosenRows().forEach(function (row) {
    const members = rowsOfPoint(row);
    if (done.has(members[0])) return;
    done.add(members[0]);
    const scored = members.filter(function (one) { return hasCurve(one) && rows.named.get("score").value(one) !== null; });
    const settings = trialWords(row).slice(1).filter(function (words) { return !repeatWords(row).includes(words); });
    [[counterpart, "dot"], [metric, "solid"]].forEach(function (pair) {
      if (!pair[0]) return;
      const band = bandOf(scored.map(function (one) { return curveOf(one, pair[0]); }).filter(Boolean));
      if (!band) return;
      const name = "mean of " + band.count + " like " + escaped(rows.id(row).slice(0, 8));
      if (pair[1] === "solid") made.push.apply(made, bandTraces(row, band, name, "point " + row));
      made.push({
        type: "scatter", x: band.x, y: band.mean, mode: modeOf(band.mean), name: name,
        legendgroup: "point " + row, showlegend: pair[1] === "solid",
        line: { color: chosenColor(row), width: pair[1] === "solid" ? width : 1.4, dash: pair[1] },
        text: band.x.map(function (epoch, place) {
          return settings.map(escaped).join("<br>") + "<br>from " + band.low[place].toPrecision(4) + " to " + band.high[place].toPrecision(4);
        }),
        hovertemplate: "%{text}<br>epoch %{x}: mean %{y:.4g}<extra></extra>"
      });
    });
  });
  return made;
}
