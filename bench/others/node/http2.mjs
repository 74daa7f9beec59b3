// Deployments over node:http2, all on one connection.
import { connect } from "node:http2";
import { headers, order, repeated, url } from "./repeated.mjs";

const { origin, pathname } = new URL(url);
const session = connect(origin);

function create() {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(order);
    const stream = session.request({
      ":method": "POST", ":path": pathname, ...headers(), "Content-Length": Buffer.byteLength(body),
    });
    let status;
    const chunks = [];
    stream.on("error", reject);
    stream.on("response", (answered) => { status = answered[":status"]; });
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      const answer = Buffer.concat(chunks).toString();
      if (status === 201) resolve(JSON.parse(answer));
      else reject(new Error(`${status}: ${answer}`));
    });
    stream.end(body);
  });
}

session.on("error", (problem) => { throw problem; });
await repeated(create);
session.close();
