// What the player asks for ahead, of playlists and files that are told here: one line of JSON a case, on the standard output.

import { PartsAhead, loaderWith } from "../../src/amphi/pages/static/live/ahead.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

let now = 0;
let timers = [];
let asked = [];
performance.now = () => now;
globalThis.setTimeout = (run, ms) => {
  const timer = { run, at: now + ms };
  timers.push(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  timers = timers.filter((one) => one !== timer);
};
globalThis.fetch = (url, { signal }) =>
  new Promise((resolve, reject) => {
    const give = (status) => resolve({ ok: status === 200, status, url, arrayBuffer: async () => new ArrayBuffer(7) });
    asked.push({ url, at: now, give, signal });
    signal.addEventListener("abort", () => reject(new Error("aborted")));
  });

async function pass(ms) {
  const until = now + ms;
  for (;;) {
    const [next] = timers.filter((one) => one.at <= until).sort((one, other) => one.at - other.at);
    if (!next) break;
    clearTimeout(next);
    now = next.at;
    next.run();
    await turn();
  }
  now = until;
  await turn();
}

/** hls.js's loader, as far as it counts here. */
class Base {
  stats = { loading: { start: 0, first: 0, end: 0 }, loaded: 0, total: 0, aborted: false };
  loads = 0;
  aborts = 0;

  load(context, config, callbacks) {
    if (this.stats.loading.start) throw new Error("used twice");
    this.loads += 1;
    this.stats.loading = { start: now - this.constructor.tripMs, first: now, end: now };
    callbacks.onSuccess({ data: new ArrayBuffer(3) }, this.stats, context, null);
  }

  abort() {
    this.aborts += 1;
  }

  destroy() {}
}

function begin(tripMs) {
  [now, timers, asked] = [1000, [], []];
  const ahead = new PartsAhead();
  const Loader = loaderWith(ahead, class extends Base { static tripMs = tripMs; });
  const answers = [];
  const load = (url, frag = {}) => {
    const loader = new Loader();
    loader.load({ url, frag }, {}, { onSuccess: ({ data }) => answers.push([url, data.byteLength, now]) });
    return loader;
  };
  if (tripMs) load("init", { sn: "initSegment" });
  return { ahead, load, answers };
}

const plan = (ahead, number) => ahead.plan({ newest: `p${number}`, hinted: `p${number + 1}`, partS: 0.2 });

async function onA(tripMs, { isBehind = false } = {}) {
  const { ahead, load } = begin(tripMs);
  plan(ahead, 1);
  load(isBehind ? "p0" : "p1");
  await pass(500);
  return asked.map(({ url, at }) => [url, at - 1000]);
}

async function comes(status, { waitsMs = 150 } = {}) {
  const { ahead, load, answers } = begin(60);
  plan(ahead, 1);
  load("p1");
  await pass(waitsMs);
  const loader = load("p2");
  await pass(20);
  asked[0]?.give(status);
  await pass(20);
  const { start, first, end } = loader.stats.loading;
  return [answers.at(-1), loader.loads, asked.length, first - start, end - first, loader.stats.total];
}

async function isLeft() {
  const { ahead, load, answers } = begin(60);
  plan(ahead, 1);
  load("p1");
  await pass(150);
  const loader = load("p2");
  loader.abort();
  await pass(20);
  return [asked[0].signal.aborted, loader.aborts, loader.stats.aborted, loader.loads, answers.length];
}

async function isTakenByNobody() {
  const { ahead, load } = begin(60);
  for (const number of [1, 2, 3, 4]) {
    load(`p${number}`);
    ahead.plan({ newest: `p${number}`, hinted: `other${number}`, partS: 0.2 });
    await pass(200);
  }
  const most = asked.length;
  await pass(3000);
  const stopped = asked.filter(({ signal }) => signal.aborted).length;
  ahead.clear();
  return [most, stopped];
}

const CASES = {
  "unknown way": () => onA(0),
  "short way": () => onA(12),
  "60 ms": () => onA(60),
  "400 ms": () => onA(400),
  "60 ms, behind": () => onA(60, { isBehind: true }),
  "came ahead": () => comes(200),
  "listed before it was asked for": () => comes(200, { waitsMs: 50 }),
  refused: () => comes(404),
  left: isLeft,
  "taken by nobody": isTakenByNobody,
};

for (const [name, run] of Object.entries(CASES)) console.log(JSON.stringify([name, await run()]));
