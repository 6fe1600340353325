// Keys: arrows, space, page up and down, home, end; n notes, s notes in a second window, h hint, p print.
(() => {
  const slides = [...document.querySelectorAll("section")];
  const apart = location.search === "?notes"; // the window of notes
  let at = 0;
  let other = apart ? window.opener : null;
  document.body.classList.add("one");
  const bar = document.body.appendChild(document.createElement("nav"));
  bar.setAttribute("aria-label", "Slides");
  const place = document.createElement("span");
  place.setAttribute("aria-live", "polite");

  const show = (number, from) => {
    at = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach((slide, i) => slide.classList.toggle("now", i === at));
    place.textContent = `${at + 1} / ${slides.length}`;
    history.replaceState(null, "", `#slide-${at + 1}`);
    if (other && !other.closed && from !== "other") other.postMessage({ slide: at }, "*");
  };
  const notes = (on) => {
    const shown = document.body.classList.toggle("notes", on);
    toggle.setAttribute("aria-pressed", shown);
  };
  const second = () => {
    other = window.open(`${location.href.split(/[?#]/)[0]}?notes#slide-${at + 1}`, "notes", "width=1000,height=700");
  };
  const hint = () => {
    const fold = slides[at].querySelector("details");
    if (fold) fold.open = !fold.open;
  };
  const button = (words, title, action) => {
    const made = bar.appendChild(document.createElement("button"));
    Object.assign(made, { type: "button", textContent: words, title });
    made.addEventListener("click", action);
    return made;
  };
  button("←", "Previous slide (left arrow)", () => show(at - 1)).setAttribute("aria-label", "Previous slide");
  button("→", "Next slide (right arrow or space)", () => show(at + 1)).setAttribute("aria-label", "Next slide");
  const toggle = button("Notes", "Notes beside the slide (n)", () => notes());
  button("Second window", "Notes in a second window, which follows this one (s)", second);
  button("Print", "Print one slide a page, with the notes if they are shown (p)", () => window.print());
  bar.append(place);

  const keys = {
    ArrowRight: () => show(at + 1), ArrowDown: () => show(at + 1), PageDown: () => show(at + 1), " ": () => show(at + 1),
    ArrowLeft: () => show(at - 1), ArrowUp: () => show(at - 1), PageUp: () => show(at - 1),
    Home: () => show(0), End: () => show(slides.length - 1), n: () => notes(), s: second, h: hint, p: () => window.print(),
  };
  document.addEventListener("keydown", (event) => {
    const pressed = event.target.closest("button, summary") && [" ", "Enter"].includes(event.key);
    if (pressed || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  window.addEventListener("message", (event) => {
    if (event.source === other && Number.isInteger(event.data?.slide)) show(event.data.slide, "other");
  });
  window.addEventListener("hashchange", () => show(Number(location.hash.slice(7)) - 1));
  notes(apart);
  show((Number(location.hash.slice(7)) || 1) - 1);
})();
