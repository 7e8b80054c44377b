// Choices of every list and switch, kept in the address.
import { chosenInAddress, keepInAddress, onAddress } from "./address.js";

function lists() {
  return Array.from(document.querySelectorAll("main select[id]"));
}

function switches() {
  return Array.from(document.querySelectorAll("main fieldset.switch[id]:not(#theme)"));
}

function usualOf(list) {
  const marked = Array.from(list.options).find(function (option) { return option.defaultSelected; }) || list.options[0];
  return marked ? marked.value : "";
}

function usualInput(field) {
  return Array.from(field.querySelectorAll("input")).find(function (input) { return input.defaultChecked; });
}

// Sets all choices from the address; `changed` is told of each that was another before.
function restore(changed) {
  lists().forEach(function (list) {
    const told = chosenInAddress(list.id);
    const wanted = told === null ? usualOf(list) : told;
    if (list.value === wanted || !Array.from(list.options).some(function (option) { return option.value === wanted; })) return;
    list.value = wanted;
    changed(list);
  });
  switches().forEach(function (field) {
    const told = chosenInAddress(field.id);
    const inputs = Array.from(field.querySelectorAll("input"));
    const wanted = inputs.find(function (input) { return input.value === told; }) || usualInput(field);
    if (!wanted || wanted.checked) return;
    wanted.checked = true;
    changed(wanted);
  });
}

export function startControls() {
  restore(function () { /* nothing is drawn yet */ });
  lists().forEach(function (list) {
    list.addEventListener("change", function () { keepInAddress(list.id, list.value, usualOf(list)); });
  });
  switches().forEach(function (field) {
    const usual = usualInput(field);
    field.addEventListener("change", function (event) { keepInAddress(field.id, event.target.value, usual && usual.value); });
  });
  onAddress(function () {
    restore(function (field) { field.dispatchEvent(new Event("change", { bubbles: true })); });
  });
}

export function onSwitch(id, name, show) {
  const field = document.getElementById(id);
  if (!field) return;
  field.addEventListener("change", function () {
    show(field.querySelector("input[name=" + name + "]:checked").value);
  });
}
