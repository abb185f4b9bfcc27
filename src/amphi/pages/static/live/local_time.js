// Hours in the reader's own time zone, beside the server's, where the two differ at that moment.

const language = document.documentElement.lang;

/** Minutes east of UTC that an ISO 8601 text was written with. */
function offsetOf(text) {
  const found = /([+-])(\d{2}):?(\d{2})$/.exec(text);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) : 0;
}

for (const line of document.querySelectorAll("[data-local-time]")) {
  const moment = new Date(line.dataset.localTime);
  if (Number.isNaN(moment.getTime()) || -moment.getTimezoneOffset() === offsetOf(line.dataset.localTime)) continue;
  const words = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  line.textContent = line.dataset.words.replace("{when}", words.format(moment));
  line.hidden = false;
}
