"""Runs in a pod: writes rows one after the other and prints each that the database acknowledged.

Lines: `ack NUMBER TIME` and `err NUMBER TIME WHY`, times in seconds since 1970. A number that was
not acknowledged is not tried again, since nobody knows whether it was written.
"""

import os
import time

import psycopg2  # type: ignore[import-untyped] # of the image that it runs in

PAUSE = 0.02  # seconds between two rows
ADDRESS = (
    f"host=postgresql-rw.biomax-data dbname=biomax_ai user=biomax_app "
    f"password={os.environ['PASSWORD']} sslmode=require connect_timeout=2 "
    "keepalives_idle=1 keepalives_interval=1 keepalives_count=2 tcp_user_timeout=3000"
)


def main() -> None:
    """Write for ever."""
    connection = None
    number = int(os.environ["FIRST"])
    while True:
        try:
            if connection is None:
                connection = psycopg2.connect(ADDRESS)
                connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO users (telegram_id) VALUES (%s)", (number,))
            print("ack", number, time.time(), flush=True)
        except psycopg2.Error as error:
            print("err", number, time.time(), " ".join(str(error).split()), flush=True)
            connection = None
        number += 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
