// What a page of compared jobs does.
import { startCompare } from "./compare.js";
import { startControls } from "./controls.js";
import { startFigures } from "./figures.js";
import { startPairs } from "./pairs.js";
import { startPrinting } from "./printing.js";
import { startTables } from "./tables.js";
import { startTheme } from "./theme.js";
import { inTurn } from "./turns.js";

startTheme();
inTurn([startControls, startTables, startFigures, startPairs, startCompare, startPrinting]);
