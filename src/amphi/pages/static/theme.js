// Light or dark before the first paint: the reader's choice, else the system's.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("amphi-theme");
    } catch {
      return null; // storage is refused: follow the system
    }
  };
  const choice = () => (["light", "dark"].includes(stored()) ? stored() : "auto");
  const paint = () => {
    const dark = choice() === "dark" || (choice() === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
  };
  const mark = () => {
    for (const button of document.querySelectorAll("[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === choice()));
    }
  };
  paint();
  system.addEventListener("change", paint);
  addEventListener("storage", () => { paint(); mark(); });
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme]");
    if (!button) return;
    try {
      localStorage.setItem("amphi-theme", button.dataset.theme);
    } catch {
      return;
    }
    paint();
    mark();
  });
})();
