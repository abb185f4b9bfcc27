// What the player's rules say of arrivals that are told here: one line of JSON a case, on the standard output.

import { Distance } from "../../src/amphi/pages/static/live/distance.js";
import { AutoQuality } from "../../src/amphi/pages/static/live/quality.js";

const PART_S = 0.2;

/** A minute of parts, each late by `lateS(number)`; the aims, at each second. */
function aims(lateS, { seconds = 60, holdBack = 0.6, distance = new Distance(), from = 0, media = 100, isNewest = () => true } = {}) {
  distance.holdBack = holdBack;
  const found = [];
  let last = -Infinity;
  for (let number = Math.round(from / PART_S); number < (from + seconds) / PART_S; number += 1) {
    const endS = number * PART_S;
    last = Math.max(last, endS + lateS(number));
    distance.came(media + endS, last * 1000, isNewest(number));
    distance.look(last * 1000);
    if (number % 5 === 4) found.push(distance.aim);
  }
  return found;
}

const everyTenth = (many) => (number) => (number % 10 === 0 ? many : 0);
const late = (from, until, many) => (number) => (number * PART_S >= from && number * PART_S < until ? many : 0);

function rates() {
  const distance = new Distance();
  aims(() => 0, { distance });
  const at = (behind, storeS = 1) => distance.rate(100 + 59.8 - behind, storeS, 59800);
  return [at(0.6), at(0.7), at(1), at(0.75), at(0.65), at(1.3), at(2), at(2, 0.2), at(0.3), at(0.05), at(0.55)];
}

function afterAStall() {
  const distance = new Distance();
  const [before] = aims(() => 0, { distance }).slice(-1);
  distance.stalled();
  const aimsAfter = aims(() => 0, { distance, from: 60, seconds: 60 });
  return [before, aimsAfter[0], aimsAfter.at(-1)];
}

function afterAChange() {
  const distance = new Distance();
  aims(() => 0, { distance, seconds: 20 });
  distance.change(20000);
  return aims(late(20, 20.4, 1.5), { distance, from: 20, seconds: 20 });
}

/** At the 20th second another picture is fetched: what was listed meanwhile comes late, and not as the newest, for four seconds. */
function caughtUp(change, before = () => 0) {
  const distance = new Distance();
  aims(before, { distance, seconds: 20 });
  distance[change](20000);
  const gone = (number) => number * PART_S - 20;
  const lateS = (number) => (gone(number) < 4 ? 4 - gone(number) : 0);
  return aims(lateS, { distance, from: 20, seconds: 80, isNewest: (number) => gone(number) >= 4 });
}

function afterAJump() {
  const distance = new Distance();
  aims(everyTenth(1), { distance, seconds: 20 });
  return aims(() => 0, { distance, from: 20, seconds: 20, media: 5000 });
}

/** Nothing comes for six seconds, once at each of these; then all that was listed meanwhile does, in a second. */
function outages(...starts) {
  const lateS = (number) => Math.max(0, ...starts.map((at) => at + 6 - number * PART_S).filter((left) => left >= 0 && left <= 6));
  return aims(lateS, { seconds: 180 });
}

const RATES = [500e3, 937e3, 2500e3];

/** The steps, at each second, of an hour at most in which each part waits and takes so much of its duration, by the step. */
function steps(waited, took, { seconds = 60, saves = false, stalls = 0 } = {}) {
  const quality = new AutoQuality(RATES, { saves });
  const found = [];
  let freeAt = 0;
  for (let number = 0; number < seconds / PART_S; number += 1) {
    const now = number * PART_S * 1000;
    const start = Math.max(freeAt, now);
    const first = start + waited * PART_S * 1000;
    freeAt = first + (took * PART_S * 1000 * RATES[quality.step]) / RATES[2];
    quality.came(PART_S, { start, first, end: freeAt });
    if (stalls && number === 50) quality.stalled(stalls, now);
    quality.look(now);
    if (number % 5 === 4) found.push(quality.step);
  }
  return found;
}

/** Two parts at a time take three quarters of what both last, and each of them longer than it lasts. */
function twoAtATime() {
  const quality = new AutoQuality(RATES);
  const found = [];
  for (let start = 0; start < 20000; start += 400) {
    for (const end of [start + 260, start + 300]) quality.came(PART_S, { start, first: start + 60, end });
    found.push(quality.look(start + 400));
  }
  return found;
}

const CASES = {
  "calm line": () => aims(() => 0),
  "server's distance": () => aims(() => 0, { holdBack: 3 }),
  "late now and then": () => aims(everyTenth(0.8)),
  "late at the beginning": () => aims((number) => (number < 4 ? 0.8 - number * PART_S : 0)),
  "late for a while": () => aims(late(10, 20, 1), { seconds: 120 }),
  "too late to wait for": () => aims((number) => (number % 100 >= 40 && number % 100 < 75 ? 7 - ((number % 100) - 40) * PART_S : 0)),
  "one late part": () => aims((number) => (number === 150 ? 0.19 : 0)),
  "one outage": () => outages(2.4),
  "two outages": () => outages(10, 50),
  "outages far apart": () => outages(10, 90),
  stall: afterAStall,
  change: afterAChange,
  "caught up with a smaller picture": () => caughtUp("ease", everyTenth(0.8)),
  "caught up elsewhere": () => caughtUp("change", everyTenth(0.8)),
  jump: afterAJump,
  rates,
  fast: () => steps(0.1, 0.3),
  "4 Mbit/s, 60 ms": () => steps(0.3, 0.63),
  "two at a time": twoAtATime,
  "1.5 Mbit/s": () => steps(0.3, 1.7),
  "far away and wide": () => steps(0.95, 0.05),
  "saves data, fast": () => steps(0.1, 0.1, { saves: true }),
  "stood still": () => steps(0.1, 0.1, { stalls: 900, seconds: 15 }),
};

for (const [name, run] of Object.entries(CASES)) console.log(JSON.stringify([name, run().map((one) => Math.round(one * 100) / 100)]));
