// A worker that minds no restart: takes one msg after the other, prints its id and reports it.
//
//   node come_back.js URL eventsource|fetch-event-source
//
// That it connects again is left to the library.
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";

const [url, library] = [process.argv[2], process.argv[3]];
const stream = `${url}/task?batchsize=1`;

// One behind the other: the answer to a report may come after the next msg does.
let last = Promise.resolve();
function take(data) {
  last = last.then(() => work(JSON.parse(data).id));
}

async function work(id) {
  await fetch(`${url}/report`, { method: "POST", body: JSON.stringify([id]) });
  console.log(id);
}

if (library === "eventsource") {
  new EventSource(stream).onmessage = (event) => take(event.data);
} else {
  // It is made for browsers.
  globalThis.window = globalThis;
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  fetchEventSource(stream, { onmessage: (event) => take(event.data), onerror() {} });
}
