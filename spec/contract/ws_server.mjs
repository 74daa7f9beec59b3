// A server of log streams (git.logs.v1) with ws, over TLS on loopback. Arguments: the directory of the tools, files with the certificate and its
// key. Prints its port, and ends with its input. Every log has 100 lines; how they are sent is the last word of the deployment's id.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:https";
import { resolve } from "node:path";

const [directory, certificate, key] = process.argv.slice(2);
const require = createRequire(resolve(directory, "package.json"));
const { WebSocketServer } = require("ws");

const LINES = 100;
const TEXT = "é😀 ".repeat(20);

const cursor = (seq) => "c" + seq;

const line = (seq, message = "line " + seq) => ({
  type: "log", cursor: cursor(seq), seq, time_ms: 1718942298000 + seq, stage: "build", stream: "stdout", level: "info", message, truncated: false,
});

const send = (socket, message) => socket.send(JSON.stringify(message));

function finish(socket) {
  send(socket, { type: "end", cursor: cursor(LINES), status: "live" });
  socket.close(1000);
}

// Lines up to `last`, then what is to be done.
function lines(socket, seen, last, then) {
  for (let seq = seen + 1; seq <= Math.min(last, LINES); seq += 1) send(socket, line(seq));
  if (last >= LINES) finish(socket);
  else then();
}

// Each message in pieces that end anywhere, also within a character, with pings between them.
function piecewise(socket, bytes) {
  for (let at = 0; at < bytes.length; at += 37) {
    socket.send(bytes.subarray(at, at + 37), { binary: false, fin: at + 37 >= bytes.length });
    socket.ping("x");
  }
}

const ways = {
  fine: (socket, seen) => lines(socket, seen, LINES),
  frag(socket, seen) {
    for (let seq = seen + 1; seq <= LINES; seq += 1) piecewise(socket, Buffer.from(JSON.stringify(line(seq, TEXT + seq))));
    finish(socket);
  },
  ping(socket, seen) {
    send(socket, line(seen + 1));
    if (seen + 1 === LINES) return finish(socket);
    socket.once("pong", () => ways.ping(socket, seen + 1));
    socket.ping();
  },
  twice(socket, seen) {
    for (let seq = Math.max(1, seen - 3); seq <= LINES; seq += 1) for (let time = 0; time < 2; time += 1) send(socket, line(seq));
    finish(socket);
  },
  leave: (socket, seen) => lines(socket, seen, seen + 40, () => socket.close(1012, "restarting")),
  break: (socket, seen) => lines(socket, seen, seen + 40, () => setTimeout(() => socket.terminate(), 50)),
  gone: (socket, seen) => lines(socket, seen, 10, () => socket.close(4404, "deleted")),
  large(socket, seen) {
    for (let seq = seen + 1; seq <= LINES; seq += 1) send(socket, line(seq, "x".repeat(65536)));
    finish(socket);
  },
};

const opened = {};
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.url === "/v2/opened" ? opened : { object: "rate_limit" }));
});
// It would compress, if a client offered to.
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 }, handleProtocols: () => "git.logs.v1" });

sockets.on("connection", (socket, request) => {
  const url = new URL(request.url, "https://localhost");
  const id = url.pathname.split("/")[3];
  const word = id.replace(/^dep_0+/, "");
  const seen = Number((url.searchParams.get("cursor") ?? "c0").slice(1));
  (opened[word] ??= []).push({ cursor: url.searchParams.get("cursor"), extensions: socket.extensions, protocol: socket.protocol });
  send(socket, { type: "hello", protocol: "git.logs.v1", resource: id, status: "building", cursor: cursor(seen), heartbeat_ms: 15000 });
  ways[word](socket, seen);
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
