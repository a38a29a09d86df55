// Lists that somebody wants to see again: filters, sort, words and columns under a name.

import { html, useState } from "../vendor/preact.js";
import { asProblem, get, post, recordPath, remove } from "../api.js";
import { ofView, toQuery, toView } from "../model/list-query.js";
import { account, canWrite } from "../session.js";
import { useResource } from "../resource.js";
import { FormField } from "./form-field.js";
import { Icon } from "./icon.js";
import { Panel } from "./menu.js";
import { toast, toastProblem } from "./toast.js";

/** @typedef {{ id: string, user: string, table: string, name: string, query: any, is_shared: boolean }} View */

/** The reader's own views of a table and those that others share. @param {string} table @param {AbortSignal} abort @returns {Promise<View[]>} */
async function load(table, abort) {
    const answer = await get("/saved_views", { table, sort: "name", limit: 100 }, abort);
    return answer.items.filter((/** @type {View} */ view) => view.is_shared || view.user === account.peek()?.id);
}

/** @param {{ table: string, list: import("../model/list-query.js").ListQuery, onSaved: () => void }} props */
function SaveForm({ table, list, onSaved }) {
    const [name, setName] = useState("");
    const [isShared, setShared] = useState(false);
    const [errors, setErrors] = useState(/** @type {string[]} */ ([]));
    const save = async (/** @type {Event} */ event) => {
        event.preventDefault();
        try {
            await post("/saved_views", { user: account.value?.id, table, name: name.trim(), query: toView(list), is_shared: isShared });
            toast(`View “${name.trim()}” saved`);
            setName("");
            onSaved();
        } catch (error) {
            const problem = asProblem(error);
            setErrors(problem.errors.length ? problem.errors.map((item) => item.message) : [problem.message]);
        }
    };
    return html`
        <form class="stack-small view-form" onSubmit=${save}>
            <${FormField} label="Save this list as" errors=${errors}>
                ${(/** @type {any} */ input) => html`<input class="input" id=${input.id} value=${name} maxlength="100" required placeholder="Drafts to check" autocomplete="off"
                    aria-describedby=${input.describedBy} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />`}
            <//>
            <label class="check small"><input type="checkbox" checked=${isShared} onChange=${() => setShared(!isShared)} />Offer it to all staff</label>
            <button class="button button-small" disabled=${!name.trim()}>Save view</button>
        </form>`;
}

/** @param {{ view: View, isCurrent: boolean, onApply: () => void, onDrop: () => void }} props */
function ViewRow({ view, isCurrent, onApply, onDrop }) {
    return html`
        <li class="row view-row">
            <button type="button" onClick=${onApply}><${Icon} name=${view.is_shared ? "users" : "bookmark"} />${view.name}${isCurrent ? " ✓" : ""}</button>
            ${view.user === account.value?.id && html`
                <button type="button" class="icon-button icon-button-small" aria-label=${`Remove view ${view.name}`} onClick=${onDrop}><${Icon} name="trash" /></button>`}
        </li>`;
}

/**
 * @param {{ table: string, list: import("../model/list-query.js").ListQuery, onApply: (query: URLSearchParams) => void }} props
 */
export function SavedViews({ table, list, onApply }) {
    const views = useResource((abort) => load(table, abort), [table]);
    const now = toQuery(list).toString();
    const current = views.data?.find((view) => ofView(view.query).toString() === now);
    const drop = async (/** @type {View} */ view) => {
        try {
            await remove(recordPath("saved_views", view.id));
            views.reload();
        } catch (error) {
            toastProblem(error);
        }
    };
    return html`
        <${Panel} label=${current && now ? current.name : "Views"} icon="bookmark" class="button">
            ${(/** @type {() => void} */ close) => html`
                <div class="panel-body panel-narrow">
                    ${views.problem && html`<p class="help">Views cannot be loaded: ${views.problem.message}</p>`}
                    <ul class="menu">
                        <li><button type="button" onClick=${() => { close(); onApply(new URLSearchParams()); }}><${Icon} name="table" />All records${now === "" ? " ✓" : ""}</button></li>
                        ${(views.data ?? []).map((view) => html`
                            <${ViewRow} key=${view.id} view=${view} isCurrent=${view === current} onDrop=${() => drop(view)}
                                onApply=${() => { close(); onApply(ofView(view.query)); }} />`)}
                    </ul>
                    ${canWrite() && now !== "" && html`<${SaveForm} table=${table} list=${list} onSaved=${views.reload} />`}
                    ${now === "" && html`<p class="help">Filter, sort or choose columns, then save the list here.</p>`}
                </div>`}
        <//>`;
}
