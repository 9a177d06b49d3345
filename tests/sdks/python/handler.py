"""A handler that reads its events with the Python SDK, its core and its older interface alike: it writes what it
understood as one line of JSON, or fails with 65 and the SDK's error. `--worker FILE` does so for each line, and adds
what it understood to the file."""

import base64
import json
import os
import sys
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import from_json


def understand(line):
    event = JSONFormat().read(CloudEvent, line)
    attributes = {name: plain(value) for name, value in event.get_attributes().items()}
    understood = {"attributes": attributes, "data": data(event.get_data(), attributes)}
    older = from_json(line)
    if (older["id"], older.get_data()) != (event.get_id(), event.get_data()):
        raise ValueError(f"the two interfaces of the SDK disagree: {older}")
    return understood


def plain(value):
    return value.isoformat() if isinstance(value, datetime) else value


def data(value, attributes):
    if value is None:
        return None
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    is_json = attributes.get("datacontenttype", "application/json").endswith("json")
    return {"json" if is_json else "text": value}


def work(path):
    with open(path, "a") as report:
        for line in sys.stdin.buffer:
            answer = {"id": json.loads(line)["id"], "action": "ack"}
            try:
                print(json.dumps(understand(line)), file=report, flush=True)
            except Exception as error:
                answer.update(action="dead_letter", reason=told(error))
            print(json.dumps(answer), flush=True)


def told(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


if sys.argv[1:2] == ["--worker"]:
    work(sys.argv[2])
else:
    try:
        print(json.dumps(understand(sys.stdin.buffer.read())))
    except Exception as error:
        print(told(error), file=sys.stderr)
        sys.exit(65)
