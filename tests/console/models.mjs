// The console's pure parts, by tables of cases: CSV as people's programs write it, amounts, what changed, where cards stand, what
// events, jobs and schedules are called, how a list is kept true while others change it, what files are for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf, separatorOf, textOf, written } from "./csv.js";
import { cronWords } from "./cron.js";
import { between, dayBefore } from "./days.js";
import { catalogueOf, covers, withPattern } from "./event-catalogue.js";
import { differences } from "./difference.js";
import { acceptOf, fileKind, moved, purposeFor, thumbOf, typeWords, usualVisibility } from "./files.js";
import { linesOf } from "./flat.js";
import { csvToSend, guess, minorOf, missing } from "./import-file.js";
import { parse } from "./list-query.js";
import { liveFilter } from "./live-filter.js";
import { nothingTold, rowsNow, take } from "./live-rows.js";
import { withoutLooks } from "./mail-html.js";
import { layOut } from "./schema-layout.js";
import { eventWords, kindWords, namedLike, possible, spanWords, totals } from "./work.js";

test("CSV of all kinds is read, and what is written is read back", () => {
  for (const [text, separator, rows] of [
    ["a,b\r\n1,2\r\n", ",", [["a", "b"], ["1", "2"]]],
    ["a;b\n1,5;2", ";", [["a", "b"], ["1,5", "2"]]],
    ['a\t"b\t""c"""\n', "\t", [["a", 'b\t"c"']]],
    ['a,b\n"line\nbreak",x\n\n', ",", [["a", "b"], ["line\nbreak", "x"]]],
    ['"a;b",c\n', ",", [["a;b", "c"]]],
    ["", ",", []],
  ]) {
    assert.equal(separatorOf(text), separator, JSON.stringify(text));
    assert.deepEqual(rowsOf(text, separator), rows, JSON.stringify(text));
    assert.deepEqual(rowsOf(written(rows), ","), rows);
  }
  assert.equal(rowsOf("a\nb\nc\n", ",", 2).length, 2);
});

test("a file is UTF-8, or what older spreadsheets write", () => {
  assert.equal(textOf(new TextEncoder().encode("\uFEFFKätzchen").buffer, true), "Kätzchen");
  assert.equal(textOf(new Uint8Array([0x4b, 0xe4, 0x74, 0x7a]).buffer, true), "Kätz");
});

test("amounts are read as people write them", () => {
  for (const [text, digits, minor] of [
    ["19.99", 2, "1999"], ["19,99", 2, "1999"], ["1.299,90 €", 2, "129990"], ["$1,299.5", 2, "129950"], ["12", 2, "1200"],
    ["1,299", 2, "129900"], ["-3,50", 2, "-350"], ["1200 ¥", 0, "1200"], ["1.234", 3, "1234"], ["free", 2, "free"], ["1,2,3,4.5.6", 2, "1,2,3,4.5.6"],
  ]) {
    assert.equal(minorOf(text, digits), minor, text);
  }
});

const open = { rule: "full", text: null, words: "Everybody" };
const field = (path, more) => ({
  path, type: "text", is_optional: false, is_list: false, has_default: false, is_system: false, links: [],
  permissions: { select: open, create: open, update: open }, ...more,
});
const PRODUCTS = {
  name: "products", key: "uuid",
  fields: [
    field("id"), field("name"), field("price", { type: "money" }), field("price.minor", { type: "integer" }), field("price.currency"),
    field("cost", { type: "money", is_optional: true }), field("cost.minor"), field("cost.currency"), field("status", { has_default: true }),
    field("updated_at", { is_system: true }), field("secret", { permissions: { select: open, create: { ...open, rule: "none" }, update: open } }),
  ],
};

test("columns find their fields, and what is missing is named", () => {
  assert.deepEqual(guess(["Name", "PRICE", "Currency", "Status", "name", "Secret"], PRODUCTS),
    ["name", "amount:price", "price.currency", "status", "-", "-"]);
  assert.deepEqual(missing(PRODUCTS, ["name"]).map((one) => one.path), ["price.minor", "price.currency"]);
  assert.deepEqual(missing(PRODUCTS, ["name", "amount:price", "price.currency", "cost.minor"]).map((one) => one.path), ["cost.currency"]);
});

test("what is sent has the chosen columns and the values of every row", () => {
  const file = { name: "a.csv", kind: "csv", heads: ["n", "p", "x"], rows: [["Leash, red", "9,50", "?"], ["Ball", "", "?"]] };
  assert.equal(csvToSend(file, ["name", "amount:price", "-"], { "price.currency": "EUR", tags: ["a", "b"], name: "lost", note: null }),
    'name,price.minor,price.currency,tags\r\n"Leash, red",950,EUR,"[""a"",""b""]"\r\nBall,,EUR,"[""a"",""b""]"\r\n');
});

test("differences are told part by part", () => {
  const changes = differences({ a: 1, b: { c: 1, d: [1] }, gone: "x", same: 0 }, { a: 2, b: { c: 1, d: [1, 2] }, fresh: "y", same: 0 });
  assert.deepEqual(changes.map(({ path, kind }) => `${kind} ${path}`), ["changed a", "changed b.d", "added fresh", "removed gone"]);
  assert.deepEqual(differences(undefined, { a: 1 }).map(({ kind }) => kind), ["added"]);
  assert.deepEqual(differences({ a: 1 }, { a: 1 }), []);
});

test("the picture of many tables overlaps nowhere and is always the same", () => {
  const tables = Array.from({ length: 60 }, (_, at) => ({
    name: `table_${at}`, fieldCount: 5,
    links: [3, 7, 11].filter((step) => at % step < 2 && at >= step).map((step) => ({ path: `link_${step}`, to: `table_${(at * step) % 60}`, isList: false })),
  }));
  const picture = layOut(tables);
  assert.deepEqual(layOut([...tables].reverse()), picture);
  assert.equal(picture.cards.length, 60);
  for (const [at, a] of picture.cards.entries()) {
    for (const b of picture.cards.slice(at + 1)) {
      assert.ok(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y, `${a.name} and ${b.name}`);
    }
  }
  assert.ok(picture.width / picture.height > 0.5 && picture.width / picture.height < 3, `${picture.width} by ${picture.height}`);
});

test("schedules are said in words, or stay as they are written", () => {
  for (const [cron, said] of [
    ["* * * * *", "Every minute"], ["*/5 * * * *", "Every 5 minutes"], ["17 * * * *", "Every hour, at 17 past"], ["0 */2 * * *", "Every 2 hours, on the hour"],
    ["41 3 * * *", "Every day at 03:41"], ["0 9 * * 1", "Every Monday at 09:00"], ["30 8 * * 1-5", "From Monday to Friday at 08:30"],
    ["0 6 1 * *", "On the 1st of every month at 06:00"], ["0 6 12 * *", "On the 12th of every month at 06:00"],
    ["0 6 1 1 *", "0 6 1 1 *"], ["0,30 6 * * *", "0,30 6 * * *"], ["0 6 1 * 1", "0 6 1 * 1"], ["whenever", "whenever"],
  ]) {
    assert.equal(cronWords(cron), said, cron);
  }
});

test("events and jobs are called by words, unknown ones by their names", () => {
  for (const [name, said] of [["user.logged_in", "Signed in"], ["product_categories.deleted", "Product categories: deleted"], ["bookings.moved", "Bookings: moved"]]) {
    assert.equal(eventWords(name), said);
  }
  assert.equal(kindWords("work.forget"), "Clear out old events and jobs");
  assert.equal(kindWords("shop.count_stock"), "Shop: count stock");
});

test("a pattern of names becomes a condition", () => {
  for (const [pattern, condition] of [
    ["", {}], ["*", {}], ["user.*", { "name[starts]": "user." }], ["user.logged_in", { name: "user.logged_in" }], ["logged", { "name[contains]": "logged" }],
  ]) {
    assert.deepEqual(namedLike(pattern, ["user.logged_in"]), condition, pattern);
  }
});

test("the list of events is read, and patterns of names include one another", () => {
  const text = "# Events\n\n### `user.registered`\n\nSomebody made an account. About a record of `users`. Version 1.\n\n- `email`: Address\n\n"
    + "## Records\n\n- `pets.created`, `pets.deleted`: An animal of a user.\n\nTheir payload:\n\n- `id`: Key\n";
  assert.deepEqual(catalogueOf(text), [
    { name: "user.registered", description: "Somebody made an account." },
    { name: "pets.created", description: "An animal of a user." }, { name: "pets.deleted", description: "An animal of a user." },
  ]);
  for (const [pattern, name, is] of [["*", "pets.created", true], ["pets.*", "pets.created", true], ["pets.*", "petshop.created", false], ["pets.created", "pets.deleted", false]]) {
    assert.equal(covers(pattern, name), is, pattern);
  }
  assert.deepEqual(withPattern(["pets.created", "user.registered"], "pets.*"), ["user.registered", "pets.*"]);
  assert.deepEqual(withPattern(["pets.*"], "pets.created"), ["pets.*"]);
  assert.deepEqual(withPattern(["pets.*"], "*"), ["*"]);
});

test("what can be done with a job depends on its state", () => {
  const can = (state) => Object.entries(possible({ state })).filter(([, is]) => is).map(([act]) => act).join();
  for (const [state, acts] of [["waiting", "run,drop"], ["blocked", "drop"], ["running", ""], ["done", ""], ["dead", "retry,drop"], ["dropped", "retry"]]) {
    assert.equal(can(state), acts, state);
  }
});

test("jobs of all kinds are added up; the latest of all is how late the work is", () => {
  const kind = (more) => ({ kind: "a", is_known: true, waiting: 0, blocked: 0, running: 0, dead: 0, done_last_hour: 0, lag_s: 0, ...more });
  assert.deepEqual(totals([kind({ waiting: 2, dead: 1, lag_s: 5 }), kind({ waiting: 3, done_last_hour: 7, lag_s: 90 })]),
    { waiting: 5, blocked: 0, running: 0, dead: 1, doneLastHour: 7, lag_s: 90 });
  // The unit's name is in the reader's language.
  assert.deepEqual([1, 90, 7200, 200_000].map((seconds) => Number.parseInt(spanWords(seconds), 10)), [1, 1, 2, 2]);
});

test("data of any shape becomes lines", () => {
  assert.deepEqual(linesOf({ a: 1, b: { c: "x", d: { e: null } }, price: { minor: 5, currency: "EUR" }, tags: ["p", "q"], lines: [{ n: 1 }, { n: 2 }], none: {} }), [
    { path: "a", value: 1 }, { path: "b.c", value: "x" }, { path: "b.d.e", value: null }, { path: "price", value: { minor: 5, currency: "EUR" } },
    { path: "tags", value: ["p", "q"] }, { path: "lines.1.n", value: 1 }, { path: "lines.2.n", value: 2 }, { path: "none", value: {} },
  ]);
});

test("days are those of the reader", () => {
  assert.equal(dayBefore(6, new Date(2026, 4, 4, 23, 59)), "2026-04-28");
  const { "at[gte]": from, "at[lte]": to } = between("at", "2026-05-04", "2026-05-04");
  assert.equal(new Date(to) - new Date(from), 24 * 3600 * 1000 - 1000);
  assert.deepEqual(between("at", null, "nonsense"), { "at[gte]": null, "at[lte]": null });
});

test("looks and scripts are taken out of a mail's HTML, and nothing else", () => {
  const { html, css } = withoutLooks('<html><head><style>p { margin: 0 }</style><STYLE>b { color: red }</STYLE></head><body style="margin:0"><p class="a" style=\'x\' onclick="y()">style="no"</p>'
    + "<script>bad()</script><img alt=\"style=x\" onerror = z></body></html>");
  assert.equal(css, "p { margin: 0 }\nb { color: red }");
  assert.equal(html, '<html><head></head><body data-look="margin:0"><p class="a" data-look=\'x\' data-off="y()">style="no"</p><img alt="style=x" data-off = z></body></html>');
});

test("a list is followed by its own conditions, or says why not", () => {
  const kinds = { name: "text", stock: "integer", is_open: "boolean", price: "money", "price.minor": "integer", id: "uuid", owner: "link", "box-width": "text" };
  const filterOf = (query) => liveFilter(parse(new URLSearchParams(query)), (path) => kinds[path] && { type: kinds[path] });
  for (const [query, filter] of [
    ["", ""],
    ["sort=-name&limit=50&columns=name", ""],
    ["name=O'Neil \"x\"", 'name = "O\'Neil \\"x\\""'],
    ["name[starts]=A&stock[lte]=5", 'name starts "A" and stock <= 5'],
    ["stock[in]=1,2", "stock in [1, 2]"],
    ["name[in]=a,b", 'name in ["a", "b"]'],
    ["is_open=true&owner[null]=true", "is_open = true and owner = null"],
    ["owner[null]=false", "owner != null"],
    ["price.minor[gt]=100", "price.minor > 100"],
    ['filter=name="a" or name="b"', 'name="a" or name="b"'],
    ['stock=1&filter=name="a" or name="b"', 'stock = 1 and (name="a" or name="b")'],
  ]) {
    assert.deepEqual(filterOf(query), { filter, why: null }, query);
  }
  for (const query of ["q=words", "stock=many", "is_open=perhaps", "unknown=1", "box-width=2", `name=${"x".repeat(5000)}`, "name[like]=a"]) {
    const { filter, why } = filterOf(query);
    assert.equal(filter, null, query);
    assert.ok(why, query);
  }
});

test("rows change in their places, nothing jumps, and what is ours is no news", () => {
  const loaded = [{ id: "1", name: "a" }, { id: "2", name: "b" }];
  const after = (...changes) => {
    const kept = changes.reduce((before, [action, id, name]) => take(before, loaded, { action, record: { id, ...(name ? { name } : {}) } }), nothingTold());
    return [rowsNow(loaded, kept).map(({ name }) => name).join(""), Object.fromEntries(kept.marks), [...kept.fresh].join()];
  };
  for (const [changes, expected] of [
    [[["updated", "2", "B"]], ["aB", { 2: "changed" }, ""]],
    [[["updated", "2", "b"]], ["ab", {}, ""]],
    [[["updated", "2", "B"], ["updated", "2", "C"]], ["aC", { 2: "changed" }, ""]],
    [[["created", "1", "a"]], ["ab", {}, ""]],
    [[["created", "3", "c"], ["created", "4", "d"], ["created", "3", "c"]], ["ab", {}, "3,4"]],
    [[["created", "3", "c"], ["deleted", "3"]], ["ab", {}, ""]],
    [[["deleted", "1"]], ["ab", { 1: "deleted" }, ""]],
    [[["removed", "1"], ["updated", "1", "a"]], ["ab", { 1: "changed" }, ""]],
    [[["updated", "9", "x"], ["removed", "8"]], ["ab", {}, ""]],
  ]) {
    assert.deepEqual(after(...changes), expected, JSON.stringify(changes));
  }
});

test("files are what their fields are for", () => {
  const all = ["profile_photo", "pet_photo", "listing_photo", "product_photo", "business_logo", "document", "message_attachment", "attachment", "asset"];
  for (const [table, path, purpose, tags] of [
    ["users", "photo", "profile_photo"], ["pets", "photos", "pet_photo"], ["products", "images", "product_photo"], ["listings", "photos", "listing_photo"],
    ["businesses", "logo", "business_logo"], ["messages", "files", "message_attachment"], ["contracts", "scan", "attachment"], ["pets", "passport", "document", ["document"]],
    [undefined, "document", "document"],
  ]) {
    assert.equal(purposeFor(table, { path, tags }, all), purpose, `${table}.${path}`);
  }
  assert.equal(purposeFor("pets", { path: "photo" }, []), "");
  assert.deepEqual([acceptOf("document"), usualVisibility("pet_photo"), usualVisibility("business_logo"), usualVisibility("document")], [null, "private", "public", "private"]);
  assert.deepEqual(["image/png", "application/pdf", "video/mp4", "application/zip", undefined].map(fileKind), ["picture", "document", "film", "other", "other"]);
  assert.deepEqual(["image/svg+xml", "application/pdf", "audio/x-wav"].map(typeWords), ["SVG", "PDF", "WAV"]);
  assert.deepEqual([thumbOf("/uploads/1/a.png", 80), thumbOf("/uploads/1/a.png?signature=x", 80)], ["/uploads/1/a.png?thumb=80x80", "/uploads/1/a.png?signature=x&thumb=80x80"]);
  assert.deepEqual([moved(["a", "b", "c"], 0, 1), moved(["a", "b", "c"], 2, -2), moved(["a", "b"], 1, 5)], [["b", "a", "c"], ["c", "a", "b"], ["a", "b"]]);
});
