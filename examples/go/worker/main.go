// Works on the msgs of a queue, one after the other, until SIGTERM.
//
//	go run ./worker [--url URL] [--queue NAME] [--name NAME], or PENA_URL, PENA_QUEUE, PENA_NAME
//
// Needs Go 1.22 or later, and its standard library alone.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	heartbeat = time.Second      // between two signs of life of an idle stream
	silence   = 10 * time.Second // without one, after which a stream is lost
	again     = time.Second      // until the next try
	longest   = 1 << 20          // bytes of a line: a payload has 256 KiB at most
)

type msg struct {
	ID      string
	Period  int
	Attempt int
	Payload json.RawMessage
}

type object = map[string]any

// Another attempt would fail, too.
type finalError struct{ error }

// Does the work: put your own here. It returns the result, any JSON. Where that is an error the msg
// fails, and is sent again after the backoff. Once the batch is lost, ctx ends.
func job(ctx context.Context, m msg) (any, error) {
	var payload struct {
		N    *int
		Busy int
	}
	if err := json.Unmarshal(m.Payload, &payload); err != nil || payload.N == nil {
		return nil, finalError{errors.New(`the payload has no "n"; expected a whole number`)}
	}
	select {
	case <-time.After(time.Duration(m.Period) * time.Millisecond): // what takes long
	case <-ctx.Done():
		return nil, errors.New("the batch was over")
	}
	if max(m.Attempt, 1) <= payload.Busy {
		return nil, errors.New("the target was busy")
	}
	return object{"square": *payload.N * *payload.N}, nil
}

// Says a panic as an error: it is one msg that fails, and not the worker.
func try(ctx context.Context, m msg) (result any, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("panic: %v", why)
		}
	}()
	return job(ctx, m)
}

var (
	server = flag.String("url", cmp.Or(os.Getenv("PENA_URL"), "http://127.0.0.1:8080"), "")
	queue  = flag.String("queue", cmp.Or(os.Getenv("PENA_QUEUE"), "default"), "")
	name   = flag.String("name", cmp.Or(os.Getenv("PENA_NAME"), ownName()), "")
	client = http.Client{Timeout: silence}
)

func ownName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

func temporary(status int) bool {
	return status == 408 || status == 425 || status == 429 || status >= 500
}

// Returns the status and the answer; 0 where there is none.
func report(body object) (int, []byte) {
	text, err := json.Marshal(body)
	if err != nil {
		return http.StatusBadRequest, []byte(err.Error()) // a result that is no JSON
	}
	got, err := client.Post(*server+"/report", "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, nil
	}
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	if err != nil {
		return 0, nil
	}
	return got.StatusCode, said
}

// Lets the lease begin again, three times in each. What fails is made up for by the next.
func keep(ctx context.Context, batch string, lease time.Duration, over context.CancelFunc) {
	for ticks := time.NewTicker(lease / 3); ; {
		select {
		case <-ctx.Done():
			ticks.Stop()
			return
		case <-ticks.C:
		}
		status, said := report(object{"batch": batch, "ids": []string{}, "partial": true})
		var answer struct{ Held int }
		if ctx.Err() == nil && status == 409 && json.Unmarshal(said, &answer) == nil && answer.Held == 0 {
			log.Printf("the batch %s is over", batch)
			over()
		}
	}
}

func failed(m msg, err error) object {
	_, final := err.(finalError)
	entry := object{"id": m.ID, "error": err.Error(), "final": final}
	return object{"ids": []string{}, "failed": []object{entry}}
}

// Reports it until that is answered.
func settle(stop context.Context, batch string, m msg, outcome object) {
	for ; ; time.Sleep(again) {
		outcome["batch"], outcome["last"] = batch, stop.Err() != nil
		status, said := report(outcome)
		switch {
		case status == 200:
			text, _ := json.Marshal(outcome)
			fmt.Println(string(text))
			return
		case status == 409:
			log.Printf("too late: %s", said)
			return
		case status == 0:
			log.Print("not answered")
		case temporary(status):
			log.Printf("not taken: %s", said)
		case outcome["failed"] != nil:
			log.Fatalf("the report was refused: %s", said)
		default:
			outcome = failed(m, finalError{fmt.Errorf("the report was refused: %s", said)})
		}
	}
}

func work(stop context.Context, batch string, m msg, lease time.Duration) {
	ctx, over := context.WithCancel(context.Background())
	go keep(ctx, batch, lease, over)
	outcome := object{"ids": []string{m.ID}}
	if result, err := try(ctx, m); err != nil {
		outcome = failed(m, err)
	} else {
		outcome["results"] = object{m.ID: result}
	}
	over()
	settle(stop, batch, m, outcome)
}

type event struct{ batch, data string }

// Reads on while a job runs, so that the stream is never held up.
func read(ctx context.Context, stream io.Reader, silent *time.Timer, events chan<- event) error {
	lines, batch := bufio.NewScanner(stream), ""
	lines.Buffer(nil, longest)
	for lines.Scan() {
		silent.Reset(silence)
		if id, is := strings.CutPrefix(lines.Text(), "id: "); is {
			batch = id
		} else if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			select {
			case events <- event{batch, data}:
			case <-ctx.Done():
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// One stream, up to its end.
func take(stop context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	silent := time.AfterFunc(silence, cancel)
	asks := url.Values{"batchsize": {"1"}, "submitted": {"1"}, "queue": {*queue}, "name": {*name}}
	ask, err := http.NewRequestWithContext(ctx, "GET", *server+"/task?"+asks.Encode(), nil)
	if err != nil {
		log.Fatal(err)
	}
	stream, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	if stream.StatusCode != 200 {
		said, _ := io.ReadAll(stream.Body)
		if !temporary(stream.StatusCode) {
			log.Fatalf("%s", said)
		}
		return errors.New(string(said))
	}
	ms, err := strconv.Atoi(stream.Header.Get("Pena-Lease"))
	if err != nil {
		log.Fatalf("Pena-Lease: %v", err)
	}
	lease := time.Duration(ms) * time.Millisecond
	events, ended := make(chan event), make(chan error, 1)
	go func() { ended <- read(ctx, stream.Body, silent, events) }()
	told, leave := stop.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case e := <-events:
			var m msg
			if err := json.Unmarshal([]byte(e.data), &m); err != nil {
				log.Fatalf("no msg: %s", e.data)
			}
			work(stop, e.batch, m, lease)
		case err := <-ended:
			return err
		case <-leave:
			return nil
		case <-told:
			told = nil
		}
		if stop.Err() != nil {
			// A batch that is on its way comes within this. One that is never read costs an attempt.
			leave = time.After(heartbeat)
		}
	}
}

func main() {
	flag.Parse()
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	for stop.Err() == nil {
		if err := take(stop); stop.Err() == nil {
			log.Printf("the stream is lost: %v", err)
			select {
			case <-time.After(again):
			case <-stop.Done():
			}
		}
	}
}
