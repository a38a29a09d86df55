// The form of a new record. Its address may fill fields: `#/tables/pets/new?owner=…`.

import { html } from "../vendor/preact.js";
import { post } from "../api.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { RecordForm } from "../components/record-form.js";
import { toast } from "../components/toast.js";
import { learn } from "../labels.js";
import { go, href, setLeaveGuard, tableHref } from "../router.js";
import { fieldOf, labelOf, tableOf, words } from "../schema.js";

/** Values of the address, by the fields of the table; only links and text. @param {import("../schema.js").Table} table @param {URLSearchParams} query */
const startOf = (table, query) => Object.fromEntries([...query].filter(([path]) => fieldOf(table, path)));

/** @param {import("../router.js").Place} place */
export default function RecordNew({ params, query }) {
    const table = tableOf(params.table);
    if (!table) return html`<${NotFound} title=${`There is no table ${params.table}`} />`;
    const crumbs = [{ href: href("/tables"), label: "Tables" }, { href: tableHref(table.name), label: words(table.name) }];
    if (!table.is_writable.create) {
        return html`<${NotFound} title="Records of this table are not made here">They come from the program itself, or your account may only read.<//>`;
    }
    const save = async (/** @type {any} */ body) => {
        const record = await post(`/${table.name}`, body);
        learn(table.name, record);
        setLeaveGuard(null);
        toast(`${labelOf(table, record)} created`);
        go(`/tables/${table.name}/${encodeURIComponent(record.id)}`);
    };
    return html`
        <${Page} title=${`New record in ${words(table.name).toLowerCase()}`} lead=${table.description} crumbs=${crumbs}>
            <${RecordForm} table=${table} start=${startOf(table, query)} onSave=${save} cancelHref=${tableHref(table.name)} />
        <//>`;
}
