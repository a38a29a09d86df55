// A word in a coloured pill. The colour only repeats what the word says.

import { html } from "../vendor/preact.js";

/** @type {Record<string, string>} */
const KINDS = {
    active: "good", available: "good", published: "good", confirmed: "good", completed: "good", paid: "good", yes: "good", approved: "good",
    draft: "quiet", inactive: "quiet", archived: "quiet", unknown: "quiet", no: "quiet", discontinued: "quiet", withdrawn: "quiet",
    pending: "warn", submitted: "warn", invited: "warn", reserved: "warn", info_requested: "warn", new: "warn", requested: "warn",
    suspended: "bad", rejected: "bad", deleted: "bad", cancelled: "bad", failed: "bad", disabled: "bad", deceased: "quiet", removed: "bad",
    super_admin: "accent", admin: "accent", owner: "accent",
};

/** @param {{ text: string, kind?: "good" | "warn" | "bad" | "quiet" | "accent" | "plain", title?: string }} props Without `kind` the word decides. */
export function Badge({ text, kind, title }) {
    return html`<span class=${`badge badge-${kind ?? KINDS[text] ?? "plain"}`} title=${title}>${text.replace(/_/g, " ")}</span>`;
}
