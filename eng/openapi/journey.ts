// The README's first session with a client that is generated from the OpenAPI documents:
// node dist/journey.js <gateway> <admin's e-mail address> <admin's password>
import createClient, { type Middleware } from "openapi-fetch";
import type { paths as Auth } from "./generated/auth.js";
import type { paths as Coupons } from "./generated/coupons.js";
import type { paths as Gamification } from "./generated/gamification.js";
import type { paths as Notifications } from "./generated/notifications.js";
import type { components, paths as Reports } from "./generated/reports.js";

declare const process: { argv: string[] };

const [, , gateway = "", adminEmail = "", adminPassword = ""] = process.argv;
if (!adminPassword) {
  throw new Error("Usage: node dist/journey.js <gateway> <admin's e-mail address> <admin's password>");
}

const password = "a long enough password";
const run = crypto.randomUUID();
const email = `typescript-${run}@example.org`;

/** The clients of all services for one caller. */
function clients(token?: string) {
  const signIn: Middleware = {
    onRequest({ request }) {
      if (token !== undefined) {
        request.headers.set("Authorization", `Bearer ${token}`);
      }
    },
  };
  const all = {
    auth: createClient<Auth>({ baseUrl: gateway }),
    reports: createClient<Reports>({ baseUrl: gateway }),
    gamification: createClient<Gamification>({ baseUrl: gateway }),
    coupons: createClient<Coupons>({ baseUrl: gateway }),
    notifications: createClient<Notifications>({ baseUrl: gateway }),
  };
  Object.values(all).forEach((client) => client.use(signIn));
  return all;
}

/** The body of a success; a refusal ends the journey. */
function ok<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (result.data === undefined) {
    throw new Error(`${result.response.status} ${result.response.url}: ${JSON.stringify(result.error)}`);
  }
  return result.data;
}

function check(condition: boolean, what: string) {
  if (!condition) {
    throw new Error(`Not true: ${what}`);
  }
}

/** Repeats a read until its result is what a later event makes it. */
async function until<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 1800; attempt++) {
    const value = await read();
    if (isDone(value)) {
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("It did not happen within 3 minutes.");
}

async function signIn(username: string, secret: string) {
  const token = ok(
    await clients().auth.POST("/api/v1/auth/token", {
      body: { username, password: secret },
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    }),
  );
  return clients(token.access_token);
}

// Amina registers and signs in.
const account = { email, password, full_name: "Amina" };
ok(await clients().auth.POST("/api/v1/auth/register", { body: account }));
const again = await clients().auth.POST("/api/v1/auth/register", { body: account });
check(again.error?.code === "email_taken", "a second account is refused");
const amina = await signIn(email, password);

// She reports a pothole, which earns her points a moment later.
const report = ok(
  await amina.reports.POST("/api/v1/reports", {
    body: { title: "Deep pothole", description: "In the right lane.", category: "pothole", latitude: 33.51, longitude: 36.29 },
    params: { header: { "Idempotency-Key": `report-${run}` } },
  }),
);
const points = () => amina.gamification.GET("/api/v1/gamification/points/me").then(ok);
await until(points, (now) => now.points === 10);

// The admin verifies the report and offers a coupon.
const admin = await signIn(adminEmail, adminPassword);
const status: components["schemas"]["ReportStatus"] = "verified";
ok(await admin.reports.PATCH("/api/v1/reports/{id}/status", { params: { path: { id: report.id } }, body: { status, comment: "We have seen it." } }));
const company = ok(await admin.coupons.POST("/api/v1/coupons/companies", { body: { name: `Company ${run}` } }));
const category = ok(await admin.coupons.POST("/api/v1/coupons/categories", { body: { name: `Category ${run}` } }));
const coupon = ok(
  await admin.coupons.POST("/api/v1/coupons", {
    body: { title: "A free coffee", description: "One cup", company_id: company.id, category_id: category.id, points_cost: 7, stock: 100, per_user_limit: 1 },
  }),
);

// The verified report earned 5 points more. She redeems the coupon, once, and reads her notifications.
await until(points, (now) => now.points === 15);
const path = { id: coupon.id };
const redeemed = ok(await amina.coupons.POST("/api/v1/coupons/{id}/redeem", { params: { path } }));
await until(
  () => amina.coupons.GET("/api/v1/coupons/redemptions/{id}", { params: { path: { id: redeemed.id } } }).then(ok),
  (redemption) => redemption.status === "completed" && redemption.code !== null,
);
const refused = await amina.coupons.POST("/api/v1/coupons/{id}/redeem", { params: { path } });
check(refused.error?.code === "per_user_limit_reached", "the limit per user holds");
const types = await until(
  async () => ok(await amina.notifications.GET("/api/v1/notifications", { params: { query: { limit: 50 } } })).items.map((item) => item.type),
  (found) => found.includes("coupon.redeemed"),
);
check(types.includes("report.created"), "there is a notification of the report");
console.log("The journey is complete.");
