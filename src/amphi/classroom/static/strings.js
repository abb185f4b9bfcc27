// The page's words, in French and in English, from the one catalogue that the server uses too.
const answer = await fetch("/html5client/static/strings.json");
const catalogue = await answer.json();
const root = document.documentElement;
const listeners = new Set();

/** The text of `key` in the page's language; `{name}` is replaced from `values`. */
export function t(key, values = {}) {
  const text = catalogue[key]?.[root.lang] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Whether the catalogue has `key`: what the server names as a reason may be newer than this page. */
export const has = (key) => Object.hasOwn(catalogue, key);

/** Give an element a text of the catalogue that follows the language. */
export function setText(element, key) {
  element.dataset.text = key;
  element.textContent = t(key);
}

/** Give a control a name and a tooltip that follow the language. */
export function setLabel(element, key) {
  element.dataset.label = key;
  element.setAttribute("aria-label", t(key));
  element.title = t(key);
}

/** Call `listener` when the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Put the whole page in `language`, now and on later visits. */
export function setLanguage(language) {
  root.lang = language;
  document.cookie = `classroom_language=${language}; path=/; max-age=31536000; samesite=lax`;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) setLabel(element, element.dataset.label);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = t(element.dataset.placeholder);
  for (const listener of listeners) listener();
}
