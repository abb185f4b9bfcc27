// A page of this server, asked for by a script.

const policy = globalThis.trustedTypes?.createPolicy("amphi", { createHTML: (html) => html });

/** The document of an answer; nothing in it runs. Raises TypeError when the answer is of another server. */
export async function pageOf(answer) {
  if (new URL(answer.url).origin !== location.origin) throw new TypeError(`of another server: ${answer.url}`);
  const html = await answer.text();
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}
