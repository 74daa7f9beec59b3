// Holds values against the schemas of an OpenAPI document with Ajv. Argument: the directory of the tools. Input, a JSON value a line: first the
// document, then { schema, value, wrong }: `schema` points into the document, `value` must be valid, and must not be any more after each of
// `wrong`: { at, name, value } sets a member of the object at the path `at`, or takes it away if there is no value. Output: a line for each
// that is not so, and last { checked, refused, failed }.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(resolve(process.argv[2], "package.json"));
const Ajv = require("ajv/dist/2020.js").default;

const ajv = new Ajv({
  strict: true,
  strictRequired: false, // allOf narrows what another schema has named
  strictTypes: false, // and does not say its type again
  allErrors: true,
  formats: { int64: true },
});

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

let checked = 0;
let refused = 0;
let failed = 0;

function fail(schema, problem, value) {
  failed += 1;
  print({ schema, problem, value });
}

function changed(value, { at, name, value: inner }) {
  const copy = structuredClone(value);
  const place = at.reduce((found, key) => found[key], copy);
  if (inner === undefined) {
    delete place[name];
  } else {
    place[name] = inner;
  }
  return copy;
}

function check({ schema, value, wrong }) {
  const validate = ajv.getSchema("document" + schema);
  if (!validate) return fail(schema, "is not in the document");
  checked += 1;
  if (!validate(value)) return fail(schema, ajv.errorsText(validate.errors), value);
  for (const change of wrong) {
    refused += 1;
    if (validate(changed(value, change))) fail(schema, "is valid with a change that should spoil it", change);
  }
}

let document;
for await (const line of createInterface({ input: process.stdin })) {
  if (document) {
    check(JSON.parse(line));
  } else {
    document = JSON.parse(line);
    ajv.addVocabulary([...Object.keys(document), "x-max-bytes"]);
    ajv.addSchema(document, "document", false, false);
  }
}
print({ checked, refused, failed });
