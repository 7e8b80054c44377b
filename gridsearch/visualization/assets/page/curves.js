import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";
import { isChosen, onChosen } from "./selection.js";

export function startCurves() {
  const panels = Array.from(document.querySelectorAll("[data-curve]"));
  if (!panels.length) return;
  const choice = document.getElementById("curves-metric");
  const legends = Array.from(document.querySelectorAll(".legend[data-metric]"));
  const together = document.getElementById("together");
  const scaled = function (figure, scale) {
    const layout = structuredClone(figure.layout);
    Object.assign(layout.yaxis, layout.meta[scale] || layout.meta.linear);
    return { data: figure.data, layout: layout };
  };
  const redraw = function () {
    const metric = choice ? choice.value : legends[0].dataset.metric;
    const scale = document.querySelector("input[name=scale]:checked").value;
    legends.forEach(function (legend) { legend.hidden = legend.dataset.metric !== metric; });
    document.getElementById("scale").hidden = !figures.curves[metric].some(function (one) { return one.layout.meta.log; });
    draw(together, scaled(figures.together[metric], scale), "roles");
    panels.forEach(function (panel) {
      draw(panel, scaled(figures.curves[metric][Number(panel.dataset.curve)], scale));
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
