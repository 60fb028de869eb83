// Submits msgs, waits until each has ended, and prints what became of it.
//
//   node producer.js [--url URL] [--queue NAME] <msgs, or PENA_URL, PENA_QUEUE
//
// Needs node 20 or later. Each line of the input is a msg with a key:
// {"key":"order 7","payload":{"n":7}}. A msg of that key is accepted once, however often it is
// submitted: so ask again whenever an answer is lost.
// Exit code: 0 all were reported, 1 some failed, 2 they could not be submitted.
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

const SILENCE = 10_000; // ms in which an answer comes
const AGAIN = 500; // ms until the next try, and between two looks at a msg
const MSGS = 25; // of a request: so many of the largest (256 KiB) fit in a body (8 MiB)
const TEMPORARY = [408, 425, 429, 500, 502, 503, 504];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const options = {
  url: { type: "string", default: process.env.PENA_URL || "http://127.0.0.1:8080" },
  queue: { type: "string", default: process.env.PENA_QUEUE || "default" },
};

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

function keyOf(line, at) {
  try {
    const { key } = JSON.parse(line);
    if (typeof key === "string") return key;
  } catch {
    // said below
  }
  return refuse(`line ${at + 1} is ${line.slice(0, 80)}; expected {"key":"…","payload":…}`);
}

// Asks until that is answered.
async function ask(path, more) {
  for (;;) {
    try {
      const signal = AbortSignal.timeout(SILENCE);
      const answer = await fetch(url + path, { ...more, signal });
      const said = await answer.text();
      if (!TEMPORARY.includes(answer.status)) return { status: answer.status, said };
      console.error(`not taken: ${said}`);
    } catch (error) {
      console.error(`not answered: ${error.cause ?? error}`);
    }
    await sleep(AGAIN);
  }
}

// Each line is sent as it stands, digit for digit.
async function submit(lines) {
  const ids = [];
  for (let first = 0; first < lines.length; first += MSGS) {
    const body = `[${lines.slice(first, first + MSGS)}]`;
    const query = new URLSearchParams({ queue });
    const { status, said } = await ask(`/task?${query}`, { method: "POST", body });
    if (status !== 201) refuse(said);
    ids.push(...JSON.parse(said).ids);
  }
  return ids;
}

// Where it stands once it has ended.
async function wait(id) {
  for (;;) {
    const { status, said } = await ask(`/task/${id}`);
    // Deleted, or forgotten (--keep-reports, --keep-fails).
    if (status !== 200) return { state: "unknown", story: [{ outcome: said }] };
    const msg = JSON.parse(said);
    if (msg.state === "reported" || msg.state === "failed") return msg;
    await sleep(AGAIN);
  }
}

const { url, queue } = parse();
const lines = (await text(process.stdin)).split("\n");
if (lines.at(-1) === "") lines.pop();
const keys = lines.map(keyOf);
const ids = await submit(lines);
for (const [at, id] of ids.entries()) {
  const key = keys[at];
  const { state, result = null, story } = await wait(id);
  if (state === "reported") {
    console.log(JSON.stringify({ key, id, result }));
  } else {
    process.exitCode = 1;
    const { error, outcome } = story.at(-1);
    console.error(`failed: ${key}: ${error ?? outcome}`);
  }
}
