// One message as the page shows it. Everything that somebody typed becomes text nodes: nothing of it is ever read as HTML.

const ADDRESS = /https?:\/\/[^\s<>"«»“”]+/gi;
const TRAILING = /[.,;:!?…'’)\]}]+$/;

/** `text` as nodes: its http and https addresses lead there, and the reader's own name after an @ stands out. */
export function textNodes(text, me = "") {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const shown = withoutTail(found[0]);
    const link = linkTo(shown);
    if (!link) continue;
    fragment.append(mentions(text.slice(at, found.index), me), link);
    at = found.index + shown.length;
  }
  fragment.append(mentions(text.slice(at), me));
  return fragment;
}

/** What ends a sentence ends no address, but a bracket that was opened in it. */
function withoutTail(address) {
  const tail = TRAILING.exec(address)?.[0] ?? "";
  if (tail.startsWith(")") && address.includes("(")) return address.slice(0, address.length - tail.length + 1);
  return address.slice(0, address.length - tail.length);
}

function linkTo(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !["http:", "https:"].includes(url.protocol)) return null;
  const link = document.createElement("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.textContent = address;
  return link;
}

function mentions(text, me) {
  const fragment = document.createDocumentFragment();
  const name = me && `@${me}`.toLocaleLowerCase();
  let rest = text;
  while (name) {
    const at = rest.toLocaleLowerCase().indexOf(name);
    // Where small letters are more than great ones, places differ: then nothing stands out.
    if (at < 0 || rest.toLocaleLowerCase().length !== rest.length) break;
    const mark = document.createElement("mark");
    mark.textContent = rest.slice(at, at + name.length);
    fragment.append(rest.slice(0, at), mark);
    rest = rest.slice(at + name.length);
  }
  fragment.append(rest);
  return fragment;
}

/** The name that a message is shown by: where names are hidden, what they are. */
export function nameOf(message, words) {
  return message.author || words[message.role] || words.listener;
}

function paragraph(className, ...content) {
  const element = document.createElement("p");
  element.className = className;
  element.append(...content);
  return element;
}

function badge(text, className) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * A message's element.
 * @param {DOMStringMap} words the panel's words
 * @param {Intl.DateTimeFormat} clock shows when it was said
 * @param {string} me the reader's name
 */
export function messageElement(message, words, clock, me) {
  const element = document.createElement("div");
  element.className = "chat-message";
  element.dataset.messageId = message.id;
  element.dataset.role = message.role;
  element.tabIndex = -1;
  if (message.reply) element.append(quoteElement(message.reply, words));
  const author = document.createElement("strong");
  author.textContent = nameOf(message, words);
  const by = paragraph("chat-by", author, " ");
  if (message.role === "presenter" || message.role === "moderator") {
    element.classList.add("chat-message-presenter");
    by.append(badge(words[message.role], "chat-badge"), " ");
  } else if (message.role === "guest") by.append(badge(words.unverified, "chat-guest"), " ");
  const time = document.createElement("time");
  time.dateTime = message.at;
  time.textContent = clock.format(new Date(message.at));
  by.append(time);
  const text = paragraph("chat-text", textNodes(message.text, me));
  if (text.querySelector("mark")) element.classList.add("chat-message-mine");
  element.append(by, text);
  if (message.waits) element.append(paragraph("chat-waits", words.waiting));
  if (message.delivery === "failed") element.append(paragraph("chat-undelivered", words.undelivered));
  return element;
}

function quoteElement(quoted, words) {
  const hint = badge(`${words.answers} `, "visually-hidden");
  const author = document.createElement("strong");
  author.textContent = nameOf(quoted, words);
  const quote = paragraph("chat-quote", hint, author, ` ${quoted.text}`);
  quote.dataset.quotes = quoted.id;
  return quote;
}
