// The widgets' script asks version 2 of MathJax to typeset their labels; the book has version 3, and no maths there.
window.addEventListener("load", () => {
  window.MathJax ??= {};
  window.MathJax.Hub ??= { Queue() {} };
});
