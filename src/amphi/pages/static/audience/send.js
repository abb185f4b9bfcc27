// Sending what a listener does, and turning whatever comes back into an answer or a sentence.

const TIMEOUT_MS = 10000;

/** Something was refused, or did not arrive; the message is a sentence for the listener. */
export class Refused extends Error {}

/**
 * Posts fields with the page's own token; resolves to the answer's JSON.
 * @param {{failed: string, login: string}} words sentences for what has none of its own
 */
export async function send(url, fields, words) {
  const body = new URLSearchParams(fields);
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token() },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Refused(words.failed);
  }
  if (answer.ok) return answer.json();
  if (answer.status === 422) throw new Refused((await answer.json()).detail);
  throw new Refused(answer.status === 401 ? words.login : words.failed);
}

function token() {
  return JSON.parse(document.getElementById("live-data").textContent).csrf;
}

/** A random UUID; `crypto.randomUUID` is only there over HTTPS. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Fills the slot `name` of an element. */
export function slot(root, name) {
  return root.querySelector(`[data-slot="${name}"]`);
}

/** Takes what was sent out of its box; what was typed meanwhile stays. */
export function clearSent(box, sent) {
  const typed = box.value.trimStart();
  if (typed.startsWith(sent)) box.value = typed.slice(sent.length).trimStart();
}
