// Before the page is drawn: the colours that the reader's system asks for; the filmed view is always dark.
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
function applyTheme() {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.view === "clean" || prefersDark.matches ? "dark" : "light";
}
prefersDark.addEventListener("change", applyTheme);
applyTheme();
