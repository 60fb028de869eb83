// Submits msgs, waits until each has ended, and prints what became of it.
//
//	go run ./producer [--url URL] [--queue NAME] <msgs, or PENA_URL, PENA_QUEUE
//
// Needs Go 1.22 or later, and its standard library alone. Each line of the input is a msg with a
// key: {"key":"order 7","payload":{"n":7}}. A msg of that key is accepted once, however often it is
// submitted: so ask again whenever an answer is lost.
// Exit code: 0 all were reported, 1 some failed, 2 they could not be submitted.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	silence = 10 * time.Second       // in which an answer comes
	again   = 500 * time.Millisecond // until the next try, and between two looks at a msg
	most    = 25                     // msgs of a request: the largest (256 KiB) fit in a body (8 MiB)
	longest = 1 << 20                // bytes of a line of the input
)

var (
	server = flag.String("url", cmp.Or(os.Getenv("PENA_URL"), "http://127.0.0.1:8080"), "")
	queue  = flag.String("queue", cmp.Or(os.Getenv("PENA_QUEUE"), "default"), "")
	client = http.Client{Timeout: silence}
)

type keyed struct {
	key  string
	line []byte
}

func say(format string, values ...any) { fmt.Fprintf(os.Stderr, format+"\n", values...) }

func refuse(format string, values ...any) {
	say(format, values...)
	os.Exit(2)
}

func readMsgs() (msgs []keyed) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		line := bytes.Clone(lines.Bytes())
		var has struct{ Key *string }
		if json.Unmarshal(line, &has) != nil || has.Key == nil {
			refuse(`line %d is %.80s; expected {"key":"…","payload":…}`, len(msgs)+1, line)
		}
		msgs = append(msgs, keyed{*has.Key, line})
	}
	if err := lines.Err(); err != nil {
		refuse("line %d: %v", len(msgs)+1, err)
	}
	return msgs
}

func temporary(status int) bool {
	return status == 408 || status == 425 || status == 429 || status >= 500
}

// Asks until that is answered: with the body where there is one.
func ask(path string, body []byte) (int, []byte) {
	method := "GET"
	if body != nil {
		method = "POST"
	}
	for ; ; time.Sleep(again) {
		request, err := http.NewRequest(method, *server+path, bytes.NewReader(body))
		if err != nil {
			refuse("%v", err)
		}
		answer, err := client.Do(request)
		if err != nil {
			say("not answered: %v", err)
			continue
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			say("not answered: %v", err)
		} else if temporary(answer.StatusCode) {
			say("not taken: %s", said)
		} else {
			return answer.StatusCode, said
		}
	}
}

func submit(msgs []keyed) (ids []string) {
	for first := 0; first < len(msgs); first += most {
		var some [][]byte // as they stand, digit for digit
		for _, msg := range msgs[first:min(first+most, len(msgs))] {
			some = append(some, msg.line)
		}
		body := "[" + string(bytes.Join(some, []byte(","))) + "]"
		status, said := ask("/task?queue="+url.QueryEscape(*queue), []byte(body))
		var answer struct{ IDs []string }
		if err := json.Unmarshal(said, &answer); status != 201 || err != nil {
			refuse("%s", said)
		}
		ids = append(ids, answer.IDs...)
	}
	return ids
}

type ended struct {
	State  string
	Result json.RawMessage
	Story  []struct{ Outcome, Error string }
}

// Returns where it stands once it has ended.
func wait(id string) (msg ended, gone string) {
	for ; ; time.Sleep(again) {
		status, said := ask("/task/"+id, nil)
		if status != 200 { // deleted, or forgotten (--keep-reports, --keep-fails)
			return msg, string(said)
		}
		msg = ended{}
		if err := json.Unmarshal(said, &msg); err != nil {
			refuse("%v: %s", err, said)
		}
		if msg.State == "reported" || msg.State == "failed" {
			return msg, ""
		}
	}
}

func main() {
	flag.Parse()
	msgs, code := readMsgs(), 0
	for at, id := range submit(msgs) {
		msg, why := wait(id)
		if msg.State == "reported" {
			line, _ := json.Marshal(map[string]any{"key": msgs[at].key, "id": id, "result": msg.Result})
			fmt.Println(string(line))
			continue
		}
		code = 1
		if why == "" {
			last := msg.Story[len(msg.Story)-1]
			why = cmp.Or(last.Error, last.Outcome)
		}
		say("failed: %s: %s", msgs[at].key, why)
	}
	os.Exit(code)
}
