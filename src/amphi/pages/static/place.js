// The keyboard's place. When what has the focus goes away, or is disabled, browsers put the focus nowhere: people who use a keyboard or a
// screen reader then don't know where they are.

const LOOK_MS = 200;
/** What is disabled for longer than this does not come back soon. */
const PATIENCE_MS = 2000;

let last = null;
/** What it stands in, from the inside. */
let around = [];
let lostAt = 0;

document.addEventListener("focusin", ({ target }) => {
  last = target;
  around = [];
  for (let one = target.parentElement; one && one !== document.body; one = one.parentElement) around.push(one);
});
// Who presses beside everything lets go on purpose.
document.addEventListener("pointerdown", () => { last = null; });

function isThere(element) {
  return element.isConnected && (element.checkVisibility?.({ visibilityProperty: true }) ?? element.getClientRects().length > 0);
}

/** Gives the focus to something that is no control, for as long as it has it. */
function stayAt(element) {
  if (!element.hasAttribute("tabindex")) {
    element.tabIndex = -1;
    element.addEventListener("blur", () => element.removeAttribute("tabindex"), { once: true });
  }
  element.focus({ preventScroll: true });
}

function look() {
  if (!last || document.activeElement !== document.body) {
    lostAt = 0;
    return;
  }
  lostAt ||= performance.now();
  if (isThere(last)) {
    if (!last.matches(":disabled")) last.focus({ preventScroll: true });
    if (document.activeElement !== document.body || performance.now() - lostAt < PATIENCE_MS) return;
  }
  stayAt(around.find(isThere) ?? document.getElementById("main"));
}

setInterval(look, LOOK_MS);
