// A handler that reads its events with the Go SDK: it writes what it understood as one line of JSON, or fails with 65
// and the SDK's error. `--worker FILE` does so for each line, and adds what it understood to the file.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "--worker" {
		work(os.Args[2])
		return
	}
	input, err := io.ReadAll(os.Stdin)
	check(err)
	understood, err := understand(input)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(65)
	}
	check(json.NewEncoder(os.Stdout).Encode(understood))
}

func work(path string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	report, answers := json.NewEncoder(file), json.NewEncoder(os.Stdout)
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		check(err)
		var asked struct{ ID string }
		check(json.Unmarshal(line, &asked))
		answer := map[string]string{"id": asked.ID, "action": "ack"}
		if understood, err := understand(line); err != nil {
			answer["action"], answer["reason"] = "dead_letter", err.Error()
		} else {
			check(report.Encode(understood))
		}
		check(answers.Encode(answer))
	}
}

func understand(line []byte) (map[string]any, error) {
	var e event.Event
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, err
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	attributes := map[string]any{
		"specversion": e.SpecVersion(), "id": e.ID(), "source": e.Source(), "type": e.Type(),
	}
	optional := map[string]string{
		"subject": e.Subject(), "datacontenttype": e.DataContentType(), "dataschema": e.DataSchema(),
	}
	for name, value := range optional {
		if value != "" {
			attributes[name] = value
		}
	}
	if !e.Time().IsZero() {
		attributes["time"] = e.Time()
	}
	for name, value := range e.Extensions() {
		attributes[name] = value
	}
	return map[string]any{"attributes": attributes, "data": data(&e)}, nil
}

func data(e *event.Event) any {
	switch {
	case e.DataBase64:
		return map[string]string{"base64": base64.StdEncoding.EncodeToString(e.Data())}
	case len(e.Data()) == 0:
		return nil
	case e.DataMediaType() == "" || strings.HasSuffix(e.DataMediaType(), "json"):
		return map[string]any{"json": json.RawMessage(e.Data())}
	default:
		return map[string]string{"text": string(e.Data())}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
