// Package client shows how a client is tested against a real gathering.
package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa"
	// A hit that the demo's rule content knows, as critical.
	critical = "demo_rules.external.memory_pressure|NODE_MEMORY_EXHAUSTED"
)

// program names gathering: GATHERING_PROGRAM, or else what is found in the PATH.
func program() string {
	if named := os.Getenv("GATHERING_PROGRAM"); named != "" {
		return named
	}
	return "gathering"
}

// gathering is a server of one test, with a database of its own.
type gathering struct {
	API          string `json:"api"`
	Admin        string `json:"admin"`
	Token        string `json:"token"`
	Organization uint32 `json:"organization"`
}

// start runs a server without any request until the test ends.
func start(t *testing.T, arguments ...string) *gathering {
	t.Helper()
	command := exec.Command(program(), append([]string{
		"demo", "--json", "--until-eof", "--messages", os.DevNull,
		"--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0",
	}, arguments...)...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It ends with its standard input, also if this process is killed.
		stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("gathering ended with %v", err)
		}
	})
	var server gathering
	if err := json.NewDecoder(stdout).Decode(&server); err != nil {
		t.Fatalf("gathering does not say where it answers: %v", err)
	}
	return &server
}

// call sends a request and decodes the body of its answer.
func (g *gathering) call(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	request, err := http.NewRequest(method, g.API+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+g.Token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}

// status is what a client polls: the state of a request, nothing for one that is not known.
func (g *gathering) status(t *testing.T, request string) string {
	t.Helper()
	var answer struct{ Status string }
	path := fmt.Sprintf("/cluster/%s/request/%s/status", cluster, request)
	if code := g.call(t, "GET", path, "", &answer); code == http.StatusNotFound {
		return ""
	}
	return answer.Status
}

// until polls until a request has this state.
func (g *gathering) until(t *testing.T, request, state string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if g.status(t, request) == state {
			return
		}
	}
	t.Fatalf("%s never was %q", request, state)
}

// post prints a sample message, and takes the pipeline's part by sending it.
func (g *gathering) post(t *testing.T, kind string, sample ...string) {
	t.Helper()
	arguments := append([]string{
		"sample", kind, "--org", fmt.Sprint(g.Organization), "--cluster", cluster,
	}, sample...)
	message, err := exec.Command(program(), arguments...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Stored, Failed int }
	code := g.call(t, "POST", "/ingest/"+kind+"s", string(message), &answer)
	if code != http.StatusOK || answer.Stored+answer.Failed != 1 {
		t.Fatalf("the %s was not taken: %d %+v", kind, code, answer)
	}
}

func TestAReportIsThereOnceItsRequestIsProcessed(t *testing.T) {
	server := start(t)
	if state := server.status(t, "abc"); state != "" {
		t.Fatalf("unknown requests have no state, and this one is %q", state)
	}
	server.post(t, "announcement", "--request", "abc")
	server.until(t, "abc", "received")

	server.post(t, "result", "--request", "abc", "--hit", critical)
	server.until(t, "abc", "processed")
	var answer struct {
		Report []struct {
			Rule string `json:"rule_fqdn"`
			Risk int    `json:"total_risk"`
		}
	}
	server.call(t, "GET", "/cluster/"+cluster+"/request/abc/report", "", &answer)
	if len(answer.Report) != 1 || answer.Report[0].Risk != 4 {
		t.Fatalf("one critical hit was expected: %+v", answer)
	}
}

func TestARequestThatFailed(t *testing.T) {
	server := start(t)
	server.post(t, "result", "--request", "abc", "--failed")
	server.until(t, "abc", "failed")
}

func TestARequestThatExpires(t *testing.T) {
	server := start(t, "--set", "storage.retention=2s")
	server.post(t, "result", "--request", "abc")
	server.until(t, "abc", "")
}
