// Takes one batch, and keeps its lease for as long as the job takes. With the standard library
// alone, so in HTTP/1.0: a stream comes without chunks then, and an answer ends with its connection.
// build: rustc --edition 2021 worker.rs    usage: ./worker 127.0.0.1:8080
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;
use std::{env, process, thread};

// What takes long.
fn job(period: u64) {
    thread::sleep(Duration::from_millis(period));
}

fn lost(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(1) // ends the job, too
}

fn ask(server: &str, head: &str, body: &str) -> io::Result<BufReader<TcpStream>> {
    let mut peer = TcpStream::connect(server)?;
    // A heartbeat comes each second: after ten without one the stream is lost.
    peer.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    write!(peer, "{head} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    Ok(BufReader::new(peer))
}

fn report(server: &str, body: &str) -> io::Result<(u16, String)> {
    let mut answer = String::new();
    ask(server, "POST /report", body)?.read_to_string(&mut answer)?;
    let status = answer.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    Ok((status, answer.split_once("\r\n\r\n").map_or(String::new(), |parts| parts.1.to_string())))
}

// Lets the lease begin again, three times in each. What fails is made up for by the next.
fn keep(server: &str, batch: &str, lease: u64, done: &AtomicBool) {
    loop {
        thread::sleep(Duration::from_millis(lease / 3));
        if done.load(SeqCst) {
            return;
        }
        match report(server, &format!(r#"{{"batch":"{batch}","ids":[],"partial":true}}"#)) {
            Ok((409, said)) if !done.load(SeqCst) => lost(&said), // the batch is over
            Ok((200, _)) => {}
            other => eprintln!("not kept this time: {other:?}"),
        }
    }
}

fn work(server: String, batch: String, lease: u64, msg: String, done: Arc<AtomicBool>) {
    // A msg begins {"id":"…","period":…; a crate for JSON reads the payload, too.
    let id = msg.split('"').nth(3).expect("an id").to_string();
    let rest = msg.split_once("\"period\":").expect("a period").1;
    let period = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    let (to, held, seen) = (server.clone(), batch.clone(), done.clone());
    thread::spawn(move || keep(&to, &held, lease, &seen));
    job(period);
    done.store(true, SeqCst);
    loop {
        match report(&server, &format!(r#"{{"batch":"{batch}","ids":["{id}"]}}"#)) {
            Ok((200, said)) => return println!("{said}"),
            Err(_) | Ok((0 | 503, _)) => eprintln!("not answered"),
            Ok((_, said)) => lost(&said), // 409: the work came too late
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn main() -> io::Result<()> {
    let server = env::args().nth(1).expect("HOST:PORT");
    let done = Arc::new(AtomicBool::new(false));
    let (mut lease, mut batch, mut worker) = (0, String::new(), None);
    for line in ask(&server, "GET /task?batchsize=1&batches=1", "")?.lines() {
        let Ok(line) = line else { break };
        if let Some(ms) = line.strip_prefix("Pena-Lease: ") {
            lease = ms.parse().expect("ms");
        } else if let Some(id) = line.strip_prefix("id: ") {
            batch = id.to_string();
        } else if let Some(data) = line.strip_prefix("data: ") {
            let (to, held, msg, seen) =
                (server.clone(), batch.clone(), data.to_string(), done.clone());
            worker = Some(thread::spawn(move || work(to, held, lease, msg, seen)));
        }
    }
    match worker {
        Some(worker) if done.load(SeqCst) => worker.join().expect("the report"),
        _ => lost("the stream has ended before the job"),
    }
    Ok(())
}
