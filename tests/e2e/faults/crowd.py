"""Clients that ask one server for the same query without a pause, until killed.

usage: crowd.py ADDRESS QUERY CLIENTS
"""
import sys
import threading
import time
import urllib.parse
import urllib.request


def ask(url):
    while True:
        try:
            urllib.request.urlopen(url, timeout=3).read()
        except OSError:
            time.sleep(0.01)


def main(address, query, clients):
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    for _ in range(int(clients)):
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
