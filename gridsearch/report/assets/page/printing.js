// Plots are drawn for the width of the screen; on paper they must be drawn again for the width of the paper, in light
// colours, and at once: Plotly.Plots.resize waits a moment, and printing does not.
import { redrawFigures } from "./figures.js";
import { printsNow } from "./theme.js";

function redrawAll(size) {
  document.querySelectorAll(".js-plotly-plot").forEach(function (place) { Plotly.relayout(place, size(place)); });
}

export function startPrinting() {
  window.addEventListener("beforeprint", function () {
    document.documentElement.classList.add("printing");
    printsNow(true);
    document.querySelectorAll("#reproduce details").forEach(function (part) { part.open = true; });
    redrawFigures();
    redrawAll(function (place) { return { width: place.clientWidth, autosize: false }; });
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("printing");
    printsNow(false);
    redrawFigures();
    redrawAll(function () { return { width: null, autosize: true }; });
  });
}
