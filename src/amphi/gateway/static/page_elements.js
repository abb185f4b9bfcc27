// What every kind of page needs: to find things, to press them, to wait for them.

const find = (selector, within = document) => within.querySelector(selector);
// On the page, though it may be made invisible: what is not to be filmed is still looked at.
const isVisible = (element) => Boolean(element?.getClientRects().length);
const findVisible = (selector, within = document) => [...within.querySelectorAll(selector)].find(isVisible);

// The names that BigBlueButton gives its elements for its own tests: in one attribute until 3.0, in another since 4.0.
const named = (...names) => names.flatMap((name) => [`[data-test='${name}']`, `[data-testid='${name}']`]).join(", ");

// The words of an element, seen or not, those of its parts apart.
function textOf(element) {
  const texts = element ? document.createTreeWalker(element, NodeFilter.SHOW_TEXT) : null;
  const words = [];
  while (texts?.nextNode()) words.push(texts.currentNode.data);
  return words.join(" ").replace(/\s+/g, " ").trim().slice(0, 160);
}

const PRESS_EVERY_MS = 5000;
const PRESSES = 3;
const presses = new Map(); // what has been pressed in this document: how often, and when last

// Presses a button that may need it again, `most` times; says whether there is one.
function press(step, element, { most = PRESSES } = {}) {
  if (!isVisible(element)) return false;
  const { count, atMs } = presses.get(step) ?? { count: 0, atMs: -Infinity };
  if (count < most && performance.now() - atMs > PRESS_EVERY_MS) {
    presses.set(step, { count: count + 1, atMs: performance.now() });
    element.click();
  }
  return true;
}

// What `condition` gives once it is true, else null after a while.
async function until(condition, withinMs) {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const value = condition();
    if (value) return value;
    if (performance.now() > endMs) return null;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  });
}

// React keeps its own copy of a field's value: set it as a person's keys would.
function fill(field, text) {
  const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
