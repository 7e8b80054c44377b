// The curves of trials that a reader chooses.
import { figures } from "./data.js";
import { chosenColor, chosenRows } from "./selection.js";
import { rows, trialWords } from "./rows.js";

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

// A line for each chosen trial, and a dotted one of its training.
export function chosenTraces(metric, counterpart, width) {
  const made = [];
  chosenRows().forEach(function (row) {
    [[counterpart, "dot"], [metric, "solid"]].forEach(function (pair) {
      const curve = pair[0] ? curveOf(row, pair[0]) : null;
      if (!curve) return;
      const few = curve.y.filter(function (value) { return value !== null; }).length <= 2;
      made.push({
        type: "scatter", x: curve.x, y: curve.y, mode: few ? "lines+markers" : "lines", connectgaps: true,
        name: "#" + rows.named.get("rank").text(row) + " " + rows.id(row).slice(0, 8),
        legendgroup: "chosen " + row, showlegend: pair[1] === "solid",
        line: { color: chosenColor(row), width: pair[1] === "solid" ? width : 1.4, dash: pair[1] },
        text: trialWords(row).map(escaped).join("<br>"),
        hovertemplate: "%{text}<br>epoch %{x}: %{y:.4g}<extra></extra>"
      });
    });
  });
  return made;
}
