// Deployments over net/http.
//
//	create CALLS WARM_UP AT_ONCE [HEADER...]
//
// One after another over HTTP/1.1; more at once share one HTTP/2 connection.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type order struct {
	Project string            `json:"project"`
	Branch  string            `json:"branch"`
	Env     map[string]string `json:"env"`
}

type failure struct {
	Stage   string `json:"stage"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type deployment struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	Project       string            `json:"project"`
	ProjectID     string            `json:"project_id"`
	Status        string            `json:"status"`
	Target        string            `json:"target"`
	URL           string            `json:"url"`
	PermalinkURL  string            `json:"permalink_url"`
	Branch        *string           `json:"branch"`
	CommitSHA     *string           `json:"commit_sha"`
	CommitMessage *string           `json:"commit_message"`
	Source        string            `json:"source"`
	ParentID      *string           `json:"parent_id"`
	PreviewID     *string           `json:"preview_id"`
	Current       bool              `json:"current"`
	Regions       []string          `json:"regions"`
	EnvKeys       []string          `json:"env_keys"`
	Metadata      map[string]string `json:"metadata"`
	Failure       *failure          `json:"failure"`
	CancelReason  *string           `json:"cancel_reason"`
	CreatedAt     int64             `json:"created_at"`
	StartedAt     *int64            `json:"started_at"`
	FinishedAt    *int64            `json:"finished_at"`
	DurationMs    *int64            `json:"duration_ms"`
	QueuedMs      *int64            `json:"queued_ms"`
}

type api struct {
	client  *http.Client
	url     string
	headers http.Header
}

func newAPI(url, caFile string, lines []string, atOnce int) *api {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		log.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	headers := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		headers.Set(name, value)
	}
	return &api{url: url, headers: headers, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: authorities},
		ForceAttemptHTTP2:   atOnce > 1,
		MaxIdleConnsPerHost: atOnce,
		DisableCompression:  true, // it would ask for gzip, which the others do not
	}}}
}

func uuid() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		log.Fatal(err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (a *api) create(o order) (*deployment, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = a.headers.Clone()
	request.Header.Set("Idempotency-Key", uuid())
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("%s: %s", response.Status, answer)
	}
	created := new(deployment)
	return created, json.Unmarshal(answer, created)
}

func (a *api) repeat(calls, atOnce int) {
	var wait sync.WaitGroup
	left := int64(calls)
	for i := 0; i < atOnce; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for atomic.AddInt64(&left, -1) >= 0 {
				created, err := a.create(order{"my-app", "main", map[string]string{"NODE_ENV": "production"}})
				if err != nil {
					log.Fatal(err)
				}
				if created.Status != "queued" {
					log.Fatal(created.Status)
				}
			}
		}()
	}
	wait.Wait()
}

func usage() (cpu float64, peakKB int64) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9, used.Maxrss
}

func number(word string) int {
	value, err := strconv.Atoi(word)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: create CALLS WARM_UP AT_ONCE [HEADER...]")
	}
	calls, warmUp, atOnce := number(os.Args[1]), number(os.Args[2]), number(os.Args[3])
	a := newAPI(os.Getenv("GIT_API_URL")+"/deployments", os.Getenv("GIT_CA_FILE"), os.Args[4:], atOnce)
	a.repeat(warmUp, atOnce)
	began := time.Now()
	before, _ := usage()
	a.repeat(calls, atOnce)
	cpu, peakKB := usage()
	fmt.Printf("{\"calls\":%d,\"wall\":%.6f,\"cpu\":%.6f,\"peak_kb\":%d}\n", calls,
		time.Since(began).Seconds(), cpu-before, peakKB)
}
