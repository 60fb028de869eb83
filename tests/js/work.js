// A browser's EventSource as a client of Pena: takes batches and reports each one whole.
//
//   node work.js URL BATCHSIZE BATCHES
//
// Prints one line of JSON a batch: {"batch":…,"msgs":[…],"answer":…}. An EventSource reads no
// comments and no headers, so a batch is whole when BATCHSIZE msgs with its id are there.
import { EventSource } from "eventsource";

const [url, batchsize, batches] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const source = new EventSource(`${url}/task?batchsize=${batchsize}`);
let held = [];
let begun = 0;
let done = 0;

async function report(batch, msgs) {
  const body = JSON.stringify({ batch, ids: msgs.map((msg) => msg.id) });
  const answer = await (await fetch(`${url}/report`, { method: "POST", body })).json();
  console.log(JSON.stringify({ batch, msgs, answer }));
  done += 1;
  if (done === batches) {
    source.close();
    process.exit(0);
  }
}

source.onmessage = (event) => {
  held.push(JSON.parse(event.data));
  // The next batch can come before the answer to the report of the last.
  if (held.length < batchsize || begun === batches) return;
  begun += 1;
  const msgs = held;
  held = [];
  report(event.lastEventId, msgs);
};
source.onerror = (event) => {
  console.error(event.message);
  process.exit(1);
};
