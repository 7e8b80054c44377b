import { figures } from "./data.js";
import { onSwitch } from "./controls.js";
import { draw } from "./figures.js";

export function startCorrelation() {
  const heatmap = document.getElementById("heatmap");
  if (heatmap) {
    const show = function (method) { draw(heatmap, figures.heatmap[method]); };
    show(document.querySelector("input[name=method]:checked").value);
    onSwitch("method", "method", show);
  }
  const confusion = document.getElementById("confusion");
  if (confusion) draw(confusion, figures.confusion);
}
