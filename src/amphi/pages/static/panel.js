// The running webinar's panel: asks every two seconds how things are, and changes only what changed.

const INTERVAL_MS = 2000;
const TIMEOUT_MS = 8000;

const panel = document.querySelector("[data-panel]");
const slot = (name, root = panel) => root.querySelector(`[data-slot="${name}"]`);

/** Sets a text only when it differs, so that screen readers hear news and nothing else. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function capitalised(text) {
  return text.charAt(0).toLocaleUpperCase(document.documentElement.lang) + text.slice(1);
}

/** Shows or hides; a focus that would be lost goes to the title. */
function show(element, shown) {
  if (element.hidden === !shown) return;
  const hadFocus = element.contains(document.activeElement);
  element.hidden = !shown;
  if (hadFocus && !shown) document.getElementById("stage-title").focus();
}

function historyRow(row) {
  const item = document.createElement("li");
  item.dataset.id = row.id;
  item.dataset.state = row.state;
  const at = document.createElement("time");
  at.textContent = row.at;
  const what = document.createElement("span");
  what.textContent = row.text;
  if (row.who) what.append(" ", quiet(`${panel.dataset.by} ${row.who}`));
  if (row.reason) what.append(document.createElement("br"), quiet(row.reason));
  item.append(at, what);
  return item;
}

function quiet(text) {
  const span = document.createElement("span");
  span.className = "text-secondary";
  span.textContent = text;
  return span;
}

function noteItem(item) {
  const row = document.createElement("li");
  row.dataset.id = item.id;
  const text = document.createElement("q");
  text.textContent = item.text;
  row.append(Object.assign(document.createElement("span"), { textContent: item.by }), text);
  row.append(Object.assign(document.createElement("span"), { textContent: item.reason }));
  return row;
}

function renderNote(note) {
  const element = panel.querySelector(`[data-note="${note.key}"]`);
  element.dataset.shown = String(Boolean(note.text));
  say(slot("text", element), note.text);
  say(slot("count", element), note.count);
  const items = slot("items", element);
  const ids = (list) => list.map((item) => item.id).join();
  if (ids([...items.children].map((row) => row.dataset)) !== ids(note.items)) {
    items.replaceChildren(...note.items.map(noteItem));
  }
}

function render(now) {
  panel.querySelector(".stage").dataset.state = now.state;
  const badge = slot("state");
  badge.className = `state state-${now.look}`;
  say(badge, capitalised(now.state_label));
  say(slot("since"), now.since);
  say(slot("sentence"), now.sentence);
  say(slot("error"), now.error);
  show(slot("error-box"), Boolean(now.error));
  for (const element of panel.querySelectorAll("[data-offer]")) {
    show(element, now.offer[element.dataset.offer]);
  }
  for (const element of panel.querySelectorAll("[data-chat]")) {
    show(element, element.dataset.chat === String(now.chat));
  }
  for (const station of now.stations) {
    for (const element of panel.querySelectorAll(`[data-station="${station.key}"]`)) {
      element.dataset.status = station.status;
      say(slot("text", element), station.text);
    }
  }
  now.notes.forEach(renderNote);
  const history = panel.querySelector("[data-history]");
  const newest = history.firstElementChild?.dataset.id ?? "";
  if (String(now.history[0]?.id ?? "") !== newest) {
    history.replaceChildren(...now.history.map(historyRow));
    show(panel.querySelector("[data-history-empty]"), now.history.length === 0);
  }
}

async function ask() {
  if (!document.hidden) {
    try {
      const answer = await fetch(panel.dataset.panel, {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (answer.ok) render(await answer.json());
      else if ([401, 403, 404].includes(answer.status)) return; // logged out, or gone: a reload says it
    } catch {
      // The server is away for a moment: what is shown stays, and is asked for again.
    }
  }
  setTimeout(ask, INTERVAL_MS);
}

setTimeout(ask, INTERVAL_MS);
