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
import { inTurn } from "./turns.js";

startTheme();
// The table answers first; figures are drawn one section after the other.
inTurn([
  startControls, startSelection, startTables, startTrials, startFigures, startEffects, startScatter,
  startParallel, startCurves, startCompare, startChosen, startCorrelation, startPrinting
]);
