import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";
import { chosenPointTraces, chosenTraces, hasCurve } from "./lines.js";
import { chosenRows, onChosen } from "./selection.js";

const HEIGHT = 380;

function layoutOf(plot, scale) {
  return {
    height: HEIGHT,
    hovermode: "closest",
    xaxis: { title: { text: "epoch" }, showgrid: false, rangemode: "tozero" },
    yaxis: { title: { text: plot.title }, type: scale === "log" && plot.log ? "log" : "linear" },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    showlegend: true,
    margin: { t: 56 }
  };
}

export function startChosen() {
  const place = document.getElementById("chosen-curves");
  if (!place) return;
  const box = document.getElementById("chosen");
  const metric = document.getElementById("chosen-metric");
  const note = document.getElementById("chosen-note");
  const redraw = function () {
    const some = chosenRows().length;
    box.hidden = !some;
    if (!some) return;
    const plot = figures.plots.find(function (one) { return one.metric === metric.value; });
    const scale = document.querySelector("input[name=chosen-scale]:checked").value;
    document.getElementById("chosen-scale").hidden = !plot.log;
    const lacking = chosenRows().filter(function (row) { return !hasCurve(row); }).length;
    const of = document.querySelector("input[name=chosen-of]:checked");
    const means = Boolean(of) && of.value === "points";
    note.textContent = (plot.counterpart ? "Solid is validation, dotted training. " : "")
      + (means ? "A line is the mean of the trainings of a point that have a score, as far as all of them go; the band is from the lowest to the highest of them. " : "")
      + (lacking ? "Of " + lacking + " of the chosen trials the page has no curve; gridsearch show has them." : "");
    draw(place, { data: (means ? chosenPointTraces : chosenTraces)(plot.metric, plot.counterpart, 2.4), layout: layoutOf(plot, scale) });
  };
  metric.addEventListener("change", redraw);
  onSwitch("chosen-scale", "chosen-scale", redraw);
  onSwitch("chosen-of", "chosen-of", redraw);
  onChosen(redraw);
  redraw();
}
