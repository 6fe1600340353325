// Draws every chart of the page. Text and axes take the page's colour, light or dark.
(() => {
  const ink = "currentColor";
  const text = { labelColor: ink, titleColor: ink };
  const config = {
    background: "transparent",
    font: "inherit",
    title: { color: ink, subtitleColor: ink, anchor: "start", subtitlePadding: 6 },
    axis: { ...text, domainColor: ink, tickColor: ink, gridColor: ink, gridOpacity: 0.15 },
    legend: text,
    header: text,
    view: { stroke: null },
  };
  const actions = { export: true, source: false, compiled: false, editor: false };
  // Long subtitles are broken to the width of the page, not cut off by it.
  const fold = (line, width) => {
    const lines = [""];
    for (const word of line.split(" ")) {
      const last = lines.length - 1;
      if ((lines[last] + " " + word).length > width && lines[last]) lines.push(word);
      else lines[last] = (lines[last] + " " + word).trim();
    }
    return lines;
  };
  for (const box of document.querySelectorAll(".vega-chart")) {
    const spec = JSON.parse(box.querySelector("script").textContent);
    const letters = Math.max(24, Math.floor((box.clientWidth - 40) / 6.4));
    if (spec.title?.subtitle) spec.title.subtitle = fold([].concat(spec.title.subtitle).join(" "), letters);
    if (spec.title?.text) spec.title.text = fold([].concat(spec.title.text).join(" "), letters * 0.8);
    const { row, column, facet } = spec.encoding ?? {};
    // Notebooks give a number, for JupyterLab freezes on "container".
    if ((spec.mark || spec.layer) && !(row || column || facet)) {
      spec.width = "container";
      spec.autosize = { type: "fit-x", contains: "padding" };
    }
    const plot = box.appendChild(document.createElement("div"));
    vegaEmbed(plot, spec, { renderer: "svg", config, actions }).then(({ view }) => {
      box.view = view;
      new ResizeObserver(() => window.dispatchEvent(new Event("resize"))).observe(box);
    });
  }
})();
