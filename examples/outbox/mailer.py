"""The consumer: it writes one mail for each event. `pf consume --worker` gives it an event per line.

The mail and the event's key in the inbox are one transaction, so no event leads to two mails, whatever is killed when.

    mailer.py SOCKET
"""

import json
import sys

import pg8000.dbapi


def handle(connection, event):
    cursor = connection.cursor()
    cursor.execute(
        "INSERT INTO pf_inbox (key) VALUES (%s) ON CONFLICT DO NOTHING RETURNING 1", (event["pfdedupkey"],)
    )
    if cursor.fetchone():
        data = event["data"]
        text = f"{event['type']}: order {data['order']} over {data['total']}"
        cursor.execute("INSERT INTO mails (customer, text) VALUES (%s, %s)", (f"customer {data['order']}", text))
    connection.commit()


def main():
    connection = pg8000.dbapi.connect(user="pf_handler", database="postgres", unix_sock=sys.argv[1])
    for line in sys.stdin:
        event = json.loads(line)
        handle(connection, event)
        print(json.dumps({"id": event["id"], "action": "ack"}), flush=True)


main()
