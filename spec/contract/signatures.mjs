// Signs and verifies webhooks with the libraries of others. Argument: the directory of the tools. Input, a JSON value a line:
//   { library, act: "sign", secret, id, time, body }       -> { headers }
//   { library, act: "verify", secret, headers, body, now }  -> { event }, or { refused } with the reason
// Times are in Unix seconds; the libraries take `now` for the time of day. Output: a JSON value for each line.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(resolve(process.argv[2], "package.json"));
const Stripe = require("stripe");
const { Webhook: Svix } = require("svix");
const { Webhook: Standard } = require("standardwebhooks");

const timeOfDay = Date.now;

function at(seconds, act) {
  Date.now = () => seconds * 1000;
  try {
    return act();
  } finally {
    Date.now = timeOfDay;
  }
}

// Both follow Standard Webhooks; Svix names the headers after itself as well.
function standard(Webhook) {
  return {
    sign: ({ secret, id, time, body }) => ({
      "webhook-id": id,
      "webhook-timestamp": String(time),
      "webhook-signature": new Webhook(secret).sign(id, new Date(time * 1000), body),
    }),
    verify: ({ secret, headers, body, now }) => at(now, () => new Webhook(secret).verify(body, headers)),
  };
}

const libraries = {
  svix: standard(Svix),
  standardwebhooks: standard(Standard),
  stripe: {
    sign: ({ secret, time, body }) => ({
      "x-git-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }),
    }),
    verify: ({ secret, headers, body, now }) =>
      at(now, () => Stripe.webhooks.constructEvent(body, headers["x-git-signature"], secret, 300)),
  },
};

function answer({ library, act, ...about }) {
  if (act === "sign") return { headers: libraries[library].sign(about) };
  try {
    return { event: libraries[library].verify(about) };
  } catch (error) {
    return { refused: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
