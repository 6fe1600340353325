// "Turn the noise up": a slider over the stills of the page. An ES module with the shape of an anywidget.
const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = 36;

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// What a stop changes in the picture, by kind of data.
const placeCells = (picture, sizes, xy) => {
  let at = 0;
  const paths = [...picture.querySelectorAll("path")].reverse();
  sizes.forEach((size, group) => {
    const places = [];
    for (let i = 0; i < size; i += 1, at += 2) places.push(`${Math.round(xy[at])} ${Math.round(xy[at + 1])}`);
    paths[group].setAttribute("d", `M${places.join("L")}`);
  });
};
const showImage = (picture, stop) => {
  const image = picture.querySelector("image");
  const side = Math.ceil(240 / stop.tile) * stop.tile; // tiles at the edge go on outside
  image.setAttribute("href", stop.picture);
  image.setAttribute("width", side);
  image.setAttribute("height", side);
};
const showLetters = (picture, residues, right) => {
  const size = 1000 / COLUMNS;
  const box = Math.round(size);
  const boxes = [];
  for (let i = 0; i < residues.length; i += 1) {
    if (residues[i] === right[i]) continue;
    const [x, y] = [Math.round((i % COLUMNS) * size), Math.round(Math.floor(i / COLUMNS) * size)];
    boxes.push(`M${x} ${y}h${box}v${box}h-${box}z`);
  }
  picture.querySelector("path").setAttribute("d", boxes.join(""));
  picture.querySelectorAll("text").forEach((line, row) => {
    line.textContent = residues.slice(row * COLUMNS, (row + 1) * COLUMNS);
  });
};

// Cells drift from one depth to the next, unless the reader wants nothing to move.
const drift = (picture, data, state, xy) => {
  cancelAnimationFrame(state.frame);
  const from = state.xy ?? xy;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const begin = performance.now();
  const step = (now) => {
    const share = still ? 1 : Math.min(1, (now - begin) / 350);
    const ease = share * share * (3 - 2 * share);
    state.xy = xy.map((to, i) => from[i] + (to - from[i]) * ease);
    placeCells(picture, data.sizes, state.xy);
    if (share < 1) state.frame = requestAnimationFrame(step);
  };
  step(begin);
};

const marker = (curve) => {
  const group = curve.appendChild(document.createElementNS(SVG, "g"));
  group.setAttribute("class", "np-here");
  const bar = group.appendChild(document.createElementNS(SVG, "path"));
  const dot = group.appendChild(document.createElementNS(SVG, "circle"));
  dot.setAttribute("r", 9);
  return ([x, bits, low, high]) => {
    bar.setAttribute("d", `M${x} ${low}V${high}`);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", bits);
  };
};

const enliven = (section, kind, data, says) => {
  const still = section.querySelector(".np-still");
  const figure = make("figure", { class: "np-now" });
  const picture = figure.appendChild(still.querySelector("svg").cloneNode(true));
  still.before(figure);
  const place = marker(section.querySelector(".np-curve svg"));
  const state = { at: data.stops.length - 1 };
  const right = data.stops.at(-1).residues;
  return {
    state,
    show(at) {
      const stop = data.stops[at];
      state.at = at;
      picture.setAttribute("aria-label", stop.alt);
      if (kind === "cells") drift(picture, data, state, stop.xy);
      if (kind === "photograph") showImage(picture, stop);
      if (kind === "protein") showLetters(picture, stop.residues, right);
      place(stop.at);
      says.replaceChildren(make("b", {}, stop.bits), ` ${stop.share}`);
    },
  };
};

let pieces = 0;
function render({ model, el }) {
  const kinds = model.get("kinds");
  const name = `np-kind-${(pieces += 1)}`;
  const says = make("output", { class: "np-says", "aria-live": "polite" });
  const label = make("span", {});
  const value = make("b", {});
  const slider = make("input", { type: "range", min: 0, step: 1 });
  const choice = make("fieldset", { class: "np-kinds" }, make("legend", {}, "What is measured"));
  const ends = make("span", { class: "np-ends", "aria-hidden": "true" }, make("span", {}, "← more noise"), make("span", {}, "less noise →"));
  const track = make("label", { class: "np-slider" }, label, value, slider, ends);
  const live = {};
  let chosen;
  const show = () => {
    const { stops } = kinds[chosen];
    live[chosen].show(Number(slider.value));
    const stop = stops[live[chosen].state.at];
    value.textContent = stop.value;
    slider.setAttribute("aria-valuetext", `${kinds[chosen].label}: ${stop.value}; ${stop.bits}`);
  };
  const choose = (kind) => {
    chosen = kind;
    for (const section of el.querySelectorAll(".np-mode")) section.classList.toggle("np-chosen", section.dataset.kind === kind);
    label.textContent = `${kinds[kind].label}:`;
    slider.setAttribute("aria-label", kinds[kind].label);
    slider.max = kinds[kind].stops.length - 1;
    slider.value = live[kind].state.at;
    show();
  };
  for (const [kind, data] of Object.entries(kinds)) {
    live[kind] = enliven(el.querySelector(`.np-mode[data-kind="${kind}"]`), kind, data, says);
    const radio = make("input", { type: "radio", name, value: kind });
    radio.addEventListener("change", () => choose(kind));
    choice.append(make("label", {}, radio, ` ${data.title}`));
  }
  slider.addEventListener("input", show);
  el.querySelector(".np-defs").after(make("div", { class: "np-controls" }, choice, track, says));
  choice.querySelector("input").checked = true;
  el.classList.add("np-live");
  choose(Object.keys(kinds)[0]);
}

export default { render };

for (const el of document.querySelectorAll(".noise-piece:not(.np-live)")) {
  const kinds = JSON.parse(el.querySelector('script[type="application/json"]').textContent);
  render({ model: { get: (key) => ({ kinds })[key] }, el });
}
