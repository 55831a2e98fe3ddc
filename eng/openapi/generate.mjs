// Generates the types of the client from the documents of a running gateway: node generate.mjs http://localhost:8000
import { mkdir, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const gateway = process.argv[2] ?? "http://localhost:8000";
const folder = new URL("generated/", import.meta.url);

await mkdir(folder, { recursive: true });
for (const area of ["auth", "reports", "gamification", "coupons", "notifications"]) {
  const types = await openapiTS(new URL(`/openapi/${area}.json`, gateway), { defaultNonNullable: false });
  await writeFile(new URL(`${area}.ts`, folder), astToString(types));
}
