"""A scrape target in a process of its own: /metrics is the content of a file; without it, it hangs up.

usage: target.py FILE        prints its port
"""
import http.server
import pathlib
import sys


def handler(page):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            try:
                body = page.read_bytes()
            except OSError:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(pathlib.Path(sys.argv[1])))
    server.handle_error = lambda *_: None
    print(server.server_address[1], flush=True)
    server.serve_forever()
