// Deployments over fetch, one after another. It speaks HTTP/1.1 only, and takes its authorities from NODE_EXTRA_CA_CERTS.
import { headers, order, repeated, url } from "./repeated.mjs";

await repeated(async () => {
  const response = await fetch(url, { method: "POST", headers: headers(), body: JSON.stringify(order) });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
});
