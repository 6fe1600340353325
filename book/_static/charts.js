// Draws every chart of the page. Text and axes take the page's colour, light or dark.
// Below each are buttons that save it: as a picture on white, or as a table of what is drawn.
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

  // Tables come as {column: values}, which names each column once.
  const rowsOf = (table) => {
    if (Array.isArray(table)) return table;
    const columns = Object.entries(table);
    return columns[0][1].map((_, row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
  };

  // What is drawn: for each table behind marks, the kinds of these marks, and the rows they show.
  const keepsRows = ({ type }) => ["filter", "collect", "identifier", "extent"].includes(type);
  const onlyReads = ({ type, expr }) => type === "formula" && /^to(Number|String|Boolean|Date)\(/.test(expr);
  const drawnTables = (view, compiled) => {
    const data = Object.fromEntries(compiled.data.map((entry) => [entry.name, entry]));
    const tables = new Map();
    const inPanels = new Set();
    const note = (mark, within) => {
      let name = within[mark.from?.data] ?? mark.from?.data;
      // By a name that panels use too Vega finds the rows of the last panel.
      while (inPanels.has(name) && data[name]?.source) name = data[name].source;
      if (!data[name] || mark.encode?.update?.opacity?.value === 0) return;
      // Marks that show parts of one table share it.
      let key = name;
      for (let entry = data[name]; entry; entry = data[entry.source]) {
        const steps = entry.transform ?? [];
        if (!steps.every((step) => keepsRows(step) || onlyReads(step))) break;
        key = entry.name;
        if (!steps.every(keepsRows)) break; // above it the rows are other objects
      }
      if (!tables.has(key)) tables.set(key, { marks: new Set(), rows: new Set() });
      const table = tables.get(key);
      table.marks.add([mark.style ?? mark.type].flat()[0]);
      for (const row of view.data(name)) table.rows.add(row);
    };
    const walk = (group, within) => {
      for (const mark of group.marks ?? []) {
        if (mark.type !== "group") note(mark, within);
        else if (!/header|footer|title/.test(mark.role ?? "")) {
          // Data of a panel are a part of those of the chart, whose name they may have.
          const inner = { ...within };
          const facet = mark.from?.facet;
          if (facet) inner[facet.name] = within[facet.data] ?? facet.data;
          for (const { name, source } of mark.data ?? []) {
            inner[name] = inner[source] ?? source;
            inPanels.add(name);
          }
          walk(mark, inner);
        }
      }
    };
    walk(compiled, {});
    const found = new Map();
    for (const { marks, rows } of tables.values()) {
      const same = JSON.stringify([...rows]);
      found.set(same, { marks: [...new Set([...(found.get(same)?.marks ?? []), ...marks])], rows: [...rows] });
    }
    const full = [...found.values()].filter(({ rows }) => rows.length);
    const tabled = full.filter(({ marks }) => marks.some((mark) => mark !== "text"));
    return tabled.length ? tabled : full; // lone words are labels
  };
  const cell = (value) => {
    const text = value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  // One table; if it is put together from several, its first column says which marks show the row.
  const csv = (view, compiled) => {
    const tables = drawnTables(view, compiled);
    const columns = [...new Set(tables.flatMap(({ rows }) => rows.flatMap((row) => Object.keys(row))))];
    let layer = "layer";
    while (columns.includes(layer)) layer += "_";
    const several = tables.length > 1;
    const body = tables.flatMap(({ marks, rows }) =>
      rows.map((row) => [...(several ? [marks.join(" and ")] : []), ...columns.map((column) => row[column])])
    );
    return [[...(several ? [layer] : []), ...columns], ...body].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
  };

  // A picture stands alone: what it takes from the page is written into it.
  const svg = async (view, box) => {
    const font = getComputedStyle(box).fontFamily.replaceAll('"', "'");
    const drawn = (await view.toSVG()).replaceAll("currentColor", "#222").replaceAll('"inherit"', `"${font}"`);
    return drawn.replace(/<svg[^>]*>/, (opening) => `${opening}<rect width="100%" height="100%" fill="white"/>`);
  };
  const png = async (text) => {
    const picture = new Image();
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * picture.naturalWidth, 2 * picture.naturalHeight];
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  };
  const save = (content, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const nameOf = (spec) => [spec.title?.text ?? spec.title ?? spec.description ?? "chart"].flat().join(" ");
  const fileName = (words) => {
    const plain = words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    return plain.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60).replace(/^-+|-+$/g, "") || "chart";
  };
  const addButtons = (box, name, view, compiled) => {
    const file = fileName(name);
    const row = box.appendChild(document.createElement("div"));
    row.className = "chart-downloads";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", `Save: ${name}`);
    const kinds = [
      ["SVG", "Save as SVG", "image/svg+xml", () => svg(view, box)],
      ["PNG", "Save as PNG", "image/png", async () => png(await svg(view, box))],
      ["CSV", "Save the data as CSV", "text/csv;charset=utf-8", () => csv(view, compiled)],
    ];
    for (const [kind, told, type, made] of kinds) {
      const button = row.appendChild(document.createElement("button"));
      Object.assign(button, { type: "button", title: told, textContent: kind });
      button.setAttribute("aria-label", told);
      button.addEventListener("click", async () => save(await made(), type, `${file}.${kind.toLowerCase()}`));
    }
  };

  // Sliders say quantities: "log10 budget 4" is a budget of 10,000, a step of a list is its value. Screen readers hear it.
  const three = (value) => Number(value.toPrecision(3)).toLocaleString("en");
  const readingOf = (words) => {
    const log = words.match(/^(.*?)log10 (.*)$/);
    if (log) return [log[1] + log[2], (value) => three(10 ** value)];
    const steps = words.match(/^(.*), step of (.*)$/);
    if (steps) return [steps[1], (value) => steps[2].split(", ")[value] ?? String(value)];
    return [words, (value) => value.toLocaleString("en")];
  };
  const speak = (bind) => {
    const input = bind.querySelector("input[type=range]");
    const label = bind.querySelector(".vega-bind-name");
    if (!input || !label) return;
    const [words, reading] = readingOf(label.textContent.trim());
    label.textContent = words;
    const shown = bind.querySelector("label > span:last-child");
    const said = shown.cloneNode(false);
    shown.hidden = true;
    shown.after(said);
    const say = () => {
      said.textContent = reading(Number(input.value));
      input.setAttribute("aria-valuetext", `${words}: ${said.textContent}`);
    };
    input.addEventListener("input", say);
    new MutationObserver(say).observe(shown, { childList: true, characterData: true, subtree: true });
    say();
  };

  // A group of marks with none in it has nothing to say to a screen reader.
  const hush = (plot) => {
    for (const group of plot.querySelectorAll('g[role="graphics-symbol"]:not([aria-label], :has([aria-label]))')) {
      group.removeAttribute("role");
      group.removeAttribute("aria-roledescription");
    }
  };

  for (const box of document.querySelectorAll(".vega-chart")) {
    const spec = JSON.parse(box.querySelector("script").textContent);
    for (const [name, table] of Object.entries(spec.datasets ?? {})) spec.datasets[name] = rowsOf(table);
    const name = nameOf(spec);
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
    vegaEmbed(plot, spec, { renderer: "svg", config, actions: false }).then(({ view, vgSpec }) => {
      box.view = view;
      addButtons(box, name, view, vgSpec);
      box.querySelectorAll(".vega-bind").forEach(speak);
      hush(plot);
      new MutationObserver(() => hush(plot)).observe(plot, { subtree: true, childList: true, attributeFilter: ["role"] });
      new ResizeObserver(() => window.dispatchEvent(new Event("resize"))).observe(box);
    });
  }

  // On paper nothing unfolds: tables that are folded are printed open.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main .cell_output details:not([open])")];
    for (const part of opened) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });
})();
