(function () {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = figures.config;

  // Numbers and texts that several traces have stand once, and a trace has their place.
  function whole(trace) {
    const made = Object.assign({}, trace);
    ["x", "y", "text"].forEach(function (key) {
      if (typeof made[key] === "number") made[key] = figures.shared[made[key]];
    });
    return made;
  }

  // What was hidden by the legend stays hidden while `legend` (what the legend is about) stays the same.
  function draw(place, figure, legend) {
    figure = { data: figure.data.map(whole), layout: Object.assign({ template: figures.template }, figure.layout) };
    const name = function (trace) { return trace.legendgroup || trace.name; };
    if (legend !== undefined && place.dataset.legend === legend && place.data) {
      const hidden = new Set(place.data.filter(function (trace) { return trace.visible === "legendonly"; }).map(name));
      figure.data.forEach(function (trace) { if (hidden.has(name(trace))) trace.visible = "legendonly"; });
    }
    if (legend !== undefined) place.dataset.legend = legend;
    // When the window changes its size plotly asks the place for its height, which must not follow from the plot.
    place.style.height = figure.layout.height + "px";
    Plotly.react(place, figure.data, figure.layout, config);
  }

  // Joins a layout (of the x axis) and markers (of the colour) as report/figures/scatter.py does.
  function scatter(parts, x, color) {
    const chosen = parts.colors[color];
    const data = chosen.traces.map(function (trace, level) {
      const members = [];
      chosen.group.forEach(function (group, place) { if (group === level) members.push(place); });
      const pick = function (values) { return members.map(function (place) { return values[place]; }); };
      return Object.assign({}, trace, { x: pick(parts.x[x]), y: pick(parts.scores), customdata: pick(parts.texts) });
    });
    const layout = structuredClone(parts.layouts[x]);
    layout.legend.title = { text: chosen.title };
    layout.showlegend = chosen.title !== "";
    return { data: data, layout: layout };
  }

  function onChoice(id, name, show) {
    const field = document.getElementById(id);
    if (!field) return;
    field.addEventListener("change", function () {
      show(field.querySelector("input[name=" + name + "]:checked").value);
    });
  }

  const heatmap = document.getElementById("heatmap");
  if (heatmap) {
    draw(heatmap, figures.heatmap.pearson);
    onChoice("method", "method", function (method) { draw(heatmap, figures.heatmap[method]); });
  }

  const plot = document.getElementById("scatter-plot");
  if (plot) {
    const x = document.getElementById("x");
    const color = document.getElementById("color");
    const redraw = function () { draw(plot, scatter(figures.scatter, x.value, color.value), color.value); };
    x.addEventListener("change", redraw);
    color.addEventListener("change", redraw);
    redraw();
  }

  const panels = Array.from(document.querySelectorAll("[data-curve]"));
  if (panels.length) {
    const choice = document.getElementById("curves-metric");
    const legends = Array.from(document.querySelectorAll(".legend[data-metric]"));
    const redraw = function () {
      const metric = choice ? choice.value : legends[0].dataset.metric;
      const scale = document.querySelector("input[name=scale]:checked").value;
      legends.forEach(function (legend) { legend.hidden = legend.dataset.metric !== metric; });
      document.getElementById("scale").hidden = !figures.curves[metric].some(function (one) { return one.layout.meta.log; });
      panels.forEach(function (panel) {
        const figure = figures.curves[metric][Number(panel.dataset.curve)];
        const layout = structuredClone(figure.layout);
        Object.assign(layout.yaxis, layout.meta[scale] || layout.meta.linear);
        draw(panel, { data: figure.data, layout: layout });
      });
    };
    if (choice) choice.addEventListener("change", redraw);
    onChoice("scale", "scale", redraw);
    redraw();
  }

  const compared = document.getElementById("compare-axis");
  if (compared) {
    const chosen = function (name) { return document.querySelector("input[name=" + name + "]:checked").value; };
    const places = Array.from(document.querySelectorAll("#compare .plot"));
    const choices = places.map(function (place, number) { return document.getElementById("compare-metric-" + number); });
    const redraw = function () {
      const lines = chosen("compare-lines");
      const scale = chosen("compare-scale");
      const shown = places.map(function (place, number) {
        return figures.compare[compared.value][choices[number] ? choices[number].value : place.dataset.metric];
      });
      shown.forEach(function (figure, number) {
        const layout = structuredClone(figure.layout);
        const axes = layout.meta[lines];
        Object.assign(layout.yaxis, axes[scale] || axes.linear);
        const data = figure.data.filter(function (trace) { return lines === "both" || trace.meta === lines; });
        draw(places[number], { data: data, layout: layout }, compared.value);
      });
      document.getElementById("compare-scale").hidden = !shown.some(function (one) { return one.layout.meta.both.log; });
      document.getElementById("compare-lines").hidden = !shown.some(function (one) {
        return one.data.some(function (trace) { return trace.meta === "training"; });
      });
    };
    compared.addEventListener("change", redraw);
    choices.forEach(function (choice) { if (choice) choice.addEventListener("change", redraw); });
    onChoice("compare-lines", "compare-lines", redraw);
    onChoice("compare-scale", "compare-scale", redraw);
    redraw();
  }

  const confusion = document.getElementById("confusion");
  if (confusion) draw(confusion, figures.confusion);

  // Plots are drawn for the width of the screen; on paper they must be drawn again for the width of the paper,
  // and at once: Plotly.Plots.resize waits a moment, and printing does not.
  function redrawAll(size) {
    document.querySelectorAll(".js-plotly-plot").forEach(function (place) { Plotly.relayout(place, size(place)); });
  }
  window.addEventListener("beforeprint", function () {
    document.documentElement.classList.add("printing");
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
    redrawAll(function (place) { return { width: place.clientWidth, autosize: false }; });
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("printing");
    redrawAll(function () { return { width: null, autosize: true }; });
  });
})();
