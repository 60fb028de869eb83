// Works on the msgs of a queue, one after the other, until SIGTERM.
//
//   node worker.js [--url URL] [--queue NAME] [--name NAME], or PENA_URL, PENA_QUEUE, PENA_NAME
//
// Needs node 20 or later, and `npm ci`. An EventSource would open its next stream, and be sent the
// next msg, while a job still runs; so here the stream is read with the parser of that package.
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { createParser } from "eventsource-parser";

const SILENCE = 10_000; // ms without a sign of life, after which a stream is lost
const AGAIN = 1_000; // ms until the next try
const TEMPORARY = [408, 425, 429, 500, 502, 503, 504];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Another attempt would fail, too.
class FinalError extends Error {}

// Does the work: put your own here. It returns the result, any JSON. Where it throws, the msg
// fails, and is sent again after the backoff.
async function job(msg) {
  if (!Number.isInteger(msg.payload?.n)) {
    throw new FinalError('the payload has no "n"; expected a whole number');
  }
  await sleep(msg.period); // what takes long
  if ((msg.attempt ?? 1) <= (msg.payload.busy ?? 0)) throw new Error("the target was busy");
  return { square: msg.payload.n ** 2 };
}

// What its report will say of a msg.
async function outcome(msg) {
  try {
    return { ids: [msg.id], results: { [msg.id]: (await job(msg)) ?? null } };
  } catch (error) {
    return failed(msg, error.message, error instanceof FinalError);
  }
}

function failed(msg, error, final) {
  return { ids: [], failed: [{ id: msg.id, error, final }] };
}

let thread; // that of the jobs
let running; // the msg that is worked on
let ended; // to call with its outcome

// A thread of its own: the timer below runs whatever the job does, and the job can be ended.
function begin() {
  const begun = new Worker(new URL(import.meta.url));
  let why = "the job was ended";
  begun.on("message", (text) => ended(JSON.parse(text)));
  begun.on("error", (error) => (why = `${error}`));
  begun.on("exit", () => {
    thread = undefined;
    if (running) ended(failed(running, why, false));
  });
  return begun;
}

async function run(msg) {
  thread ??= begin();
  running = msg;
  thread.postMessage(msg);
  const result = await new Promise((resolve) => (ended = resolve));
  running = undefined;
  return result;
}

const { values: given } = parseArgs({
  options: {
    url: { type: "string", default: process.env.PENA_URL || "http://127.0.0.1:8080" },
    queue: { type: "string", default: process.env.PENA_QUEUE || "default" },
    name: { type: "string", default: process.env.PENA_NAME || `${hostname()}-${process.pid}` },
  },
});
const { url, queue, name } = given;
let stopping = false;
let working = Promise.resolve(); // the work on the last msg
let client; // the id of the stream

// The answer, or null where there is none.
async function report(body) {
  try {
    const signal = AbortSignal.timeout(SILENCE);
    const asks = { method: "POST", body: JSON.stringify(body), signal };
    const answer = await fetch(`${url}/report`, asks);
    return { status: answer.status, text: await answer.text() };
  } catch {
    return null;
  }
}

// Lets the lease begin again; what fails is made up for by the next.
async function keep(batch, msg) {
  const answer = await report({ batch, ids: [], partial: true });
  if (msg !== running || answer?.status !== 409 || JSON.parse(answer.text).held !== 0) return;
  console.error(`the batch ${batch} is over`);
  await thread.terminate();
}

// Reports it until that is answered.
async function settle(batch, msg, result) {
  for (;;) {
    const answer = await report({ batch, ...result, last: stopping });
    if (answer?.status === 200) return console.log(JSON.stringify(result));
    if (answer?.status === 409) return console.error(`too late: ${answer.text}`);
    if (answer && !TEMPORARY.includes(answer.status)) {
      const refused = `the report was refused: ${answer.text}`;
      if (result.failed) throw new Error(refused);
      result = failed(msg, refused, true);
      continue;
    }
    console.error(answer ? `not taken: ${answer.text}` : "not answered");
    await sleep(AGAIN);
  }
}

async function work(batch, msg, lease) {
  const keeper = setInterval(keep, lease / 3, batch, msg); // three times in each
  const result = await run(msg);
  clearInterval(keeper);
  await settle(batch, msg, result);
}

// Says that no more is taken, until that is answered: then the stream ends. Whatever `held` in the
// answer is: a batch that is on its way comes before the end.
async function leave() {
  const leaving = client;
  while (leaving && leaving === client) {
    const answer = await report({ client, last: true });
    if (answer?.status === 200) return;
    console.error(answer ? `not taken: ${answer.text}` : "not answered");
    await sleep(AGAIN);
  }
}

// Finishes what runs or is on its way, takes no more, and ends.
function stop() {
  stopping = true;
  leave();
}

// One stream, up to its end.
async function read() {
  const control = new AbortController();
  const silent = setTimeout(() => control.abort(), SILENCE);
  try {
    const asks = new URLSearchParams({ batchsize: 1, submitted: 1, queue, name });
    const stream = await fetch(`${url}/task?${asks}`, { signal: control.signal });
    if (!stream.ok) {
      const text = await stream.text();
      if (TEMPORARY.includes(stream.status)) throw new Error(text);
      console.error(text);
      process.exit(1);
    }
    const lease = Number(stream.headers.get("Pena-Lease"));
    client = stream.headers.get("Pena-Client");
    if (stopping) leave(); // told to before there was a stream
    const onEvent = ({ id, data }) => {
      if (data) working = working.then(() => work(id, JSON.parse(data), lease));
    };
    const parser = createParser({ onEvent });
    for await (const text of stream.body.pipeThrough(new TextDecoderStream())) {
      silent.refresh();
      parser.feed(text);
    }
  } finally {
    clearTimeout(silent);
    client = undefined;
  }
}

async function main() {
  for (const sign of ["SIGTERM", "SIGINT"]) process.on(sign, stop);
  while (!stopping) {
    try {
      await read();
    } catch (error) {
      if (!stopping) console.error(`the stream is lost: ${error.cause ?? error}`);
    }
    await working; // what runs when a stream is lost is finished before the next
    if (!stopping) await sleep(AGAIN);
  }
  process.exit(0);
}

if (isMainThread) await main();
else {
  // As text: what is no JSON fails here, and with a sentence.
  parentPort.on("message", async (msg) => {
    parentPort.postMessage(JSON.stringify(await outcome(msg)));
  });
}
