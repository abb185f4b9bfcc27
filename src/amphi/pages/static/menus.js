// Menus: a <details class="dropdown"> opens by itself. This closes it as people expect, and lets arrows move in it.

// The site's menu is a drawer on a small screen only. Browsers without popovers show it in the page.
const drawer = "popover" in HTMLElement.prototype ? document.querySelector(".site-menu") : null;
matchMedia("(min-width: 992px)").addEventListener("change", closeDrawer);

function closeDrawer() {
  if (drawer?.matches(":popover-open")) drawer.hidePopover();
}

const openMenus = () => document.querySelectorAll("details.dropdown[open]");
const isIn = (element, node) => node instanceof Node && element.contains(node);

// "toggle" does not bubble: it is caught on its way down.
document.addEventListener("toggle", ({ target }) => {
  if (!target.matches("details.dropdown[open]")) return;
  const menu = target.querySelector(".dropdown-menu");
  menu.classList.remove("is-above");
  const { height, bottom } = menu.getBoundingClientRect();
  menu.classList.toggle("is-above", bottom > innerHeight && target.getBoundingClientRect().top > height);
}, true);

document.addEventListener("click", ({ target }) => {
  for (const menu of openMenus()) {
    if (!isIn(menu, target) || target.closest("[data-opens]")) menu.open = false;
  }
});

document.addEventListener("focusout", ({ relatedTarget }) => {
  if (!relatedTarget) return; // a click on nothing, or another window
  for (const menu of openMenus()) if (!isIn(menu, relatedTarget)) menu.open = false;
  if (drawer && !isIn(drawer, relatedTarget)) closeDrawer();
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.dropdown");
  if (!menu) return;
  const summary = menu.querySelector("summary");
  if (event.key === "Escape" && menu.open) {
    event.preventDefault(); // the drawer around it stays
    menu.open = false;
    summary.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    menu.open = true;
    const items = [...menu.querySelectorAll(".dropdown-item")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = items.indexOf(event.target) + step;
    (items.at(next < 0 && event.target === summary ? -1 : next) ?? items[0])?.focus();
  }
});
