"""Keeps one document over HTTP: PUT it, GET it, DELETE it. Ends after the DELETE, or when nobody asks for a minute.

usage: shelf.py PORT
"""

import http.server
import sys
import threading


class Shelf(http.server.BaseHTTPRequestHandler):
    document = None

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        Shelf.document = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_GET(self):
        if Shelf.document is None:
            self.answer(404, b'{"error": "nothing is on the shelf"}')
        else:
            self.answer(200, Shelf.document)

    def do_DELETE(self):
        Shelf.document = None
        self.answer(204)
        threading.Thread(target=self.server.shutdown).start()

    def log_message(self, form, *values):
        print(form % values, flush=True)


def main(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Shelf)
    watch = threading.Timer(60, server.shutdown)
    watch.daemon = True
    watch.start()
    print(f"the shelf is open on port {server.server_port}", flush=True)
    server.serve_forever()
    print("the shelf is closed")


main(*sys.argv[1:])
