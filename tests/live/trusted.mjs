// What the policy of pages with libraries lets through: reads a list of texts, and writes a list of "html" and "script" that passed.

import { readFileSync } from "node:fs";

let policy;
globalThis.self = { origin: "https://amphi.example.org" };
globalThis.trustedTypes = { createPolicy: (name, rules) => { policy = { name, ...rules }; } };
await import("../../src/amphi/pages/static/trusted.js");

const passes = (text) => ({ html: policy.createHTML(text) !== null, script: policy.createScriptURL(text) !== null });
process.stdout.write(JSON.stringify({ name: policy.name, passed: JSON.parse(readFileSync(0)).map(passes) }));
