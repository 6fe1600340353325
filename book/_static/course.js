// Answer fields, drawing fields and progress of the course. Works from a file, without network and without a kernel.
// The replies are those of `check` in Python, which wrote the tables that are looked up here: no exercise is known.
(() => {
  // Undoes `mask` of helpers.book.course.fields. It hides answers from the eye, not from a program.
  const unmask = (masked, key) => {
    let state = 2166136261;
    for (const byte of new TextEncoder().encode(key)) state = Math.imul(state ^ byte, 16777619) >>> 0;
    const bytes = Uint8Array.from(atob(masked), (letter) => {
      state = (state ^ (state << 13)) >>> 0;
      state = (state ^ (state >>> 17)) >>> 0;
      state = (state ^ (state << 5)) >>> 0;
      return letter.charCodeAt(0) ^ (state & 255);
    });
    return JSON.parse(new TextDecoder().decode(bytes));
  };

  // Progress stays in this browser. Some browsers refuse storage to files, and then it lasts as long as the page.
  const KEY = "noise-scaling-course";
  let kept = {};
  let stored = true;
  const load = () => {
    try {
      kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      stored = false;
    }
  };
  const save = () => {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      stored = false;
    }
  };

  // What was typed, as a number; or what is wrong with it.
  const SIMPLE = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";
  const NUMBER = new RegExp(`^${SIMPLE}$`, "i");
  const FRACTION = new RegExp(`^(${SIMPLE})\\s*/\\s*(${SIMPLE})$`, "i");
  const numberOf = (typed, part) => {
    const text = typed.replace(/[\u2212\u2013]/g, "-").trim();
    if (NUMBER.test(text)) return { value: Number(text) };
    const halves = text.match(FRACTION);
    if (halves) return { value: Number(halves[1]) / Number(halves[2]) };
    if (/^[+-]?(nan|inf(inity)?)$/i.test(text)) return { value: Number(text.replace(/inf.*/i, "Infinity")) };
    if (text.includes(",")) return { problem: "a decimal point is a point, not a comma, and thousands need no mark" };
    if (text.endsWith("%")) return { problem: "write a share as a number: 5 % is 0.05" };
    if (new RegExp(`^${SIMPLE}\\s*[^\\d\\s]+`, "i").test(text)) return { problem: "write the number alone, without its unit" };
    return { problem: part.text };
  };
  const plain = (text) => text.trim().split(/\s+/).join(" ").toLowerCase().replace(/^["']|["']$/g, "");

  const replyToPart = (part, given) => {
    if (part.kind === "text") return part.replies[given] ?? part.other;
    if (Number.isNaN(given)) return part.special.nan;
    if (!Number.isFinite(given)) return part.special[given > 0 ? "inf" : "-inf"];
    let [low, high] = [0, part.ends.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (part.ends[middle] <= given) low = middle;
      else high = middle;
    }
    return part.replies[part.which[low]];
  };
  const fits = (given, accepted) =>
    Array.isArray(accepted) ? accepted[0] <= given && given <= accepted[1] : given === accepted;

  // An empty reply: right.
  const replyTo = (tables, typed) => {
    const { parts, together, array } = tables;
    const several = parts.length > 1;
    const values = [];
    for (const [i, part] of parts.entries()) {
      const at = several ? `part ${i + 1} of ${parts.length}: ` : "";
      if (!typed[i].trim()) return `${at}write an answer first`;
      const { value, problem } = part.kind === "text" ? { value: plain(typed[i]) } : numberOf(typed[i], part);
      if (problem) return at && !problem.startsWith(at) ? at + problem : problem;
      values.push(value);
    }
    const odd = array ? values.filter((value) => !Number.isFinite(value)).length : 0;
    if (odd) {
      const first = values.findIndex((value) => !Number.isFinite(value));
      return replyToPart(parts[first], values[first]).replace(/^1(?= of)/, odd);
    }
    for (const [reply, accepted] of together) {
      if (accepted.every((one, i) => fits(values[i], one))) return reply;
    }
    const found = parts.map((part, i) => replyToPart(part, values[i]));
    const wrong = found.filter(Boolean);
    if (!wrong.length) return "";
    return array ? wrong[0].replace(/^1(?= of)/, wrong.length) : wrong[0];
  };

  const made = (tag, attributes, parent) => {
    const svg = parent instanceof SVGElement || tag === "svg";
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") element.textContent = value;
      else element.setAttribute(name, value);
    }
    parent?.append(element);
    return element;
  };

  const showProgress = () => {
    for (const line of document.querySelectorAll(".course-progress")) {
      const exercises = line.dataset.exercises.split(" ");
      const right = exercises.filter((exercise) => kept[exercise]?.right).length;
      line.textContent = `${right} of ${exercises.length} right`;
      if (!line.dataset.clear) continue;
      line.textContent += stored ? " in this browser. " : " (this browser keeps nothing for this page). ";
      const started = exercises.some((exercise) => kept[exercise]);
      if (!started) continue;
      const clear = made("button", { type: "button", text: "Clear my answers" }, line);
      clear.addEventListener("click", () => {
        for (const exercise of exercises) delete kept[exercise];
        save();
        for (const form of document.querySelectorAll(".course-field")) form.reset();
        showProgress();
        line.setAttribute("tabindex", "-1"); // the button is gone
        line.focus();
      });
    }
  };

  const addField = (form) => {
    const { exercise, unit } = form.dataset;
    const tables = unmask(form.dataset.replies, exercise);
    const several = tables.parts.length > 1;
    const wanted = form.querySelector(".course-wanted");
    wanted.id = `wanted-${exercise}`;
    const row = made("div", { class: "course-row" }, form);
    const inputs = tables.parts.map((part, i) => {
      const name = several ? `Part ${i + 1} of ${tables.parts.length}` : `Answer to exercise ${exercise}`;
      const attributes = { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": name };
      const mode = part.kind === "number" ? "decimal" : "text";
      return made("input", { ...attributes, inputmode: mode, "aria-describedby": wanted.id }, row);
    });
    if (unit) made("span", { class: "course-unit", text: unit }, row);
    made("button", { type: "submit", text: "Check", "aria-label": `Check the answer to exercise ${exercise}` }, row);
    const reply = made("p", { class: "course-reply", role: "status", "aria-live": "polite" }, form);
    const judge = () => {
      const off = replyTo(tables, inputs.map((input) => input.value));
      reply.textContent = off ? `Not yet: ${off}${off.endsWith("?") ? "" : "."}` : "Right.";
      form.dataset.state = off ? "wrong" : "right";
      return !off;
    };
    if (kept[exercise]) {
      inputs.forEach((input, i) => (input.value = kept[exercise].given[i] ?? ""));
      judge();
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      kept[exercise] = { given: inputs.map((input) => input.value), right: judge() };
      save();
      showProgress();
    });
    form.addEventListener("reset", () => {
      reply.textContent = "";
      delete form.dataset.state;
    });
    form.hidden = false;
  };

  // A curve is drawn with a pointer or with the arrow keys, and only then compared with the law.
  const DEPTHS = [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];
  const WIDTH = 640;
  const HEIGHT = 330;
  const FRAME = { left: 46, right: 12, top: 12, bottom: 44 };
  const lawOf = ({ i_max, u_bar }) => (u) => Math.log2((1 + (4 ** i_max * u) / u_bar) / (1 + u / u_bar)) / 2;
  const count = (number) => number.toLocaleString("en");

  const addDrawing = (box) => {
    const asked = unmask(box.dataset.asked, "drawing");
    const top = Math.ceil(Math.max(...asked.flatMap(({ known, truth }) => [known.i_max, truth.i_max])) + 1);
    const [plotWidth, plotHeight] = [WIDTH - FRAME.left - FRAME.right, HEIGHT - FRAME.top - FRAME.bottom];
    const across = (u) => FRAME.left + (plotWidth * Math.log10(u)) / 5;
    const up = (bits) => FRAME.top + plotHeight * (1 - bits / top);
    const path = (curve, to) => {
      const at = Array.from({ length: 161 }, (_, i) => 10 ** (i / 32)).filter((u) => u <= to);
      return at.map((u, i) => `${i ? "L" : "M"}${across(u).toFixed(1)},${up(curve(u)).toFixed(1)}`).join("");
    };
    const label = made("label", { text: "Question: " }, box);
    const menu = made("select", {}, label);
    for (const { name } of asked) made("option", { value: name, text: name }, menu);
    const description = "Draw information in bits against depth: drag, or move each dot with the arrow keys";
    const svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": description }, box);
    for (let decade = 0; decade <= 5; decade++) {
      const x = across(10 ** decade);
      made("line", { class: "grid", x1: x, x2: x, y1: FRAME.top, y2: HEIGHT - FRAME.bottom }, svg);
      const edge = decade === 5 ? "end" : "middle";
      made("text", { x: x + (decade === 5 ? 8 : 0), y: HEIGHT - FRAME.bottom + 18, "text-anchor": edge, text: count(10 ** decade) }, svg);
    }
    for (let bits = 0; bits <= top; bits++) {
      made("line", { class: "grid", x1: FRAME.left, x2: WIDTH - FRAME.right, y1: up(bits), y2: up(bits) }, svg);
      made("text", { x: FRAME.left - 8, y: up(bits) + 4, "text-anchor": "end", text: bits }, svg);
    }
    made("text", { x: FRAME.left + plotWidth / 2, y: HEIGHT - 6, "text-anchor": "middle", text: "UMIs per cell" }, svg);
    const middle = FRAME.top + plotHeight / 2;
    const turned = { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` };
    made("text", { ...turned, text: "information (bits)" }, svg);
    const known = made("path", { class: "known" }, svg);
    const truth = made("path", { class: "truth" }, svg);
    const mine = made("path", { class: "mine" }, svg);
    const heights = DEPTHS.map(() => top / 2);
    let drawn = false;
    const dots = DEPTHS.map((u, i) => {
      const attributes = { r: 7, cx: across(u), tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": top };
      const dot = made("circle", { ...attributes, "aria-label": `information at ${count(u)} UMIs per cell` }, svg);
      dot.addEventListener("keydown", (event) => {
        const steps = { ArrowUp: 0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowLeft: -0.05, PageUp: 0.5, PageDown: -0.5 };
        const ends = { Home: 0, End: top };
        if (!(event.key in steps || event.key in ends)) return;
        event.preventDefault();
        set(i, event.key in ends ? ends[event.key] : heights[i] + steps[event.key]);
        redraw();
      });
      return dot;
    });
    const buttons = made("div", { class: "course-row" }, box);
    const show = made("button", { type: "button", text: "Show the answer" }, buttons);
    const again = made("button", { type: "button", text: "Draw again" }, buttons);
    const said = made("p", { class: "course-reply", role: "status", "aria-live": "polite" }, box);

    const question = () => asked.find(({ name }) => name === menu.value);
    const set = (i, bits) => {
      heights[i] = Math.min(top, Math.max(0, Math.round(bits * 20) / 20));
      drawn = true;
    };
    const redraw = () => {
      mine.setAttribute("d", heights.map((bits, i) => `${i ? "L" : "M"}${across(DEPTHS[i])},${up(bits)}`).join(""));
      dots.forEach((dot, i) => {
        dot.setAttribute("cy", up(heights[i]));
        dot.setAttribute("aria-valuenow", heights[i].toFixed(2));
        dot.setAttribute("aria-valuetext", `${heights[i].toFixed(2)} bits`);
      });
    };
    const restart = () => {
      heights.fill(top / 2);
      drawn = false;
      known.setAttribute("d", path(lawOf(question().known), question().seen));
      truth.removeAttribute("d");
      said.textContent = "Grey: the law as it is. Draw in orange, with the pointer or the arrow keys, how you expect it to be.";
      redraw();
    };
    show.addEventListener("click", () => {
      if (!drawn) {
        said.textContent = "Draw your curve first.";
        return;
      }
      const law = lawOf(question().truth);
      truth.setAttribute("d", path(law, Infinity));
      const errors = DEPTHS.map((u, i) => heights[i] - law(u));
      const mean = errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length;
      const worst = errors.reduce((most, error, i) => (Math.abs(error) > Math.abs(errors[most]) ? i : most), 0);
      const side = errors[worst] > 0 ? "too high" : "too low";
      const most = `most at ${count(DEPTHS[worst])} UMIs per cell, where you are ${Math.abs(errors[worst]).toFixed(2)} bits ${side}`;
      said.textContent = `Blue: the answer. You are off by ${mean.toFixed(2)} bits on average, and ${most}.`;
    });
    again.addEventListener("click", restart);
    menu.addEventListener("change", restart);

    // Dragging sets every dot that the pointer passes.
    let last = null;
    const place = (event) => {
      const corner = svg.getBoundingClientRect();
      const scale = WIDTH / corner.width;
      const x = (event.clientX - corner.left) * scale;
      const y = (event.clientY - corner.top) * scale;
      return [((x - FRAME.left) / plotWidth) * (DEPTHS.length - 1), (1 - (y - FRAME.top) / plotHeight) * top];
    };
    svg.addEventListener("pointerdown", (event) => {
      last = place(event);
      svg.setPointerCapture(event.pointerId);
      const nearest = Math.min(DEPTHS.length - 1, Math.max(0, Math.round(last[0])));
      set(nearest, last[1]);
      redraw();
    });
    svg.addEventListener("pointermove", (event) => {
      if (!last) return;
      const [from, to] = [last, place(event)];
      const [first, end] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
      for (let i = Math.ceil(first); i <= end; i++) {
        if (i < 0 || i >= DEPTHS.length) continue;
        const share = end > first ? (i - from[0]) / (to[0] - from[0]) : 0;
        set(i, from[1] + share * (to[1] - from[1]));
      }
      const nearest = Math.round(to[0]);
      if (Math.abs(to[0] - nearest) < 0.35 && nearest in DEPTHS) set(nearest, to[1]);
      last = to;
      redraw();
    });
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (last = null));
    restart();
  };

  load();
  document.querySelectorAll(".course-field").forEach(addField);
  document.querySelectorAll(".course-drawing").forEach(addDrawing);
  showProgress();
})();
