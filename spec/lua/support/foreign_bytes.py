"""An HTTP/1.1 server of odd habits: what the path names.

It says something on each connection after its first answer, though nobody asked; the file "said" is there once it has. Or it ends an
answer with the connection, in good order or not. "requests" has a line for each request."""
import socket
import ssl
import sys
import threading

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-RateLimit-Remaining: 100\r\nContent-Length: 11\r\n\r\n"
UNASKED = {
    b"answer": HEAD + b'{"from": 2}',
    b"timeout": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"nothing": b"",
}
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nX-RateLimit-Remaining: 100\r\n\r\n"
CLOSING = {
    b"whole-text": (ENDLESS % b"text/plain" + b"some text", True),
    b"cut-text": (ENDLESS % b"text/plain" + b"some text", False),
    b"cut-json": (ENDLESS % b"application/json" + b'{"from": 1}', False),
    b"cut-short": (ENDLESS % b"application/json" + b'{"from": 1', False),
    b"cut-lines": (ENDLESS % b"application/x-ndjson" + b'{"from": 1}\n{"from": 2}\n', False),
}


def write(file, mode, text):
    with open(file, mode) as out:
        out.write(text)


def serve(connection, context):
    stream = context.wrap_socket(connection, server_side=True)
    first = True
    while True:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = stream.recv(65536)
            if not piece:
                return
            request += piece
        target = request.split()[1]
        write("requests", "a", "%s %d\n" % (target.decode(), first))
        name = target.rsplit(b"/", 1)[1]
        if name in CLOSING:
            answer, is_said = CLOSING[name]
            stream.sendall(answer)
            return stream.unwrap().close() if is_said else stream.close()
        stream.sendall(HEAD + b'{"from": 1}')
        if first:
            threading.Event().wait(0.05)  # a record, and a packet, of its own
            stream.sendall(UNASKED[name])
            write("said", "a", "said\n")
        first = False


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("server.pem", "server.key")
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


main()
