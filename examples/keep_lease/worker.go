// Takes one batch, and keeps its lease for as long as the job takes.
// usage: go run worker.go http://127.0.0.1:8080
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

type msg struct {
	ID     string
	Period int
}

var (
	url    = os.Args[1]
	client = http.Client{Timeout: 10 * time.Second}
	done   atomic.Bool
)

// What takes long.
func job(m msg) { time.Sleep(time.Duration(m.Period) * time.Millisecond) }

type answer struct {
	Error string
}

func report(batch string, ids []string, partial bool) (int, answer, error) {
	var said answer
	body, _ := json.Marshal(map[string]any{"batch": batch, "ids": ids, "partial": partial})
	got, err := client.Post(url+"/report", "application/json", strings.NewReader(string(body)))
	if err != nil {
		return 0, said, err
	}
	defer got.Body.Close()
	return got.StatusCode, said, json.NewDecoder(got.Body).Decode(&said)
}

// Lets the lease begin again, three times in each. What fails is made up for by the next.
func keep(batch string, lease time.Duration) {
	for range time.Tick(lease / 3) {
		if done.Load() {
			return
		}
		status, _, err := report(batch, []string{}, true)
		if status == 409 && !done.Load() {
			log.Fatal("the batch is over") // ends the job, too
		} else if err != nil || status != 200 {
			log.Print("not kept this time: ", status, err)
		}
	}
}

func work(batch string, lease time.Duration, m msg, reported chan<- bool) {
	go keep(batch, lease)
	job(m)
	done.Store(true)
	for ; ; time.Sleep(time.Second) {
		status, said, err := report(batch, []string{m.ID}, false)
		switch {
		case err != nil || status == 503:
			log.Print("not answered: ", status, err)
		case status != 200: // 409: the work came too late
			log.Fatal(said.Error)
		default:
			fmt.Println("reported", m.ID)
			reported <- true
			return
		}
	}
}

func main() {
	stream, err := http.Get(url + "/task?batchsize=1&batches=1")
	if err != nil {
		log.Fatal(err)
	}
	lease, _ := strconv.Atoi(stream.Header.Get("Pena-Lease"))
	reported := make(chan bool, 1)
	lines, batch := bufio.NewScanner(stream.Body), ""
	lines.Buffer(nil, 1<<20) // the longest line: a payload has 256 KiB at most
	for lines.Scan() {
		if id, is := strings.CutPrefix(lines.Text(), "id: "); is {
			batch = id
		} else if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			var m msg
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				log.Fatal(err)
			}
			go work(batch, time.Duration(lease)*time.Millisecond, m, reported)
		}
	}
	if !done.Load() {
		log.Fatal("the stream has ended before the job")
	}
	<-reported
}
