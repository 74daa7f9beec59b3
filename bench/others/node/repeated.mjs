// Makes a call again and again, AT_ONCE of them under way: WARM_UP times, then CALLS times measured. Prints one line of JSON.
//
//   CALLS WARM_UP AT_ONCE [HEADER...]
import { randomUUID } from "node:crypto";

const [calls, warmUp, atOnce] = process.argv.slice(2, 5).map(Number);

const given = process.argv.slice(5).map((line) => line.match(/^([^:]+): (.*)$/).slice(1));

export const url = `${process.env.GIT_API_URL}/deployments`;
export const order = { project: "my-app", branch: "main", env: { NODE_ENV: "production" } };

export function headers() {
  return { ...Object.fromEntries(given), "Idempotency-Key": randomUUID() };
}

async function repeat(count, create) {
  let left = count;
  async function work() {
    while (left-- > 0) {
      const deployment = await create();
      if (deployment.status !== "queued") throw new Error(JSON.stringify(deployment));
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
}

export async function repeated(create) {
  await repeat(warmUp, create);
  const began = process.hrtime.bigint();
  const before = process.cpuUsage();
  await repeat(calls, create);
  const { user, system } = process.cpuUsage(before);
  const wall = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(JSON.stringify({ calls, wall, cpu: (user + system) / 1e6, peak_kb: process.resourceUsage().maxRSS }));
}
