// Takes one batch, and keeps its lease for as long as the job takes.
// usage: node worker.mjs http://127.0.0.1:8080   (node 18 or later)
const url = process.argv[2];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What takes long.
const job = (msg) => sleep(msg.period);

async function report(body) {
  const signal = AbortSignal.timeout(10_000);
  const answer = await fetch(`${url}/report`, { method: "POST", body: JSON.stringify(body), signal });
  return { status: answer.status, ...(await answer.json()) };
}

function lost(why) {
  console.error(why);
  process.exit(1); // ends the job, too
}

let done = false;

async function work(batch, lease, msg) {
  const keep = setInterval(async () => {
    try {
      const answer = await report({ batch, ids: [], partial: true });
      if (answer.status === 409 && !done) lost("the batch is over");
    } catch (error) {
      console.error(`not kept this time: ${error}`); // the next one makes up for it
    }
  }, lease / 3);
  await job(msg);
  done = true;
  clearInterval(keep);
  for (;;) {
    try {
      const answer = await report({ batch, ids: [msg.id] });
      if (answer.status === 200) return console.log(JSON.stringify(answer));
      if (answer.status !== 503) lost(answer.error); // 409: the work came too late
    } catch (error) {
      console.error(`not answered: ${error}`);
    }
    await sleep(1000);
  }
}

const stream = await fetch(`${url}/task?batchsize=1&batches=1`);
const lease = Number(stream.headers.get("Pena-Lease"));
let text = "";
let batch;
let working;
try {
  for await (const bytes of stream.body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + bytes).split("\n");
    text = lines.pop();
    for (const line of lines) {
      if (line.startsWith("id: ")) batch = line.slice(4);
      if (line.startsWith("data: ")) working = work(batch, lease, JSON.parse(line.slice(6)));
    }
  }
} catch (error) {
  console.error(`the stream broke off: ${error}`);
}
if (!done) lost("the stream has ended before the job");
await working;
