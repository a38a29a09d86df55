// A record by its name, with the way to it. People lead to their account.

import { html } from "../vendor/preact.js";
import { useLabel } from "../labels.js";
import { href, recordHref } from "../router.js";
import { tableOf, words } from "../schema.js";

/** @param {{ link: import("../labels.js").Link | null | undefined, hasTable?: boolean }} props `hasTable`: says which table it is in. */
export function RecordLink({ link, hasTable = false }) {
    const label = useLabel(link?.table, link?.id);
    if (!link) return html`<span class="none">–</span>`;
    const title = `${words(link.table)} ${link.id}`;
    const name = tableOf(link.table)
        ? html`<a href=${link.table === "users" ? href(`/users/${link.id}`) : recordHref(link.table, link.id)} title=${title}>${label}</a>`
        : html`<span title=${title}>${label}</span>`;
    return html`${name}${hasTable && html` <span class="muted small">${words(link.table)}</span>`}`;
}
