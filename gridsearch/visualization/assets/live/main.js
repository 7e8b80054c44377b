import { follow } from "./stream.js";
import { rememberListeners } from "./swap.js";
import { startPanel } from "./panel.js";
import { startIndex } from "./index.js";

const place = document.getElementById("live");
const kind = place.dataset.kind;
follow(kind === "index" ? startIndex(place) : startPanel(place));
rememberListeners();
