// Calls a meeting server with bigbluebutton-js, as its README does, and prints what it understood as JSON.
//     node bigbluebutton_js_calls.cjs URL SECRET
"use strict";

const bbb = require("bigbluebutton-js");

const [url, secret] = process.argv.slice(2);
const { administration, monitoring, recording, hooks } = bbb.api(`${url}/bigbluebutton`, secret);
const name = "Cours d’été & plus";

async function main() {
  const said = {};
  const ask = async (what, address) => {
    said[what] = await bbb.http(address);
  };
  const passwords = { attendeePW: "ap", moderatorPW: "mp", duration: 90, meta_course: "1" };
  await ask("none", monitoring.getMeetings());
  await ask("create", administration.create(name, "physics", passwords));
  await ask("again", administration.create(name, "physics", passwords));
  await ask("other", administration.create(name, "physics", { ...passwords, moderatorPW: "x" }));
  await ask("idle", monitoring.isMeetingRunning("physics"));
  await ask("join", administration.join("Zoé & Ada", "physics", "mp", { redirect: false }));
  await ask("refused", administration.join("Eve", "physics", "wrong", { redirect: false }));
  await ask("info", monitoring.getMeetingInfo("physics"));
  await ask("one", monitoring.getMeetings());
  await ask("create2", administration.create("Chimie", "chemistry", {}));
  await ask("two", monitoring.getMeetings());
  await ask("recordings", recording.getRecordings({ meetingID: "physics" }));
  await ask("hook", hooks.create("http://127.0.0.1:9/hook?a=1&b=é", { meetingID: "physics" }));
  await ask("hooks", hooks.list({ meetingID: "physics" }));
  await ask("unhook", hooks.destroy(said.hook.hookID));
  await ask("end", administration.end("physics", "mp"));
  await ask("unknown", monitoring.getMeetingInfo("nothing"));
  await ask("forged", monitoring.getMeetingInfo("chemistry").replace("chemistry", "physics"));
  said.joinUrl = administration.join("Ada", "chemistry", said.create2.moderatorPW);
  console.log(JSON.stringify(said));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
