// Two jobs cell by cell.
import { figures } from "./data.js";
import { draw } from "./figures.js";

export function startPairs() {
  document.querySelectorAll("[data-pair]").forEach(function (place) {
    draw(place, figures.pairs[Number(place.dataset.pair)][place.dataset.figure]);
  });
}
