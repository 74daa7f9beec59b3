// Opens WebSockets with ws. Arguments: the directory of the tools, a file with the authority of the server's certificate. Input, a JSON value a
// line, one after another: { url, headers, protocols, act }, `act` being what is done at the first message. Output, a line for each: { refused:
// { status, body } }, or { protocol, extensions, messages, pongs, close: { code, reason } }.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const [directory, authority] = process.argv.slice(2);
const require = createRequire(resolve(directory, "package.json"));
const WebSocket = require("ws");
const ca = readFileSync(authority);

// Nothing here takes so long.
const PATIENCE_MS = 20000;

const acts = {
  ping(socket) {
    socket.once("pong", () => socket.close(1000, "enough"));
    socket.ping("are you there");
  },
  pong_in_fragments(socket) {
    socket.send('{"type":', { fin: false });
    socket.ping();
    socket.send('"pong","id"', { fin: false });
    socket.send(':"1"}', { fin: true });
    socket.once("pong", () => setTimeout(() => socket.close(1000), 100));
  },
  binary: (socket) => socket.send(Buffer.from('{"type":"pong","id":"1"}')),
  no_json: (socket) => socket.send('{"type":'),
  too_large: (socket) => socket.send("x".repeat(1 << 20)),
  close: (socket) => socket.close(1001, "going"),
  terminate: (socket) => socket.terminate(),
};

function open({ url, headers, protocols, act }) {
  return new Promise((done) => {
    const seen = { messages: [], pongs: 0 };
    const socket = new WebSocket(url, protocols ?? [], { ca, headers });
    const watch = setTimeout(() => socket.terminate(), PATIENCE_MS);
    socket.on("unexpected-response", async (request, response) => {
      let body = "";
      for await (const piece of response) body += piece;
      clearTimeout(watch);
      done({ refused: { status: response.statusCode, body: JSON.parse(body) } });
    });
    socket.on("open", () => Object.assign(seen, { protocol: socket.protocol, extensions: socket.extensions }));
    socket.on("pong", () => (seen.pongs += 1));
    socket.on("message", (data, isBinary) => {
      seen.messages.push(isBinary ? { type: "binary" } : JSON.parse(data));
      if (act && seen.messages.length === 1) acts[act](socket);
    });
    socket.on("error", (error) => (seen.error = error.message));
    socket.on("close", (code, reason) => {
      clearTimeout(watch);
      done({ ...seen, close: { code, reason: reason.toString() } });
    });
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await open(JSON.parse(line))) + "\n");
}
process.exit(0); // where a stream was refused, ws keeps the connection
