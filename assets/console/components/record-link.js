// A record by its name, with the way to the screen that shows it best.

import { html } from "../vendor/preact.js";
import { useLabel } from "../labels.js";
import { eventWords, kindWords } from "../model/work.js";
import { href, recordHref } from "../router.js";
import { tableOf, words } from "../schema.js";

/** Screens of their own, by table; other records have the screen of any record. @type {Record<string, string>} */
const SCREENS = {
    users: "users", files: "files", events: "events", jobs: "jobs", mails: "outbox",
    webhook_endpoints: "webhooks", webhook_deliveries: "webhooks/deliveries", inbound_webhooks: "webhooks/received",
};

/** Where a record is looked at, null where it cannot be. @param {import("../labels.js").Link | null | undefined} link */
export function placeOf(link) {
    if (!link || !tableOf(link.table)) return null;
    const screen = SCREENS[link.table];
    return screen ? href(`/${screen}/${encodeURIComponent(link.id)}`) : recordHref(link.table, link.id);
}

/** @param {{ link: import("../labels.js").Link | null | undefined, hasTable?: boolean }} props `hasTable`: says which table it is in. */
export function RecordLink({ link, hasTable = false }) {
    const label = useLabel(link?.table, link?.id);
    if (!link) return html`<span class="none">–</span>`;
    const title = `${words(link.table)} ${link.id}`;
    const place = placeOf(link);
    const said = link.table === "jobs" ? kindWords(label) : link.table === "events" ? eventWords(label) : label;
    const name = place ? html`<a class="record-name" href=${place} title=${title}>${said}</a>` : html`<span title=${title}>${said}</span>`;
    return html`${name}${hasTable && html` <span class="muted small">${words(link.table)}</span>`}`;
}
