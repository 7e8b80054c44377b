// Plots are drawn for the width of the screen; on paper they must be drawn again for the width of the paper, in light
// colours, and at once: Plotly.Plots.resize waits a moment, and printing does not. What is folded away is opened, as paper
// cannot be clicked.
import { redrawFigures } from "./figures.js";
import { printsNow } from "./theme.js";

function redrawAll(size) {
  document.querySelectorAll(".js-plotly-plot").forEach(function (place) { Plotly.relayout(place, size(place)); });
}

export function startPrinting() {
  let opened = [];
  window.addEventListener("beforeprint", function () {
    document.documentElement.classList.add("printing");
    printsNow(true);
    document.querySelectorAll("section > details:not([open])").forEach(function (part) {
      part.open = true;
      opened.push(part);
    });
    redrawFigures();
    redrawAll(function (place) { return { width: place.clientWidth, autosize: false }; });
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("printing");
    opened.forEach(function (part) { part.open = false; });
    opened = [];
    printsNow(false);
    redrawFigures();
    redrawAll(function () { return { width: null, autosize: true }; });
  });
}
