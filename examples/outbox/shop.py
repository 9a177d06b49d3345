"""The shop: it places orders and takes payments. Each change and the event that reports it are one transaction.

    shop.py SOCKET FIRST END      places the orders from FIRST to the one before END
"""

import json
import sys
import threading

import pg8000.dbapi

TILLS = 4


def emit(cursor, type, order, data):
    """Stores an event in the outbox, in the transaction of the cursor. It is published once that has committed."""
    cursor.execute(
        "SELECT pf_emit('orders', %s, '//shop', CAST(%s AS jsonb), key => %s)",
        (type, json.dumps(data), f"order-{order}"),
    )


def place(connection, order):
    total = 5 + order % 50
    cursor = connection.cursor()
    cursor.execute("INSERT INTO orders VALUES (%s, 'placed', %s)", (order, total))
    emit(cursor, "order.placed", order, {"order": order, "total": total})
    connection.commit()


def pay(connection, order):
    """Takes the payment of an order, unless the card is declined: then neither the change nor the event happened."""
    cursor = connection.cursor()
    # The update comes first: it locks the order, so that its events are stored in the order of its changes.
    cursor.execute("UPDATE orders SET state = 'paid' WHERE id = %s RETURNING total", (order,))
    (total,) = cursor.fetchone()
    emit(cursor, "order.paid", order, {"order": order, "total": float(total)})
    if order % 10 == 0:
        connection.rollback()
        return False
    connection.commit()
    return True


def till(socket, orders, declined):
    connection = pg8000.dbapi.connect(user="pf_writer", database="postgres", unix_sock=socket)
    for order in orders:
        place(connection, order)
        if not pay(connection, order):
            declined.append(order)
    connection.close()


def main():
    socket, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    orders = end - first
    declined = []
    tills = [
        threading.Thread(target=till, args=(socket, range(first + number, end, TILLS), declined)) for number in range(TILLS)
    ]
    for thread in tills:
        thread.start()
    for thread in tills:
        thread.join()
    events = orders + orders - len(declined)
    print(f"shop: {orders} orders placed, {len(declined)} payments declined, {events} events committed")


main()
