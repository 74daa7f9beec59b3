// Deployments over node:https, one after another on one connection that an agent keeps.
import { Agent, request } from "node:https";
import { headers, order, repeated, url } from "./repeated.mjs";

const agent = new Agent({ keepAlive: true });

function create() {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(order);
    const sent = request(url, { method: "POST", agent, headers: { ...headers(), "Content-Length": Buffer.byteLength(body) } });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks = [];
      response.on("error", reject);
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        if (response.statusCode === 201) resolve(JSON.parse(answer));
        else reject(new Error(`${response.statusCode}: ${answer}`));
      });
    });
    sent.end(body);
  });
}

await repeated(create);
agent.destroy();
