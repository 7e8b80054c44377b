import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";
import { isChosen, onChosen } from "./selection.js";

export function startCurves() {
  const panels = Array.from(document.querySelectorAll("[data-curve]"));
  if (!panels.length) return;
  const choice = document.getElementById("curves-metric");
  const legends = Array.from(document.querySelectorAll(".legend[data-metric]"));
  const redraw = function () {
    const metric = choice ? choice.value : legends[0].dataset.metric;
    const scale = document.querySelector("input[name=scale]:checked").value;
    legends.forEach(function (legend) { legend.hidden = legend.dataset.metric !== metric; });
    document.getElementById("scale").hidden = !figures.curves[metric].some(function (one) { return one.layout.meta.log; });
    panels.forEach(function (panel) {
      const figure = figures.curves[metric][Number(panel.dataset.curve)];
      const layout = structuredClone(figure.layout);
      Object.assign(layout.yaxis, layout.meta[scale] || layout.meta.linear);
      draw(panel, { data: figure.data, layout: layout });
    });
  };
  const mark = function () {
    panels.forEach(function (panel) {
      panel.closest("figure").classList.toggle("lit", isChosen(figures.panels[Number(panel.dataset.curve)]));
    });
  };
  if (choice) choice.addEventListener("change", redraw);
  onSwitch("scale", "scale", redraw);
  onChosen(mark);
  redraw();
  mark();
}
