// What the player asks for ahead, of playlists and files that are told here: one line of JSON a case, on the standard output.

import { PartsAhead, loaderWith } from "../../src/amphi/pages/static/live/ahead.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

let now = 0;
let timers = [];
let asked = [];
Object.defineProperty(performance, "now", { value: () => now });
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
    this.stats.loading = { start: now - 60, first: now, end: now };
    callbacks.onSuccess({ data: new ArrayBuffer(3) }, this.stats, context, null);
  }

  abort() {
    this.aborts += 1;
  }

  destroy() {}
}

function begin() {
  [now, timers, asked] = [1000, [], []];
  const ahead = new PartsAhead();
  const Loader = loaderWith(ahead, Base);
  const answers = [];
  const load = (url) => {
    const loader = new Loader();
    loader.load({ url }, {}, { onSuccess: ({ data }) => answers.push([url, data.byteLength, now]) });
    return loader;
  };
  return { ahead, load, answers };
}

const upTo = (last) => Array.from({ length: last + 1 }, (_, number) => `p${number}`);
const whatWasAsked = () => asked.map(({ url, at }) => [url, at - 1000]);

async function isNotBehind() {
  const { ahead, load } = begin();
  for (const number of [1, 2, 3]) {
    ahead.listed = upTo(number);
    load(`p${number}`);
    await pass(200);
  }
  return whatWasAsked();
}

async function isBehind() {
  const { ahead, load } = begin();
  ahead.listed = upTo(4);
  load("p0");
  await pass(20);
  for (const one of asked) one.give(200);
  await pass(20);
  load("p1");
  await pass(20);
  load("p2");
  await pass(20);
  // Nothing more is listed, until now.
  load("p3");
  await pass(20);
  ahead.listed = upTo(5);
  await pass(20);
  return whatWasAsked();
}

async function comes(status) {
  const { ahead, load, answers } = begin();
  ahead.listed = upTo(2);
  load("p1");
  await pass(50);
  const loader = load("p2");
  await pass(20);
  asked[0].give(status);
  await pass(20);
  const { start, first, end } = loader.stats.loading;
  return [answers.at(-1), loader.loads, asked.length, first - start, end - first, loader.stats.total];
}

async function isLeft() {
  const { ahead, load, answers } = begin();
  ahead.listed = upTo(2);
  load("p1");
  await pass(50);
  const loader = load("p2");
  loader.abort();
  await pass(20);
  return [asked[0].signal.aborted, loader.aborts, loader.stats.aborted, loader.loads, answers.length];
}

async function isTakenByNobody() {
  const { ahead, load } = begin();
  for (const name of ["a", "b", "c", "d"]) {
    ahead.listed = [name, `${name}1`, `${name}2`, `${name}3`];
    load(name);
    await pass(200);
  }
  const most = asked.length;
  await pass(3000);
  return [most, asked.filter(({ signal }) => signal.aborted).length];
}

async function isCleared() {
  const { ahead, load } = begin();
  ahead.listed = upTo(3);
  load("p0");
  await pass(20);
  ahead.clear();
  load("p1");
  await pass(20);
  return [asked.length, asked.filter(({ signal }) => signal.aborted).length];
}

const CASES = {
  "not behind": isNotBehind,
  behind: isBehind,
  "came ahead": () => comes(200),
  refused: () => comes(404),
  left: isLeft,
  "taken by nobody": isTakenByNobody,
  cleared: isCleared,
};

for (const [name, run] of Object.entries(CASES)) console.log(JSON.stringify([name, await run()]));
