// Keys for whoever wants them; every page works without this file.
"use strict";
(() => {
  const hint = document.querySelector("[data-keys]");
  if (hint) hint.hidden = false;
  const typing = (at) => at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
  const cases = () => [...document.querySelectorAll("a.case")];
  const move = (step) => {
    const all = cases();
    const here = all.indexOf(document.activeElement);
    const next = all[Math.max(0, Math.min(all.length - 1, here + step))];
    if (next) next.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      if (field) field.focus();
      else location.href = "/cases";
    } else {
      const link = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
      if (!link) return;
      link.click();
    }
    event.preventDefault();
  });
})();
