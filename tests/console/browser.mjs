// A browser with pages that watch themselves: whatever goes wrong on one is kept in `faults`, and a test fails with it.
// What a page is held to is in checks.mjs.
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = require("axe-core").source;

/** Address of the admin listener. */
export const CONSOLE = process.env.CONSOLE;
/** How long anything may take before a test gives up; not a measure of speed. */
export const LIMIT_MS = 60_000;

/** A browser for all tests of a script. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.PAWBASE_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** Runs before the page's own scripts: keeps violations of its policy. */
function watchPolicy() {
  window.policyViolations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.policyViolations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`);
  });
}

/** A context as one person's browser has it. */
export async function person(browser, { width = 1280, scheme = "light" } = {}) {
  const context = await browser.newContext({
    baseURL: CONSOLE,
    viewport: { width, height: width < 600 ? 740 : 900 },
    colorScheme: scheme,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    acceptDownloads: true,
  });
  context.setDefaultTimeout(LIMIT_MS);
  await context.addInitScript(watchPolicy);
  await context.addInitScript({ content: axe });
  return context;
}

/** Signs the person in through the API; the cookies stay in the context. */
export async function signIn(context, email = process.env.EMAIL, password = process.env.PASSWORD) {
  const reply = await context.request.post("/api/admin/auth/login", { data: { email, password, use_cookies: true } });
  if (!reply.ok()) throw new Error(`cannot sign in: ${reply.status()} ${await reply.text()}`);
}

/** The headers by which a cookie's holder may change something. */
export async function forgeryHeader(context) {
  const cookies = await context.cookies();
  const csrf = cookies.find((cookie) => cookie.name === "pawbase_admin_csrf");
  return { "X-CSRF-Token": csrf?.value ?? "" };
}

/**
 * A page that watches itself. `expected` are texts of console errors that a test provokes: the browser reports each
 * refused request as an error of its own.
 */
export async function open(context, path, expected = []) {
  const page = await context.newPage();
  page.faults = [];
  page.expected = [...expected];
  const keep = (text) => {
    if (!page.expected.some((known) => text.includes(known))) page.faults.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") keep(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => keep(`exception: ${error.stack ?? error}`));
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") keep(`failed: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.underway = new Set();
  for (const over of ["requestfinished", "requestfailed"]) page.on(over, (request) => page.underway.delete(request));
  page.on("request", (request) => {
    const url = request.url();
    page.underway.add(request);
    if (!url.startsWith(CONSOLE) && !url.startsWith("data:") && !url.startsWith("blob:")) keep(`from outside: ${url}`);
  });
  await page.goto(path);
  await settled(page);
  return page;
}

/** Goes to another screen in the same page. */
export async function go(page, path) {
  await page.evaluate((to) => { window.location.hash = to; }, path.replace(/^\/?#/, ""));
  await settled(page);
}

/** Looks in a row at which nothing may be under way. */
const QUIET_LOOKS = 3;

/** Waits until the screen has what it asked for: a heading, no request under way, nothing marked as busy. */
export async function settled(page) {
  const deadline = Date.now() + LIMIT_MS;
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const isBusy = await page.evaluate(async () => {
      // Two frames: then what was rendered has asked for what it needs.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return document.querySelector("h1") === null || document.querySelector("[aria-busy=true]") !== null;
    });
    quiet = isBusy || page.underway.size > 0 ? 0 : quiet + 1;
    if (Date.now() > deadline) throw new Error(`${page.url()} does not settle: ${page.faults.join("\n")}`);
  }
}

/** What has gone wrong on the page so far. */
export async function faultsOf(page) {
  const violations = await page.evaluate(() => window.policyViolations);
  return [...page.faults, ...violations.map((text) => `policy: ${text}`)];
}
