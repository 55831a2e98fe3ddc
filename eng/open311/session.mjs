// A session of the client open311 with a running gateway, in JSON and in XML:
// node session.mjs <gateway> <API key of Open311> <service code> <access token of staff>
//
// The service asks SIZE (one of small and big), lanes (several of left, middle and right) and note (a text); SIZE is required.
//
// What the client itself cannot do, with any server:
// - serviceDiscovery with `cache` always chooses JSON, also where the server has no JSON or the caller has asked for XML.
// - Of a failed GET it tells only the status, and of discovery only that; a POST tells the whole response.
// - It sends no request without an API key, no files, no Idempotency-Key, and knows no updates (FixMyStreet's extension).
// - In XML an empty list and an empty text are both null, and a text that looks like a number is one, such as an address_id.
// - It ends the process if the connection fails.
import assert from "node:assert/strict";
import { promisify } from "node:util";
import Open311 from "open311";

const [, , gateway = "", apiKey = "", service = "", staff = ""] = process.argv;
if (!staff) {
  throw new Error("Usage: node session.mjs <gateway> <API key of Open311> <service code> <access token of staff>");
}

const unknown = "0198f0a0-1111-7000-8000-000000000009";

/** The client with promises. An error has the client's message, and as its code the client's error: a status, or true. */
function clientOf(options) {
  const client = new Open311(options);
  const call = (name) => (...values) =>
    promisify((done) => client[name](...values, (error, result) => done(error ? Object.assign(new Error(result), { code: error }) : null, result)))();
  return { client, ...Object.fromEntries(["serviceDiscovery", "serviceList", "serviceDefinition", "submitRequest", "token", "serviceRequests"].map((name) => [name, call(name)])) };
}

/** Repeats a read until it has a result: caches of the gateway and the service are some seconds old. */
async function until(what, read) {
  for (let attempt = 0; attempt < 1800; attempt++) {
    const found = await read();
    if (found) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Not within 3 minutes: ${what}`);
}

async function place(token) {
  const response = await fetch(`${gateway}/api/v1/reports/open311/requests/${token}/place`, {
    method: "POST",
    headers: { Authorization: `Bearer ${staff}`, "Content-Type": "application/json" },
    body: JSON.stringify({ latitude: 33.52, longitude: 36.31 }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).id;
}

async function session(format) {
  const started = new Date(Math.floor(Date.now() / 1000) * 1000);
  const api = clientOf({ discovery: `${gateway}/open311/v2/discovery.${format}`, apiKey });

  // Discovery finds the endpoint.
  const discovery = await api.serviceDiscovery({ cache: true });
  assert.deepEqual(discovery.endpoints.map(({ specification, type, formats }) => ({ specification, type, formats })), [
    { specification: "http://wiki.open311.org/GeoReport_v2", type: "production", formats: ["text/xml", "application/json"] },
  ]);
  assert.equal(api.client.endpoint, `${gateway}/open311/v2/`);
  api.client.format = format;

  // The service has questions, which its definition asks.
  const listed = await until(`${service} is in the list of services`, async () => (await api.serviceList()).find(({ service_code }) => service_code === service));
  assert.equal(listed.metadata, true);
  assert.equal(listed.type, "realtime");
  const definition = await until(`${service} has questions`, async () => {
    const { attributes, service_code } = await api.serviceDefinition(service);
    assert.equal(service_code, service);
    return attributes?.length === 3 ? attributes : null;
  });
  assert.deepEqual(
    definition.map(({ code, datatype, required, order, values }) => ({ code, datatype, required, order, values: values?.map(({ key }) => key) })),
    [
      { code: "SIZE", datatype: "singlevaluelist", required: true, order: 1, values: ["small", "big"] },
      { code: "lanes", datatype: "multivaluelist", required: false, order: 2, values: ["left", "middle", "right"] },
      { code: "note", datatype: "text", required: false, order: 3, values: undefined },
    ],
  );
  await assert.rejects(api.serviceDefinition("no_such"), /404/);

  // A request with a place has an id at once.
  const description = `A deep hole & "more" <in> the lane: حفرة (${format})`;
  const request = { service_code: service, lat: 33.51, long: 36.29, description, media_url: "https://photos.example/1.jpg" };
  const [created] = await api.submitRequest({ ...request, attributes: { SIZE: "big", lanes: ["left", "right"], note: "Call first." } });
  assert.match(created.service_request_id, /^[0-9a-f-]{36}$/);
  assert.equal(created.token, undefined);
  await assert.rejects(api.submitRequest(request), { code: 400, message: /SIZE required/ });
  await assert.rejects(api.submitRequest({ ...request, lat: 91, attributes: { SIZE: "big" } }), { code: 400, message: /lat: must be a number/ });
  await assert.rejects(api.submitRequest({ ...request, service_code: "no_such" }), { code: 404, message: /service_code not found/ });
  await assert.rejects(clientOf({ ...api.client, apiKey: "wrong" }).submitRequest(request), { code: 403, message: /Invalid api_key/ });

  // One with an address has a token until staff have placed it.
  const [waiting] = await api.submitRequest({ service_code: service, address_string: "Straight Street 5", description: "Loud", attributes: { SIZE: "small" } });
  assert.equal(waiting.service_request_id, undefined);
  assert.deepEqual(await api.token(waiting.token), [{ service_request_id: null, token: waiting.token }]);
  const placed = await place(waiting.token);
  assert.deepEqual(await api.token(waiting.token), [{ service_request_id: placed, token: waiting.token }]);
  await assert.rejects(api.token(unknown), /404/);

  // The client reads both: alone, by their ids and with filters.
  const [read, ...others] = await api.serviceRequests(created.service_request_id);
  assert.deepEqual(others, []);
  assert.deepEqual(
    { ...read, agency_responsible: undefined, requested_datetime: undefined, updated_datetime: undefined, expected_datetime: undefined },
    {
      service_request_id: created.service_request_id,
      status: "open",
      status_notes: null,
      service_name: listed.service_name,
      service_code: service,
      description,
      agency_responsible: undefined,
      service_notice: null,
      requested_datetime: undefined,
      updated_datetime: undefined,
      expected_datetime: undefined,
      address: null,
      address_id: null,
      zipcode: null,
      lat: 33.51,
      long: 36.29,
      media_url: request.media_url,
    },
  );
  assert.ok(read.requested_datetime >= started && read.requested_datetime <= new Date(), `requested_datetime is now: ${read.requested_datetime}`);
  assert.deepEqual(read.updated_datetime, read.requested_datetime);
  assert.equal((await api.serviceRequests(placed))[0].address, "Straight Street 5");
  await assert.rejects(api.serviceRequests(unknown), /404/);

  const ids = [placed, created.service_request_id];
  const idsOf = (requests) => (requests ?? []).map(({ service_request_id }) => service_request_id);
  assert.deepEqual(idsOf(await api.serviceRequests([...ids, unknown])).sort(), [...ids].sort());
  const range = { start_date: started.toISOString(), end_date: new Date(Date.now() + 60_000).toISOString() };
  const find = async (filter) => idsOf(await api.serviceRequests({ service_code: service, ...range, ...filter })).filter((id) => ids.includes(id));
  assert.deepEqual((await find({})).sort(), [...ids].sort());
  assert.deepEqual((await find({ status: "open" })).sort(), [...ids].sort());
  assert.deepEqual(await find({ status: "closed" }), []);
  assert.deepEqual(await find({ lat: 33.51, long: 36.29, radius: 10 }), [created.service_request_id]);
  assert.deepEqual(await find({ start_date: "2020-01-01T00:00:00Z", end_date: "2020-02-01T00:00:00Z" }), []);
  await assert.rejects(api.serviceRequests({ status: "lost" }), /400/);

  const [extended] = await api.serviceRequests(created.service_request_id, { extensions: true });
  return { endpoints: discovery.endpoints, listed, definition, attributes: extended.attributes };
}

// Both formats say the same.
assert.deepEqual(await session("xml"), await session("json"));
console.log("The session is complete.");
