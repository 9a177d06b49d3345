// A handler that reads its events with the JavaScript SDK, strictly and as it reads requests: it writes what it
// understood as one line of JSON, or fails with 65 and the SDK's error. `--worker FILE` does so for each line, and adds
// what it understood to the file.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { CloudEvent, HTTP } = require("cloudevents");

const HEADERS = { "content-type": "application/cloudevents+json" };

function understand(line) {
    // The constructor is strict where the parser of requests is not.
    new CloudEvent(JSON.parse(line));
    const event = HTTP.toEvent({ headers: HEADERS, body: line });
    event.validate();
    const { data, data_base64, ...attributes } = event;
    return { attributes, data: dataOf(data, attributes.datacontenttype) };
}

function dataOf(data, type = "application/json") {
    if (data === undefined || data === null) {
        return null;
    }
    if (ArrayBuffer.isView(data)) {
        return { base64: Buffer.from(data).toString("base64") };
    }
    return type.endsWith("json") ? { json: data } : { text: data };
}

function told(error) {
    return String(error.message).replace(/\s+/g, " ");
}

async function work(path) {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const answer = { id: JSON.parse(line).id, action: "ack" };
        try {
            fs.appendFileSync(path, JSON.stringify(understand(line)) + "\n");
        } catch (error) {
            Object.assign(answer, { action: "dead_letter", reason: told(error) });
        }
        process.stdout.write(JSON.stringify(answer) + "\n");
    }
}

if (process.argv[2] === "--worker") {
    work(process.argv[3]);
} else {
    try {
        process.stdout.write(JSON.stringify(understand(fs.readFileSync(0, "utf8"))) + "\n");
    } catch (error) {
        process.stderr.write(told(error) + "\n");
        process.exitCode = 65;
    }
}
