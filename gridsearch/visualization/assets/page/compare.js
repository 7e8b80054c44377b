import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";
import { chosenTraces } from "./lines.js";
import { soon } from "./soon.js";
import { onChosen } from "./selection.js";

export function startCompare() {
  const compared = document.getElementById("compare-axis");
  if (!compared) return;
  const chosen = function (name) { return document.querySelector("input[name=" + name + "]:checked").value; };
  const places = Array.from(document.querySelectorAll("#compare .plot"));
  const choices = places.map(function (place, number) { return document.getElementById("compare-metric-" + number); });
  const redraw = function () {
    const lines = chosen("compare-lines");
    const scale = chosen("compare-scale");
    const metrics = places.map(function (place, number) { return choices[number] ? choices[number].value : place.dataset.metric; });
    const shown = metrics.map(function (metric) { return figures.compare[compared.value][metric]; });
    shown.forEach(function (figure, number) {
      const layout = structuredClone(figure.layout);
      const axes = layout.meta[lines];
      Object.assign(layout.yaxis, axes[scale] || axes.linear);
      const data = figure.data.filter(function (trace) { return lines === "both" || trace.meta === lines; });
      draw(places[number], { data: data.concat(chosenTraces(metrics[number], "", 4)), layout: layout }, compared.value);
    });
    document.getElementById("compare-scale").hidden = !shown.some(function (one) { return one.layout.meta.both.log; });
    document.getElementById("compare-lines").hidden = !shown.some(function (one) {
      return one.data.some(function (trace) { return trace.meta === "training"; });
    });
  };
  compared.addEventListener("change", redraw);
  choices.forEach(function (choice) { if (choice) choice.addEventListener("change", redraw); });
  onSwitch("compare-lines", "compare-lines", redraw);
  onSwitch("compare-scale", "compare-scale", redraw);
  onChosen(soon(redraw));
  redraw();
}
