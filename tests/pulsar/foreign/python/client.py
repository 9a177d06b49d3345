"""Does one thing with the official client for Python, and prints what came of it as JSON, one object a line.

    client.py URL COMMAND TOPIC [OPTION=VALUE...]    the topic as in persistent://public/default/order
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import pulsar
from pulsar.schema import AvroSchema, Integer, JsonSchema, Record


class Order(Record):
    id = Integer()


def say(**what):
    print(json.dumps(what), flush=True)


def hold(client, topic, options):
    """Holds a subscription until stdin ends."""
    consumer = client.subscribe(
        topic,
        options["group"],
        consumer_name="the-holder",
        consumer_type=getattr(pulsar.ConsumerType, options["type"]),
        initial_position=pulsar.InitialPosition.Earliest,
    )
    say(holds=options["group"])
    sys.stdin.read()
    consumer.close()


def write(client, topic, options):
    """Writes `count` messages, `prefix000` and so on, each with its text as the key."""
    producer = client.create_producer(
        topic,
        compression_type=getattr(pulsar.CompressionType, options.get("compression", "NONE")),
        batching_enabled=options.get("batching") == "yes",
        batching_max_publish_delay_ms=2000,
        batching_max_messages=max(2, int(options.get("count", "1"))),
        block_if_queue_full=True,
    )
    failed = []

    def done(result, _):
        if result != pulsar.Result.Ok:
            failed.append(str(result))

    prefix = options.get("prefix", "")
    for number in range(int(options.get("count", "1"))):
        text = f"{prefix}{number:03}"
        producer.send_async(text.encode(), done, properties={"n": str(number)}, partition_key=text)
    producer.flush()
    producer.close()
    say(failed=failed)


def read(client, topic, _):
    """Prints every message that is there."""
    reader = client.create_reader(topic, pulsar.MessageId.earliest)
    while reader.has_message_available():
        message = reader.read_next(timeout_millis=20000)
        say(
            text=message.data()[:80].decode(errors="replace"),
            size=len(message.data()),
            key=message.partition_key(),
            properties=message.properties(),
        )
    reader.close()


def give_up(client, topic, options):
    """Fails every message until it is a dead letter."""
    letters = f"{topic}-{options['group']}-DLQ"
    watching = client.subscribe(letters, "watcher", initial_position=pulsar.InitialPosition.Earliest)
    consumer = client.subscribe(
        topic,
        options["group"],
        consumer_type=pulsar.ConsumerType.Shared,
        negative_ack_redelivery_delay_ms=100,
        initial_position=pulsar.InitialPosition.Earliest,
        dead_letter_policy=pulsar.ConsumerDeadLetterPolicy(2, letters, "pf-dlq"),
    )
    for _ in range(int(options["count"]) * 3):
        consumer.negative_acknowledge(consumer.receive(timeout_millis=20000))
    for _ in range(int(options["count"])):
        say(properties=watching.receive(timeout_millis=20000).properties())
    consumer.close()


def schema(client, topic, options):
    """Writes an order under a schema."""
    kind = {"json": JsonSchema, "avro": AvroSchema}[options["kind"]]
    client.create_producer(topic, schema=kind(Order)).send(Order(id=7))
    say(failed=[])


def main():
    url, command, topic, *pairs = sys.argv[1:]
    client = pulsar.Client(url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    commands = {"hold": hold, "write": write, "read": read, "give-up": give_up, "schema": schema}
    commands[command](client, topic, dict(pair.split("=", 1) for pair in pairs))
    client.close()


main()
