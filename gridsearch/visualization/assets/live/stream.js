// Listens to the server: `told` is given what it says, and is asked to say how the connection stands.
import { wantPage } from "./swap.js";

function eventsUrl() {
  const name = location.pathname.split("/").pop() || "index.html";
  return "events/" + name;
}

export function follow(shown) {
  const source = new EventSource(eventsUrl());
  let stopped = false;
  source.addEventListener("sweep", function (event) {
    shown.tell(JSON.parse(event.data));
    shown.say("open", "following the store");
  });
  source.addEventListener("page", function (event) { wantPage(JSON.parse(event.data)); });
  source.addEventListener("trouble", function (event) { shown.say("lost", JSON.parse(event.data)); });
  source.addEventListener("open", function () { shown.say("open", "following the store"); });
  source.addEventListener("error", function () {
    if (stopped) return;
    if (source.readyState === EventSource.CLOSED) shown.say("lost", "not connected: start gridsearch serve again, and open the address that it prints");
    else shown.say("lost", "gridsearch serve does not answer; trying again");
  });
  window.addEventListener("pagehide", function () { stopped = true; source.close(); });
}
