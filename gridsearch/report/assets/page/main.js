import { startChosen } from "./chosen.js";
import { startCompare } from "./compare.js";
import { startControls } from "./controls.js";
import { startCorrelation } from "./correlation.js";
import { startCurves } from "./curves.js";
import { startEffects } from "./effects.js";
import { startFigures } from "./figures.js";
import { startParallel } from "./parallel.js";
import { startPrinting } from "./printing.js";
import { startScatter } from "./scatter.js";
import { startSelection } from "./selection.js";
import { startTables } from "./tables.js";
import { startTheme } from "./theme.js";
import { startTrials } from "./trials.js";

// The page is seen first; then the table answers, and figures are drawn one section after the other.
const steps = [
  startControls, startSelection, startTables, startTrials, startFigures, startEffects, startScatter,
  startParallel, startCurves, startCompare, startChosen, startCorrelation, startPrinting
];

function next() {
  const step = steps.shift();
  if (step) {
    step();
    setTimeout(next);
  } else {
    performance.mark("drawn");
    document.documentElement.dataset.drawn = "yes";
  }
}

startTheme();
requestAnimationFrame(function () { setTimeout(next); });
